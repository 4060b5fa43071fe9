"""What claims and volumes promise: nothing in use goes, and what nobody uses goes in the end."""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails, forall
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.objects import ApiObject, PersistentVolumeClaim, Pod, controller_of
from kspec_models.requests import Update
from kspec_models.state import State
from kspec_models.volumes import CLAIMS, VOLUMES, claim_names
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, pods, values, written

_IN_USE = (
    "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"
    "#storage-object-in-use-protection"
)
CLAIM_FINALIZER, VOLUME_FINALIZER = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"
_OVER = ("Succeeded", "Failed")


def _freed(state: State, resource: str, finalizer: str) -> Iterator[ApiObject]:
    """What somebody decided in the last step to take the protection from, as it was read."""
    for sent in state.sent:
        if not isinstance(sent.request, Update) or sent.request.object.resource != resource:
            continue
        obj: ApiObject = sent.request.object
        if obj.is_terminating and finalizer not in obj.metadata.finalizers:
            yield obj


def users(state: State, claim: PersistentVolumeClaim) -> Iterator[Pod]:
    """The bound pods that have not ended and that use the claim."""
    for pod in pods(state):
        if pod.namespace != claim.namespace or not pod.spec.node_name:
            continue
        if pod.status.phase not in _OVER and _names(pod, claim):
            yield pod


def _names(pod: Pod, claim: PersistentVolumeClaim) -> bool:
    owner = controller_of(claim)
    is_own = owner is not None and owner.uid == pod.uid
    is_shut_down = pod.is_terminating and pod.metadata.deletion_grace_period_seconds == 0
    return any(
        name == claim.name and (not ephemeral or (is_own and not is_shut_down))
        for name, ephemeral in claim_names(pod)
    )


@transition(
    reads=("requests",),
    source="https://github.com/kubernetes/kubernetes/issues/76703",
    faults=all_but(),
    companion="a-claim-loses-its-protection",
    mutants=("pvcprotection-trusts-its-cache",),
)
def a_claim_in_use_is_protected(before: State, after: State) -> Verdict:
    """When a claim loses its protection no bound pod that has not ended uses it.

    Judged when it is decided. A pod that is bound later is not started by its kubelet.
    """
    for claim in _freed(after, CLAIMS, CLAIM_FINALIZER):
        assert isinstance(claim, PersistentVolumeClaim)
        user = next(users(after, claim), None)
        if user is not None:
            return fails(f"claim {claim.key} is let go while pod {user.key} uses it", "in-use")
    return HOLDS


def _claims_of_deleted_pods_are_gone(state: State) -> Verdict:
    if "pvcprotection" not in state.layout.by_host:
        return HOLDS
    return forall(
        values(state, CLAIMS),
        lambda claim: (
            not claim.is_terminating
            or claim.metadata.finalizers != (CLAIM_FINALIZER,)
            or any(_is_bound_user(pod, claim) for pod in pods(state))
        ),
        lambda claim: f"claim {claim.key} is still Terminating, and no pod uses it",
    )


def _is_bound_user(pod: Pod, claim: PersistentVolumeClaim) -> bool:
    """Whether the pod, ended or not, holds the claim."""
    return bool(pod.spec.node_name) and pod.namespace == claim.namespace and _names(pod, claim)


unused_claims_go = eventually_stable(
    "unused-claims-go",
    promise="A deleted claim that no pod uses any more is gone in the end.",
    conditions="Once the faults have ended; a pod that has ended but is still there uses it.",
    source="https://github.com/kubernetes/kubernetes/issues/80475",
    then=_claims_of_deleted_pods_are_gone,
    reads=("pods", "objects"),
    faults=all_but(),
    companion="a-claim-loses-its-protection",
    mutants=("pvcprotection-ignores-pods",),
)


@transition(
    reads=("requests",),
    source=_IN_USE,
    faults=all_but(),
    companion="a-volume-loses-its-protection",
    mutants=("pvprotection-ignores-binding",),
)
def a_bound_volume_is_protected(before: State, after: State) -> Verdict:
    """A volume does not lose its protection while its status, as it was read, says it is bound."""
    for volume in _freed(after, VOLUMES, VOLUME_FINALIZER):
        if volume.status.phase == "Bound":  # type: ignore[attr-defined]
            return fails(f"volume {volume.name} is let go while it is bound", "bound")
    return HOLDS


@sometimes(reads=("objects",), source="companion")
def a_claim_loses_its_protection(state: State) -> bool:
    """A claim that was deleted is let go."""
    return any(_is_let_go(state, CLAIMS, CLAIM_FINALIZER))


@sometimes(reads=("objects",), source="companion")
def a_volume_loses_its_protection(state: State) -> bool:
    """A volume that was deleted is let go."""
    return any(_is_let_go(state, VOLUMES, VOLUME_FINALIZER))


def _is_let_go(state: State, resource: str, finalizer: str) -> Iterator[bool]:
    for change in written(state, resource):
        if change.previous is not None and finalizer in change.previous.value.metadata.finalizers:
            now = newest(state, resource).get(change.key)
            yield now is None or finalizer not in now.value.metadata.finalizers


PROPERTIES = (
    a_claim_in_use_is_protected,
    unused_claims_go,
    a_bound_volume_is_protected,
    a_claim_loses_its_protection,
    a_volume_loses_its_protection,
)
