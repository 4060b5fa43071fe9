"""What the attach/detach controller remembers, where a pass over a node stands, and what it tells.

After pkg/controller/volume/attachdetach/{cache/actual_state_of_world.go,
statusupdater/node_status_updater.go} at Kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from kspec_models.attachment import is_healthy, is_terminated
from kspec_models.controllers.attachdetach_state import Found
from kspec_models.objects import Node, Pod, freeze
from kspec_models.requests import Patch, Response

WITHDRAW, VERIFY, DETACH = "withdraw", "verify", "detach"
CHECK, ATTACH, REPORT = "check", "attach", "report"


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


def held_of(memory: Memory, node: str, volume: str) -> Held | None:
    return next((h for h in memory if (h.node, h.volume) == (node, volume)), None)


def holding(memory: Memory, held: Held) -> Memory:
    rest = (h for h in memory if (h.node, h.volume) != (held.node, held.volume))
    return tuple(sorted((*rest, held)))


def is_in_use(response: Response, volume: str) -> bool:
    """Whether the node, as it was read live, has the volume in use; a node that is gone has not."""
    return response.entry is not None and volume in response.entry.value.status.volumes_in_use


def is_over(held: Held, now: Found) -> bool:
    """Whether what was held is detached, or is wanted again before that began."""
    entry = now.attachments.get(held.volume)
    if entry is None or (held.uid and entry.value.uid != held.uid):
        return True
    return not held.uid and held.volume in now.wanted and not entry.value.is_terminating


def reported(memory: Memory, node: str, now: Found) -> tuple[str, ...]:
    """What the node is told: attached, not being detached, and not about to be."""
    withdrawn = {held.volume for held in memory if held.node == node and held.is_withdrawn}
    return tuple(
        volume
        for volume in now.attached()
        if volume not in withdrawn and not now.attachments[volume].value.is_terminating
    )


def reporting(node: str, volumes: tuple[str, ...]) -> Patch:
    attached = [{"name": volume, "devicePath": ""} for volume in volumes]
    return Patch("nodes", node, freeze({"status": {"volumesAttached": attached}}), "status")


def part_of_pod(pod: Pod) -> Any:
    return pod.uid, pod.spec.node_name, is_terminated(pod)


def part_of_node(node: Node) -> Any:
    status = node.status
    return status.volumes_in_use, status.volumes_attached, is_healthy(node), node.spec.taints


def changes(objects: list[Any], part: Callable[[Any], Any]) -> bool:
    return len(objects) == 1 or part(objects[0]) != part(objects[1])


def unique(nodes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node for node in nodes if node))
