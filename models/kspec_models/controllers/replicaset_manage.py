"""Creates or deletes that bring a ReplicaSet to its size, and what a failure of one means.

After manageReplicas and slowStartBatch in pkg/controller/replicaset/replica_set.go at Kubernetes
1.36. Creates start slowly: batches of 1, 2, 4, ... and a batch in which one failed is the last; the
creates that failed and those that were never sent are not expected any more.

Left out: that the requests of a batch run side by side, which adds no order of its own to what lost
and failing requests show.
"""

from __future__ import annotations

from kspec_models.controllers.expectations import ControllerExpectations
from kspec_models.controllers.pods import pod_from_template, slow_start
from kspec_models.controllers.ranking import Ranking, victims
from kspec_models.controllers.replicaset_pods import related_pods
from kspec_models.controllers.replicaset_status import Counted, desired_replicas
from kspec_models.host import View
from kspec_models.objects import ReplicaSet
from kspec_models.requests import (
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    Create,
    Delete,
    Request,
    Response,
)

Batches = tuple[tuple[Request, ...], ...]


def manage(
    expectations: ControllerExpectations,
    replica_set: ReplicaSet,
    counted: Counted,
    burst: int,
    view: View,
) -> tuple[ControllerExpectations, Batches]:
    """The writes that are missing, at most `burst`, and the expectations set for them.

    Deletes carry no uid, as upstream's do not: a pod made anew under the name is deleted as well.
    """
    key, now = replica_set.key, view.now
    surplus = len(counted.active) - desired_replicas(replica_set)
    if surplus == 0:
        return expectations, ()
    count = min(abs(surplus), burst)
    if surplus < 0:
        pod = pod_from_template(replica_set, replica_set.spec.template)
        batches = tuple((Create(pod),) * size for size in slow_start(count))
        return expectations.expect_creations(key, count, now), batches
    related = related_pods(replica_set, view)
    chosen = [pod.key for pod in victims(counted.active, related, count, Ranking(now))]
    requests = tuple(Delete("pods", pod) for pod in chosen)
    return expectations.expect_deletions(key, chosen, now), (requests,)


def unmade(
    expectations: ControllerExpectations, key: str, failed: int, unsent: Batches
) -> ControllerExpectations:
    """Failed and unsent creates cause no event, so nobody else would lower their expectation.

    While its namespace is terminating every create would fail: such a failure is none here, and its
    expectation is left to expire, which stops the controller from trying again at once.
    """
    for _ in range(failed + sum(map(len, unsent))):
        expectations = expectations.creation_observed(key)
    return expectations


def is_error(request: Request, response: Response) -> bool:
    """Whether a failure is to be reported and retried: not for a pod that is gone already."""
    forgiven = NOT_FOUND if isinstance(request, Delete) else NAMESPACE_TERMINATING
    return response.reason != forgiven
