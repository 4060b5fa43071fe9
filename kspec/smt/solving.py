"""The only calls of the z3 solver: three answers, a fixed seed, and small models.

A solver that gives up, runs out of time or raises answers "unknown" with its reason; nothing here
turns that into "unsat". z3's default context belongs to one thread, and so does this package.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs
import z3

RANDOM_SEED = 0
READABLE_BOUNDS = (1, 8, 64, 1024, 2**20, 2**40)
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


@attrs.frozen
class Limits:
    """What bounds a search for paths; reaching one gives Unknown, never a smaller answer.

    With int64 every input and every intermediate result is held to the range of Go's int64, and
    leaving it is a finding.
    """

    path_limit: int = 1000
    decision_limit: int = 1000
    timeout_milliseconds: int = 5000
    int64: bool = False


@attrs.frozen
class Answer:
    """What the solver said; a model only with "sat", a reason only with "unknown"."""

    status: Literal["sat", "unsat", "unknown"]
    model: Any = None
    reason: str = ""


def new_solver(facts: Iterable[Any], timeout_milliseconds: int) -> Any:
    """A z3 solver that holds the facts, with a fixed seed and a time limit per question."""
    solver = z3.Solver()
    solver.set("random_seed", RANDOM_SEED)
    solver.set("timeout", timeout_milliseconds)
    solver.add(*facts)
    return solver


def ask(solver: Any, *facts: Any) -> Answer:
    """Can the facts hold together with all that the solver holds?

    Raises KeyboardInterrupt when the user stopped the solver, which z3 itself reports as unknown.
    """
    try:
        status = solver.check(*facts)
        if status == z3.sat:
            return Answer("sat", solver.model())
        if status == z3.unsat:
            return Answer("unsat")
        reason = str(solver.reason_unknown())
    except z3.Z3Exception as error:
        reason = f"z3 raised: {error}"
    if "interrupted" in reason:
        raise KeyboardInterrupt
    return Answer("unknown", reason=reason)


def in_int64(term: Any) -> Any:
    """The z3 fact that a term lies in the range of int64."""
    return z3.And(term >= INT64_MIN, term <= INT64_MAX)


def smallest_model(
    facts: Iterable[Any], terms: Mapping[str, Any], timeout_milliseconds: int
) -> dict[str, int] | None:
    """A model for people: first a common small bound, then each term in turn nearest to zero.

    It does not depend on the solver's heuristics unless a question timed out; then the smallest
    model that was found is given. None when the solver finds no model at all.
    """
    solver = new_solver(facts, timeout_milliseconds)
    answer = ask(solver)
    if answer.status != "sat":
        return None
    known = values_of(answer.model, terms)
    for bound in READABLE_BOUNDS:
        small = [z3.And(term >= -bound, term <= bound) for term in terms.values()]
        answer = ask(solver, *small)
        if answer.status == "sat":
            solver.add(*small)
            known = values_of(answer.model, terms)
            break
    for name, term in terms.items():
        known = _nearest_to_zero(solver, known, name, terms)
        solver.add(term == known[name])
    return known


def _nearest_to_zero(
    solver: Any, known: dict[str, int], name: str, terms: Mapping[str, Any]
) -> dict[str, int]:
    term, low = terms[name], 0
    while low < abs(known[name]):
        middle = (low + abs(known[name])) // 2
        answer = ask(solver, term >= -middle, term <= middle)
        if answer.status == "sat":
            known = values_of(answer.model, terms)
        else:
            low = middle + 1
    if known[name] < 0:
        answer = ask(solver, term == -known[name])
        if answer.status == "sat":
            known = values_of(answer.model, terms)
    return known


def values_of(model: Any, terms: Mapping[str, Any]) -> dict[str, int]:
    """What the terms are in a model."""
    return {name: model.eval(term, model_completion=True).as_long() for name, term in terms.items()}
