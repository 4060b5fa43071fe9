"""Why something went wrong, read off the states: who had not been told what, and what is stuck.

`kspec.explain` asks these questions of a cluster. Nothing is guessed from the names of actions:
what a process had not seen is the difference between its cursor and its stream, and what nobody
will ever do is what no queue, watch, request or deadline leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from kspec_models import actions
from kspec_models.layout import HostSlot, InformerSlot, Layout
from kspec_models.reflector import WATCHING, Informer
from kspec_models.serving import is_known
from kspec_models.state import State
from kspec_models.store import Change
from kspec_models.stuck import Stuck, keys_in, role, stuck

_ACTS: Final = (
    actions.Reconcile,
    actions.Schedule,
    actions.SyncPod,
    actions.SyncProxyRules,
)
_RECEIVES: Final = (actions.Sync, actions.List, actions.Pop, actions.Rewatch)
_MOST: Final = 500
"""Deliveries of one catch-up; a mutant may deliver for ever."""

_MOST_UNSEEN: Final = 40
"""Of one watch: each is a delivery of all before it, and the oldest that matters is looked for."""


def _some(positions: range) -> tuple[int, ...]:
    """The oldest, and the newest, which brings all."""
    return (*positions[: _MOST_UNSEEN - 1], *positions[_MOST_UNSEEN - 1 :][-1:])


class Unseen(NamedTuple):
    """A write that a process had not been told of.

    source: the resource that it watches. write: e.g. "pods default/a@2". seen: what it had of the
    object. actions: the deliveries that bring it this write and all of that watch before it.
    """

    reader: str
    source: str
    write: str
    seen: str
    actions: tuple[Any, ...]


class Causes:
    """The answers of one cluster. Implements `kspec.explain.hook.Explainer`."""

    def __init__(self, layout: Layout, step: Callable[[State, Any], State]) -> None:
        self.layout, self._step = layout, step

    def is_act(self, action: Any) -> bool:
        """Does it decide something from what was delivered before?"""
        return isinstance(action, _ACTS)

    def role(self, action: Any) -> str:
        """Who acts, without the names of a world: "scheduler", "kubelet", "replicaset".

        Watches are alike in every process.
        """
        if isinstance(action, _RECEIVES):
            return "a watch"
        return "user" if isinstance(action, actions.User) else role(str(action[0]))

    def verb(self, action: Any) -> str:
        """What sort of action it is."""
        kind = type(action).__name__
        if isinstance(action, actions.User):
            return f"{kind} {action.operation.split(' ')[0]}"
        return kind

    def writes(self, state: State) -> tuple[tuple[str, str], ...]:
        """What the step that made this state wrote: (e.g. "pods default/a@2", what it did)."""
        return tuple((_name_of(change), _sort_of(change)) for change in state.written)

    # what was not seen

    def unseen(self, state: State, action: Any) -> tuple[tuple[Unseen, ...], ...]:
        """For each watch of the actor's process, the writes that it had not been told of."""
        slot = self.layout.by_host.get(str(action[0]), -1)
        place = self.layout.slots[slot]
        if slot < 0 or not isinstance(place, HostSlot):
            return ()
        found = (self._unseen_of(state, watch) for watch in place.caches.values())
        return tuple(writes for writes in found if writes)

    def _unseen_of(self, state: State, slot: int) -> tuple[Unseen, ...]:
        place = self.layout.slots[slot]
        informer: Informer = state.slots[slot]
        assert isinstance(place, InformerSlot)
        if informer.status is not WATCHING:
            return self._unwatched(state, slot, place, informer)
        found = []
        stream = state.streams[place.stream]
        for position in _some(range(informer.position, stream.events.length)):
            event = stream.events.items[position]
            sync = place.syncs[event.identity]
            if self.layout.servers and not is_known(self.layout, state, place, position):
                break  # its API server has not received this either
            caught = self._caught_up(self._step(state, sync), slot, place, is_handling=True)
            seen = _seen(informer, event.key)
            resource = place.watch.resource
            write = f"{resource} {event.identity}"
            found.append(Unseen(place.actor, resource, write, seen, (sync, *caught)))
        return tuple(found) or self._unhandled(state, slot, place, informer)

    def _unwatched(
        self, state: State, slot: int, place: InformerSlot, informer: Informer
    ) -> tuple[Unseen, ...]:
        """The same for a watch that is broken, or waits for a list: all at once."""
        newest = state.streams[place.stream].snapshot(state.streams[place.stream].events.length)
        keys = dict.fromkeys(e.key for e in (*informer.cache.entries(), *newest.entries()))
        for key in keys:
            old, new = informer.cache.get(key), newest.get(key)
            if old != new:
                version = new.version if new is not None else old.version + 1 if old else 0
                write = f"{place.watch.resource} {key.partition('/')[2]}@{version}"
                caught = self._caught_up(state, slot, place)
                seen = _seen(informer, key)
                return (Unseen(place.actor, place.watch.resource, write, seen, caught),)
        return ()

    def _unhandled(
        self, state: State, slot: int, place: InformerSlot, informer: Informer
    ) -> tuple[Unseen, ...]:
        """What is in the cache already and whose event handlers have not run."""
        if not informer.behind:
            return ()
        told = informer.told.items[informer.told.length - 1]
        write = f"{place.watch.resource} {told.identity}"
        caught = self._caught_up(state, slot, place, is_handling=True)
        seen = "it in its cache, unhandled"
        return (Unseen(place.actor, place.watch.resource, write, seen, caught),)

    def _caught_up(
        self, state: State, slot: int, place: InformerSlot, *, is_handling: bool = False
    ) -> tuple[Any, ...]:
        """The deliveries until this watch has nothing left; only to handlers if `is_handling`."""
        taken: list[Any] = []
        resource = place.watch.resource
        hosts = [name for name, _ in place.listeners]

        def is_its(action: Any) -> bool:
            if isinstance(action, actions.Handle):
                return action.resource == resource and action.actor in hosts
            receives = isinstance(action, _RECEIVES) and not is_handling
            return receives and (action.actor, action.resource) == (place.actor, resource)

        while len(taken) < _MOST:
            action = next((a for a in state.enabled if is_its(a)), None)
            if action is None:
                break
            taken.append(action)
            state = self._step(state, action)
        return tuple(taken)

    # faults

    def fault(self, action: Any, before: State, after: State) -> str:
        """What a fault did, in words."""
        return next(_fault(action, before, after), "it strikes")

    def effect(self, changes: Sequence[str], witness: str) -> str:
        """What a step did: a spec before a status, of what the witness names, in a short line."""
        return min(changes, key=lambda line: _interest(line, witness), default="")

    def subjects(self, state: State, text: str) -> tuple[str, ...]:
        """The objects of the store that a text names, as namespace/name."""
        return keys_in(state, text)

    def stuck(self, state: State, witness: str) -> Stuck:
        """Why nobody is going to do what is owed, in the state where a behaviour ends."""
        return stuck(self.layout, state, witness)


