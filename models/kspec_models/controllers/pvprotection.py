"""PV protection: a volume that is being deleted goes when it is bound to no claim any more.

After pkg/controller/volume/pvprotection/pv_protection_controller.go at Kubernetes 1.36. Whether a
volume is bound is what its status says, which the volume controller keeps.

Left out: nothing that decides.
"""

from __future__ import annotations

from typing import Final

from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import PersistentVolume
from kspec_models.requests import NOT_FOUND, Request, Response, Update
from kspec_models.volumes import VOLUMES

FINALIZER: Final = "kubernetes.io/pv-protection"


class PVProtectionController:
    """Keys are the names of volumes; there is nothing to remember."""

    name = "pvprotection"
    watches = (Watch(VOLUMES),)

    def initial(self) -> None:
        return None

    def concerns(self, event: Notification) -> bool:
        return event.new is not None and needs_work(event.new.value)

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """Enqueue a volume that needs the finalizer, or to get rid of it."""
        return memory, (event.key,) if self.concerns(event) else ()

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """processPV."""
        entry = view.caches[VOLUMES].get(f"{VOLUMES}/{key}")
        if entry is None or not needs_work(entry.value):
            return Worked(memory)
        volume: PersistentVolume = entry.value
        finalizers = volume.metadata.finalizers
        if not volume.is_terminating:
            finalizers = (*finalizers, FINALIZER)
        elif self.is_used(volume):
            return Worked(memory)
        else:
            finalizers = tuple(f for f in finalizers if f != FINALIZER)
        new = volume.with_metadata(finalizers=finalizers)
        return Worked(memory, (Update(new, entry.resource_version),))

    def is_used(self, volume: PersistentVolume) -> bool:
        """isBeingUsed."""
        return volume.status.phase == "Bound"

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        if response.reason == NOT_FOUND:
            return Worked(memory)
        return stop_on_error(memory, call, response)


def needs_work(volume: PersistentVolume) -> bool:
    """NeedToAddFinalizer or IsDeletionCandidate."""
    return volume.is_terminating == (FINALIZER in volume.metadata.finalizers)
