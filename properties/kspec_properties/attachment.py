"""What attaching promises: nothing is detached under a mount, and volumes follow their pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.attachment import (
    ATTACHMENTS,
    attached_volume,
    attachment,
    is_healthy,
    is_out_of_service,
    is_terminated,
    unique_name,
    volumes_of,
)
from kspec_models.layout import HostSlot
from kspec_models.state import State
from kspec_models.volumes import CLAIMS, VOLUMES
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, pods, values, written

_HANDSHAKE = "https://github.com/kubernetes/kubernetes/issues/27836"
_PREFIX = "volume-manager/"


def _managers(state: State, slots: Any) -> Iterator[tuple[str, Any]]:
    """(node, memory) of each volume manager that is up, of those slots."""
    for slot in slots:
        place = state.layout.slots[slot]
        if isinstance(place, HostSlot) and place.host.name.startswith(_PREFIX):
            host = state.slots[slot]
            if host is not None:
                yield place.host.name.removeprefix(_PREFIX), host.memory.own


def _all_managers(state: State) -> list[int]:
    hosts = state.layout.by_host.items()
    return [slot for name, slot in hosts if name.startswith(_PREFIX)]


def _caches(state: State) -> dict[str, Any]:
    return {resource: newest(state, resource) for resource in (CLAIMS, VOLUMES)}


def _attached(state: State, node: str) -> set[str]:
    """The volumes that are attached to a node and not being detached."""
    caches, found = _caches(state), set()
    for obj in values(state, ATTACHMENTS):
        is_there = obj.status.attached and not obj.is_terminating
        if obj.spec.node_name == node and is_there:
            found.add(attached_volume(obj, caches))
    return found


def _is_being_detached(state: State, volume: str, node: str) -> bool:
    """Whether the detach has begun, or is over; what a world begins with is left as it is."""
    caches = _caches(state)
    for entry in newest(state, VOLUMES).entries():
        if unique_name(entry.value) == volume:
            key = f"{ATTACHMENTS}/{attachment(entry.value, node).name}"
            found = newest(state, ATTACHMENTS).get(key)
            if found is not None and found.value.is_terminating:
                return attached_volume(found.value, caches) == volume
            is_attached = found is not None and found.value.status.attached
            return not is_attached and state.api.incarnations.get(key, 0) > 0
    return False


def _is_trusted(state: State, name: str) -> bool:
    """Whether the node is there and well, so that nothing is detached from it by force."""
    entry = newest(state, "nodes").get(f"nodes/{name}")
    if entry is None:
        return False
    return is_healthy(entry.value) and not is_out_of_service(entry.value)


@transition(
    reads=("kubelets", "objects"),
    source=_HANDSHAKE,
    faults=all_but("stale-list"),
    companion="a-volume-is-mounted",
    mutants=("detach-asks-no-kubelet",),
)
def nothing_is_detached_under_a_mount(before: State, after: State) -> Verdict:
    """What is mounted on a node is attached to it, and is not being detached.

    A node that is not ready, out of service or deleted is exempt: from there volumes are taken by
    force. A restart from a stale list may tell a node again that it has what is being detached.
    """
    slots: Any = after.touched
    if any(True for _ in written(after, ATTACHMENTS)):
        slots = _all_managers(after)
    for node, memory in _managers(after, slots):
        if not memory.mounted or not _is_trusted(after, node):
            continue
        for use in memory.mounted:
            if _is_being_detached(after, use.volume, node):
                text = f"{use.volume} is mounted on {node} for {use.pod} and is detached from there"
                return fails(text, "mounted-and-detached")
    return HOLDS


def _wanted(state: State) -> dict[str, set[str]]:
    """The nodes on which bound pods that have not ended use each volume."""
    caches: dict[str, Any] = _caches(state)
    found: dict[str, set[str]] = {}
    for pod in pods(state):
        node = pod.spec.node_name
        if node and newest(state, "nodes").get(f"nodes/{node}") and not is_terminated(pod):
            for volume in volumes_of(pod, caches):
                found.setdefault(unique_name(volume), set()).add(node)
    return found


def _volumes_are_where_they_are_used(state: State) -> Verdict:
    if "attachdetach" not in state.layout.by_host:
        return HOLDS
    wanted, caches = _wanted(state), _caches(state)
    for obj in values(state, ATTACHMENTS):
        volume, node = attached_volume(obj, caches), obj.spec.node_name
        if node not in wanted.get(volume, ()) and _is_trusted(state, node):
            return fails(f"{volume} is attached to {node}, where no pod uses it", "not-detached")
    for volume, nodes in sorted(wanted.items()):
        if len(nodes) == 1 and volume not in _attached(state, next(iter(nodes))):
            return fails(f"{volume} is not attached where a pod uses it", "not-attached")
    return HOLDS


volumes_follow_their_pods = eventually_stable(
    "volumes-follow-their-pods",
    promise="In the end a volume is attached where a pod uses it, and nowhere else.",
    conditions="Once the faults have ended; of several nodes that want a volume one has it.",
    source="https://kubernetes.io/docs/concepts/storage/volumes/",
    then=_volumes_are_where_they_are_used,
    reads=("pods", "nodes", "objects"),
    faults=all_but(),
    companion="a-volume-is-detached",
    mutants=("detach-waits-for-ever",),
)


@sometimes(reads=("kubelets",), source="companion")
def a_volume_is_mounted(state: State) -> bool:
    """A kubelet has a volume mounted."""
    return any(memory.mounted for _, memory in _managers(state, state.touched))


@sometimes(reads=("objects",), source="companion")
def a_volume_is_detached(state: State) -> bool:
    """A volume that was attached is detached."""
    return any(change.entry is None for change in written(state, ATTACHMENTS))


PROPERTIES = (
    nothing_is_detached_under_a_mount,
    volumes_follow_their_pods,
    a_volume_is_mounted,
    a_volume_is_detached,
)
