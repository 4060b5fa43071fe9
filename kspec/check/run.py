"""The run of a check: each column explored within its share, judged, and its failures shrunk."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import attrs

from kspec.check import failures
from kspec.check.cells import cells, counts
from kspec.check.covering import Covering, measured
from kspec.check.failures import Failure, Scene
from kspec.check.listener import Listener
from kspec.check.options import Options, refuse_conflicts
from kspec.check.outcome import Report
from kspec.check.plan import FAULT_FREE, Column, Plan, make_plan
from kspec.check.recalling import Recalling
from kspec.check.searching import Budget, Clock, Explorer, compare
from kspec.distribute.places import Place, on_ray, on_workers
from kspec.explore import Exploration, Violation, check_determinism
from kspec.property import Kind
from kspec.suite import Suite


class _Check:
    """One check on its way; what it holds at any moment can be reported."""

    def __init__(
        self,
        suite: Suite,
        plan: Plan,
        options: Options,
        listener: Listener,
        clock: Clock,
        place: Place | None,
    ) -> None:
        self.suite, self.plan, self.options = suite, plan, options
        self.listener, self.clock = listener, clock
        self.explorer = Explorer(
            options=options,
            listener=listener,
            clock=clock,
            is_enough=plan.mutant is not None and len(plan.rows) == 1 and options.violations == 1,
            place=place,
        )
        self.explorations: dict[str, Exploration] = {}
        self.failures: dict[tuple[str, str], Failure] = {}
        self.every_failure: list[Failure] = []
        self.remarks: list[str] = list(suite.remarks(plan.world))
        self.recalling = Recalling(options.database)
        self.covering = Covering(suite) if options.is_coverage else None
        self.is_interrupted = False

    def run(self) -> None:
        plan = self.plan
        columns = [column for column in plan.columns if plan.explored(column)]
        fault_free = max(1, len(columns) - 1)
        weights = [fault_free if c.name == FAULT_FREE else 1 for c in columns]
        budget = Budget(*self.options.limits, self.clock)
        for index, column in enumerate(columns):
            if index and budget.is_overdrawn:
                self.remarks.append("time ran out: give more --seconds, or fewer --faults")
                break
            share = budget.share(weights[index], sum(weights[index:]))
            self.listener.begin(column.name, index + 1, len(columns))
            seen, scene = self.explore(column, share)
            budget.spend(seen.steps)
            began = self.clock()
            self.explorations[column.name] = seen
            self.is_interrupted |= seen.interrupted
            self.finish(scene, seen)
            self.listener.end(column.name, seen)
            budget.pause(self.clock() - began)
            if self.is_interrupted:
                return
        self.control()

    def explore(
        self, column: Column, share: tuple[int | None, float | None]
    ) -> tuple[Exploration, Scene]:
        """Explore one column; what already failed without faults is not looked for again."""
        scene = Scene.of(self.suite, self.plan, column)
        properties = tuple(
            prop
            for prop in self.plan.explored(column)
            if (prop.name, FAULT_FREE) not in self.failures
        )
        by_name = {prop.name: prop for prop in properties}
        kept: Counter[str] = Counter()

        def keep(violation: Violation) -> None:
            prop = by_name[violation.property]
            path = self.path(prop.name, column, kept[prop.name])
            kept[prop.name] += 1
            trace = failures.write(scene, prop, violation, path)
            self.recalling.remember(scene, prop, trace)
            self.listener.found(violation.property, column.name, str(path))

        recalled = self.recalling.recall(scene, properties, self.options.violations, keep)
        known = {violation.property for violation in recalled}
        left = tuple(prop for prop in properties if prop.name not in known)
        watched = self.covering.watched(scene) if self.covering else scene
        seen = Exploration(properties=frozenset())
        if not recalled or any(prop.kind is not Kind.SOMETIMES for prop in left):
            with measured(self.covering):
                seen = self.explorer.explore(watched, left, share, keep)
        seen = attrs.evolve(
            seen,
            violations=(*recalled, *seen.violations),
            properties=frozenset(by_name),
        )
        if self.options.is_determinism:
            check_determinism(scene.system, seed=self.options.seed)
            again = Scene.of(self.suite, self.plan, column)
            second = self.explorer.explore(again, properties, share, lambda violation: None)
            if not (seen.interrupted or second.interrupted):
                compare(column.name, seen, second)
        return seen, scene

    def path(self, prop: str, column: Column, number: int) -> Path:
        out, seed = self.options.out, self.options.seed
        return failures.trace_path(out, prop, column.name, seed, number)

    def finish(self, scene: Scene, seen: Exploration) -> None:
        """Make every violation of a column small; one that is interrupted stays as it was found."""
        by_name = {prop.name: prop for prop in self.plan.explored(scene.column)}
        done: Counter[str] = Counter()
        for violation in seen.violations:
            prop = by_name[violation.property]
            path = self.path(prop.name, scene.column, done[prop.name])
            done[prop.name] += 1
            failure = None
            try:
                if not self.is_interrupted:
                    self.listener.shrinking(prop.name, scene.column.name)
                    failure = failures.finish(scene, prop, violation, path)
            except KeyboardInterrupt:
                self.is_interrupted = True
            except Exception as error:  # whatever goes wrong here must not lose the violation
                what = f"{type(error).__name__}: {error}"
                self.remarks.append(f"{prop.name} could not be shrunk: {what}")
            if failure is None:
                failure = failures.read_back(self.suite, self.plan, scene.column, prop, path)
            limit = not counts(self.plan, prop, scene.column)
            failure = attrs.evolve(failure, known_limit=limit)
            self.every_failure.append(failure)
            self.failures.setdefault((prop.name, scene.column.name), failure)

    def control(self) -> None:
        """A mutant must be told from a model that is broken anyway: the same without it."""
        plan, mutant = self.plan, self.plan.mutant
        if mutant is None:
            return
        if not self.failures:
            self.remarks.append(f"mutant {mutant.name} survived: nothing that it breaks was seen")
            return
        faithful = attrs.evolve(plan, parts=attrs.evolve(plan.parts, mutant=None))
        for column in plan.columns:
            scene = Scene.of(self.suite, faithful, column)
            steps = self.explorations[column.name].steps
            rows = faithful.explored(column)
            seen = self.explorer.explore(scene, rows, (steps, None), lambda violation: None)
            self.is_interrupted |= seen.interrupted
            found = seen.violation_of(mutant.property)
            verdict = "FAILS as well, so the mutant is not what is seen" if found else "passes"
            self.remarks.append(
                f"control: without the mutant {mutant.property} {verdict} "
                f"(same world, seed and {seen.steps:,} steps)"
            )

    def report(self) -> Report:
        plan, options = self.plan, self.options
        return Report(
            plan=plan,
            seed=options.seed,
            strategy=options.strategy,
            results=cells(plan, self.explorations, self.failures),
            explorations=self.explorations,
            failures=tuple(self.every_failure),
            remarks=tuple(self.remarks),
            is_interrupted=self.is_interrupted,
            out=options.out,
            seconds=options.limits[1],
            exercised=self.covering.summary(plan, self.explorations) if self.covering else None,
        )


def explore_plan(
    suite: Suite,
    plan: Plan,
    options: Options,
    listener: Listener | None = None,
    clock: Clock = time.monotonic,
) -> Report:
    """Explore a plan that is at hand and report; an interruption reports what was covered."""
    listener = listener or Listener()
    with _place(options) as place:
        work = _Check(suite, plan, options, listener, clock, place)
        try:
            work.run()
        except KeyboardInterrupt:
            work.is_interrupted = True
        finally:
            listener.close()
    return work.report()


def _place(options: Options) -> AbstractContextManager[Place | None]:
    """Where the options say that it is explored; None is here."""
    if options.ray is not None:
        return on_ray(options.ray)
    return on_workers(options.workers) if options.workers > 1 else nullcontext()


def check(suite: Suite, options: Options, listener: Listener | None = None) -> Report:
    """Check a world. Raises InputError for what cannot be used, before anything is explored."""
    refuse_conflicts(options)
    return explore_plan(suite, make_plan(suite, options), options, listener)
