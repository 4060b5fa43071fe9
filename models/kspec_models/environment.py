"""The environment: faults drawn from a budget, the users' operations, and the clock.

Nothing here is granted fairness. A fault class is enabled while the budget holds some of it; after
`Heal` none is. Time advances to the next deadline, and only when no system action is enabled.

Left out: a request that is still on its way when its sender crashes, and arrives after the sender
has listed again. Here it dies with its process, so that `crash` shows less than a real crash may;
`lost-answer` shows what such a request does. A member of etcd that lags, and a restore from a
backup. What lasts (pause, partition) is in `outages`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from kspec.errors import NotEnabled
from kspec.values import EMPTY_MAP
from kspec_models import actions, processes
from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, Layout, NodeSlot, ProcessSlots
from kspec_models.outages import Outages
from kspec_models.reflector import DISCONNECTED, WATCHING, Informer
from kspec_models.requests import TIMEOUT, TOO_MANY_REQUESTS, Request, Response
from kspec_models.serving import moved, server_of
from kspec_models.state import BIT, State
from kspec_models.steps import Steps
from kspec_models.streams import MAX_BEHIND

_BEHIND = tuple(str(behind) for behind in range(1, MAX_BEHIND + 1))


@attrs.frozen
class Operation:
    """One operation of a user: requests that are applied at once, and a text for traces.

    not_before: the virtual second until which the user waits.
    """

    text: str
    requests: tuple[Request, ...]
    not_before: int = 0


class Environment:
    """The effects and guards of everything outside the system."""

    def __init__(
        self,
        layout: Layout,
        steps: Steps,
        operations: tuple[Operation, ...],
        *,
        lists_are_stale: bool = True,
    ) -> None:
        self.layout, self.steps, self.operations = layout, steps, operations
        self.lists_are_stale = lists_are_stale
        self.timed = [
            (slot, place) for slot, place in enumerate(layout.slots) if isinstance(place, HostSlot)
        ]
        self.crashes = [p for p in layout.processes if (p.hosts or p.informers) and not p.is_server]
        self.outages = Outages(layout, steps, self.crashes)

    # enabledness

    def enabled(self, t: State, is_quiet: bool) -> tuple[Any, ...]:
        """The actions of the environment; `is_quiet` says that no system action is enabled."""
        found: list[Any] = []
        following = self._following(t)
        if following is not None and following.not_before <= t.clock:
            found.append(actions.User(following.text))
        if is_quiet:
            deadline = self._next_deadline(t)
            if deadline is not None:
                found.append(actions.Advance(f"{deadline}s"))
        if t.environment.paused or t.environment.cut:
            found += self.outages.ends(t)
        budget = t.environment.budget
        if budget is not EMPTY_MAP:
            for name, left in budget.sorted_items():
                if left:
                    found += self._FAULTS[name](self, t)
        return tuple(found)

    def _following(self, t: State) -> Operation | None:
        """The operation that the users come to next."""
        index = t.environment.operation
        return self.operations[index] if index < len(self.operations) else None

    def waits(self, t: State) -> int:
        """How many virtual seconds the users wait until their next operation."""
        following = self._following(t)
        return 0 if following is None else max(0, following.not_before - t.clock)

    def _next_deadline(self, t: State) -> int | None:
        first, clock = None, t.clock
        following = self._following(t)
        if following is not None and following.not_before > clock:
            first = following.not_before
        for slot, place in self.timed:
            deadline = self._deadline_of(t, slot, place)
            if deadline is not None and deadline > clock and (first is None or deadline < first):
                first = deadline
        return first

    def _deadline_of(self, t: State, slot: int, place: HostSlot) -> int | None:
        """When time alone lets a host act; None for one that stands still."""
        state: HostState | None = t.slots[slot]
        paused = t.environment.paused
        if state is None or (paused and self.layout.processes[place.process].name in paused):
            return None
        if place.lease and self.steps.is_in_vain(t, place, state):
            return None
        if place.lease:
            entry = t.api.store.get(f"leases/{place.lease}")
            due: int | None = place.host.due(state.memory, entry)  # type: ignore[attr-defined]
            return due
        return state.deadline(place.host)

    def _crashes(self, t: State) -> Iterator[Any]:
        return (actions.Crash(p.name) for p in self.crashes if t.slots[p.up])

    def _disconnects(self, t: State) -> Iterator[Any]:
        for process in self.crashes:
            if process.name in t.environment.paused:
                continue
            for watch, slot in process.informers.items():
                if t.slots[slot].status is WATCHING:
                    yield actions.Disconnect(process.name, watch.resource)

    def _stale_lists(self, t: State) -> Iterator[Any]:
        if not self.lists_are_stale or self.layout.servers:
            return  # where there are several API servers, each lags on its own
        for action in self._ready(t, actions.List):
            _, place = self.steps.informer(action.actor, action.resource)
            events = len(t.streams[place.stream].events)
            for behind in _BEHIND[:events]:
                yield actions.StaleList(action.actor, action.resource, behind)

    def _ready(self, t: State, kind: type) -> Iterator[Any]:
        return (action for action in t.system if type(action) is kind)

    def _about_requests(self, t: State, kind: Any) -> Iterator[Any]:
        return (kind(*action[:3]) for action in self._ready(t, actions.Deliver))

    def _losses(self, t: State) -> Iterator[Any]:
        nodes: dict[str, None] = {}
        for process in self.layout.processes:
            if process.node and t.slots[process.up]:
                nodes[process.node] = None
        return (actions.LoseNode(node) for node in nodes)

    def _compactions(self, t: State) -> Iterator[Any]:
        if t.api.store.revision > t.api.store.compacted:
            yield actions.Compact()

    _FAULTS: dict[str, Any] = {
        "crash": _crashes,
        "stale-list": _stale_lists,
        "disconnect": _disconnects,
        "lost-request": lambda self, t: self._about_requests(t, actions.LoseRequest),
        "lost-answer": lambda self, t: self._about_requests(t, actions.LoseAnswer),
        "throttle": lambda self, t: self._about_requests(t, actions.Throttle),
        "compaction": _compactions,
        "node-loss": _losses,
        "pause": lambda self, t: self.outages.pauses(t),
        "partition": lambda self, t: self.outages.partitions(t),
        "failover": lambda self, t: self.outages.failovers(t),
    }

    # effects

    def spend(self, t: State, action: Any) -> None:
        """Take one fault of the action's class from the budget."""
        name = actions.FAULT_CLASSES[type(action)]
        left = t.environment.budget.get(name, 0)
        if not left:
            raise NotEnabled(actions.encode(action))
        budget = t.environment.budget.set(name, left - 1)
        t.put_outside(t.clock, t.environment._replace(budget=budget))
        t.changed |= BIT["environment"]

    def user(self, t: State, action: actions.User) -> None:
        index = t.environment.operation
        following = self._following(t)
        if (
            following is None
            or following.text != action.operation
            or following.not_before > t.clock
        ):
            raise NotEnabled(actions.encode(action))
        t.put_outside(t.clock, t.environment._replace(operation=index + 1))
        t.changed |= BIT["environment"]
        for request in following.requests:
            self.steps.apply(t, "user", request)

    def advance(self, t: State, action: actions.Advance) -> None:
        deadline = self._next_deadline(t)
        if deadline is None or f"{deadline}s" != action.to or t.system:
            raise NotEnabled(actions.encode(action))
        t.put_outside(deadline, t.environment)
        for slot, place in self.timed:
            due = self._deadline_of(t, slot, place)
            if due is not None and due <= t.clock:
                t.touched[slot] = None
        t.changed |= BIT["environment"]

    def heal(self, t: State, action: actions.Heal) -> None:
        self.outages.heal(t)
        t.put_outside(t.clock, t.environment._replace(budget=EMPTY_MAP, is_healed=True))
        t.changed |= BIT["environment"]

    def crash(self, t: State, action: actions.Crash) -> None:
        process = self._process(action.actor)
        if not t.slots[process.up]:
            raise NotEnabled(actions.encode(action))
        self._stop(t, process)

    def _process(self, name: str) -> ProcessSlots:
        slot = self.layout.by_process.get(name, -1)
        process = self.layout.slots[slot]
        if slot < 0 or not isinstance(process, ProcessSlots):
            raise NotEnabled(f"{name} is no process")
        return process

    def _stop(self, t: State, process: ProcessSlots) -> None:
        processes.stop(self.steps, t, process)
        self.outages.end_pause(t, process)

    def start(self, t: State, action: actions.Start) -> None:
        process = self._process(action.actor)
        if t.slots[process.up]:
            raise NotEnabled(actions.encode(action))
        processes.start(self.steps, t, process)

    def start_on(self, t: State, action: actions.StartOn) -> None:
        """A process starts as a client of another API server."""
        if action not in self.starts(t, self._process(action.actor)):
            raise NotEnabled(actions.encode(action))
        clients = moved(t, action.actor, action.to)
        t.put_outside(t.clock, t.environment._replace(clients=clients))
        self.start(t, actions.Start(action.actor))

    def starts(self, t: State, process: ProcessSlots) -> tuple[Any, ...]:
        """How a process that is down may start."""
        if t.slots[process.up]:
            return ()
        found: tuple[Any, ...] = (actions.Start(process.name),)
        if self.layout.servers:
            now = server_of(self.layout, t, process.name)
            others = [server for server in self.layout.servers if server != now]
            found += tuple(actions.StartOn(process.name, server) for server in others)
        return found

    def lose_node(self, t: State, action: actions.LoseNode) -> None:
        if action.node not in (a.node for a in self._losses(t)):
            raise NotEnabled(actions.encode(action))
        for process in self.layout.processes:
            if process.node == action.node and t.slots[process.up]:
                self._stop(t, process)
        for slot, place in enumerate(self.layout.slots):
            if isinstance(place, NodeSlot) and place.node == action.node:
                lost = t.slots[slot]
                reset = getattr(lost, "rebooted", place.machine.empty)
                self.steps.put_node(t, slot, reset())

    def disconnect(self, t: State, action: actions.Disconnect) -> None:
        slot, place = self.steps.reached(t, action)
        informer: Informer = t.slots[slot]
        if informer.status is not WATCHING:
            raise NotEnabled(actions.encode(action))
        self.steps.put_informer(t, slot, place, self.steps.reflector.disconnected(informer))
        assert t.slots[slot].status is DISCONNECTED

    def stale_list(self, t: State, action: actions.StaleList) -> None:
        if not self.lists_are_stale or self.layout.servers or action.behind not in _BEHIND:
            raise NotEnabled(actions.encode(action))
        self.steps.list(t, actions.List(action.actor, action.resource), int(action.behind))

    def compact(self, t: State, action: actions.Compact) -> None:
        store = t.api.store
        if store.revision <= store.compacted:
            raise NotEnabled(actions.encode(action))
        t.put_api(attrs.evolve(t.api, store=store.compact(store.revision)))

    def lose_request(self, t: State, action: actions.LoseRequest) -> None:
        slot, place, call = self.steps.call_of(t, action)
        told = Response(TIMEOUT, None, "the request was lost")
        self.steps.deliver_call(t, slot, place, call, applied=False, told=told)

    def lose_answer(self, t: State, action: actions.LoseAnswer) -> None:
        slot, place, call = self.steps.call_of(t, action)
        told = Response(TIMEOUT, None, "the answer was lost")
        self.steps.deliver_call(t, slot, place, call, told=told)

    def throttle(self, t: State, action: actions.Throttle) -> None:
        slot, place, call = self.steps.call_of(t, action)
        told = Response(TOO_MANY_REQUESTS, None, "throttled")
        self.steps.deliver_call(t, slot, place, call, applied=False, told=told)
