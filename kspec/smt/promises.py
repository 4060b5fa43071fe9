"""One promise about what a plain function returns, for all inputs."""

from collections.abc import Callable, Iterable, Mapping

from kspec.smt.numbers import integers, term_of
from kspec.smt.prove import (
    OUTSIDE,
    Finding,
    Obligation,
    Predicate,
    Proof,
    anything,
    discharge,
    lift,
)
from kspec.smt.solving import Limits

Judge = Callable[[Mapping[str, int]], str | None]


def prove_promise(
    name: str,
    judge: Judge,
    inputs: Iterable[str],
    *,
    assuming: Predicate = anything,
    limits: Limits = Limits(),  # noqa: B008  # a frozen value
) -> Proof:
    """`judge` names no broken promise for any input that meets the assumptions.

    It is a plain function of the named inputs: "" for a promise kept, None where the input does
    not concern it, a text for a broken one. If it concerns no input at all the answer is Unknown.
    """
    symbols = integers(*inputs)
    assumed = lift(lambda: assuming(symbols), (), limits)
    if assumed.problem:
        return Proof(name, "Unknown", f"assumption: {assumed.problem}", 0)

    def plain(values: Mapping[str, int]) -> str | None:
        return judge(values) if assuming(values) else OUTSIDE

    terms = {each: term_of(number) for each, number in symbols.items()}
    obligation = Obligation(lambda: judge(symbols), plain, terms, (assumed.holds,))
    outcome = discharge(obligation, limits)
    finding = outcome.finding
    if finding is None and not outcome.accepting_path:
        finding = Finding("Unknown", "vacuous: no input meets the assumptions")
    if finding is None:
        return Proof(name, "Proved", "on every path", outcome.paths, None, True)
    example = finding.counterexample
    kept = outcome.accepting_path
    return Proof(name, finding.verdict, finding.reason, outcome.paths, example, kept)
