"""Creates or deletes that bring a ReplicaSet to its size, and what a failure of one means.

After manageReplicas in pkg/controller/replicaset/replica_set.go at Kubernetes 1.36.

Left out: slow start, so after a failed create the others of the pass are still tried, where
upstream gives up after the batch (1, 2, 4, ...) that failed; until then more requests fail at once
than upstream would send, and none that it would not send in a later pass.
"""

from __future__ import annotations

from kspec_models.controllers.expectations import ControllerExpectations
from kspec_models.controllers.pods import pod_from_template
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


def manage(
    expectations: ControllerExpectations,
    replica_set: ReplicaSet,
    counted: Counted,
    burst: int,
    view: View,
) -> tuple[ControllerExpectations, tuple[Request, ...]]:
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
        return expectations.expect_creations(key, count, now), (Create(pod),) * count
    related = related_pods(replica_set, view)
    chosen = [pod.key for pod in victims(counted.active, related, count, Ranking(now))]
    requests = tuple(Delete("pods", pod) for pod in chosen)
    return expectations.expect_deletions(key, chosen, now), requests


def lowered(
    expectations: ControllerExpectations, key: str, request: Request, response: Response
) -> ControllerExpectations:
    """A failed write causes no event, so nobody else would lower its expectation.

    While its namespace is terminating every create would fail: then the expectation is left to
    expire, which stops the controller from trying again at once.
    """
    if isinstance(request, Delete):
        return expectations.deletion_observed(key, request.key)
    if response.reason == NAMESPACE_TERMINATING:
        return expectations
    return expectations.creation_observed(key)


def is_error(request: Request, response: Response) -> bool:
    """Whether a failure is to be reported and retried: not for a pod that is gone already."""
    forgiven = NOT_FOUND if isinstance(request, Delete) else NAMESPACE_TERMINATING
    return response.reason != forgiven
