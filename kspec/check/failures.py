"""A violation becomes a trace on disk: at once as it was found, then as small as it gets.

Small means at granularity `reconcile` where the violation is still there, with no action that can
be left out, in the smallest world. Nothing is believed: the file is read back and replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from kspec import trace as traces
from kspec.check.again import look_again
from kspec.check.plan import Column, Plan
from kspec.errors import KspecError
from kspec.explain import Explanation, explain
from kspec.explore import Violation, search
from kspec.explore.exploration import is_promised
from kspec.explore.monitor import Monitor
from kspec.property import Kind, Property
from kspec.replay import Replay, replay_leniently
from kspec.shrink import Shrunk, shrink
from kspec.shrinking.remembering import Remembering
from kspec.shrinking.tried import Tried
from kspec.suite import JsonMap, Suite
from kspec.system import AnySystem
from kspec.trace import Trace

COARSE = "reconcile"
COARSE_STEPS = 4_000
"""How long a violation is looked for afresh, where its own actions do not make it coarsely."""

SHRINKING_STEPS = 1_000_000
FEWEST_REPLAYS, MOST_REPLAYS = 200, 2_000
CYCLES_STEPS, FEWEST_OF_CYCLES = 60_000, 30
"""The same for a suffix that goes round for ever, whose states are compared up to renaming."""
ASKED_STEPS = 3_000
"""What making an answer small may cost: who asks a question wants the answer soon."""

ASKED_EXPLAINING_STEPS = 1_000


@attrs.frozen
class Shown:
    """One step of a failure for people: the action and the fields that it changed.

    is_suffix: it belongs to the fair suffix and not to the recorded actions.
    """

    text: str
    changes: tuple[str, ...]
    is_suffix: bool = False


@attrs.frozen(kw_only=True)
class Failure:
    """One broken property with its trace.

    problem: why a strict replay of the file does not end in the violation, "" where it does.
    found_after: how many actions it had before it was shrunk. tried: what shrinking did.
    explanation: why it came about, None where it was not asked for; unexplained: why there is
    none. also_breaks: other promised safety properties that are violated along the trace.
    """

    property: Property
    faults: str
    path: str
    trace: Trace
    steps: tuple[Shown, ...] = ()
    found_after: int = 0
    problem: str = ""
    known_limit: bool = False
    tried: tuple[Tried, ...] = ()
    explanation: Explanation | None = None
    unexplained: str = ""
    also_breaks: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Scene:
    """Where a violation was found: the world of one column, and its system."""

    suite: Suite
    plan: Plan
    column: Column
    world: JsonMap
    system: AnySystem

    @classmethod
    def of(cls, suite: Suite, plan: Plan, column: Column) -> Scene:
        world = suite.with_faults(plan.world, column.budget)
        system = suite.build(world, plan.parts)
        return cls(suite=suite, plan=plan, column=column, world=world, system=system)

    @cached_property
    def walked(self) -> Remembering:
        """The system with the states of the violation that was last written or made small.

        Writing, shrinking and explaining walk the same path.
        """
        return Remembering(self.system)

    def build(self, world: JsonMap) -> AnySystem:
        return self.suite.build(world, self.plan.parts)

    def options_of(self, prop: Property) -> dict[str, Any]:
        """What a replay needs beside the world."""
        parts = self.plan.parts
        return {
            "suite": self.suite.name,
            "faults": self.column.name,
            "policy": parts.policy,
            "controllers": list(parts.controllers),
            "mutant": parts.mutant,
            "property": self.plan.references.get(prop.name),
        }


def trace_path(out: Path, prop: str, column: str, seed: int, number: int = 0) -> Path:
    """Where the trace of the number-th violation of a property goes, counted from 0."""
    which = f"-{number + 1}" if number else ""
    return out / f"{prop}-{column.replace(',', '+')}-{seed}{which}.yaml"


def free_path(scene: Scene, prop: Property, path: Path) -> Path:
    """The path, or where a trace of another check is there already the next one that is free.

    A trace of the same world and options is one of an earlier run of this check, and is replaced.
    """
    options, name = scene.options_of(prop), scene.world.get("metadata")
    other = 1
    free = path
    while free.exists():
        try:
            there = traces.read(free)
        except KspecError:
            there = None
        if there and (dict(there.options), there.world.get("metadata")) == (options, name):
            break
        other += 1
        free = path.with_stem(f"{path.stem}.{other}")
    return free


def write(scene: Scene, prop: Property, violation: Violation, path: Path) -> Trace:
    """Write the trace of a violation as it stands."""
    scene.walked.remember(violation.actions)
    trace = traces.record(
        scene.walked, violation, world=scene.world, options=scene.options_of(prop)
    )
    traces.write(trace, path)
    return trace


def make_small(scene: Scene, prop: Property, violation: Violation) -> tuple[Scene, Violation]:
    """The scene and the violation after all shrinking."""
    small, shrunk = minimize(scene, prop, violation)
    return small, shrunk.violation


def minimize(scene: Scene, prop: Property, violation: Violation) -> tuple[Scene, Shrunk]:
    """The same, with what was tried."""
    coarse = _coarsen(scene, prop, violation)
    if coarse is not None:
        scene, violation = coarse
    is_asked = scene.plan.is_question  # then the world is the question, and stays as it is
    shrunk = shrink(
        scene.walked,
        prop,
        violation,
        world=scene.world,
        shrink_world=None if is_asked else scene.suite.smaller,
        build=scene.build,
        budget=_asked_replays(violation) if is_asked else _replays_for(violation),
        most_steps=ASKED_STEPS if _is_hasty(scene.plan) else None,
    )
    if _is_hasty(scene.plan):
        return scene, shrunk
    if shrunk.system is scene.walked:
        shrunk = attrs.evolve(shrunk, system=scene.system)
    shrunk = look_again(shrunk.system, shrunk.world, prop, shrunk)
    return attrs.evolve(scene, world=shrunk.world, system=shrunk.system), shrunk


def _is_hasty(plan: Plan) -> bool:
    """Is a world asked about the model as it is? Then the answer counts, not how short it is."""
    return plan.is_question and plan.mutant is None


def _asked_replays(violation: Violation) -> int:
    """None beyond its own of what is so long that the steps would not make it much shorter."""
    return FEWEST_REPLAYS if len(violation.actions) < ASKED_STEPS else 1


def _replays_for(violation: Violation) -> int:
    length = len(violation.actions) + (violation.suffix.actions if violation.suffix else 0)
    if violation.suffix and violation.suffix.cycle:
        return max(FEWEST_OF_CYCLES, CYCLES_STEPS // length)
    return min(MOST_REPLAYS, max(FEWEST_REPLAYS, SHRINKING_STEPS // max(1, length)))


def _coarsen(scene: Scene, prop: Property, violation: Violation) -> tuple[Scene, Violation] | None:
    """The violation in coarser steps: by its own actions, or found again; None where it is not."""
    world = scene.suite.with_granularity(scene.world, COARSE)
    if world == scene.world:
        return None
    coarse = attrs.evolve(scene, world=world, system=scene.build(world))
    found = replay_leniently(coarse.system, prop, violation.actions, violation)
    if found is None:
        again = search(
            coarse.system,
            [prop],
            seed=violation.seed or 0,
            steps=COARSE_STEPS,
            stop_at_first=True,
        )
        if again.interrupted:
            raise KeyboardInterrupt
        found = again.violation_of(prop.name)
    if found is None or found.kind != violation.kind:
        return None
    return coarse, found


def finish(scene: Scene, prop: Property, violation: Violation, path: Path) -> Failure:
    """Shrink a violation, write its trace, prove by a strict replay that it stands, explain it.

    Where the small trace does not replay, the long one is kept.
    """
    found_after = len(violation.actions)
    small_scene, shrunk = minimize(scene, prop, violation)
    small = write(small_scene, prop, shrunk.violation, path)
    failure = read_back(scene.suite, scene.plan, scene.column, prop, path)
    tried = shrunk.tried
    if failure.problem and len(small.actions) != len(violation.actions):
        write(scene, prop, violation, path)
        failure = read_back(scene.suite, scene.plan, scene.column, prop, path)
        small_scene, tried = scene, ()
    else:
        violation = shrunk.violation
    told = _explained(small_scene, prop, violation)
    return attrs.evolve(failure, found_after=found_after, tried=tried, **told)


def _explained(scene: Scene, prop: Property, violation: Violation) -> dict[str, Any]:
    """What is known of a failure's cause; a fault of the explanation must not lose the failure."""
    most_steps = ASKED_EXPLAINING_STEPS if _is_hasty(scene.plan) else None
    try:
        return {
            "explanation": explain(scene.walked, prop, violation, most_steps=most_steps),
            "also_breaks": _also_broken(scene, prop, violation),
        }
    except Exception as error:  # the trace stands whether or not it can be explained
        return {"unexplained": f"{type(error).__name__}: {error}"}


