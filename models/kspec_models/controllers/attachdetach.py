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

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from kspec_models.attachment import ATTACHMENTS, attachment, is_healthy, is_terminated, uses_claims
from kspec_models.controllers.attachdetach_state import MAX_WAIT_FOR_UNMOUNT, Found, found
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Node, Pod, freeze
from kspec_models.requests import (
    ALREADY_EXISTS,
    NOT_FOUND,
    Create,
    Delete,
    Get,
    Patch,
    Request,
    Response,
)
from kspec_models.volumes import CLAIMS, VOLUMES

WITHDRAW, VERIFY, DETACH = "withdraw", "verify", "detach"
CHECK, ATTACH, REPORT = "check", "attach", "report"
_SOURCES = ("pods", "nodes", ATTACHMENTS, CLAIMS, VOLUMES)


class Held(NamedTuple):
    """A volume that is attached to a node and that nobody there wants.

    since: when that was found. is_withdrawn: the node is not to be told that it is attached.
    uid: of the attachment whose deletion was asked for, "" before. is_uncertain: whether that had
    an effect is not known.
    """

    node: str
    volume: str
    since: int
    is_withdrawn: bool = False
    uid: str = ""
    is_uncertain: bool = False


Memory = tuple[Held, ...]


class Pass(NamedTuple):
    """Where a pass over a node stands. volume, attachment, uid: those in hand. tried: those before.

    verify: the detach has to be safe. failed: something must be tried again.
    """

    step: str
    node: str
    volume: str = ""
    attachment: str = ""
    uid: str = ""
    tried: tuple[str, ...] = ()
    verify: bool = True
    failed: bool = False


def _held(memory: Memory, node: str, volume: str) -> Held | None:
    return next((h for h in memory if (h.node, h.volume) == (node, volume)), None)


