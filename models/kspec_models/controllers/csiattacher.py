"""CSI attacher: attach what a VolumeAttachment asks for, and detach when it is deleted.

After pkg/controller/csi_handler.go (syncAttach, syncDetach) of kubernetes-csi/external-attacher
v4, which runs beside every CSI driver. One attacher here answers to every driver. A finalizer keeps
the attachment until the volume is detached, so that from its deletion to its end it is being
detached, which may take as long as it likes.

Left out: failures of the storage, and finalizers of volumes.
"""

from __future__ import annotations

from typing import Final

from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import VolumeAttachment, freeze
from kspec_models.requests import NOT_FOUND, Patch, Request, Response

ATTACHMENTS: Final = "volumeattachments"


def finalizer_of(obj: VolumeAttachment) -> str:
    """What the attacher of its driver puts on an attachment."""
    return "external-attacher/" + obj.spec.attacher.replace(".", "-")


class CSIAttacherController:
    """Keys are the names of attachments; there is nothing to remember."""

    name = "csiattacher"
    watches = (Watch(ATTACHMENTS),)

    def initial(self) -> None:
        return None

    def concerns(self, event: Notification) -> bool:
        return event.new is not None and _needs_work(event.new.value)

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """Enqueue an attachment that is not what it asks for."""
        return memory, (event.key,) if self.concerns(event) else ()

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """Attach, or detach: the storage does either at once, and what is written says so."""
        entry = view.caches[ATTACHMENTS].get(f"{ATTACHMENTS}/{key}")
        if entry is None or not _needs_work(entry.value):
            return Worked(memory)
        obj: VolumeAttachment = entry.value
        finalizer = finalizer_of(obj)
        if obj.is_terminating:
            body = {"metadata": {"$deleteFromPrimitiveList/finalizers": [finalizer]}}
            return Worked(memory, (Patch(ATTACHMENTS, key, freeze(body), uid=obj.uid),))
        mark = {"metadata": {"finalizers": [finalizer]}}
        done = {"status": {"attached": True}}
        requests = (
            Patch(ATTACHMENTS, key, freeze(mark), uid=obj.uid),
            Patch(ATTACHMENTS, key, freeze(done), "status", uid=obj.uid),
        )
        return Worked(memory, requests)

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        if response.reason == NOT_FOUND:
            return Worked(memory)
        if not response.ok:
            return Worked(memory, failed=True)
        return Worked(memory, call.requests)


def _needs_work(obj: VolumeAttachment) -> bool:
    if obj.is_terminating:
        return finalizer_of(obj) in obj.metadata.finalizers
    return not obj.status.attached
