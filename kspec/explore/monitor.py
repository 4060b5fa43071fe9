"""Properties along a run, each evaluated only where a step changed something that it reads.

Safety is judged step by step. Liveness is only followed here, as what is owed since when; the end
of a fair behaviour (kspec.explore.runner) settles it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from kspec.errors import InputError
from kspec.explore.debt import Debt, as_verdict, clock_for
from kspec.logic import HOLDS, Verdict
from kspec.property import LIVENESS, Kind, Property
from kspec.system import AnySystem


class Plan(NamedTuple):
    """What to evaluate after a step that changed certain topics."""

    invariants: tuple[tuple[Property, Callable[[Any], Any]], ...]
    transitions: tuple[tuple[Property, Callable[[Any, Any], Any]], ...]
    sometimes: tuple[tuple[Property, Callable[[Any], Any]], ...]
    liveness: tuple[Debt, ...]


NOTHING: Final = Plan((), (), (), ())


class Monitor:
    """Evaluates properties over many runs of one system.

    A violated property, and a `sometimes` that was witnessed, are dropped. `found` holds the
    violations that no one has collected yet. Where `kind` is given, only witnesses of that kind
    count as violations.
    """

    def __init__(
        self, system: AnySystem, properties: Iterable[Property], kind: str | None = None
    ) -> None:
        self._topics = {topic: 1 << bit for bit, topic in enumerate(system.topics)}
        self._changes = system.changes
        self._kind = kind
        self._properties = {prop.name: prop for prop in properties}
        self.active = dict(self._properties)
        self._masks = {name: self.mask_of(prop) for name, prop in self.active.items()}
        self.clock_of = clock_for(system, self.active.values())
        self.debts = {
            n: Debt(p, self.clock_of) for n, p in self.active.items() if p.kind in LIVENESS
        }
        self.found: list[tuple[Property, Verdict]] = []
        self.witnessed: dict[str, str] = {}
        self.violated: set[str] = set()
        self.paid: set[str] = set()
        self._plans_of_all: dict[int, Plan] = {}
        self._plans = self._plans_of_all

    def restart(self) -> None:
        """Judge every property again, as a monitor that was just made."""
        self.active = dict(self._properties)
        self._plans = self._plans_of_all
        self.found.clear()
        self.witnessed, self.violated = {}, set()
        for debt in self.debts.values():
            debt.held = False

    def mask_of(self, prop: Property) -> int:
        """The topics that a property reads; what has to do with time is asked after every step.

        Raises InputError for a topic that the system has not.
        """
        unknown = [topic for topic in prop.reads if topic not in self._topics]
        if unknown:
            raise InputError(
                f"property {prop.name} reads {unknown[0]!r}, which is no topic of this system",
                expected=" or ".join(self._topics),
            )
        read = (bit for topic, bit in self._topics.items() if topic in prop.reads)
        return sum(read) if prop.reads and prop.within is None else -1

    @property
    def is_settled(self) -> bool:
        """Nothing is left to find: every property was violated or witnessed."""
        return not self.active and bool(self.violated or self.witnessed)

    @property
    def antecedents(self) -> frozenset[str]:
        return frozenset(name for name, debt in self.debts.items() if debt.held)

    def begin(self, state: Any) -> None:
        """A new run: evaluate its first state, on which no transition is asked."""
        self.paid.clear()
        for debt in self.debts.values():
            debt.begin()
        self._states(self._plan(-1), state, 0)

    def observe(self, before: Any, after: Any, step: int) -> None:
        """Evaluate the step from `before` to `after`, which is the run's step-th."""
        mask = self._changes(after)
        plan = self._plans.get(mask) or self._plan(mask)
        if plan is NOTHING:
            return
        for prop, predicate in plan.transitions:
            answer = predicate(before, after)
            if answer is not HOLDS and not answer:  # by identity first: it is asked very often
                self._violate(prop, answer)
        self._states(plan, after, step)

    def observe_edge(self, before: Any, after: Any) -> None:
        """Evaluate a step whose target has been evaluated already."""
        mask = self._changes(after)
        for prop, predicate in (self._plans.get(mask) or self._plan(mask)).transitions:
            answer = predicate(before, after)
            if not answer:
                self._violate(prop, answer)

    def _states(self, plan: Plan, state: Any, step: int) -> None:
        for prop, predicate in plan.invariants:
            answer = predicate(state)
            if answer is not HOLDS and not answer:
                self._violate(prop, answer)
        for prop, predicate in plan.sometimes:
            answer = predicate(state)
            if answer:
                self.witnessed[prop.name] = as_verdict(answer).witness
                self.drop(prop.name)
        for debt in plan.liveness:
            if debt.stable and debt.since >= 0:
                continue  # it is owed already, which is all that is noted before the end
            if debt.due is not None and debt.is_late(state):
                self._violate(debt.prop, debt.lateness)
            if debt.observe(state, step):
                self.paid.add(debt.prop.name)

    def _violate(self, prop: Property, answer: Any) -> None:
        verdict = as_verdict(answer)
        if self._kind is None or verdict.kind == self._kind:
            self.violate(prop, verdict)

    def violate(self, prop: Property, verdict: Verdict) -> None:
        """Report a violation and judge the property no further."""
        self.found.append((prop, verdict))
        self.violated.add(prop.name)
        self.drop(prop.name)

    def drop(self, name: str) -> None:
        self.active.pop(name, None)
        self._plans = {}

    def owing(self) -> list[Debt]:
        """The liveness properties still judged that are owed something in this run."""
        return [d for name, d in self.debts.items() if name in self.active and d.since >= 0]

    @property
    def has_liveness(self) -> bool:
        return any(name in self.active for name in self.debts)

    def accepts(self, verdict: Verdict) -> bool:
        return self._kind is None or verdict.kind == self._kind

    def _plan(self, mask: int) -> Plan:
        chosen: Mapping[str, Property] = {
            name: prop for name, prop in self.active.items() if self._masks[name] & mask
        }

        def of(kind: Kind) -> tuple[tuple[Property, Callable[..., Any]], ...]:
            return tuple((p, p.predicate) for p in chosen.values() if p.kind is kind)

        plan = Plan(
            of(Kind.INVARIANT),
            of(Kind.TRANSITION),
            of(Kind.SOMETIMES),
            tuple(self.debts[name] for name in chosen if name in self.debts),
        )
        self._plans[mask] = plan = plan if any(plan) else NOTHING
        return plan
