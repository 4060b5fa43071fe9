"""What one process can do next, as far as the store or a node shows it.

A *silent* step is one of a process that the store does not notice and that changes no node as
properties may read it: a delivery, a reconcile without requests, a container that gets on. Silent
steps of one process commute with every step of the others, so they can wait until right before a
step of their own process that is not silent: its *acts*. What a process can do next is therefore:
some silent steps, then an act.

Of two such moves that leave the same store behind, the later one is left out where silent steps
lead from the earlier one's result to the later one's: they can wait as well. What is left is the
least that has to happen before each act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kspec.errors import KspecError
from kspec.values import fingerprint_of, mix
from kspec_models import actions
from kspec_models.layout import HostSlot, InformerSlot, Layout, NodeSlot, ProcessSlots
from kspec_models.reduction.parts import Parts, whole
from kspec_models.reduction.plans import Closure, Found, Next, Path, Plan, Reached
from kspec_models.reflector import WATCHING
from kspec_models.runtime import Runtime
from kspec_models.state import State

_DELIVERIES = (actions.Sync, actions.Handle, actions.Pop, actions.Start)
_READS = (actions.List, actions.StaleList, actions.Rewatch)
_FAULTS = (actions.Crash, actions.Disconnect, actions.StaleList)

_MAX_KNOWN = 200_000

Step = Callable[[State, Any], State]


def is_shown(before: Any, after: Any) -> bool:
    """Whether properties over nodes may tell two states of a node apart.

    They may read of a runtime which sandboxes are up and what they demand (topic "sandboxes"), and
    all of a dataplane.
    """
    if not isinstance(before, Runtime):
        return bool(before.fingerprint != after.fingerprint)
    if before.pods is after.pods:
        return False
    return _sandboxes(before) != _sandboxes(after)


def _sandboxes(runtime: Runtime) -> list[tuple[str, Any]]:
    return [(uid, pod.demand) for uid, pod in runtime.pods.sorted_items() if pod.is_up]


class Moves:
    """Finds the moves of the processes of one world. step: that of the cluster."""

    def __init__(self, layout: Layout, step: Step, parts: Parts, *, has_faults: bool) -> None:
        self.layout, self.step, self.parts, self.has_faults = layout, step, parts, has_faults
        self._known: dict[tuple[int, int, int], Found] = {}
        self._closures: dict[tuple[int, int, int], Closure] = {}
        self._owner: dict[int, int] = {}
        for process in layout.processes:
            for slot in (process.up, *process.informers.values(), *process.hosts.values()):
                self._owner[slot] = process.index
        self._nodes: dict[int, list[int]] = {p.index: [] for p in layout.processes}
        self._informers = [list(self._sources(process)) for process in layout.processes]
        for slot, place in enumerate(layout.slots):
            if isinstance(place, NodeSlot):
                self._owner[slot] = self._owner[place.owner]
                self._nodes[self._owner[slot]].append(slot)

    def _sources(self, process: ProcessSlots) -> Iterator[tuple[int, int, str]]:
        """The slot, the stream and the resource of each informer of a process."""
        for watch, at in process.informers.items():
            place = self.layout.slots[at]
            assert isinstance(place, InformerSlot)
            yield at, place.stream, watch.resource

    def local(self, state: State, process: ProcessSlots) -> int:
        """A fingerprint of a process and of what it owns on its node."""
        whole = self.parts.mark(state, process)
        for slot in self._nodes[process.index]:
            whole = mix(whole, state.slots[slot].fingerprint)
        return whole

    def own(self, state: State, process: ProcessSlots) -> list[Any]:
        """The enabled actions of a process, without those of its hosts that sleep."""
        owner, index, asleep = self._owner, process.index, self.parts.asleep
        return [
            action
            for action, slot in zip(state.system, state.owners, strict=True)
            if owner[slot] == index and slot not in asleep
        ]

    def is_silent(self, action: Any, before: State, after: State) -> bool:
        """Whether neither the store nor a node shows a step of a process."""
        kind = type(action)
        if kind in _DELIVERIES:
            return True
        if kind in _READS or kind in actions.FAULT_CLASSES or after.answered:
            return False
        places = self.layout.slots
        return not any(
            isinstance(places[slot], NodeSlot) and is_shown(before.slots[slot], after.slots[slot])
            for slot in after.touched
        )

    def of(self, state: State, process: ProcessSlots) -> Found:
        """The moves of a process. Without faults they depend on it and on what it may write."""
        if self.has_faults:
            return self._found(state, process)
        shared = mix(self.parts.reach(state, process), self._outside(state))
        key = (process.index, self.local(state, process), shared)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[key] = self._found(state, process)
        return known

    def follow(self, state: State, process: ProcessSlots, plan: Plan) -> Reached:
        """The actions of a plan of a process in this state, and where they lead."""
        path, state = self.settled(state, process)
        for each in plan:
            action = self._next(state, process, each) if type(each) is Next else each
            more, state = self.settled(self.step(state, action), process)
            path = (*path, action, *more)
        return Reached(path, state)

    def _next(self, state: State, process: ProcessSlots, which: Next) -> actions.Sync:
        slot = self.layout.by_informer[process.name, which.resource]
        place, informer = self.layout.slots[slot], state.slots[slot]
        assert isinstance(place, InformerSlot)
        event = state.streams[place.stream].events[informer.position]
        return actions.Sync(process.name, which.resource, event.identity)

    def _found(self, state: State, process: ProcessSlots) -> Found:
        closure = self._closure(state, process)
        found: dict[tuple[int, int], tuple[Plan, State]] = {}
        for plan, acts in closure.reached:
            if not acts and not self.has_faults:
                continue
            reached = self.follow(state, process, plan).state
            for action in (*acts, *self._faults(reached, process)):
                after = self.step(reached, action)
                key = (self._shared(after), self.local(after, process))
                found.setdefault(key, ((*plan, action), after))
        return Found(self._least(found, process), closure.resting)

    def _shared(self, state: State) -> int:
        """A fingerprint of what the processes share."""
        return mix(state.api.fingerprint, self._outside(state))

    def _outside(self, state: State) -> int:
        outside = fingerprint_of((state.clock, state.environment))
        return mix(outside, max(0, state.api.store.compacted))

    def _faults(self, state: State, process: ProcessSlots) -> Iterable[Any]:
        for action in state.outside:
            kind = type(action)
            node = f"kubelet/{action.node}" if kind is actions.LoseNode else ""
            if node == process.name or (kind in _FAULTS and action.actor == process.name):
                yield action

    def _closure(self, state: State, process: ProcessSlots) -> Closure:
        """Where silent steps lead to. Without faults it depends on the process alone."""
        key = (process.index, self.local(state, process), state.clock)
        known = self._closures.get(key)
        if known is None or self.has_faults:
            if len(self._closures) >= _MAX_KNOWN:
                self._closures.clear()
            known = self._closures[key] = self._closed(state, process)
        return known

    def _closed(self, state: State, process: ProcessSlots) -> Closure:
        first = Reached((), self.settled(state, process).state)
        seen, waiting = {self.local(first.state, process)}, [first]
        found: list[tuple[Plan, Path]] = []
        resting: list[Plan] = []
        for plan, reached in waiting:
            own, acts = self.own(reached, process), []
            for action in own:
                after = self.step(reached, action)
                if not self.is_silent(action, reached, after):
                    acts.append(action)
                    continue
                after = self.settled(after, process).state
                mark = self.local(after, process)
                if mark not in seen:
                    seen.add(mark)
                    each = Next(action.resource) if type(action) is actions.Sync else action
                    waiting.append(Reached((*plan, each), after))
            found.append((plan, tuple(acts)))
            if not own:
                resting.append(plan)
        return Closure(tuple(found), tuple(resting), frozenset(seen))

    def settled(self, state: State, process: ProcessSlots) -> Reached:
        """After the deliveries of inert events that are next."""
        path: Path = ()
        while (action := self._inert(state, process)) is not None:
            after = self.step(state, action)
            for slot in process.hosts.values():
                if after.slots[slot].fingerprint != state.slots[slot].fingerprint:
                    raise KspecError(f"{actions.encode(action)} is not inert for {process.name}")
            path, state = (*path, action), after
        return Reached(path, state)

    def _inert(self, state: State, process: ProcessSlots) -> Any | None:
        """The delivery of the inert events that are next, if there are any."""
        reader = self.parts.readers[process.index]
        slots, streams = state.slots, state.streams
        if reader is whole or not slots[process.up]:
            return None
        for at, stream, resource in self._informers[process.index]:
            informer, events = slots[at], streams[stream].events
            position = informer.position
            if position >= events.length or informer.status is not WATCHING:
                continue
            (slot,) = process.hosts.values()
            place, memory = self.layout.slots[slot], slots[slot].memory
            assert isinstance(place, HostSlot)
            last = None
            for event in events.items[position : events.length]:
                if not self.parts.is_inert(reader, place.host, memory, event.old, event.new):
                    break
                last = event
            if last is not None:
                return actions.Sync(process.name, resource, last.identity)
        return None

    def _least(
        self, found: dict[tuple[int, int], tuple[Plan, State]], process: ProcessSlots
    ) -> tuple[Plan, ...]:
        """The moves that are not another one with silent steps after it."""
        groups: dict[int, dict[int, tuple[Plan, State]]] = {}
        for (shared, local), move in found.items():
            groups.setdefault(shared, {})[local] = move
        kept: list[Plan] = []
        for moves in groups.values():
            later: set[int] = set()
            for local, (_, result) in moves.items():
                if local not in later and len(moves) > 1:
                    later |= self._closure(result, process).marks - {local}
            kept += [plan for local, (plan, _) in moves.items() if local not in later]
        return tuple(kept)
