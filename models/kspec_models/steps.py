"""The effects of the system's own actions on a draft of the next state.

Every function takes a draft that only it holds, checks its guard (raising NotEnabled) and changes
the draft. Which hosts exist and what they do is none of its business.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from kspec.errors import NotEnabled
from kspec_models import actions, processes
from kspec_models.apiserver.server import Reply
from kspec_models.host import Call, Outcome, key_of
from kspec_models.host_state import HostState, Sending
from kspec_models.informing import Informing
from kspec_models.layout import HostSlot, NodeSlot
from kspec_models.requests import TIMEOUT, Request, Response
from kspec_models.serving import as_seen
from kspec_models.state import BIT, Answered, Sent, State
from kspec_models.streams import concerned

_REQUESTS: Final = BIT["requests"]
_OBJECTS: Final = BIT["objects"]
_CUT_OFF: Final = Response(TIMEOUT, None, "the sender is cut off")


def _polled(t: State, place: HostSlot, host: HostState) -> tuple[str, ...]:
    entry = t.api.store.get(f"leases/{place.lease}")
    found: tuple[str, ...] = place.host.polled(host.memory, entry, t.clock)  # type: ignore[attr-defined]
    return found


class Steps(Informing):
    """The effects of everything that the system does."""

    # hosts

    def offered(self, t: State, place: HostSlot, host: HostState) -> tuple[str, ...]:
        """The keys that a host can take, with each of its choices where it makes them explicit."""
        if place.lease:
            return () if self.is_in_vain(t, place, host) else _polled(t, place, host)
        keys = place.host.enabled(host.memory, t.clock)
        if not place.has_choices or not keys:
            return keys
        choices, view = place.host.choices, self.view(t, place)  # type: ignore[attr-defined]
        return tuple(choice for key in keys for choice in choices(host.memory, key, view))

    def is_in_vain(self, t: State, place: HostSlot, host: HostState) -> bool:
        """Whether a look at a Lease can only time out and then be made again: nobody waits for it
        but a leader, who gives up in the end."""
        if not t.environment.cut or getattr(host.memory, "is_leading", False):
            return False
        return self.layout.processes[place.process].name in t.environment.cut

    def run(self, t: State, action: Any) -> None:
        """A host takes a key."""
        slot, place = self.host(action)
        if place.verb is not type(action) or not self.may_act(t, place):
            raise NotEnabled(actions.encode(action))
        host: HostState = t.slots[slot]
        if action.key not in self.offered(t, place, host):
            raise NotEnabled(actions.encode(action))
        outcome = place.host.run(host.memory, action.key, self.view(t, place))
        self._note_sent(t, place, outcome)
        key = key_of(action.key) if place.has_choices else action.key
        self._settle(t, slot, place, key, outcome, host.calls)
        while self.fuse and t.slots[slot] is not None and t.slots[slot].calls:
            self.deliver_call(t, slot, place, t.slots[slot].calls[-1])

    def _note_sent(self, t: State, place: HostSlot, outcome: Outcome) -> None:
        if outcome.requests:
            process, name = self.layout.processes[place.process].name, place.host.name
            t.sent += tuple([Sent(process, name, request) for request in outcome.requests])
            t.changed |= _REQUESTS

    def _settle(
        self, t: State, slot: int, place: HostSlot, key: str, outcome: Outcome, calls: Any
    ) -> None:
        """What a host did becomes its state; `calls` are its other calls in flight."""
        if outcome.requests:
            call = Call(key, outcome.requests, outcome.phase, outcome.failed)
            calls = (*calls, Sending(place.host.name, call))
        if outcome.node is not None and outcome.node is not t.slots[place.node_state]:
            self.put_node(t, place.node_state, outcome.node)
        host: HostState = t.slots[slot]
        if outcome.memory is not host.memory:
            self.put_host(t, slot, place, HostState(outcome.memory, calls))
        elif calls is not host.calls:
            self.put_host(t, slot, place, host.calling(calls))
        process = self.layout.processes[place.process]
        if process.elector == slot:
            processes.follow_election(self, t, process, host.memory.is_leading)

    # requests

    def deliver(self, t: State, action: actions.Deliver) -> None:
        slot, place, call = self.call_of(t, action)
        self.deliver_call(t, slot, place, call)

    def call_of(self, t: State, action: Any) -> tuple[int, HostSlot, Sending]:
        """The call that an action about a request names; raises NotEnabled if there is none."""
        slot, place = self.host(action)
        self.going(t, self.layout.processes[place.process].name)
        host, named = t.slots[slot], action[:3]  # Deliver, and each fault, names it alike
        if host is not None:
            for sending in host.calls:
                if sending.action[:3] == named:
                    return slot, place, sending
        raise NotEnabled(actions.encode(action))

    def deliver_call(
        self,
        t: State,
        slot: int,
        place: HostSlot,
        sending: Sending,
        *,
        applied: bool = True,
        told: Response | None = None,
    ) -> None:
        """Apply the first request of a call, unless it is lost, and answer it (with `told`)."""
        call = sending.call
        request = call.requests[0]
        response, process = told, self.layout.processes[place.process].name
        if process in t.environment.cut:
            applied, response = False, response or _CUT_OFF
        if applied:
            actual = self.apply(t, place.host.name, request, process)
            response = told or actual
        assert response is not None
        host: HostState = t.slots[slot]
        rest = Call(call.key, call.requests[1:], call.phase, call.failed)
        outcome = place.host.answer(host.memory, rest, request, response, self.view(t, place))
        if outcome.requests != rest.requests:
            self._note_sent(t, place, outcome)
        calls = tuple([c for c in host.calls if c is not sending])
        self._settle(t, slot, place, call.key, outcome, calls)

    def apply(self, t: State, host: str, request: Request, process: str = "") -> Response:
        """The API server of a process applies a request now; the streams that show it grow."""
        given = as_seen(self.layout, t, process) if self.layout.servers else t.api
        reply: Reply = self.api_server.apply(given, request, t.clock)
        if reply.api is not given:
            seen = reply.api.seen
            t.put_api(reply.api if seen is None else attrs.evolve(reply.api, seen=None))
        for change in reply.changes:
            t.wrote(change)
            for slot in self.layout.leases.get(change.key, ()):
                t.touched[slot] = None
            t.changed |= BIT.get(change.key.partition("/")[0], _OBJECTS)
            for watch in concerned(change):
                index = self.layout.stream_index.get(watch)
                if index is not None:
                    self._observe(t, index, change)
        t.answered = (*t.answered, Answered(host, request, reply.response))
        t.changed |= _REQUESTS
        return reply.response

    def _observe(self, t: State, index: int, change: Any) -> None:
        old = t.streams[index]
        new = old.observed(change)
        if new is not old:
            t.put_stream(index, new)
            for watcher in self.layout.watchers[index]:
                t.touched[watcher] = None

    # nodes

    def progress(self, t: State, action: actions.Progress) -> None:
        slot = self.layout.by_host.get(action.actor, -1)
        place = self.layout.slots[slot]
        if not isinstance(place, NodeSlot):
            raise NotEnabled(actions.encode(action))
        if action.key not in place.machine.enabled(t.slots[slot]):
            raise NotEnabled(actions.encode(action))
        state, changed = place.machine.run(t.slots[slot], action.key)
        self.put_node(t, slot, state)
        owner = self.layout.slots[place.owner]
        host = t.slots[place.owner]
        if host is not None and isinstance(owner, HostSlot) and changed:
            memory = owner.host.runtime_changed(host.memory, changed)  # type: ignore[attr-defined]
            self.put_host(t, place.owner, owner, HostState(memory, host.calls))