def _with(memory: Memory, held: Held) -> Memory:
    rest = (h for h in memory if (h.node, h.volume) != (held.node, held.volume))
    return tuple(sorted((*rest, held)))


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
            return any(map(uses_claims, objects)) and _changes(objects, _of_pod)
        if event.resource == "nodes":
            return _changes(objects, _of_node)
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
            return memory, _unique(obj.spec.node_name for obj in objects)
        if event.resource == ATTACHMENTS and event.new is not None:
            return memory, _unique(obj.spec.node_name for obj in objects)
        users = (e.value for e in view.caches["pods"].entries() if uses_claims(e.value))
        nodes = [pod.spec.node_name for pod in users]
        if event.resource == ATTACHMENTS:
            nodes += [obj.spec.node_name for obj in objects]
        return memory, _unique(nodes)

    def reconcile(self, memory: Memory, key: str, view: View) -> Worked:
        """reconcile, for one node: detach, attach, report."""
        now = found(key, view.caches)
        gone = [h for h in memory if h.node == key and _is_over(h, now)]
        memory = tuple(h for h in memory if h not in gone)
        return self._go_on(memory, Pass(DETACH, key), now, view.now)

    def _go_on(self, memory: Memory, progress: Pass, now: Found, clock: int) -> Worked:
        """The next volume that can be detached, then those to attach, then the report."""
        for volume in now.to_detach():
            if volume in progress.tried:
                continue
            held = _held(memory, progress.node, volume) or Held(progress.node, volume, clock)
            if held.uid and not held.is_uncertain:
                continue
            memory = _with(memory, held)
            is_late = clock - held.since > MAX_WAIT_FOR_UNMOUNT
            forced = (is_late and now.may_be_forced) or now.is_out_of_service
            if volume in now.in_use and not forced:
                continue
            verify = not (is_late or now.is_out_of_service)
            obj = now.attachments[volume].value
            progress = progress._replace(volume=volume, attachment=obj.name, uid=obj.uid)
            progress = progress._replace(verify=verify)
            return self.detach(_with(memory, held._replace(is_withdrawn=True)), progress, now)
        return self._check(memory, progress, now, clock)

    def detach(self, memory: Memory, progress: Pass, now: Found) -> Worked:
        """Take the volume from the node's status first: from then on no kubelet mounts it."""
        return self._withdraw(memory, progress, now)

    def _withdraw(self, memory: Memory, progress: Pass, now: Found) -> Worked:
        patch = _reporting(progress.node, _reported(memory, progress.node, now))
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
        held = _held(memory, progress.node, progress.volume)
        now = found(progress.node, view.caches)
        progress = progress._replace(tried=(*progress.tried, progress.volume))
        if not response.ok and response.reason != NOT_FOUND:
            progress = progress._replace(failed=True)
        elif held is not None and response.entry and not response.entry.value.is_terminating:
            memory = tuple(other for other in memory if other != held)
        elif held is not None:
            memory = _with(memory, held._replace(is_uncertain=False))
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
            reported = _reported(memory, progress.node, now)
            if reported != tuple(v.name for v in now.node.status.volumes_attached):
                patch = _reporting(progress.node, reported)
                return Worked(memory, (patch,), progress._replace(step=REPORT))
        return Worked(
            memory, (), progress, progress.failed, self._wait(memory, progress, now, clock)
        )

    def _wait(self, memory: Memory, progress: Pass, now: Found, clock: int) -> int | None:
        """When the first volume that is in use on a node that is not healthy may be forced off."""
        if not now.may_be_forced or progress.failed:
            return None
        held = (_held(memory, progress.node, v) for v in now.to_detach() if v in now.in_use)
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
        if is_ok and progress.step == VERIFY and not _in_use(response, progress.volume):
            return self._delete(memory, progress)
        held = _held(memory, progress.node, progress.volume)
        if held is not None and progress.step == DETACH:
            asked = held._replace(uid=progress.uid, is_uncertain=not is_ok)
            memory = _with(memory, asked)
        elif held is not None:  # the node may be told again that it is attached
            memory = _with(memory, held._replace(is_withdrawn=False))
        failed = progress.failed or not is_ok
        tried = (*progress.tried, progress.volume)
        now = found(progress.node, view.caches)
        return self._go_on(memory, progress._replace(tried=tried, failed=failed), now, view.now)


def _in_use(response: Response, volume: str) -> bool:
    """Whether the node, as it was read live, has the volume in use; a node that is gone has not."""
    return response.entry is not None and volume in response.entry.value.status.volumes_in_use


def _is_over(held: Held, now: Found) -> bool:
    """Whether what was held is detached, or is wanted again before that began."""
    entry = now.attachments.get(held.volume)
    if entry is None or (held.uid and entry.value.uid != held.uid):
        return True
    return not held.uid and held.volume in now.wanted and not entry.value.is_terminating


def _reported(memory: Memory, node: str, now: Found) -> tuple[str, ...]:
    """What the node is told: attached, not being detached, and not about to be."""
    withdrawn = {held.volume for held in memory if held.node == node and held.is_withdrawn}
    return tuple(
        volume
        for volume in now.attached()
        if volume not in withdrawn and not now.attachments[volume].value.is_terminating
    )


def _reporting(node: str, volumes: tuple[str, ...]) -> Patch:
    attached = [{"name": volume, "devicePath": ""} for volume in volumes]
    return Patch("nodes", node, freeze({"status": {"volumesAttached": attached}}), "status")


def _of_pod(pod: Pod) -> Any:
    return pod.uid, pod.spec.node_name, is_terminated(pod)


def _of_node(node: Node) -> Any:
    status = node.status
    return status.volumes_in_use, status.volumes_attached, is_healthy(node), node.spec.taints


def _changes(objects: list[Any], part: Callable[[Any], Any]) -> bool:
    return len(objects) == 1 or part(objects[0]) != part(objects[1])


def _unique(nodes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node for node in nodes if node))
