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
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kspec import trace as traces
from kspec.errors import InputError
from kspec.explore import Exploration, Violation, search
from kspec.explore.exploration import is_promised
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
        self._write = write

    @cached_property
    def _text(self) -> str:
        return self._write()

    def __str__(self) -> str:
        return self._text


@cache
def _violated(name: str) -> type[Violated]:
    """An error type per property: Hypothesis tells failures apart by their type and line."""
    return type("Violated", (Violated,), {"__doc__": inspect.getdoc(Violated), "property": name})


class _Step(NamedTuple):
    text: str
    before: Any
    after: Any


def _walk(system: AnySystem, actions: Iterable[Any]) -> Iterable[_Step]:
    state = system.init()
    for action in actions:
        after = system.step(state, action)
        yield _Step(system.encode(action), state, after)
        state = after


def _text(
    system: AnySystem, prop: Property, witness: str, steps: Iterable[_Step], *last: str
) -> str:
    """The witness, the promise, and one line for each step with the fields that it changed."""
    lines = [f"{prop.name} is violated: {witness or prop.promise}", f"  promised: {prop.promise}"]
    for number, step in enumerate(steps, 1):
        lines.append(f"  {number:>4}  {step.text}")
        lines += [f"          {change}" for change in system.describe(step.before, step.after)]
    return "\n".join((*lines, *(f"  {line}" for line in last if line)))


def _suffix(violation: Violation) -> str:
    suffix = violation.suffix
    if suffix is None:
        return ""
    ending = f"of which the last {suffix.cycle} repeat for ever" if suffix.cycle else "and the end"
    return f"then {suffix.actions} more in fair order, {ending}"


def check_example(system: AnySystem, properties: Iterable[Property], run: Run) -> Exploration:
    """Explore as `run` says; raises Violated at the first violation, else what was covered."""
    __tracebackhide__ = True

    def write(prop: Property, violation: Violation) -> str:
        found = shrink(system, prop, violation).violation
        again = f"replay: check_example(system, [{prop.name.replace('-', '_')}], {run})"
        steps = _walk(system, found.actions)
        return _text(system, prop, found.witness, steps, _suffix(found), again)

    return _explore(system, tuple(properties), run, write)


def check_world(
    suite: Suite,
    world: JsonMap,
    run: Run,
    *,
    faults: Mapping[str, int] | None = None,
    properties: Iterable[Property] | None = None,
    parts: Parts | None = None,
    out: Path | str = "kspec-out",
) -> Exploration:
    """As `check_example`, of a world document; its failure shrinks the world and writes a trace.

    faults: the budget; None leaves the world's own. properties: by default those that the suite
    promises under `faults`. out: the folder that traces go to.
    """
    __tracebackhide__ = True
    parts = Parts() if parts is None else parts
    world = world if faults is None else suite.with_faults(world, faults)
    if properties is None:
        if faults is None:
            raise TypeError("check_world: give `faults` or `properties`: promises depend on faults")
        column = ",".join(faults) or "none"
        properties = [
            prop
            for prop in suite.properties()
            if is_promised(prop, column) and not prop.known_false and prop.kind != Kind.SOMETIMES
        ]

    def write(prop: Property, violation: Violation) -> str:
        shrunk = shrink(
            system,
            prop,
            violation,
            world=world,
            shrink_world=suite.smaller,
            build=lambda smaller: suite.build(smaller, parts),
        )
        found = shrunk.violation
        path = Path(out) / f"{prop.name}.yaml"
        traces.write(_record(shrunk, parts), path)
        steps = _walk(shrunk.system, found.actions)
        again = f"replay: kspec replay {path}"
        return _text(shrunk.system, prop, found.witness, steps, _suffix(found), again)

    system = suite.build(world, parts)
    return _explore(system, tuple(properties), run, write)


def _record(shrunk: Shrunk, parts: Parts) -> traces.Trace:
    options = {name: value for name, value in attrs.asdict(parts).items() if value}
    return traces.record(shrunk.system, shrunk.violation, world=shrunk.world, options=options)


def _explore(
    system: AnySystem,
    properties: tuple[Property, ...],
    run: Run,
    write: Callable[[Property, Violation], str],
) -> Exploration:
    __tracebackhide__ = True
    strategies = [(name, 1) for name in dict.fromkeys(("fifo", run.strategy))]
    seen = search(
        system, properties, seed=run.seed, steps=run.steps, strategies=strategies,
        stop_at_first=True,
    )  # fmt: skip
    for violation in seen.violations:
        prop = next(prop for prop in properties if prop.name == violation.property)
        raise _violated(prop.name)(partial(write, prop, violation))
    return seen


class SystemMachine(RuleBasedStateMachine):
    """A system as a Hypothesis state machine; `state_machine` makes the subclass for one system.

    `act` takes any enabled action, by its index, so that shrinking goes to the first one; where
    nothing is enabled, `idle` stands in for it. Rules of a subclass call `take` for an action that
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
        """Nothing is enabled and nothing happens: a system may stutter for ever."""

    def judge(self, prop: Property) -> None:
        """Judge every step that was taken since the property was last judged."""
        __tracebackhide__ = True
        for number in range(self._judged.get(prop.name, 0), len(self._steps)):
            _, before, after = self._steps[number]
            if number == 0 and prop.kind is Kind.TRANSITION:
                continue
            verdict = prop.holds(before, after)
            if not verdict:
                steps = self._steps[1 : number + 1]
                raise _violated(prop.name)(
                    partial(_text, self.system, prop, verdict.witness, steps)
                )
        self._judged[prop.name] = len(self._steps)


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
    checks = {f"check_{prop.name.replace('-', '_')}": _check_of(prop) for prop in safety}
    return type("SystemMachine", (SystemMachine,), {"system": system, **checks})


def _check_of(prop: Property) -> Any:
    def check(machine: SystemMachine) -> None:
        __tracebackhide__ = True
        machine.judge(prop)

    check.__name__, check.__doc__ = f"check_{prop.name.replace('-', '_')}", prop.promise
    return invariant()(check)
