"""The Hypothesis bridge: Hypothesis draws what to explore, the engine walks inside one example.

One example is a short search (a strategy, a seed, so many steps) of one drawn world, which is tens
of times faster than one rule per step. `state_machine` is the other form, for those who want to
write user operations as rules.

    @settings(deadline=None)
    @given(runs())
    def test_binding(run):
        check_example(system, [no_overcommit], run)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, ClassVar, NamedTuple

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kspec.check import Options, Shown, plan_of_world
from kspec.check.failures import Scene, finish, trace_path
from kspec.check.plan import FAULT_FREE
from kspec.errors import InputError
from kspec.explore import Exploration, Suffix, Violation, search
from kspec.explore.exploration import is_promised
from kspec.explore.strategies.registry import STRATEGIES
from kspec.logic import Verdict
from kspec.property import Kind, Property
from kspec.report import failure_lines, steps_of, to_text
from kspec.shrink import shrink
from kspec.suite import Suite
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
    return st.builds(
        Run,
        strategy=st.sampled_from(tuple(strategies)),
        seed=st.integers(0, LARGEST_SEED),
        steps=st.integers(min(FEWEST_STEPS, max_steps), max_steps),
    )


def budgets(
    classes: Iterable[str], *, max_each: int = 2, max_classes: int = 2
) -> st.SearchStrategy[dict[str, int]]:
    """Fault budgets, by class, in the order of `classes`; shrinks to none."""
    order = tuple(classes)
    if not order:
        return st.just({})
    drawn = st.dictionaries(
        st.sampled_from(order), st.integers(1, max_each), max_size=min(max_classes, len(order))
    )
    return drawn.map(lambda budget: {name: budget[name] for name in order if name in budget})


class Violated(AssertionError):
    """A property does not hold: the witness, the trace, and how to see it again.

    The trace is minimized, and written where there is a world to write, when the text is first
    asked for; Hypothesis asks only for the examples that it reports.
    """

    def __init__(self, write: Callable[[], str]) -> None:
        super().__init__()
        self._write = cache(write)

    def __str__(self) -> str:
        return self._write()


@cache
def _violated(name: str) -> type[Violated]:
    """An error type per property: Hypothesis tells failures apart by their type and line."""
    return type("Violated", (Violated,), {"__doc__": inspect.getdoc(Violated), "property": name})


class _Step(NamedTuple):
    """One step of a test; action is None where the test made it itself."""

    text: str
    before: Any
    after: Any
    action: Any = None


def _walk(system: AnySystem, actions: Iterable[Any]) -> Iterator[_Step]:
    state = system.init()
    for action in actions:
        after = system.step(state, action)
        yield _Step(system.encode(action), state, after)
        state = after


def _text(prop: Property, witness: str, lines: Iterable[Any]) -> str:
    """What is violated, on one line that pytest repeats in its summary, and then the rest."""
    return f"{prop.name} is violated: {witness or prop.promise}\n" + to_text(lines).rstrip()


def _lines(system: AnySystem, steps: Iterable[_Step]) -> Iterator[Any]:
    return steps_of(tuple(Shown(s.text, system.describe(s.before, s.after)) for s in steps))


def _ending(suffix: Suffix) -> str:
    cycle = f"the last {suffix.cycle} of them for ever" if suffix.cycle else "and no more"
    return f"       then {suffix.actions} more, first come first served, {cycle}"


def check_example(system: AnySystem, properties: Iterable[Property], run: Run) -> Exploration:
    """Explore as `run` says; raises Violated at the first violation, else what was covered."""
    __tracebackhide__ = True

    def write(prop: Property, violation: Violation) -> str:
        found = shrink(system, prop, violation).violation
        lines = [*_lines(system, _walk(system, found.actions))]
        lines += [_ending(found.suffix)] if found.suffix else []
        lines += [f"  replay:  check_example(system, [{_identifier(prop)}], {run})"]
        return _text(prop, found.witness, lines)

    return _explore(system, tuple(properties), run, write)


def check_world(
    suite: Suite, world: JsonMap, run: Run, options: Options | None = None
) -> Exploration:
    """As `check_example`, of a world document under its own fault budget.

    Judged are the properties that `options` name, or else those promised under these faults. What
    fails shrinks with its world and is written to `options.out`, for `kspec replay`.
    """
    __tracebackhide__ = True
    faults = ",".join(name for name, left in suite.faults(world).items() if left)
    options = attrs.evolve(options or Options(), faults=faults or FAULT_FREE, seed=run.seed)
    plan = plan_of_world(suite, options, world)
    column = plan.columns[0]
    scene = Scene.of(suite, plan, column)

    def write(prop: Property, violation: Violation) -> str:
        path = trace_path(options.out, prop.name, column.name, run.seed)
        failure = finish(scene, prop, violation, path)
        return _text(prop, failure.trace.witness, failure_lines(failure))

    properties = (p for p in plan.rows if p.name in plan.asked or is_promised(p, column.name))
    return _explore(scene.system, tuple(properties), run, write)


def _explore(
    system: AnySystem,
    properties: tuple[Property, ...],
    run: Run,
    write: Callable[[Property, Violation], str],
) -> Exploration:
    __tracebackhide__ = True
    weights = [(name, 1) for name in dict.fromkeys(("fifo", run.strategy))]
    how = partial(search, strategies=weights, stop_at_first=True)
    seen = how(system, properties, seed=run.seed, steps=run.steps)
    for violation in seen.violations:
        prop = next(prop for prop in properties if prop.name == violation.property)
        raise _violated(prop.name)(partial(write, prop, violation))
    return seen


class SystemMachine(RuleBasedStateMachine):
    """A system as a Hypothesis state machine; `state_machine` makes the subclass for one system.

    `act` takes any enabled action, by its index, so that shrinking goes to the first one. Rules of
    a subclass call `take` for an action that the system knows, and `become` for a state that they
    made themselves.
    """

    system: ClassVar[AnySystem]

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[_Step] = []
        self._judged: dict[str, int] = {}
        self._go("the initial state", self.system.init())

    @property
    def state(self) -> Any:
        return self._steps[-1].after

    def become(self, state: Any, what: str = "a step of the test") -> None:
        """Go on from `state`, which was reached by `what`; judged as one step."""
        self._go(what, state)

    def _go(self, what: str, state: Any, action: Any = None) -> None:
        before = self._steps[-1].after if self._steps else state
        self._steps.append(_Step(what, before, state, action))
        self.enabled: Sequence[Any] = self.system.enabled(state)

    def take(self, action: Any) -> None:
        """Take one action; raises NotEnabled where the system does not allow it."""
        self._go(self.system.encode(action), self.system.step(self.state, action), action)

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """Take an enabled action, or none where none is enabled: a system may stutter."""
        if self.enabled:
            self.take(self.enabled[data.draw(st.integers(0, len(self.enabled) - 1), "action")])

    def judge(self, prop: Property) -> None:
        """Judge every step that was taken since the property was last judged."""
        __tracebackhide__ = True
        for number in range(self._judged.get(prop.name, 0), len(self._steps)):
            if number == 0 and prop.kind is Kind.TRANSITION:
                continue
            verdict = prop.holds(self._steps[number].before, self._steps[number].after)
            if not verdict:
                raise _violated(prop.name)(partial(self._report, prop, verdict, number))
        self._judged[prop.name] = len(self._steps)

    def _report(self, prop: Property, verdict: Verdict, last: int) -> str:
        """The steps to a violation; made smaller where all of them are the system's own."""
        steps, witness = self._steps[1 : last + 1], verdict.witness
        actions = tuple(step.action for step in steps)
        if None not in actions:
            found = Violation(
                property=prop.name, kind=verdict.kind, witness=witness, actions=actions
            )
            found = shrink(self.system, prop, found).violation
            steps, witness = [*_walk(self.system, found.actions)], found.witness
        return _text(prop, witness, _lines(self.system, steps))


def state_machine(system: AnySystem, properties: Iterable[Property]) -> type[SystemMachine]:
    """The state machine of a system: one invariant per safety property, one rule for all actions.

    Subclass it to add user operations as rules; its `TestCase` runs under pytest. Liveness and
    `sometimes` are left to the explorers: a machine that may stop anywhere cannot judge them.
    """
    safety = [prop for prop in properties if prop.kind in SAFETY]
    if not safety:
        raise InputError(
            "no safety property for a state machine", expected="an invariant or a transition"
        )
    checks = {f"check_{_identifier(prop)}": _check_of(prop) for prop in safety}
    return type("SystemMachine", (SystemMachine,), {"system": system, **checks})


def _check_of(prop: Property) -> Any:
    def check(machine: SystemMachine) -> None:
        __tracebackhide__ = True
        machine.judge(prop)

    check.__name__, check.__doc__ = f"check_{_identifier(prop)}", prop.promise
    return invariant()(check)


def _identifier(prop: Property) -> str:
    return prop.name.replace("-", "_")
