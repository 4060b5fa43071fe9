"""Processes as a whole: how they start, stop, lead and fall silent.

A crash takes memory and requests under way; what was on the node stays. A process whose informers
wait for leadership starts them when it wins its election, and exits when it loses it, as the
controller manager does (cmd/kube-controller-manager/app/controllermanager.go at Kubernetes 1.36).

A Lease without `renewTime` is one that its living holder keeps renewed, so that no heartbeat is a
step. Where the holder falls silent, the Lease is written with that moment as its last renewal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, InformerSlot, ProcessSlots
from kspec_models.objects import Time
from kspec_models.reflector import DOWN, Informer
from kspec_models.requests import Update
from kspec_models.state import BIT, State
from kspec_models.store import Entry

if TYPE_CHECKING:
    from kspec_models.steps import Steps


def start(steps: Steps, t: State, process: ProcessSlots) -> None:
    """The process starts with empty memories; its informers list, unless they wait for a lead."""
    _put_up(steps, t, process, True)
    if not process.starts_late:
        start_informers(steps, t, process)
    for slot in process.hosts.values():
        place = steps.layout.slots[slot]
        assert isinstance(place, HostSlot)
        node = t.slots[place.node_state] if place.node_state >= 0 else None
        steps.put_host(t, slot, place, HostState(place.host.initial(node)))


def start_informers(steps: Steps, t: State, process: ProcessSlots) -> None:
    for slot in process.informers.values():
        if t.slots[slot].status is DOWN:
            place = steps.layout.slots[slot]
            assert isinstance(place, InformerSlot)
            steps.put_informer(t, slot, place, steps.reflector.started())


def stop(steps: Steps, t: State, process: ProcessSlots) -> None:
    """The process dies with all that it remembers; its Leases are renewed no more."""
    _put_up(steps, t, process, False)
    for slot in process.informers.values():
        informer = steps.layout.slots[slot]
        assert isinstance(informer, InformerSlot)
        steps.put_informer(t, slot, informer, Informer())
    for slot in process.hosts.values():
        host = steps.layout.slots[slot]
        assert isinstance(host, HostSlot)
        steps.put_host(t, slot, host, None)
    stamp_leases(steps, t, process)


def _put_up(steps: Steps, t: State, process: ProcessSlots, up: bool) -> None:
    t.put(process.up, up, 1 if up else -1)
    steps.note_idle(t, process.index)
    t.changed |= BIT["environment"]


def leads(t: State, process: ProcessSlots) -> bool:
    """Whether the process believes that it may act: it leads, or there is nothing to win."""
    if process.elector < 0:
        return True
    elector = t.slots[process.elector]
    return elector is not None and elector.memory.is_leading


def follow_election(steps: Steps, t: State, process: ProcessSlots, has_led: bool) -> None:
    """What a process does when its elector has won, or has lost what it had won."""
    if leads(t, process) is has_led:
        return
    if has_led:
        stop(steps, t, process)
        return
    start_informers(steps, t, process)
    steps.note_idle(t, process.index)


def stamp_leases(steps: Steps, t: State, process: ProcessSlots) -> None:
    """The Leases that a process keeps renewed get the moment of its last renewal: now."""
    for entry in t.api.store.bucket("leases").entries():
        if entry.value.spec.renew_time is None and is_held_by(entry, process):
            spec = entry.value.spec.replace(renew_time=Time(t.clock))
            steps.apply(t, process.name, Update(entry.value.replace(spec=spec)))


def is_held_by(entry: Entry, process: ProcessSlots) -> bool:
    """Whether a Lease names the process, one of its runs, or its node as the holder.

    Of a node's processes only its kubelet renews the node's Lease.
    """
    holder: Any = entry.value.spec.holder_identity
    if process.node and process.name == f"kubelet/{process.node}" and holder == process.node:
        return True
    return bool(holder == process.name or holder.startswith(f"{process.name}_"))
