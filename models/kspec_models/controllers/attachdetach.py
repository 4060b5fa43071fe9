"""Attach/detach controller: volumes are attached where pods need them, and detached safely.

After pkg/controller/volume/attachdetach/{attach_detach_controller.go, reconciler/reconciler.go,
statusupdater/node_status_updater.go} and pkg/volume/util/operationexecutor at Kubernetes 1.36. The
handshake with the kubelet goes through the node's status: before a volume is detached it is taken
from volumesAttached, that is persisted (#27836), and then the node is read live: a volume that is
in volumesInUse there is not detached. The kubelet reports a volume as in use before it looks
whether it is attached, and mounts it only then.

A volume of a node that has not been ready for six minutes is detached by force. What is attached
is what the VolumeAttachments say, so that a restart finds it again.

Left out: the reconciler's loop of 100 ms, since every event that it could act on enqueues the node;
the periodic check that volumes are still attached; events. A detach that is not safe is tried again
when the node's status says that the volume is not in use, not after a backoff.
"""

from __future__ import annotations

from kspec_models.attachment import ATTACHMENTS, attachment, uses_claims
from kspec_models.controllers.attachdetach_pass import (
    ATTACH,
    CHECK,
    DETACH,
    REPORT,
    VERIFY,
    WITHDRAW,
    Held,
    Memory,
    Pass,
    changes,
    held_of,
    holding,
    is_in_use,
    is_over,
    part_of_node,
    part_of_pod,
    reported,
    reporting,
    unique,
)
from kspec_models.controllers.attachdetach_state import MAX_WAIT_FOR_UNMOUNT, Found, found
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.requests import (
    ALREADY_EXISTS,
    NOT_FOUND,
    Create,
    Delete,
    Get,
    Request,
    Response,
)
from kspec_models.volumes import CLAIMS, VOLUMES

_SOURCES = ("pods", "nodes", ATTACHMENTS, CLAIMS, VOLUMES)


