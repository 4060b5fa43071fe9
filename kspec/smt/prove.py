"""Proofs about plain functions of integers: Proved, Refuted with an input, or Unknown.

Each path of the function is followed to its end. A path that breaks the claim gives the smallest
input found on it; every path, broken or kept, is run once more on plain integers, and a difference
from the symbolic run makes the answer Unknown. No clock enters a verdict but the solver's time
limit, and that only as Unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import attrs
import z3

from kspec.smt.numbers import integers, term_of
from kspec.smt.paths import Overflow, Path, decide, explore
from kspec.smt.places import place_of
from kspec.smt.solving import Limits, in_int64, smallest_model, values_of

Predicate = Callable[[Mapping[str, int]], object]
Verdict = Literal["Proved", "Refuted", "Unknown"]
OUTSIDE = "outside the assumptions"


@attrs.frozen
class Proof:
    """The answer to one claim.

    `counterexample` names plain integers: with Refuted an input that breaks the claim (None when
    nothing is accepted at all), with Unknown one that reaches the path where the proof stopped, if
    known. `accepting_path` is whether some input is accepted, or every operation enabled.
    """

    name: str
    verdict: Verdict
    reason: str
    paths: int
    counterexample: Mapping[str, int] | None = None
    accepting_path: bool = False


@attrs.frozen
class Claim:
    """A named promise, what code it is about, and how to check it."""

    name: str
    promise: str
    about: str
    check: Callable[[], Proof]


@attrs.frozen
class Lifted:
    """A predicate as two z3 terms; a problem when some path of it has no answer."""

    holds: Any
    fails: Any
    problem: str


@attrs.frozen
class Obligation:
    """What one exploration has to show: no path ends in a text that names a broken promise.

    Both forms return "" for a promise kept, None where nothing was accepted or enabled, and a text
    for a broken one; `plain` takes the values of `terms` and must agree with `symbolic`.
    """

    symbolic: Callable[[], str | None]
    plain: Callable[[Mapping[str, int]], str | None]
    terms: Mapping[str, Any]
    facts: tuple[Any, ...]


@attrs.frozen
class Finding:
    """Why an obligation is not met, and an input that shows it."""

    verdict: Literal["Refuted", "Unknown"]
    reason: str
    counterexample: Mapping[str, int] | None = None


@attrs.frozen
class Outcome:
    """What became of an obligation; the finding is a refutation when there is any."""

    paths: int
    accepting_path: bool
    finding: Finding | None


def anything(values: Mapping[str, int]) -> bool:
    """The assumption that assumes nothing."""
    return True


def paths_of(
    function: Callable[[], object], facts: Iterable[Any], limits: Limits
) -> Iterable[Path]:
    """The paths of a function under the limits."""
    return explore(
        function,
        facts,
        path_limit=limits.path_limit,
        decision_limit=limits.decision_limit,
        timeout_milliseconds=limits.timeout_milliseconds,
        int64=limits.int64,
    )


def lift(predicate: Callable[[], object], facts: Iterable[Any], limits: Limits) -> Lifted:
    """The predicate over symbolic numbers as z3 terms, without forking a later exploration.

    It is mathematics about the code, not the code: int64 does not apply to it.
    """
    holds: list[Any] = []
    fails: list[Any] = []
    problem = ""
    for path in paths_of(lambda: bool(predicate()), facts, attrs.evolve(limits, int64=False)):
        if path.unknown or path.exception is not None:
            problem = problem or _why_unknown(path)
        else:
            (holds if path.result else fails).append(z3.And(*path.conditions))
    return Lifted(z3.Or(*holds), z3.Or(*fails), problem)


def _why_unknown(path: Path) -> str:
    error = path.exception
    if error is None:
        return path.unknown
    return f"raised {type(error).__name__}: {error}, at {place_of(error)}"


def discharge(obligation: Obligation, limits: Limits) -> Outcome:
    """Follow every path of an obligation, up to the first that refutes it."""
    facts = list(obligation.facts)
    if limits.int64:
        facts += [in_int64(term) for term in obligation.terms.values()]
    paths, accepting, unknown = 0, False, None
    for path in paths_of(obligation.symbolic, facts, limits):
        paths += 1
        accepting = accepting or path.result == ""
        finding = _judge(path, obligation, facts, limits)
        if finding is not None and finding.verdict == "Refuted":
            return Outcome(paths, accepting, finding)
        unknown = unknown or finding
    return Outcome(paths, accepting, unknown)


def _judge(path: Path, obligation: Obligation, facts: list[Any], limits: Limits) -> Finding | None:
    here, timeout = [*facts, *path.conditions], limits.timeout_milliseconds
    if path.unknown:
        at = None if path.model is None else values_of(path.model, obligation.terms)
        return Finding("Unknown", path.unknown, at)
    if path.exception is None and not path.result:
        return _difference(path, obligation, values_of(path.model, obligation.terms))
    example = smallest_model(here, obligation.terms, timeout)
    if example is None:
        what = path.result or _why_unknown(path)
        return Finding("Unknown", f"{what}, but the solver gave no example")
    if isinstance(path.exception, Overflow):
        return Finding("Refuted", str(path.exception), example)
    if path.exception is not None:
        return Finding("Unknown", _why_unknown(path), example)
    return _difference(path, obligation, example) or Finding("Refuted", path.result, example)


def _difference(path: Path, obligation: Obligation, values: Mapping[str, int]) -> Finding | None:
    """Unknown if the plain run of a path's sample does not end as the path did."""
    try:
        plain = obligation.plain(values)
    except Exception as error:
        plain = f"raised {type(error).__name__}: {error}"
    if plain == path.result:
        return None
    reason = f"the plain run gave {plain!r} where the symbolic run gave {path.result!r}"
    return Finding("Unknown", reason, values)


