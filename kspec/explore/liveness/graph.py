"""The graph of a search, kept for liveness: edges with their fairness, states with their truths.

A search tells it each distinct state once, when it is expanded, and each transition. An edge takes
14 bytes or a few more, a state 29; sets of enabled classes are shared. What a property says is
asked again only after a step that changed something that it reads. An antecedent is asked of every
step, because it may look at what the step did, which is no part of the state.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kspec.errors import InputError
from kspec.explore.liveness.fairness import FAULT, Classes, has_nothing_to_heal
from kspec.explore.monitor import Monitor
from kspec.explore.runner import is_quiescent
from kspec.property import LIVENESS, Kind, Property
from kspec.system import AnySystem

EXPANDED, CALM, QUIESCENT, WHOLE = 1, 2, 4, 8
"""What is known of a state: it was expanded; the faults have ended, so that liveness is owed;
only faults are enabled; all its edges are known."""

MOST_PROPERTIES = 64


class StateGraph:
    """The graph, as an observer of a search. Properties that are no liveness are left out.

    The search must run on `healing(system)`, or it never sees what the end of the faults leads to.
    State 0 is the initial one; the edges of a state come together.
    Raises InputError for a property that cannot be judged in this system.
    """

    def __init__(self, system: AnySystem, properties: Iterable[Property]) -> None:
        self.system = system
        self.properties = tuple(p for p in properties if p.kind in LIVENESS)
        if len(self.properties) > MOST_PROPERTIES:
            raise InputError(f"more than {MOST_PROPERTIES} liveness properties at once")
        monitor = Monitor(system, self.properties)
        self.clock_of = monitor.clock_of
        self._reads = [monitor.mask_of(prop) for prop in self.properties]
        self._is_stable = [p.kind is Kind.EVENTUALLY_STABLE for p in self.properties]
        self._have_ended = has_nothing_to_heal(system)
        self.classes = Classes(system)
        self.flags = bytearray()
        self.masks: list[int] = []
        self._mask_numbers: dict[int, int] = {}
        self._allocate()

    def _allocate(self) -> None:
        bits = next(code for code in "BHIQ" if array(code).itemsize * 8 >= len(self.properties))
        self.goals, self.asked, self.dues = array(bits), array(bits), array(bits)
        self.first_edges, self.edge_counts = array("Q"), array("I")
        self.enabled, self.widths = array("I"), array("I")
        self.times = array("q")
        self.targets, self.choices, self.labels = array("I"), array("I"), array("i")
        self.initially_due = 0

    def __len__(self) -> int:
        """How many states are known, expanded or not."""
        return len(self.flags)

    # the observer

    def state(self, index: int, state: Any, enabled: Sequence[Any]) -> None:
        """A distinct state is expanded: these are its actions."""
        if not self.flags:
            self._meet(index, state, 0, -1)
            self.initially_due = self._due(state, -1, self.goals[0])
        mask = self.classes.mask(enabled)
        number = self._mask_numbers.get(mask)
        if number is None:
            number = self._mask_numbers[mask] = len(self.masks)
            self.masks.append(mask)
        self.enabled[index], self.widths[index] = number, len(enabled)
        self.first_edges[index] = len(self.targets)
        flags = self.flags[index] | EXPANDED
        if is_quiescent(self.system, enabled):
            flags |= QUIESCENT
        self.flags[index] = flags if enabled else flags | WHOLE

    def edge(self, source: int, choice: int, target: int, action: Any, after: Any) -> None:
        """A transition: the `choice`-th action of state `source` leads to `target`, which is
        `after`."""
        changed = self.system.changes(after)
        if target >= len(self.flags):
            self._meet(target, after, changed, source)
        label = self.classes.label[action]
        if label == FAULT and source == target and action == self.system.heal(after):
            self._calm(source, after)
        self.targets.append(target)
        self.choices.append(choice)
        self.labels.append(label)
        self.dues.append(self._due(after, changed, self.goals[target]))
        self.edge_counts[source] += 1
        if self.edge_counts[source] == self.widths[source]:
            self.flags[source] |= WHOLE

    def _meet(self, index: int, state: Any, changed: int, source: int) -> None:
        """A state is seen for the first time, by an edge from `source`."""
        if index != len(self.flags):
            raise ValueError(f"state {index} is met where state {len(self.flags)} should be")
        is_calm = self._have_ended(state)
        self.flags.append(CALM if is_calm else 0)
        goals = asked = 0
        for bit, prop in enumerate(self.properties):
            if self._is_stable[bit] and not is_calm:
                continue  # the goal of an eventually-stable is asked for only where it is owed
            asked |= 1 << bit
            if source >= 0 and not changed & self._reads[bit] and self.asked[source] >> bit & 1:
                goals |= self.goals[source] & 1 << bit
            elif prop.predicate(state):
                goals |= 1 << bit
        self.goals.append(goals)
        self.asked.append(asked)
        for column in (self.first_edges, self.edge_counts, self.enabled, self.widths):
            column.append(0)
        if self.clock_of is not None:
            self.times.append(self.clock_of(state))

    def _calm(self, index: int, state: Any) -> None:
        """Healing changes nothing in this state: the faults have ended, and it is owed here too."""
        if not self.flags[index] & CALM:
            self.flags[index] |= CALM
            for bit, prop in enumerate(self.properties):
                if self._is_stable[bit] and prop.predicate(state):
                    self.goals[index] |= 1 << bit
            self.asked[index] = -1 % (1 << len(self.properties))

    def _due(self, state: Any, changed: int, goals: int) -> int:
        """The properties whose antecedent holds after a step that changed this."""
        due = 0
        for bit, prop in enumerate(self.properties):
            if changed & self._reads[bit] and (prop.when is None or prop.when(state)):
                due |= 1 << bit
        return due

    # the graph

    def edges(self, index: int) -> range:
        """The edges of a state, in the order of its actions."""
        first = self.first_edges[index]
        return range(first, first + self.edge_counts[index])

    def states_with(self, flags: int) -> Iterator[int]:
        """The states for which all of this is known."""
        return (index for index, known in enumerate(self.flags) if known & flags == flags)

    @property
    def is_whole(self) -> bool:
        """Was every state that is known expanded, with all its edges?"""
        return all(known & WHOLE for known in self.flags)

    def goal_holds(self, bit: int, index: int) -> bool:
        return bool(self.goals[index] >> bit & 1)

    def owes(self, bit: int, edge: int, was_owing: bool) -> bool:
        """Is the goal of a property owed after this edge?"""
        if not self._is_stable[bit] and self.goal_holds(bit, self.targets[edge]):
            return False
        return was_owing or bool(self.dues[edge] >> bit & 1)

    def owes_initially(self, bit: int) -> bool:
        is_paid = not self._is_stable[bit] and self.goal_holds(bit, 0)
        return bool(self.initially_due >> bit & 1) and not is_paid

    @property
    def antecedents(self) -> frozenset[str]:
        """The names of the properties whose antecedent held somewhere."""
        due = self.initially_due
        for mask in dict.fromkeys(self.dues):
            due |= mask
        return frozenset(p.name for bit, p in enumerate(self.properties) if due >> bit & 1)

    @property
    def memory_bytes(self) -> int:
        """What the arrays take, sets of enabled classes left out."""
        columns = (
            *(self.goals, self.asked, self.dues, self.first_edges, self.edge_counts),
            *(self.enabled, self.widths, self.times, self.targets, self.choices, self.labels),
        )
        return len(self.flags) + sum(len(column) * column.itemsize for column in columns)
