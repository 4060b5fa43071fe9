"""The volume manager of a kubelet: mount what the node's pods use, and say what is in use.

After pkg/kubelet/volumemanager (desired_state_of_world_populator.go, reconciler) and
GenerateVerifyControllerAttachedVolumeFunc of pkg/volume/util/operationexecutor at Kubernetes 1.36,
for volumes that a controller attaches. A volume is reported in the node's status as in use before
the node is read live; where that read shows it as attached it is mounted at once. It stays in use
until no pod has it mounted. A claim that is being deleted is not mounted for another pod.

A volume is unmounted when its pod is gone or all its containers are.

Left out: that the containers of a pod wait for its mounts: nothing here looks at the files of a
container. The mounts that a kubelet finds again after a restart: it begins with none, as after a
reboot. Polling: a volume that is not attached yet is looked for again when the node's status says
that something else is attached, a claim that may not be used yet when it is bound; only containers
of a pod that is gone are looked after every second.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kspec_models.attachment import is_terminated, unique_name, uses_claims
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import PersistentVolumeClaim, Pod, freeze
from kspec_models.requests import NOT_FOUND, Get, Patch, Request, Response
from kspec_models.volumes import CLAIMS, VOLUMES, claim_names, entry_of

CLAIM, VOLUME, REPORT, VERIFY = "claim", "volume", "report", "verify"
KEY: Final = "volumes"


class Use(NamedTuple):
    """A volume that a pod of the node uses."""

    pod: str
    volume: str


class VolumeMemory(NamedTuple):
    """resolved: the pods whose claims are known, with the volumes of each; mounted: those that are.

    reported: what the node's status says is in use, as far as the API server has said so.
    """

    resolved: tuple[tuple[str, tuple[str, ...]], ...] = ()
    mounted: tuple[Use, ...] = ()
    reported: tuple[str, ...] = ()

    def volumes_of(self, uid: str) -> tuple[str, ...] | None:
        return next((volumes for pod, volumes in self.resolved if pod == uid), None)


class Progress(NamedTuple):
    """Where a pass stands. pod, claims: what is being resolved; volumes: what was found of it.

    report: what was sent as in use.
    """

    step: str
    pod: str = ""
    namespace: str = ""
    claims: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    report: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()


class VolumeManager:
    """The part of the kubelet of one node that has to do with attachable volumes."""

    def __init__(self, node_name: str) -> None:
        self.node_name = node_name
        self.name = f"volume-manager/{node_name}"
        self.watches = (Watch("pods", node_name), Watch("nodes", node_name), Watch(CLAIMS))

    def initial(self) -> VolumeMemory:
        return VolumeMemory()

    def concerns(self, event: Notification) -> bool:
        """Pods with claims that come, go or end, what is attached, and claims that are bound."""
        objects = [e.value for e in (event.old, event.new) if e is not None]
        if event.resource == CLAIMS:
            return event.new is not None and _changes(objects, _may_be_used)
        if event.resource == "pods":
            return any(map(uses_claims, objects)) and _changes(objects, _of_pod)
        return _changes(objects, _attached)

    def handle(
        self, memory: VolumeMemory, event: Notification, view: View
    ) -> tuple[VolumeMemory, tuple[str, ...]]:
        return memory, (KEY,) if self.concerns(event) else ()

    def reconcile(self, memory: VolumeMemory, key: str, view: View) -> Worked:
        """Forget pods that are gone, and unmount what is theirs once nothing of them runs."""
        there = {pod.uid for pod in _users(view)}
        memory = memory._replace(
            resolved=tuple(each for each in memory.resolved if each[0] in there),
            mounted=tuple(use for use in memory.mounted if use.pod in there or _runs(use, view)),
        )
        lingers = any(use.pod not in there for use in memory.mounted)
        worked = self._resolve(memory, Progress(CLAIM), view)
        return worked._replace(requeue_after=1) if lingers else worked

    def _resolve(self, memory: VolumeMemory, progress: Progress, view: View) -> Worked:
        """Read the claims of the next pod whose volumes are not known."""
        for pod in _users(view):
            if memory.volumes_of(pod.uid) is None and pod.uid not in progress.unresolved:
                claims = tuple(claim.name for claim in claim_names(pod))
                read = Get(CLAIMS, f"{pod.namespace}/{claims[0]}")
                new = Progress(
                    CLAIM, pod.uid, pod.namespace, claims, unresolved=progress.unresolved
                )
                return Worked(memory, (read,), new)
        return self._report(memory, progress, view)

    def _resolved(
        self, memory: VolumeMemory, progress: Progress, response: Response, view: View
    ) -> Worked:
        """A claim or a volume of a pod was read; a claim that may not be used is left for later."""
        value = response.entry.value if response.entry is not None else None
        if progress.step == CLAIM and value is not None and _may_be_used(value):
            read = Get(VOLUMES, value.spec.volume_name)
            return Worked(memory, (read,), progress._replace(step=VOLUME))
        if progress.step == CLAIM or value is None:
            later = (*progress.unresolved, progress.pod)
            return self._resolve(memory, progress._replace(unresolved=later), view)
        name = unique_name(value)
        volumes = (*progress.volumes, name) if name else progress.volumes
        progress = progress._replace(volumes=volumes, claims=progress.claims[1:], step=CLAIM)
        if progress.claims:
            read = Get(CLAIMS, f"{progress.namespace}/{progress.claims[0]}")
            return Worked(memory, (read,), progress)
        known = tuple(sorted((*memory.resolved, (progress.pod, progress.volumes))))
        return self._resolve(memory._replace(resolved=known), progress, view)

    def _report(self, memory: VolumeMemory, progress: Progress, view: View) -> Worked:
        """Say what is in use: what pods want, and what is mounted still."""
        wanted = {volume for _, volumes in memory.resolved for volume in volumes}
        in_use = tuple(sorted(wanted | {use.volume for use in memory.mounted}))
        entry = entry_of(view.caches, "nodes", self.node_name)
        if entry is None:
            return Worked(memory)
        if in_use == memory.reported and (in_use or not entry.value.status.volumes_in_use):
            return self._verify(memory, progress)
        kept = tuple(volume for volume in memory.reported if volume in in_use)
        body = freeze({"status": {"volumesInUse": list(in_use)}})
        patch = Patch("nodes", self.node_name, body, "status")
        sent = progress._replace(step=REPORT, report=in_use)
        return Worked(memory._replace(reported=kept), (patch,), sent)

    def _verify(self, memory: VolumeMemory, progress: Progress) -> Worked:
        """VerifyControllerAttachedVolume: read the node live, if something waits for its mount."""
        if not any(self.waiting(memory)):
            return Worked(memory)
        read = Get("nodes", self.node_name)
        return Worked(memory, (read,), progress._replace(step=VERIFY))

    def waiting(self, memory: VolumeMemory) -> tuple[Use, ...]:
        """What is to be mounted and may be: reported as in use."""
        uses = (Use(pod, volume) for pod, volumes in memory.resolved for volume in volumes)
        return tuple(u for u in uses if u not in memory.mounted and u.volume in memory.reported)

    def answer(
        self, memory: VolumeMemory, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Take the step that follows the one that was answered."""
        progress: Progress = call.phase
        if not response.ok and response.reason != NOT_FOUND:
            return Worked(memory, failed=True)
        if progress.step in (CLAIM, VOLUME):
            return self._resolved(memory, progress, response, view)
        if progress.step == REPORT:
            return self._verify(memory._replace(reported=progress.report), progress)
        attached = _attached(response.entry.value) if response.entry is not None else ()
        names = {volume.name for volume in attached}
        more = tuple(use for use in self.waiting(memory) if use.volume in names)
        mounted = tuple(sorted((*memory.mounted, *more)))
        return Worked(memory._replace(mounted=mounted))


def _may_be_used(claim: PersistentVolumeClaim) -> bool:
    """Whether the kubelet starts a pod with the claim."""
    return bool(claim.spec.volume_name) and not claim.is_terminating


def _runs(use: Use, view: View) -> bool:
    """Whether a container of the pod runs, whoever knows of the pod."""
    sandbox = view.node.pod(use.pod) if view.node is not None else None
    return sandbox is not None and sandbox.is_live


def _users(view: View) -> tuple[Pod, ...]:
    """The pods of the node that use claims and have not ended."""
    pods = (entry.value for entry in view.caches["pods"].entries())
    return tuple(pod for pod in pods if uses_claims(pod) and not is_terminated(pod))


def _of_pod(pod: Pod) -> Any:
    return pod.uid, is_terminated(pod)


def _attached(node: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = node.status.volumes_attached
    return found


def _changes(objects: list[Any], part: Any) -> bool:
    return len(objects) == 1 or part(objects[0]) != part(objects[1])
