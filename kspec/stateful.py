"""The Hypothesis bridge: Hypothesis draws what to explore, the engine walks inside one example.

One example is one run of a search (a strategy, a seed, so many steps) over one drawn world, which
is tens of times faster than one rule per step. `state_machine` is the other form, for those who
want to write user operations as rules.

    @given(runs())
    def test_binding(run):
        check_example(system, [no_overcommit], run)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import attrs
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kspec import trace as traces
from kspec.errors import InputError
from kspec.explore import Exploration, search
from kspec.explore.portfolio import STRATEGIES
from kspec.property import Kind, Property
from kspec.shrink import Shrunk, shrink
from kspec.suite import Parts, Suite
from kspec.system import AnySystem

SAFETY = (Kind.INVARIANT, Kind.TRANSITION)
DEFAULT_STEPS = 2_000
FEWEST_STEPS = 100
LARGEST_SEED = 2**32 - 1

JsonMap = Mapping[str, Any]


@attrs.frozen
class Run:
    """How one example explores: FIFO once, then runs of `strategy` until the steps are spent."""

    strategy: str = "pct"
    seed: int = 0
    steps: int = DEFAULT_STEPS


def runs(
    strategies: Sequence[str] = tuple(STRATEGIES), *, max_steps: int = DEFAULT_STEPS
) -> st.SearchStrategy[Run]:
    """Strategy, seed and number of steps; shrinks to few steps of the first strategy, seed 0."""
    fewest = min(FEWEST_STEPS, max_steps)
    return st.builds(
        Run,
        strategy=st.sampled_from(tuple(strategies)),
        seed=st.integers(0, LARGEST_SEED),
        steps=st.integers(fewest, max_steps),
    )


def budgets(
    classes: Iterable[str], *, max_each: int = 2, max_classes: int = 2
) -> st.SearchStrategy[dict[str, int]]:
    """Fault budgets, by class; shrinks to none. Classes with nothing to spend are left out."""
    names = tuple(classes)
    if not names or not max_classes or not max_each:
        return st.just({})
    chosen = st.dictionaries(
        st.sampled_from(names), st.integers(1, max_each), max_size=min(max_classes, len(names))
    )
    return chosen.map(lambda drawn: {name: drawn[name] for name in names if name in drawn})


def with_budgets(
    worlds: st.SearchStrategy[JsonMap], suite: Suite, **limits: int
) -> st.SearchStrategy[JsonMap]:
    """World documents of a suite, each with a fault budget that `budgets` drew for it."""
    return st.builds(suite.with_faults, worlds, budgets(suite.fault_classes, **limits))


class Violated(AssertionError):
    """A property does not hold: the witness, the minimized trace, and how to see it again.

    The trace is minimized, and written where a world came with it, when the text is first asked
    for; Hypothesis asks only for the example that it reports.
    """

    def __init__(self, report: Callable[[], str]) -> None:
        super().__init__()
        self._report = report

    @cached_property
    def text(self) -> str:
        return self._report()

    def __str__(self) -> str:
        return self.text


@cache
def _violated(name: str) -> type[Violated]:
    """An error type per property: Hypothesis tells failures apart by type and line."""
    return type("Violated", (Violated,), {"__doc__": Violated.__doc__, "property": name})


@attrs.frozen(kw_only=True)
class _Failure:
    """A violation that one example found, and what is needed to report it."""

    system: AnySystem
    prop: Property
    run: Run
    exploration: Exploration
    world: JsonMap | None
    suite: Suite | None
    parts: Parts
    out: Path | None

    def report(self) -> str:
        shrunk = self.minimized()
        found = shrunk.violation
        lines = [
            f"{self.prop.name} is violated: {found.witness or self.prop.promise}",
            f"  promised: {self.prop.promise}",
            f"  minimized trace, {len(found.actions)} actions:",
            *_steps(shrunk.system, found.actions),
        ]
        if found.suffix is not None:
            ending = f"its last {found.suffix.cycle} repeat for ever" if found.suffix.cycle else (
                "after which nothing more happens"
            )
            lines.append(f"  and a fair suffix of {found.suffix.actions} actions, {ending}")
        return "\n".join((*lines, f"  replay: {self.replay_line(shrunk)}"))

    def minimized(self) -> Shrunk:
        violation = self.exploration.violation_of(self.prop.name)
        assert violation is not None
        suite = self.suite
        if suite is None or self.world is None:
            return shrink(self.system, self.prop, violation, world=self.world)
        return shrink(
            self.system,
            self.prop,
            violation,
            world=self.world,
            shrink_world=suite.smaller,
            build=lambda world: suite.build(world, self.parts),
        )

    def replay_line(self, shrunk: Shrunk) -> str:
        if self.out is None or shrunk.world is None:
            return f"check_example(system, [{self.prop.name.replace('-', '_')}], {self.run})"
        options = {key: value for key, value in attrs.asdict(self.parts).items() if value}
        trace = traces.record(
            shrunk.system, shrunk.violation, world=shrunk.world, options=options
        )
        path = self.out / f"{self.prop.name}.yaml"
        traces.write(trace, path)
        return f"kspec replay {path}"


def _steps(system: AnySystem, actions: Sequence[Any]) -> list[str]:
    """One line for each action, with the fields that it changed."""
    state, lines = system.init(), []
    for number, action in enumerate(actions, 1):
        after = system.step(state, action)
        lines.append(f"  {number:>4}  {system.encode(action)}")
        lines += [f"          {change}" for change in system.describe(state, after)]
        state = after
    return lines


def check_example(
    system: AnySystem,
    properties: Iterable[Property],
    run: Run,
    *,
    world: JsonMap | None = None,
    suite: Suite | None = None,
    parts: Parts = Parts(),  # noqa: B008 - frozen
    out: Path | str | None = None,
) -> Exploration:
    """Explore as `run` says; raises Violated at the first violation, and returns what was covered.

    world: the document that `system` was built from, and suite and parts what built it: with them
    the world shrinks too, and with `out` the trace is written into that folder, for `kspec replay`.
    """
    chosen = tuple(properties)
    weights = [(name, 1) for name in dict.fromkeys(("fifo", run.strategy))]
    seen = search(
        system, chosen, seed=run.seed, steps=run.steps, strategies=weights, stop_at_first=True
    )
    if not seen.violations:
        return seen
    name = seen.violations[0].property
    failure = _Failure(
        system=system,
        prop=next(prop for prop in chosen if prop.name == name),
        run=run,
        exploration=seen,
        world=world,
        suite=suite,
        parts=parts,
        out=None if out is None else Path(out),
    )
    raise _violated(name)(failure.report)


class SystemMachine(RuleBasedStateMachine):
    """A system as a Hypothesis state machine; `state_machine` makes the subclass for one system.

    `act` takes any enabled action, by its index, so that shrinking goes to the first one; `idle`
    stands in for it where nothing is enabled. Rules of a subclass call `take` for an action that
    the system knows, and `become` for a state that they made themselves.
    """

    system: ClassVar[AnySystem]

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[_Step] = []
        self._judged: dict[str, int] = {}
        self.become(self.system.init(), "the initial state")

    @property
    def state(self) -> Any:
        return self._steps[-1].after

    def become(self, state: Any, what: str = "a step of the test") -> None:
        """Go on from `state`, which was reached by `what`; judged as one step."""
        before = self._steps[-1].after if self._steps else state
        self._steps.append(_Step(what, before, state))
        self.enabled: Sequence[Any] = self.system.enabled(state)

    def take(self, action: Any) -> None:
        """Take one action; raises NotEnabled where the system does not allow it."""
        self.become(self.system.step(self.state, action), self.system.encode(action))

    @precondition(lambda self: bool(self.enabled))
    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        self.take(self.enabled[data.draw(st.integers(0, len(self.enabled) - 1), "action")])

    @precondition(lambda self: not self.enabled)
    @rule()
    def idle(self) -> None:
        """Nothing is enabled, and nothing happens: a system may stutter for ever."""

    def judge(self, prop: Property) -> None:
        """Judge every step that was taken since the property was last judged."""
        __tracebackhide__ = True
        for number in range(self._judged.get(prop.name, 0), len(self._steps)):
            _, before, after = self._steps[number]
            if number == 0 and prop.kind is Kind.TRANSITION:
                continue
            verdict = prop.holds(before, after)
            if not verdict:
                taken = self._steps[1 : number + 1]
                raise _violated(prop.name)(partial(_text, self.system, prop, verdict, taken))
        self._judged[prop.name] = len(self._steps)


def state_machine(system: AnySystem, properties: Iterable[Property]) -> type[SystemMachine]:
    """The state machine of a system: one invariant per safety property, one rule for all actions.

    Subclass it to add user operations as rules; `.TestCase` runs it under pytest. Liveness and
    `sometimes` are for the explorers: a machine that stops anywhere cannot judge them.
    """
    safety = [prop for prop in properties if prop.kind in SAFETY]
    if not safety:
        raise InputError(
            "no safety property for a state machine", expected="an invariant or a transition"
        )
    checks = {_check_name(prop): invariant()(_check_of(prop)) for prop in safety}
    return type("SystemMachine", (SystemMachine,), {"system": system, **checks})


def _check_name(prop: Property) -> str:
    return "check_" + prop.name.replace("-", "_")


def _check_of(prop: Property) -> Callable[[SystemMachine], None]:
    def check(machine: SystemMachine) -> None:
        machine.judge(prop)

    check.__name__, check.__doc__ = _check_name(prop), prop.promise
    return check
