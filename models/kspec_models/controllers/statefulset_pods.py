"""What a pass does to one pod of a StatefulSet and to its claims.

After processReplica and processCondemned in pkg/controller/statefulset/stateful_set_control.go and
stateful_pod_control.go at Kubernetes 1.36. Each step says whether an ordered pass ends there. A
pod's claims are created before it, each by a request of its own; names that exist are errors, so
that the API server alone keeps an identity unique: the controller has no expectations.

Left out: the checks that follow at once on a pod that was just created (they come with the pass
that its event causes); that a conflict on a pod is tried again at once; events.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec_models.controllers.pods import is_available, is_finished
from kspec_models.controllers.statefulset_identity import (
    claims_of,
    identity_matches,
    is_created,
    is_running_and_ready,
    storage_matches,
    with_identity,
    with_storage,
)
from kspec_models.controllers.statefulset_retention import (
    deletes_when_scaled,
    has_stale_owner,
    is_up_to_date,
    with_owners,
)
from kspec_models.controllers.statefulset_steps import Inputs
from kspec_models.controllers.steps import Steps, WriteFailed, send
from kspec_models.objects import Pod, StatefulSet
from kspec_models.requests import Create, Delete, Response, Update
from kspec_models.store import Entry

CLAIM_IS_LEAVING: Final = "the claim is being deleted"


class Step(NamedTuple):
    """What became of one pod. ends: an ordered pass stops here.

    is_stale: its claim still belongs to an earlier pod, and nothing will tell when it is gone.
    """

    ends: bool
    is_stale: bool = False


def process_replica(inputs: Inputs, replica: Entry, *, monotonic: bool) -> Steps[Step]:
    """processReplica: one wanted pod, recreated if it is over, created if it is missing."""
    pod: Pod = replica.value
    if is_finished(pod):
        if not pod.is_terminating:
            yield from delete_pod(pod)
        return Step(ends=True)
    if not is_created(pod):
        if _is_stale(inputs, pod):
            return Step(ends=True, is_stale=True)
        yield from _create_pod(inputs, pod)
        return Step(ends=True)
    if pod.status.phase == "Pending":
        yield from _create_claims(inputs, pod)
        yield from fix_claims(inputs, pod)
    if monotonic and _is_awaited(inputs, pod):
        return Step(ends=True)
    yield from _conform(inputs, replica)
    return Step(ends=False)


def _is_awaited(inputs: Inputs, pod: Pod) -> bool:
    """Whether its successors wait for the pod: to terminate, to be ready, to be available."""
    if pod.is_terminating or not is_running_and_ready(pod):
        return True
    return not is_available(pod, inputs.value.spec.min_ready_seconds, inputs.now)


def _is_stale(inputs: Inputs, pod: Pod) -> bool:
    """PodClaimIsStale: whether the collector is about to take a claim of the pod."""
    if not deletes_when_scaled(inputs.value):
        return False
    claims = (inputs.volume_claim(claim.name) for claim in claims_of(inputs.value, pod))
    return any(entry is not None and has_stale_owner(entry.value, pod) for entry in claims)


def _create_pod(inputs: Inputs, pod: Pod) -> Steps[None]:
    yield from _create_claims(inputs, pod)
    yield from send(Create(pod))
    yield from fix_claims(inputs, pod)


def _create_claims(inputs: Inputs, pod: Pod) -> Steps[None]:
    """createPersistentVolumeClaims: all that are missing; fails where one could not be made."""
    failure: Response | None = None
    for claim in claims_of(inputs.value, pod):
        found = inputs.volume_claim(claim.name)
        response = Response()
        if found is None:
            response = yield Create(claim)
        elif found.value.is_terminating:
            response = Response(CLAIM_IS_LEAVING)
        if not response.ok and failure is None:
            failure = response
    if failure is not None:
        raise WriteFailed(failure)


def fix_claims(inputs: Inputs, pod: Pod) -> Steps[None]:
    """UpdatePodClaimForRetentionPolicy: give the claims the owners that the policy wants."""
    owner: StatefulSet = inputs.value
    for claim in claims_of(owner, pod):
        found = inputs.volume_claim(claim.name)
        if found is not None and not is_up_to_date(found.value, owner, pod):
            right = with_owners(found.value, owner, pod)
            yield from send(Update(right, found.resource_version))


def _conform(inputs: Inputs, replica: Entry) -> Steps[None]:
    """UpdateStatefulPod: identity, storage and claims as they shall be."""
    owner, pod = inputs.value, replica.value
    wanted = pod
    if not identity_matches(owner, pod):
        wanted = with_identity(owner, wanted)
    if not storage_matches(owner, pod):
        wanted = with_storage(owner, wanted)
        yield from _create_claims(inputs, pod)
    yield from fix_claims(inputs, pod)
    if wanted != pod:
        yield from send(Update(wanted, replica.resource_version))


def process_condemned(
    inputs: Inputs, pod: Pod, first_unavailable: Pod | None, *, monotonic: bool
) -> Steps[Step]:
    """processCondemned: delete a pod that is not wanted any more, in order if ordered."""
    if pod.is_terminating:
        return Step(ends=monotonic)
    is_next = first_unavailable is not None and pod.uid == first_unavailable.uid
    if monotonic and not is_next and _is_awaited(inputs, pod):
        return Step(ends=True)
    yield from delete_pod(pod)
    return Step(ends=True)


def delete_pod(pod: Pod) -> Steps[None]:
    """DeleteStatefulPod, by name alone: what has the name by then is deleted."""
    yield from send(Delete("pods", pod.key))
