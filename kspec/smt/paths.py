"""Run a plain function once for each feasible path, under symbolic numbers.

A function that compares symbolic numbers asks, through `decide`, which way to go. Where both ways
are feasible the exploration takes the true one first and comes back for the other. The paths that
it yields partition the inputs: every input that the assumptions allow lies in the conditions of
exactly one path. What could not be followed (a solver's "unknown", a value that had to become
concrete, a limit) is a path as well, with its reason; nothing is dropped.

Promised for a function that is deterministic, has no side effects, and compares numbers with
operators: Python gives no way to see `number is 0`, `flag is True` or `type(number)`. The proofs
run one sample of every path on plain integers too, which catches many of these and not all.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import attrs
import z3

from kspec.smt.places import place_here
from kspec.smt.solving import Limits, ask, in_int64, new_solver


class PathEnded(BaseException):
    """Ends the run of one path. Not an Exception, so that no `except Exception` hides it."""


class Concretised(PathEnded):
    """A symbolic number was used where only a concrete one can be: the path is Unknown."""


class Undecided(PathEnded):
    """The path could not be followed further: the solver gave up, or a limit was reached."""


class Overflow(PathEnded):
    """An intermediate result leaves the range of int64 on this path."""


@attrs.frozen(eq=False)
class Path:
    """One path: its conditions, and either a result, an exception, or why it is unknown.

    model: a z3 model of the assumptions and the conditions.
    """

    conditions: tuple[Any, ...]
    result: Any = None
    exception: BaseException | None = None
    unknown: str = ""
    model: Any = None


@attrs.define(eq=False)
class _Decision:
    condition: Any
    choice: bool
    other_model: Any = None
    """A model of the other side, where that is feasible and not explored yet."""

    @property
    def fact(self) -> Any:
        return self.condition if self.choice else z3.Not(self.condition)


class _Exploration:
    """A depth-first walk over decisions; the solver's stack follows the list of decisions.

    `model` is one of the stack: the side of a fork that it lies on need not be asked for.
    """

    def __init__(self, assumptions: Iterable[Any], limits: Limits) -> None:
        self.limits = limits
        self.solver = new_solver(assumptions, limits.timeout_milliseconds)
        self.decisions: list[_Decision] = []
        self.position = 0
        self.checks_range = limits.int64
        self.ended: PathEnded | None = None
        self.model: Any = None

    def run(self, function: Callable[[], object]) -> Path:
        """Run the function along the decisions so far, and on to the end of a path."""
        self.position, self.ended, self.checks_range = 0, None, self.limits.int64
        result: object = None
        error: BaseException | None = None
        token = _current.set(self)
        try:
            result = function()
        except PathEnded as signal:
            if signal is not self.ended:
                raise
        except Exception as raised:
            error = raised
        finally:
            _current.reset(token)
        if self.ended is None and self.position < len(self.decisions):
            self.end(Undecided(_NOT_DETERMINISTIC))
        conditions = tuple(decision.fact for decision in self.decisions)
        if isinstance(self.ended, Overflow):
            return Path(conditions, exception=self.ended, model=self.model)
        if self.ended is not None:
            return Path(conditions, unknown=str(self.ended), model=self.model)
        return Path(conditions, result=result, exception=error, model=self.model)

    def end(self, signal: PathEnded) -> PathEnded:
        """Remember why the path ends, in case the function swallows what is raised."""
        self.ended = self.ended or signal
        return self.ended

    def decide(self, condition: Any) -> bool:
        if self.ended is not None:
            raise self.ended
        is_replayed = self.position < len(self.decisions)
        if not is_replayed or not self.decisions[self.position].condition.eq(condition):
            simple = z3.simplify(condition)
            if z3.is_true(simple) or z3.is_false(simple):
                return bool(z3.is_true(simple))
            if is_replayed:
                raise self.end(Undecided(_NOT_DETERMINISTIC))
            self._fork(condition)
        self.position += 1
        return self.decisions[self.position - 1].choice

    def _fork(self, condition: Any) -> None:
        limit = self.limits.decision_limit
        if len(self.decisions) >= limit:
            raise self.end(Undecided(f"decision limit of {limit} on one path reached"))
        here = self.model.eval(condition, model_completion=True)
        holds = self.model if z3.is_true(here) else self._model_of(condition, condition)
        fails = self.model if z3.is_false(here) else self._model_of(z3.Not(condition), condition)
        if holds is None:
            self._take(_Decision(condition, False), fails)
        else:
            self._take(_Decision(condition, True, fails), holds)

    def _model_of(self, fact: Any, condition: Any) -> Any:
        """A model of the stack with the fact, None where there is none."""
        answer = ask(self.solver, fact)
        if answer.status == "unknown":
            text = " ".join(str(condition).split())[:200]
            raise self.end(Undecided(f"the solver gave up on {text} ({answer.reason})"))
        return answer.model

    def _take(self, decision: _Decision, model: Any) -> None:
        self.solver.push()
        self.solver.add(decision.fact)
        self.decisions.append(decision)
        self.model = model

    def backtrack(self) -> bool:
        """Turn to the other side of the last open decision; False when none is left."""
        while self.decisions:
            last = self.decisions.pop()
            self.solver.pop()
            if last.other_model is not None:
                self._take(_Decision(last.condition, not last.choice), last.other_model)
                return True
        return False

    def open_regions(self) -> Iterator[tuple[Any, ...]]:
        """The conditions under which nothing was explored yet, deepest first."""
        facts = [decision.fact for decision in self.decisions]
        for at in reversed(range(len(facts))):
            if self.decisions[at].other_model is not None:
                yield (*facts[:at], z3.Not(facts[at]))


_current: ContextVar[_Exploration | None] = ContextVar("kspec_smt_exploration", default=None)
_NOT_DETERMINISTIC = "the function decided otherwise when it was run again; it must be pure"


def explore(
    function: Callable[[], object],
    assumptions: Iterable[Any] = (),
    *,
    path_limit: int = Limits().path_limit,
    decision_limit: int = Limits().decision_limit,
    timeout_milliseconds: int = Limits().timeout_milliseconds,
    int64: bool = False,
) -> Iterator[Path]:
    """Each feasible path of function() under the assumptions (z3 terms), depth first, true first.

    No path at all means that the assumptions contradict each other. After path_limit paths every
    region left is yielded once, as unknown. A run in which each decision has one feasible side
    counts these too, so that an endless loop meets decision_limit. An exception of the function is
    its path's outcome; with int64 an `Overflow` is as well.
    """
    limits = Limits(path_limit, decision_limit, timeout_milliseconds, int64)
    exploration = _Exploration(assumptions, limits)
    start = ask(exploration.solver)
    if start.status == "unsat":
        return
    if start.status == "unknown":
        yield Path((), unknown=f"the solver gave up on the assumptions ({start.reason})")
        return
    exploration.model = start.model
    for finished in itertools.count(1):
        yield exploration.run(function)
        if finished >= path_limit:
            for region in exploration.open_regions():
                yield Path(region, unknown=f"path limit of {path_limit} reached")
            return
        if not exploration.backtrack():
            return


def is_exploring() -> bool:
    """Whether symbolic numbers are being run by an exploration just now."""
    return _current.get() is not None


def decide(condition: Any) -> bool:
    """Which way the path being explored goes on a z3 condition; asked by symbolic numbers.

    Raises RuntimeError outside an exploration, and `PathEnded` where the path cannot be followed.
    """
    exploration = _current.get()
    if exploration is None:
        raise RuntimeError(
            "a symbolic number has no truth value outside an exploration; "
            "run the comparison inside the function given to explore() or to a proof"
        )
    return exploration.decide(condition)


def cannot_be_concrete(use: str) -> BaseException:
    """The exception to raise where a symbolic number would have to become concrete."""
    reason = f"{use} needs a concrete number; a symbolic one stands for all of them at once"
    exploration = _current.get()
    if exploration is None:
        return TypeError(reason)
    return exploration.end(Concretised(f"{reason}; at {place_here()}"))


def check_range(term: Any) -> None:
    """Under int64: end the paths on which an intermediate result leaves the range."""
    exploration = _current.get()
    if exploration is None or not exploration.checks_range:
        return
    if not exploration.decide(in_int64(term)):
        text = " ".join(str(term).split())[:200]
        raise exploration.end(Overflow(f"{text} leaves the range of int64, at {place_here()}"))


@contextmanager
def unchecked_range() -> Iterator[None]:
    """For promises about the code: they compute on integers, whatever the code computes on."""
    exploration = _current.get()
    if exploration is None:
        yield
        return
    checked, exploration.checks_range = exploration.checks_range, False
    try:
        yield
    finally:
        exploration.checks_range = checked
