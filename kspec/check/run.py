"""The run of a check: each column explored within its share, judged, and its failures shrunk."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import attrs

from kspec.check import failures
from kspec.check.cells import cells, counts
from kspec.check.covering import Covering, measured
from kspec.check.failures import Failure, Scene
from kspec.check.keeping import Keeping
from kspec.check.listener import Listener
from kspec.check.options import Options, refuse_conflicts
from kspec.check.outcome import Report
from kspec.check.plan import FAULT_FREE, Column, Plan, make_plan
from kspec.check.recalling import Recalling
from kspec.check.searching import Budget, Clock, Explorer, compare
from kspec.distribute.places import Place, on_ray, on_workers
from kspec.explore import Exploration, check_determinism
from kspec.property import Property
from kspec.suite import Bug, Suite


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
            is_enough=_is_enough(plan, options),
            place=place,
        )
        self.explorations: dict[str, Exploration] = {}
        self.failures: dict[tuple[str, str], Failure] = {}
        self.every_failure: list[Failure] = []
        self.paths: dict[tuple[str, str, int], Path] = {}
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
            budget.spend(self._cost(seen))
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
        """Explore one column; what already failed without faults is not looked for again.

        However its search ends, what it found until then is kept.
        """
        scene = Scene.of(self.suite, self.plan, column)
        explored = self.plan.explored(column)
        wanted = [p for p in explored if (p.name, FAULT_FREE) not in self.failures]
        path_of = partial(self.path, scene)
        keep = Keeping(scene, wanted, path_of, self.recalling, self.listener)
        names = frozenset(prop.name for prop in wanted)
        try:
            seen = self._searched(scene, explored, wanted, share, keep)
        except KeyboardInterrupt:
            seen = Exploration(properties=names, limit="interrupted", interrupted=True)
        except Exception as error:
            if not (keep.violations or self.every_failure):
                raise
            problem = f"{type(error).__name__}: {error}"
            self.remarks.append(f"the search under {column.name} ended early: {problem}")
            seen = Exploration(properties=names, limit=f"stopped by {problem}")
        found = keep.with_those_of(seen.violations)
        return attrs.evolve(seen, violations=found, properties=names), scene

    def _searched(
        self,
        scene: Scene,
        explored: tuple[Property, ...],
        wanted: list[Property],
        share: tuple[int | None, float | None],
        keep: Keeping,
    ) -> Exploration:
        """What is recalled first, and then the search for the rest, twice where that is asked."""
        recalled = self.recalling.recall(scene, wanted, self.options.violations, keep)
        times = Counter(violation.property for violation in recalled)
        left = tuple(p for p in wanted if times[p.name] < self.options.violations)
        rows = {prop.name for prop in self.plan.rows}
        if recalled and not any(prop.name in rows for prop in left):
            return Exploration(properties=frozenset())
        if self.options.checkpoint is not None:
            left = explored  # a checkpoint is of one list of properties
        watched = self.covering.watched(scene) if self.covering else scene
        with measured(self.covering):
            seen = self.explorer.explore(watched, left, share, keep)
        if self.options.is_determinism:
            check_determinism(scene.system, seed=self.options.seed)
            again = Scene.of(self.suite, self.plan, scene.column)
            second = self.explorer.explore(again, left, share, lambda violation: None)
            if not (seen.interrupted or second.interrupted):
                compare(scene.column.name, seen, second)
        return seen

    def _cost(self, seen: Exploration | None) -> int:
        """What a search took, in the unit in which `--steps` bounds it."""
        if seen is None:
            return 0
        return seen.states if self.options.is_exhaustive else seen.steps

    def path(self, scene: Scene, prop: Property, number: int) -> Path:
        """Where the trace of a violation goes; asked once, it stays."""
        key = (prop.name, scene.column.name, number)
        if key not in self.paths:
            out, seed = self.options.out, self.options.seed
            path = failures.trace_path(out, prop.name, scene.column.name, seed, number)
            self.paths[key] = failures.free_path(scene, prop, path)
        return self.paths[key]

    def finish(self, scene: Scene, seen: Exploration) -> None:
        """Make every violation of a column small; one that is interrupted stays as it was found."""
        by_name = {prop.name: prop for prop in self.plan.explored(scene.column)}
        done: Counter[str] = Counter()
        for violation in seen.violations:
            prop = by_name[violation.property]
            path = self.path(scene, prop, done[prop.name])
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
                if not path.exists():  # an interruption came before it was written
                    failures.write(scene, prop, violation, path)
                failure = failures.read_back(self.suite, self.plan, scene.column, prop, path)
            limit = not counts(self.plan, prop, scene.column)
            failure = attrs.evolve(failure, known_limit=limit)
            self.every_failure.append(failure)
            self.failures.setdefault((prop.name, scene.column.name), failure)

    def control(self) -> None:
        """A mutant must be told from a model that is broken anyway: the same without it."""
        plan, mutant = self.plan, self.plan.mutant
        if mutant is None or (isinstance(mutant, Bug) and mutant.is_live_limit):
            return
        if not self.failures:
            self.remarks.append(f"mutant {mutant.name} survived: nothing that it breaks was seen")
            return
        faithful = attrs.evolve(plan, parts=attrs.evolve(plan.parts, mutant=None))
        explorer = attrs.evolve(
            self.explorer, options=attrs.evolve(self.options, checkpoint=None, database=None)
        )
        for column in plan.columns:
            steps = self._cost(self.explorations.get(column.name))
            if not steps:
                self.remarks.append(f"no control under {column.name}: nothing was explored there")
                continue
            scene = Scene.of(self.suite, faithful, column)
            rows = faithful.explored(column)
            seen = explorer.explore(scene, rows, (steps, None), lambda violation: None)
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
    work: _Check | None = None
    try:
        with _place(options) as place:
            work = _Check(suite, plan, options, listener, clock, place)
            work.run()
    except KeyboardInterrupt:
        if work is None:
            raise
        work.is_interrupted = True
    finally:
        listener.close()
    return work.report()


def _is_enough(plan: Plan, options: Options) -> bool:
    """Whether the first violation answers all that was asked."""
    is_one = len(plan.rows) == 1 and options.violations == 1
    return is_one and (plan.mutant is not None or plan.is_question)


def _place(options: Options) -> AbstractContextManager[Place | None]:
    """Where the options say that it is explored; None is here."""
    if options.ray is not None:
        return on_ray(options.ray)
    return on_workers(options.workers) if options.workers > 1 else nullcontext()


def check(suite: Suite, options: Options, listener: Listener | None = None) -> Report:
    """Check a world. Raises InputError for what cannot be used, before anything is explored."""
    refuse_conflicts(options)
    return explore_plan(suite, make_plan(suite, options), options, listener)
