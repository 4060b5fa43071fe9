"""The status of a DaemonSet: on how many nodes a pod should run, runs, is ready and is new.

After updateDaemonSetStatus and storeDaemonSetStatus in pkg/controller/daemon/daemon_controller.go
at Kubernetes 1.36. Of several pods of a node the oldest counts.

Upstream looks again some time after a pod turned ready, and after minReadySeconds; here a pass asks
to be called when the next ready pod becomes available, which is never later.
"""

from __future__ import annotations

from kspec_models.controllers.daemonset_nodes import fit, has_revision
from kspec_models.controllers.daemonset_pods import ByNode, by_age, daemon_pods
from kspec_models.controllers.daemonset_steps import Now, Pass, Steps
from kspec_models.controllers.pods import is_available, is_ready, next_availability_check
from kspec_models.controllers.steps import WriteFailed
from kspec_models.objects import DaemonSet, DaemonSetStatus, Pod
from kspec_models.requests import Get, Response, Update


def calculate_status(
    given: Pass, revision: str, pods: ByNode, now: int, *, observed: bool
) -> DaemonSetStatus:
    """The status; `observed` says that this pass acted on the newest spec."""
    daemon_set = given.value
    shown: list[Pod] = []
    misscheduled = desired = 0
    for node in given.nodes:
        here = by_age(pods.get(node.name, ()))
        if fit(node, daemon_set).should_run:
            desired += 1
            shown += here[:1]
        else:
            misscheduled += bool(here)
    ready = [pod for pod in shown if is_ready(pod)]
    available = sum(is_available(pod, daemon_set.spec.min_ready_seconds, now) for pod in ready)
    old = daemon_set.status
    return old.replace(
        current_number_scheduled=len(shown),
        number_misscheduled=misscheduled,
        desired_number_scheduled=desired,
        number_ready=len(ready),
        observed_generation=daemon_set.metadata.generation if observed else old.observed_generation,
        updated_number_scheduled=sum(has_revision(pod, revision) for pod in shown),
        number_available=available,
        number_unavailable=desired - available,
    )


def update_status(given: Pass, revision: str, *, observed: bool) -> Steps[int | None]:
    """Write the status if it changed; when to look again for pods that become available."""
    daemon_set = given.value
    pods = yield from daemon_pods(daemon_set)
    now = yield Now()
    status = calculate_status(given, revision, pods, now, observed=observed)
    if status != daemon_set.status:
        yield from _store(given, status)
    everyone = tuple(pod for here in pods.values() for pod in here)
    return next_availability_check(everyone, daemon_set.spec.min_ready_seconds, now)


def _store(given: Pass, status: DaemonSetStatus) -> Steps[None]:
    """Write the status; after a failure once more, over the object as it is stored now."""
    changed = given.value.replace(status=status)
    response: Response = yield Update(changed, given.daemon_set.resource_version, "status")
    if response.ok:
        return
    response = yield Get(given.value.resource, given.value.key)
    if response.ok and response.entry is not None:
        fresh: DaemonSet = response.entry.value
        kept = status.replace(
            collision_count=fresh.status.collision_count, conditions=fresh.status.conditions
        )
        again = fresh.replace(status=kept)
        response = yield Update(again, response.entry.resource_version, "status")
    if not response.ok:
        raise WriteFailed(response)