class AttachDetachController:
    """Keys are names of nodes."""

    name = "attachdetach"
    watches = tuple(map(Watch, _SOURCES))
    hands_over_volumes = True
    """Kubelets take part: each node runs a volume manager."""

    def initial(self) -> Memory:
        return ()

    def relative(self, memory: Memory, now: int) -> Memory:
        return tuple(held._replace(since=held.since - now) for held in memory)

    def concerns(self, event: Notification) -> bool:
        """Whether volumes may have to come or go."""
        objects = [e.value for e in (event.old, event.new) if e is not None]
        if event.resource == "pods":
            return any(map(uses_claims, objects)) and changes(objects, part_of_pod)
        if event.resource == "nodes":
            return changes(objects, part_of_node)
        return True

    def handle(
        self, memory: Memory, event: Notification, view: View
    ) -> tuple[Memory, tuple[str, ...]]:
        """Enqueue the nodes that the event may be about."""
        objects = [e.value for e in (event.old, event.new) if e is not None]
        if not self.concerns(event):
            return memory, ()
        if event.resource == "nodes":
            return memory, (event.key,)
        if event.resource == "pods":
            return memory, unique(obj.spec.node_name for obj in objects)
        if event.resource == ATTACHMENTS and event.new is not None:
            return memory, unique(obj.spec.node_name for obj in objects)
        users = (e.value for e in view.caches["pods"].entries() if uses_claims(e.value))
        nodes = [pod.spec.node_name for pod in users]
        if event.resource == ATTACHMENTS:
            nodes += [obj.spec.node_name for obj in objects]
        return memory, unique(nodes)

    def reconcile(self, memory: Memory, key: str, view: View) -> Worked:
        """reconcile, for one node: detach, attach, report."""
        now = found(key, view.caches)
        gone = [h for h in memory if h.node == key and is_over(h, now)]
        memory = tuple(h for h in memory if h not in gone)
        return self._go_on(memory, Pass(DETACH, key), now, view.now)

    def _go_on(self, memory: Memory, progress: Pass, now: Found, clock: int) -> Worked:
        """The next volume that can be detached, then those to attach, then the report."""
        for volume in now.to_detach():
            if volume in progress.tried:
                continue
            held = held_of(memory, progress.node, volume) or Held(progress.node, volume, clock)
            if held.uid and not held.is_uncertain:
                continue
            memory = holding(memory, held)
            is_late = clock - held.since > MAX_WAIT_FOR_UNMOUNT
            forced = (is_late and now.may_be_forced) or now.is_out_of_service
            if volume in now.in_use and not forced:
                continue
            verify = not (is_late or now.is_out_of_service)
            obj = now.attachments[volume].value
            progress = progress._replace(volume=volume, attachment=obj.name, uid=obj.uid)
            progress = progress._replace(verify=verify)
            return self.detach(holding(memory, held._replace(is_withdrawn=True)), progress, now)
        return self._check(memory, progress, now, clock)

    def detach(self, memory: Memory, progress: Pass, now: Found) -> Worked:
        """Take the volume from the node's status first: from then on no kubelet mounts it."""
        return self._withdraw(memory, progress, now)

    def _withdraw(self, memory: Memory, progress: Pass, now: Found) -> Worked:
        patch = reporting(progress.node, reported(memory, progress.node, now))
        return Worked(memory, (patch,), progress._replace(step=WITHDRAW))

    def verified(self, memory: Memory, progress: Pass) -> Worked:
        """verifyVolumeIsSafeToDetach, by a live read of the node; or the detach at once."""
        if not progress.verify:
            return self._delete(memory, progress)
        return Worked(memory, (Get("nodes", progress.node),), progress._replace(step=VERIFY))

    def _delete(self, memory: Memory, progress: Pass) -> Worked:
        delete = Delete(ATTACHMENTS, progress.attachment)
        return Worked(memory, (delete,), progress._replace(step=DETACH))

    def _check(self, memory: Memory, progress: Pass, now: Found, clock: int) -> Worked:
        """A volume is wanted whose detach may have begun: read its attachment live."""
        for held in memory:
            is_here = held.node == progress.node and held.volume not in progress.tried
            if is_here and held.is_uncertain and held.volume in now.wanted:
                name = now.attachments[held.volume].value.name
                progress = progress._replace(step=CHECK, volume=held.volume, attachment=name)
                return Worked(memory, (Get(ATTACHMENTS, name),), progress)
        return self._attach(memory, progress, now, clock)

    def _checked(self, memory: Memory, progress: Pass, response: Response, view: View) -> Worked:
        held = held_of(memory, progress.node, progress.volume)
        now = found(progress.node, view.caches)
        progress = progress._replace(tried=(*progress.tried, progress.volume))
        if not response.ok and response.reason != NOT_FOUND:
            progress = progress._replace(failed=True)
        elif held is not None and response.entry and not response.entry.value.is_terminating:
            memory = tuple(other for other in memory if other != held)
        elif held is not None:
            memory = holding(memory, held._replace(is_uncertain=False))
        return self._go_on(memory, progress, now, view.now)

    def _attach(self, memory: Memory, progress: Pass, now: Found, clock: int) -> Worked:
        if now.node is None or progress.step in (ATTACH, REPORT):
            return self._report(memory, progress, now, clock)
        creates = tuple(Create(attachment(v, progress.node)) for v in now.to_attach())
        if not creates:
            return self._report(memory, progress, now, clock)
        return Worked(memory, creates, progress._replace(step=ATTACH))

    def _report(self, memory: Memory, progress: Pass, now: Found, clock: int) -> Worked:
        """UpdateNodeStatuses: what is attached, without what is about to be detached."""
        if now.node is not None and progress.step != REPORT:
            volumes = reported(memory, progress.node, now)
            if volumes != tuple(v.name for v in now.node.status.volumes_attached):
                patch = reporting(progress.node, volumes)
                return Worked(memory, (patch,), progress._replace(step=REPORT))
        return Worked(
            memory, (), progress, progress.failed, self._wait(memory, progress, now, clock)
        )

    def _wait(self, memory: Memory, progress: Pass, now: Found, clock: int) -> int | None:
        """When the first volume that is in use on a node that is not healthy may be forced off."""
        if not now.may_be_forced or progress.failed:
            return None
        held = (held_of(memory, progress.node, v) for v in now.to_detach() if v in now.in_use)
        waits = [
            h.since + MAX_WAIT_FOR_UNMOUNT + 1 - clock for h in held if h is not None and not h.uid
        ]
        return min((wait for wait in waits if wait > 0), default=None)

    def answer(
        self, memory: Memory, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Take the step that follows the one that was answered."""
        progress: Pass = call.phase
        is_ok = response.ok or response.reason in (NOT_FOUND, ALREADY_EXISTS)
        if progress.step == CHECK:
            return self._checked(memory, progress, response, view)
        if progress.step in (WITHDRAW, VERIFY, DETACH):
            return self._detaching(memory, progress, response, is_ok, view)
        progress = progress._replace(failed=progress.failed or not is_ok)
        if call.requests:
            return Worked(memory, call.requests, progress)
        return self._report(memory, progress, found(progress.node, view.caches), view.now)

    def _detaching(
        self, memory: Memory, progress: Pass, response: Response, is_ok: bool, view: View
    ) -> Worked:
        """One answer about the volume that is to be detached."""
        if is_ok and progress.step == WITHDRAW:
            return self.verified(memory, progress)
        if is_ok and progress.step == VERIFY and not is_in_use(response, progress.volume):
            return self._delete(memory, progress)
        held = held_of(memory, progress.node, progress.volume)
        if held is not None and progress.step == DETACH:
            asked = held._replace(uid=progress.uid, is_uncertain=not is_ok)
            memory = holding(memory, asked)
        elif held is not None:  # the node may be told again that it is attached
            memory = holding(memory, held._replace(is_withdrawn=False))
        failed = progress.failed or not is_ok
        tried = (*progress.tried, progress.volume)
        now = found(progress.node, view.caches)
        return self._go_on(memory, progress._replace(tried=tried, failed=failed), now, view.now)