def _interest(line: str, witness: str) -> tuple[bool, bool, bool, bool]:
    subject, _, change = line.partition(": ")
    is_write = " -> " in change or change in ("created", "deleted")
    is_minor = change.startswith(("status", "metadata"))
    is_named = subject.rpartition(" ")[2] in witness
    return (not is_write, is_minor, not is_named, "{" in change)


def _name_of(change: Change) -> str:
    return f"{change.key.partition('/')[0]} {change.identity}"


def _sort_of(change: Change) -> str:
    """What a write does, without the names of a world."""
    resource = change.key.partition("/")[0]
    if change.entry is None:
        return f"a delete of {resource}"
    if change.previous is None:
        return f"a create of {resource}"
    old, new = change.previous.value, change.entry.value
    if resource == "pods" and old.spec.node_name != new.spec.node_name:
        return "a binding"
    return f"an update of {resource}"


def _seen(informer: Informer, key: str) -> str:
    entry = informer.cache.get(key)
    name = key.partition("/")[2]
    return f"{name}@{entry.version}" if entry is not None else f"no {name}"


def _fault(action: Any, before: State, after: State) -> Iterator[str]:
    if isinstance(action, actions.Crash):
        yield f"{action.actor} dies with all that it remembered, and with its requests under way"
    if isinstance(action, actions.Pause):
        yield f"{action.actor} stands still, with all that it believes, while time goes on"
    if isinstance(action, actions.Partition):
        yield f"{action.actor} is cut off from the API servers and works on with what it has"
    if isinstance(action, actions.FailOver):
        yield f"{action.actor} could not renew its lease: it exits, and another may lead"
    if isinstance(action, actions.LoseNode):
        yield f"{action.node} loses power, and with it its containers and rules"
    if isinstance(action, actions.StaleList):
        yield (
            f"{action.actor} is given a list of {action.resource} from {action.behind} "
            "changes ago, and believes it"
        )
    if isinstance(action, actions.Disconnect):
        yield f"the watch of {action.actor} on {action.resource} breaks"
    if isinstance(action, actions.LoseRequest):
        yield f"{action.actor} is told of a timeout; the request was never applied"
    if isinstance(action, actions.LoseAnswer):
        was_applied = any(answered.response.ok for answered in after.answered)
        done = "was applied" if was_applied else "was refused"
        yield f"{action.actor} is told of a timeout; the request {done}"
    if isinstance(action, actions.Throttle):
        yield f"{action.actor} is told to come back later; the request was not applied"
    if isinstance(action, actions.Compact):
        yield "the store forgets its history, so that a watch from the past must list again"
