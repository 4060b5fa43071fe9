"""The cluster: the only place where the components meet, and the engine's contract over them.

`enabled` is kept up to date per slot: a step finds again only the actions of the slots that it
touched, so that its cost follows the change and not the cluster. For a stream it lists the next
event; `step` also takes a Sync or Handle up to a later one, which is the same as one after another
(a shortened trace needs that).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from kspec.errors import NotEnabled
from kspec.system import Footprint
from kspec.values import EMPTY_MAP, FingerprintedMap, mix
from kspec_models import actions
from kspec_models.causes import Causes
from kspec_models.components import Components
from kspec_models.describe import describe_step
from kspec_models.environment import Environment, Operation
from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, InformerSlot, Layout, NodeSlot, ProcessSlots
from kspec_models.recurrence import Recurrences
from kspec_models.reflector import DISCONNECTED, LISTING, REPLACING, WATCHING, Informer
from kspec_models.resolving import resolve_handle, resolve_sync
from kspec_models.serving import is_known
from kspec_models.state import TOPICS, State
from kspec_models.steps import Steps
from kspec_models.synced_start import SyncedStart

_ENDS = (actions.Heal, actions.Resume, actions.Rejoin)
_ONE_PER_KEY = (actions.SyncPod, actions.Progress)


class Cluster:
    """A control plane and its nodes as a system of the engine.

    components: what the control plane is made of, and the objects that it starts with.
    operations: what users will do. faults: budget by fault class. granularity: `request` or
    `reconcile`.
    """

    topics: tuple[str, ...] = TOPICS

    def __init__(
        self,
        components: Components,
        *,
        operations: tuple[Operation, ...] = (),
        faults: dict[str, int] | None = None,
        granularity: str = "request",
        lists_are_stale: bool = True,
    ) -> None:
        self.components = components
        lists_are_stale = lists_are_stale or components.reflector.lists_at_zero
        self.layout: Layout = components.layout()
        self.steps = Steps(
            self.layout,
            components.api_server,
            components.reflector,
            fuse=granularity == "reconcile",
            lists_are_stale=lists_are_stale,
        )
        self.environment = Environment(
            self.layout, self.steps, operations, lists_are_stale=lists_are_stale
        )
        self.budget: FingerprintedMap[str, int] = EMPTY_MAP
        for name in sorted(faults or {}):
            self.budget = self.budget.set(name, (faults or {})[name])
        self._effects = self._effect_table()
        kinds: dict[type, Callable[..., tuple[Any, ...]]] = {
            InformerSlot: self._informer_actions,
            HostSlot: self._host_actions,
            NodeSlot: self._node_actions,
            ProcessSlots: self._process_actions,
        }
        self._finders = [(kinds[type(place)], place) for place in self.layout.slots]
        self._initial: State | None = None
        self._recurrences = Recurrences()

    def _effect_table(self) -> dict[type, Callable[[State, Any], None]]:
        steps, outside = self.steps, self.environment
        return {
            actions.Sync: steps.sync,
            actions.Handle: steps.handle,
            actions.List: steps.list,
            actions.Pop: steps.pop,
            actions.Rewatch: steps.rewatch,
            actions.Reconcile: steps.run,
            actions.Schedule: steps.run,
            actions.SyncPod: steps.run,
            actions.SyncProxyRules: steps.run,
            actions.Renew: steps.run,
            actions.Deliver: steps.deliver,
            actions.Progress: steps.progress,
            actions.Start: outside.start,
            actions.StartOn: outside.start_on,
            actions.Advance: outside.advance,
            actions.User: outside.user,
            actions.Heal: outside.heal,
            actions.Crash: outside.crash,
            actions.StaleList: outside.stale_list,
            actions.Disconnect: outside.disconnect,
            actions.LoseRequest: outside.lose_request,
            actions.LoseAnswer: outside.lose_answer,
            actions.Throttle: outside.throttle,
            actions.Compact: outside.compact,
            actions.LoseNode: outside.lose_node,
            actions.Pause: outside.outages.pause,
            actions.Resume: outside.outages.resume,
            actions.Partition: outside.outages.partition,
            actions.Rejoin: outside.outages.rejoin,
            actions.FailOver: outside.outages.fail_over,
        }

    # the contract

    def init(self) -> State:
        if self._initial is None:
            t = SyncedStart(self.components, self.layout, self.steps).state(self.budget)
            self._seal(t, t)
            t.outside = self.environment.enabled(t, not t.system)
            t.enabled = t.system + t.outside
            t.delivered = ()
            self._initial = t
        return self._initial

    def enabled(self, state: State) -> tuple[Any, ...]:
        return state.enabled

    def step(self, state: State, action: Any) -> State:
        effect = self._effects.get(type(action))
        if effect is None:
            raise NotEnabled(f"{action!r} is no action of a cluster")
        t = state.draft()
        if type(action) in actions.FAULT_CLASSES:
            self.environment.spend(t, action)
        effect(t, action)
        self._seal(t, state)
        return t

    def fingerprint(self, state: State) -> int:
        return state.whole_fingerprint

    def recurrence(self, state: State) -> int:
        """A mark that is equal for states that differ only in names, versions and times.

        Costs as much as the cluster is large: asked for only now and then.
        """
        return mix(self._recurrences.mark(state), self.environment.waits(state))

    def has_endless_input(self, state: State) -> bool:
        """Whether some CronJob goes on making Jobs, so that there is no rest for good."""
        crons = state.api.store.bucket("cronjobs").entries()
        return any(not entry.value.spec.suspend for entry in crons)

    def changes(self, state: State) -> int:
        return state.changed

    def now(self, state: State) -> int:
        """The virtual time, in seconds."""
        return state.clock

    def have_faults_ended(self, state: State) -> bool:
        """No fault is left in the budget and none lasts: that is all that healing takes away."""
        outside = state.environment
        return not (any(outside.budget.values()) or outside.paused or outside.cut)

    def kind_of(self, action: Any) -> str:
        """ "system", "user", "clock" or "fault"."""
        kind = type(action)
        if kind is actions.User:
            return "user"
        if kind is actions.Advance:
            return "clock"
        return "fault" if kind in actions.FAULT_CLASSES or kind in _ENDS else "system"

    def fault_class(self, action: Any) -> str:
        """The fault class that an action draws from the budget, "" if it draws from none."""
        return actions.FAULT_CLASSES.get(type(action), "")

    def actor(self, action: Any) -> str:
        kind = type(action)
        if kind is actions.Sync or kind is actions.Handle:
            return f"{action.actor}/{action.resource}"
        if kind in _ONE_PER_KEY:
            return f"{action.actor}/{action.key}"
        if kind is actions.Deliver:
            place = self.layout.slots[self.layout.by_host[action.actor]]
            alone = isinstance(place, HostSlot) and place.verb is actions.Reconcile
            return str(action.actor) if alone else f"{action.actor}/{action.key}"
        return str(action[0])

    def footprint(self, action: Any) -> Footprint:
        kind = type(action)
        if kind is actions.Sync or kind is actions.List or kind is actions.Pop:
            cache = f"{action.actor}/{action.resource}"
            return Footprint((f"store/{action.resource}",), (cache,))
        if kind is actions.Handle:
            return Footprint((f"{action.actor}/{action.resource}",), (action.actor,))
        if kind is actions.Deliver:
            resource = action.request.split(" ")[1]
            return Footprint((), (action.actor, f"store/{resource}"))
        return Footprint((), (str(action[0]),))

    def fairness(self, action: Any) -> str | None:
        return self.actor(action) if self.kind_of(action) == "system" else None

    def heal(self, state: State) -> Any | None:
        return None if state.environment.is_healed else actions.Heal()

    def encode(self, action: Any) -> str:
        return actions.encode(action)

    def decode(self, text: str) -> Any:
        return actions.decode(text)

    def resolve(self, state: State, action: Any) -> Any | None:
        """Deliveries may span; a request is found by its call; the clock goes where it can go."""
        kind = type(action)
        if kind is actions.Sync:
            return resolve_sync(self.layout, state, action)
        if kind is actions.Handle:
            return resolve_handle(self.layout, state, action)
        enabled = state.enabled
        if action in enabled:
            return action
        if kind is actions.Deliver:
            mine = (a for a in enabled if type(a) is kind and a[:2] == action[:2])
            return next(mine, None)
        if kind is actions.Advance:
            return next((a for a in enabled if type(a) is kind), None)
        if kind is actions.Heal:
            try:
                self.step(state, action)
            except NotEnabled:
                return None
            return action
        return None

    def describe(self, before: State, after: State) -> tuple[str, ...]:
        return describe_step(self.layout, before, after)

    def explainer(self) -> Causes:
        """What `kspec.explain` asks why something went wrong."""
        return Causes(self.layout, self.step)

    # enabledness

    def _seal(self, t: State, before: State) -> None:
        """Find the enabled actions of the touched slots again."""
        system, owners, finders = t.system, t.owners, self._finders
        for slot in t.touched:
            finder, place = finders[slot]
            found = finder(t, slot, place)
            low = bisect_left(owners, slot)
            high = bisect_right(owners, slot, low)
            if found != system[low:high]:
                system = system[:low] + found + system[high:]
                if len(found) != high - low:
                    owners = owners[:low] + (slot,) * len(found) + owners[high:]
        t.system, t.owners = system, owners
        if (
            not system
            or not before.system
            or t.environment is not before.environment
            or t.environment.budget is not EMPTY_MAP
        ):
            t.outside = self.environment.enabled(t, not system)
        t.enabled = system + t.outside

    def _actions_of(self, t: State, slot: int) -> tuple[Any, ...]:
        finder, place = self._finders[slot]
        return finder(t, slot, place)

    def _node_actions(self, t: State, slot: int, place: NodeSlot) -> tuple[Any, ...]:
        keys = place.machine.enabled(t.slots[slot])
        return tuple([place.takes[key] for key in keys]) if keys else ()

    def _process_actions(self, t: State, slot: int, place: ProcessSlots) -> tuple[Any, ...]:
        return self.environment.starts(t, place)

    def _informer_actions(self, t: State, slot: int, place: InformerSlot) -> tuple[Any, ...]:
        informer: Informer = t.slots[slot]
        found: list[Any] = []
        outside = t.environment
        if outside.paused and place.actor in outside.paused:
            return ()
        if informer.status is REPLACING:
            key = informer.remaining[0].partition("/")[2]
            found.append(actions.Pop(place.actor, place.watch.resource, key))
        elif not outside.cut or place.actor not in outside.cut:
            self._receive(t, slot, place, found)
        if informer.behind:
            told = informer.told.items
            for listener, position in informer.behind:
                found.append(place.handles[listener][told[position].identity])
        return tuple(found)

    def _receive(self, t: State, slot: int, place: InformerSlot, found: list[Any]) -> None:
        """What an informer may get from its API server next."""
        informer: Informer = t.slots[slot]
        status, position = informer.status, informer.position
        if status is WATCHING:
            events = t.streams[place.stream].events
            if position < events.length and (
                not self.layout.servers or is_known(self.layout, t, place, position)
            ):
                found.append(place.syncs[events.items[position].identity])
        elif status is LISTING:
            if self.steps.may_list(t, slot, place):
                found.append(actions.List(place.actor, place.watch.resource))
        elif status is DISCONNECTED:
            found.append(actions.Rewatch(place.actor, place.watch.resource))

    def _host_actions(self, t: State, slot: int, place: HostSlot) -> tuple[Any, ...]:
        state: HostState | None = t.slots[slot]
        if state is None or (place.process in t.idle and not self.steps.may_act(t, place)):
            return ()
        found: list[Any] = []
        for key in self.steps.offered(t, place, state):
            found.append(place.takes[key])
        for sending in state.calls:
            found.append(sending.action)
        return tuple(found)
