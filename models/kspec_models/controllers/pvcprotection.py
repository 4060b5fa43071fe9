"""PVC protection: a claim that is being deleted goes when no pod uses it any more.

After pkg/controller/volume/pvcprotection/pvc_protection_controller.go at Kubernetes 1.36. A claim
carries the finalizer `kubernetes.io/pvc-protection`. Before it is taken off the controller asks its
cache of pods, and where that shows no user, a live list of the pods (#76703). An update of a pod
whose uid changed joins a deletion and a creation: the claims of both are looked at (#80475).

A pod counts from when it is bound: the kubelet starts no pod whose claim is being deleted.

Left out: the batches by namespace, in which several claims share one live list; each has its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import PersistentVolumeClaim, Pod
from kspec_models.requests import NOT_FOUND, List, Request, Response, Update
from kspec_models.store import Entry
from kspec_models.volumes import CLAIMS, claim_names, is_for_pod

FINALIZER: Final = "kubernetes.io/pvc-protection"
_OVER: Final = ("Succeeded", "Failed")


class PVCProtectionController:
    """Keys are those of claims; there is nothing to remember."""

    name = "pvcprotection"
    watches = (Watch(CLAIMS), Watch("pods"))

    def initial(self) -> None:
        return None

    def concerns(self, event: Notification) -> bool:
        """Claims that need the finalizer or to get rid of it, and pods that let go of claims."""
        if event.resource == CLAIMS:
            return event.new is not None and needs_work(event.new.value)
        return bool(self.released(event))

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """Enqueue the claim, or the claims that the pod may have let go of."""
        if event.resource == CLAIMS:
            return memory, (event.key,) if self.concerns(event) else ()
        return memory, self.released(event)

    def released(self, event: Notification) -> tuple[str, ...]:
        """podAddedDeletedUpdated: the claims that this pod has let go of, or not taken yet."""
        old, new = event.old, event.new
        keys: tuple[str, ...] = ()
        if new is not None and _is_free(new.value):
            keys = _claims_of(new.value)
        if old is not None and (new is None or new.value.uid != old.value.uid):
            keys += _claims_of(old.value)
        return tuple(dict.fromkeys(keys))

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """processPVC."""
        entry = view.caches[CLAIMS].get(f"{CLAIMS}/{key}")
        if entry is None or not needs_work(entry.value):
            return Worked(memory)
        if not entry.value.is_terminating:
            return Worked(memory, (_with(entry, (*entry.value.metadata.finalizers, FINALIZER)),))
        if is_used(entry.value, (e.value for e in view.caches["pods"].entries())):
            return Worked(memory)
        return self.unused_in_cache(entry)

    def unused_in_cache(self, entry: Entry) -> Worked:
        """askAPIServer: no cached pod uses the claim, so list them live."""
        return Worked(None, (List("pods", entry.value.namespace),), entry)

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """The pods were listed, or the finalizer was written."""
        if response.reason == NOT_FOUND:
            return Worked(memory)
        if not response.ok:
            return Worked(memory, failed=True)
        if not isinstance(request, List):
            return Worked(memory)
        entry: Entry = call.phase
        if is_used(entry.value, (e.value for e in response.entries)):
            return Worked(memory)
        return Worked(memory, (without_finalizer(entry),))


def needs_work(claim: PersistentVolumeClaim) -> bool:
    """NeedToAddFinalizer or IsDeletionCandidate."""
    return claim.is_terminating == (FINALIZER in claim.metadata.finalizers)


def _is_free(pod: Pod) -> bool:
    """Whether a pod that is there uses nothing: it has ended, or is not bound."""
    if not pod.spec.node_name or pod.status.phase in _OVER:
        return True
    return pod.is_terminating and all(
        "terminated" in status.state or "waiting" in status.state
        for status in pod.status.container_statuses
    )


def _claims_of(pod: Pod) -> tuple[str, ...]:
    return tuple(f"{pod.namespace}/{claim.name}" for claim in claim_names(pod))


def is_used(claim: PersistentVolumeClaim, pods: Iterable[Pod]) -> bool:
    """podUsesPVC, of any of these pods."""
    return any(_uses(pod, claim) for pod in pods)


def _uses(pod: Pod, claim: PersistentVolumeClaim) -> bool:
    """A bound pod uses its claims; one for it alone only until it is shut down."""
    if not pod.spec.node_name or pod.namespace != claim.namespace:
        return False
    is_shut_down = pod.is_terminating and pod.metadata.deletion_grace_period_seconds == 0
    return any(
        name == claim.name and (not ephemeral or (not is_shut_down and is_for_pod(claim, pod)))
        for name, ephemeral in claim_names(pod)
    )


def without_finalizer(entry: Entry) -> Update:
    """The claim without its protection."""
    return _with(entry, tuple(f for f in entry.value.metadata.finalizers if f != FINALIZER))


def _with(entry: Entry, finalizers: tuple[str, ...]) -> Update:
    return Update(entry.value.with_metadata(finalizers=finalizers), entry.resource_version)
