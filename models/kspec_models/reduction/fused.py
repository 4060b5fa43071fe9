"""Granularity `fused`: some silent steps of one process, then an act, as one action.

For exhaustive search of properties over the store and the nodes. Every fused action is a sequence
of actions of granularity `reconcile`, so nothing is reached that the full interleaving does not
reach; that nothing is missed follows from what `moves` says of silent steps, and a test compares
both on small worlds. `step` takes the single actions as well, so that a trace, which lists those,
replays as it stands.

Time advances where everything that is pending has been taken: every process takes its silent steps
first. User operations and compactions need no such flush: a delivery that comes before one of them
is the same as one that comes after it, except while a watch is broken, and then nothing is
delivered.

Refused: liveness, and properties that read what is not in the store or on the nodes.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

from kspec.errors import KspecError, NotEnabled
from kspec.system import Footprint
from kspec.values import MASK, fingerprint_of, mix
from kspec_models import actions
from kspec_models.cluster import Cluster
from kspec_models.components import Components
from kspec_models.environment import Operation
from kspec_models.layout import NodeSlot, ProcessSlots
from kspec_models.reduction.moves import Moves, is_shown
from kspec_models.reduction.parts import Parts
from kspec_models.reduction.plans import Fused, Plan, Reached, joined
from kspec_models.reduction.sleeping import sleeping
from kspec_models.reflector import age
from kspec_models.state import TOPICS, State
from kspec_models.store import NEVER_COMPACTED

HIDDEN: Final = ("deliveries", "requests", "kubelets", "runtimes", "schedulers", "controllers")
"""The topics that a fused step passes over."""

_BETWEEN: Final = "; "
_SHARED: Final = (actions.User, actions.Compact)
_FLUSH_BOUND: Final = 10_000


class FusedCluster(Cluster):
    """A cluster of granularity `fused`."""

    symmetry: Any = None
    """What of the world is interchangeable, where it says so."""

    topics = tuple(f"{topic} (not seen)" if topic in HIDDEN else topic for topic in TOPICS)

    def __init__(
        self,
        components: Components,
        *,
        operations: tuple[Operation, ...] = (),
        faults: dict[str, int] | None = None,
        granularity: str = "fused",
        lists_are_stale: bool = True,
    ) -> None:
        super().__init__(
            components,
            operations=operations,
            faults=faults,
            granularity="reconcile",
            lists_are_stale=lists_are_stale,
        )
        asleep = sleeping(self.layout, super().init().api, operations)
        self.parts = Parts(self.layout, asleep, has_faults=bool(faults))
        self.moves = Moves(self.layout, super().step, self.parts, has_faults=bool(faults))
        self.node_slots = [
            slot
            for slot, place in enumerate(self.layout.slots)
            if isinstance(place, NodeSlot) and place.owner not in asleep
        ]
        informers = (p.informers.values() for p in self.parts.awake)
        self._awake_informers = list(itertools.chain.from_iterable(informers))

    def refusal(self, reads: tuple[str, ...]) -> str:
        """Why a property that reads these topics cannot be judged here; "" where it can be."""
        unseen = [topic for topic in reads if topic in HIDDEN]
        if not unseen and reads:
            return ""
        what = f"topic {unseen[0]}" if unseen else "every topic"
        return f"it reads {what}, of which granularity fused shows not every change"

    # the contract

    def enabled(self, state: State) -> tuple[Any, ...]:
        """The moves of each process, what the environment may do, then time."""
        found: list[Fused] = []
        resting: list[list[tuple[ProcessSlots, Plan]]] = []
        for process in self.parts.awake:
            moves, rests = self.moves.of(state, process)
            for plan in moves:
                before = self.moves.follow(state, process, plan[:-1])
                found.append(self._taken(state, before, plan[-1]))
            resting.append([(process, plan) for plan in rests])
        for action in state.outside:
            if type(action) in _SHARED:
                found.append(self._taken(state, Reached((), state), action))
        if all(resting):
            for combination in itertools.product(*resting):
                found += self._advances(state, combination)
        return tuple(found)

    def _taken(self, origin: State, before: Reached, action: Any) -> Fused:
        """An act, with the deliveries of inert events that become possible after it, so that they
        are made once and not before each of the moves that follow."""
        acted = after = super().step(before.state, action)
        path = (*before.actions, action)
        for process in self.parts.awake:
            more, after = self.moves.settled(after, process)
            path = (*path, *more)
        if after is not acted:
            _show(after, acted)
        return Fused(joined(path), origin, after)

    def step(self, state: State, action: Any) -> State:
        if type(action) is not Fused:
            return super().step(state, action)
        if action.origin is state and action.result is not None:
            return action.result
        for each in action.actions:
            state = super().step(state, each)
        return state

    def sealed(self, t: State) -> State:
        """A draft whose slots and streams were put in place by hand, made a state of its own."""
        t.system = t.owners = t.outside = ()
        t.fingerprint = t.streams_fingerprint = 0
        t.touched = dict.fromkeys(range(len(t.slots)))
        self._seal(t, t)
        return t

    def _advances(
        self, origin: State, to_rest: tuple[tuple[ProcessSlots, Plan], ...]
    ) -> list[Fused]:
        """Time advances after every process has come to rest."""
        state, path = origin, list[Any]()
        for process, plan in to_rest:
            more, state = self.moves.follow(state, process, plan)
            path += more
        for _ in range(_FLUSH_BOUND):
            if not state.system:
                break
            action, before = state.system[0], state
            state = super().step(before, action)
            path.append(action)
            self._check_asleep(action, before, state)
        else:
            raise KspecError(
                f"no rest after {_FLUSH_BOUND:,} actions: granularity fused lets time pass only "
                "where nothing is pending; use granularity reconcile"
            )
        later = [action for action in state.outside if type(action) is actions.Advance]
        return [
            Fused((*path, action), origin, Cluster.step(self, state, action)) for action in later
        ]

    def _check_asleep(self, action: Any, before: State, after: State) -> None:
        """A host that was taken to sleep did something after all: nothing found here counts."""
        shown = any(
            is_shown(before.slots[slot], after.slots[slot])
            for slot in after.touched
            if isinstance(self.layout.slots[slot], NodeSlot)
        )
        if shown or after.answered:
            raise KspecError(f"{actions.encode(action)} was taken to do nothing, and did something")

    # marks

    def fingerprint(self, state: State) -> int:
        """What can still matter of a state, see `parts`."""
        whole = mix(state.api.fingerprint, fingerprint_of((state.clock, state.environment)))
        for process in self.parts.awake:
            whole = mix(whole, self.parts.mark(state, process))
        for slot in self.node_slots:
            whole = mix(whole, state.slots[slot].fingerprint)
        return mix(whole, self.past(state)) & MASK

    def past(self, state: State) -> int:
        """What faults that reach into the past may still bring up."""
        budget, store, whole = state.environment.budget, state.api.store, 0
        if budget.get("stale-list", 0):
            for stream in state.streams:
                whole = mix(whole, stream.recent)
        if store.compacted != NEVER_COMPACTED or budget.get("compaction", 0):
            for slot in self._awake_informers:
                found = age(state.slots[slot].resume, store.revision, store.compacted)
                whole = mix(whole, fingerprint_of(found))
        return whole

    # descriptions

    def expand(self, action: Any) -> tuple[Any, ...]:
        """The actions of granularity `reconcile` that an action stands for."""
        return action.actions if type(action) is Fused else (action,)

    def _last(self, action: Any) -> Any:
        return self.expand(action)[-1]

    def kind_of(self, action: Any) -> str:
        return super().kind_of(self._last(action))

    def fault_class(self, action: Any) -> str:
        return super().fault_class(self._last(action))

    def actor(self, action: Any) -> str:
        return super().actor(self._last(action))

    def footprint(self, action: Any) -> Footprint:
        return super().footprint(self._last(action))

    def fairness(self, action: Any) -> str | None:
        return super().fairness(self._last(action))

    def encode(self, action: Any) -> str:
        return _BETWEEN.join(actions.encode(each) for each in self.expand(action))

    def decode(self, text: str) -> Any:
        found = tuple(actions.decode(part) for part in text.split(_BETWEEN))
        return found[0] if len(found) == 1 else Fused(found)

    def resolve(self, state: State, action: Any) -> Any | None:
        if type(action) is not Fused:
            return super().resolve(state, action)
        after = state
        try:
            for each in action.actions:
                after = super().step(after, each)
        except NotEnabled:
            return None
        return Fused(action.actions, state, after)


def _show(after: State, acted: State) -> None:
    """Let properties see the act in a new state that inert deliveries have led to from it."""
    after.changed |= acted.changed
    after.touched = {**acted.touched, **after.touched}
    after.written, after.sent, after.answered = acted.written, acted.sent, acted.answered