def prove_implication(
    name: str,
    function: Predicate,
    goal: Predicate,
    inputs: Iterable[str],
    *,
    assuming: Predicate = anything,
    complete: bool = True,
    limits: Limits = Limits(),  # noqa: B008  # a frozen value
) -> Proof:
    """Whatever `function` accepts meets `goal`, and (if complete) whatever it refuses does not.

    All three are plain functions of the named inputs. A function that accepts no input at all is
    Refuted, or Unknown when nothing meets the assumptions; so is, as Unknown, one that raises.
    """
    symbols = integers(*inputs)
    assumed = lift(lambda: assuming(symbols), (), limits)
    wanted = lift(lambda: goal(symbols), (assumed.holds,), limits)
    problem = assumed.problem or wanted.problem
    if problem:
        return Proof(name, "Unknown", f"assumption or goal: {problem}", 0)

    def judged(accepted: bool, meets: bool, fails: bool) -> str | None:
        if accepted:
            return "accepts an input that breaks the goal" if fails else ""
        return "refuses an input that meets the goal" if complete and meets else None

    def symbolic() -> str | None:
        if function(symbols):
            return judged(True, False, decide(wanted.fails))
        return judged(False, complete and decide(wanted.holds), False)

    def plain(values: Mapping[str, int]) -> str | None:
        if not assuming(values):
            return OUTSIDE
        accepted, meets = bool(function(values)), bool(goal(values))
        return judged(accepted, meets, not meets)

    terms = {each: term_of(number) for each, number in symbols.items()}
    outcome = discharge(Obligation(symbolic, plain, terms, (assumed.holds,)), limits)
    return _proof_of_implication(name, outcome)


def _proof_of_implication(name: str, outcome: Outcome) -> Proof:
    finding = outcome.finding
    if finding is None and outcome.paths == 0:
        finding = Finding("Unknown", "vacuous: no input meets the assumptions")
    if finding is None and not outcome.accepting_path:
        finding = Finding("Refuted", "accepts no input at all")
    if finding is None:
        return Proof(name, "Proved", "on every path", outcome.paths, None, True)
    return Proof(
        name,
        finding.verdict,
        finding.reason,
        outcome.paths,
        finding.counterexample,
        outcome.accepting_path,
    )
