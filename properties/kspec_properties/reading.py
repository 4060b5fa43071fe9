"""How properties read a state: the newest objects, and what each process knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from kspec_models.host import Watch
from kspec_models.layout import HostSlot, InformerSlot, Layout, NodeSlot, ProcessSlots
from kspec_models.objects import Deployment, Node, Pod, ReplicaSet, Service
from kspec_models.reflector import DOWN, Informer
from kspec_models.state import State
from kspec_models.store import Change, Entry, Snapshot


def newest(state: State, resource: str) -> Snapshot:
    """The newest objects of a resource in the store."""
    return state.api.store.bucket(resource)


def values(state: State, resource: str) -> Iterator[Any]:
    """The newest objects of a resource, in the order of their keys."""
    return (entry.value for entry in newest(state, resource).entries())


def pods(state: State) -> Iterator[Pod]:
    return values(state, "pods")


def nodes(state: State) -> Iterator[Node]:
    return values(state, "nodes")


def replica_sets(state: State) -> Iterator[ReplicaSet]:
    return values(state, "replicasets")


def deployments(state: State) -> Iterator[Deployment]:
    return values(state, "deployments")


def services(state: State) -> Iterator[Service]:
    return values(state, "services")


def written(state: State, resource: str) -> Iterator[Change]:
    """The changes of a resource by the last step."""
    prefix = resource + "/"
    return (change for change in state.written if change.key.startswith(prefix))


def fresh(state: State, resource: str) -> Iterator[Any]:
    """The objects of a resource that the last step wrote; all of them in an initial state.

    What liveness is owed for appears by a write, so an antecedent need not look at everything.
    """
    if state.changed == -1:
        yield from values(state, resource)
    for change in written(state, resource):
        if change.entry is not None:
            yield change.entry.value


def on_node(state: State, node: str) -> tuple[Entry, ...]:
    """The pods that are bound to a node."""
    return newest(state, "pods").indexed(f"node/{node}")


def is_up(state: State, process: ProcessSlots) -> bool:
    return bool(state.slots[process.up])


def informers(state: State) -> Iterator[tuple[ProcessSlots, Watch, InformerSlot, Informer]]:
    """The informers of all processes that are up; those of a standby may not have started."""
    for process in state.layout.processes:
        if is_up(state, process):
            for watch, slot in process.informers.items():
                if state.slots[slot].status is not DOWN:
                    yield process, watch, state.layout.slots[slot], state.slots[slot]


def touched_nodes(state: State, prefix: str) -> Iterator[tuple[int, str, Any]]:
    """Slot, node and state of each `runtime/` or `dataplane/` that the last step touched."""
    for slot in state.touched:
        place = state.layout.slots[slot]
        if isinstance(place, NodeSlot) and place.name.startswith(prefix):
            yield slot, place.node, state.slots[slot]


def node_states(state: State, prefix: str) -> Iterator[tuple[NodeSlot, Any]]:
    """The state of every node with that prefix."""
    for slot, place in enumerate(state.layout.slots):
        if isinstance(place, NodeSlot) and place.name.startswith(prefix):
            yield place, state.slots[slot]


_PLACES: WeakKeyDictionary[Layout, dict[str, tuple[tuple[int, HostSlot], ...]]] = (
    WeakKeyDictionary()
)
"""Where the hosts of a layout are, by the prefix that they were asked for."""


def _places(layout: Layout, prefix: str) -> tuple[tuple[int, HostSlot], ...]:
    known = _PLACES.setdefault(layout, {})
    if prefix not in known:
        named = ((s, layout.slots[s]) for n, s in layout.by_host.items() if n.startswith(prefix))
        known[prefix] = tuple((s, place) for s, place in named if isinstance(place, HostSlot))
    return known[prefix]


def hosts(state: State, prefix: str) -> Iterator[tuple[HostSlot, Any]]:
    """Every host whose name starts with `prefix` and that is up, with its memory."""
    for slot, place in _places(state.layout, prefix):
        host = state.slots[slot]
        if host is not None:
            yield place, host.memory