def _also_broken(scene: Scene, prop: Property, violation: Violation) -> tuple[str, ...]:
    """The other safety properties, promised in this column, that the same actions violate."""
    others = [
        other
        for other in (*scene.suite.properties(), *scene.plan.rows)
        if other.kind in (Kind.INVARIANT, Kind.TRANSITION)
        and not other.known_false
        and is_promised(other, scene.column.name)
    ]
    system = scene.walked
    monitor = Monitor(system, others)
    state = system.init()
    monitor.begin(state)
    for number, action in enumerate(violation.actions, 1):
        after = system.step(state, action)
        monitor.observe(state, after, number)
        state = after
    found = dict.fromkeys(other.name for other, _ in monitor.found)
    return tuple(name for name in found if name != prop.name)


def read_back(suite: Suite, plan: Plan, column: Column, prop: Property, path: Path) -> Failure:
    """The failure of a trace file, judged by a strict replay in a system built from it alone."""
    trace = traces.read(path)
    problem, steps = "", []
    try:
        system = suite.build(trace.world, plan.parts)
        replay = Replay(system, prop, trace, strict=True)
        steps = list(shown(system, replay))
        problem = str(replay.outcome.difference or "")
    except KspecError as error:
        problem = str(error)
    return Failure(
        property=prop,
        faults=column.name,
        path=str(path),
        trace=trace,
        steps=tuple(steps),
        found_after=len(trace.actions),
        problem=problem,
    )


def shown(system: AnySystem, replay: Replay) -> Iterator[Shown]:
    """The steps of a replay for people."""
    for step in replay:
        yield Shown(step.text, system.describe(step.before, step.after), step.is_suffix)
