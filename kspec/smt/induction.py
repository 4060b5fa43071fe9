"""Proofs by induction over the operations of a system: over named integers, or over a table of
rows for an unbounded set of keys.

An operation is plain Python; it returns the state after it, or None where its guard forbids it.
The counterexample to induction is a state that keeps every invariant, need not be reachable, and
breaks one in one step: it is replayed on plain integers, and is an input, not yet a trace.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from kspec.smt.numbers import integers, term_of
from kspec.smt.paths import unchecked_range
from kspec.smt.prove import (
    OUTSIDE,
    Finding,
    Obligation,
    Outcome,
    Predicate,
    Proof,
    discharge,
    lift,
)
from kspec.smt.solving import Limits
from kspec.smt.tables import PlainTable, Row, SymbolicTable, Table

Transition = Callable[[Row, Row], object]
ANY_KEY = "any_key"


@attrs.frozen
class Operation:
    """One operation: step(state, inputs) gives the changed part of the state, None if disabled.

    Over a table step gives the whole table; `keys` are those of its inputs that it uses as keys,
    and it reads no row at any other key.
    """

    name: str
    step: Callable[[Any, Mapping[str, int]], Any]
    inputs: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def inductive(
    name: str,
    state: Iterable[str],
    invariants: Mapping[str, Predicate],
    initial: Predicate,
    operations: Iterable[Operation],
    *,
    transitions: Mapping[str, Transition] = {},
    limits: Limits = Limits(),  # noqa: B008  # a frozen value
) -> Proof:
    """Every invariant holds at first and each operation keeps them all, whatever its inputs.

    `transitions` are promises about (before, after) of each operation. An invariant serves the
    others as a lemma. An operation that is never enabled makes the answer Unknown: it would keep
    anything. Raises ValueError when an operation's input is named like a part of the state.
    """
    names = tuple(state)

    def consecution(operation: Operation) -> Outcome | str:
        _refuse_clash(operation, names)
        symbols = integers(*names, *operation.inputs)
        assumed = lift(lambda: _all_hold(invariants, _part(symbols, names)), (), limits)

        def step(values: Mapping[str, int]) -> str | None:
            before = _part(values, names)
            change = operation.step(before, _part(values, operation.inputs))
            if change is None:
                return None
            after = {**before, **change}
            return _first_broken(invariants, transitions, before, after)

        def plain(values: Mapping[str, int]) -> str | None:
            return step(values) if _all_hold(invariants, _part(values, names)) else OUTSIDE

        terms = {each: term_of(number) for each, number in symbols.items()}
        obligation = Obligation(lambda: step(symbols), plain, terms, (assumed.holds,))
        return assumed.problem or discharge(obligation, limits)

    first = _initiation(names, invariants, initial, limits)
    return _proof(name, first, operations, consecution)


def unbounded(
    name: str,
    columns: Iterable[str],
    invariants: Mapping[str, Predicate],
    initial: Predicate,
    operations: Iterable[Operation],
    *,
    transitions: Mapping[str, Transition] = {},
    limits: Limits = Limits(),  # noqa: B008  # a frozen value
) -> Proof:
    """As `inductive`, for a table: every promise is about one row and holds for all keys.

    The conclusion is about an arbitrary key, `any_key`; the hypothesis, which holds for all keys,
    is instantiated at that key and at the operation's. That loses nothing: with the row of
    `any_key` at every other key an instance becomes a whole table. (z3 proves the quantified form
    too, but answers "incomplete quantifiers" where there is a counterexample.) A counterexample
    gives the keys and, as `column[key]`, their rows.
    """
    names = tuple(columns)

    def consecution(operation: Operation) -> Outcome | str:
        _refuse_clash(operation, (*names, ANY_KEY))
        symbols = integers(*operation.inputs, ANY_KEY)
        keys = (*operation.keys, ANY_KEY)
        table = SymbolicTable.of(names)
        rows = [table[symbols[key]] for key in keys]
        assumed = [lift(partial(_all_hold, invariants, row), (), limits) for row in rows]

        def step(before: Table, values: Mapping[str, int]) -> str | None:
            after = operation.step(before, _part(values, operation.inputs))
            if after is None:
                return None
            key = values[ANY_KEY]
            return _first_broken(invariants, transitions, before[key], after[key])

        def plain(values: Mapping[str, int]) -> str | None:
            rows = {values[k]: {c: values[f"{c}[{k}]"] for c in names} for k in keys}
            if not all(_all_hold(invariants, row) for row in rows.values()):
                return OUTSIDE
            return step(PlainTable(rows), values)

        terms = {each: term_of(number) for each, number in symbols.items()}
        terms |= {f"{c}[{k}]": term_of(table[symbols[k]][c]) for k in keys for c in names}
        facts = tuple(each.holds for each in assumed)
        obligation = Obligation(lambda: step(table, symbols), plain, terms, facts)
        return assumed[0].problem or discharge(obligation, limits)

    first = _initiation(names, invariants, initial, limits)
    return _proof(name, first, operations, consecution)


def _initiation(
    names: tuple[str, ...], invariants: Mapping[str, Predicate], initial: Predicate, limits: Limits
) -> Outcome | str:
    symbols = integers(*names)
    assumed = lift(lambda: initial(symbols), (), limits)

    def plain(values: Mapping[str, int]) -> str | None:
        return _first_broken(invariants, {}, values, values) if initial(values) else OUTSIDE

    def symbolic() -> str | None:
        return _first_broken(invariants, {}, symbols, symbols)

    terms = {each: term_of(number) for each, number in symbols.items()}
    obligation = Obligation(symbolic, plain, terms, (assumed.holds,))
    return assumed.problem or discharge(obligation, limits)


def _proof(
    name: str,
    first: Outcome | str,
    operations: Iterable[Operation],
    consecution: Callable[[Operation], Outcome | str],
) -> Proof:
    """Join the obligations: the first refutation decides, then the first Unknown."""
    paths, enabled, unknown = 0, True, None
    for label, outcome in _obligations(first, operations, consecution):
        if isinstance(outcome, str):
            outcome = Outcome(0, False, Finding("Unknown", outcome))
        paths += outcome.paths
        enabled = enabled and outcome.accepting_path
        finding = outcome.finding
        if finding is None and not outcome.accepting_path:
            finding = Finding("Unknown", "vacuous: no state allows it")
        if finding is None:
            continue
        reason = f"{label}: {finding.reason}"
        proof = Proof(name, finding.verdict, reason, paths, finding.counterexample, enabled)
        if finding.verdict == "Refuted":
            return proof
        unknown = unknown or proof
    if unknown is not None:
        return attrs.evolve(unknown, paths=paths, accepting_path=enabled)
    return Proof(name, "Proved", "at first and by every operation", paths, None, enabled)


def _obligations(
    first: Outcome | str,
    operations: Iterable[Operation],
    consecution: Callable[[Operation], Outcome | str],
) -> Iterator[tuple[str, Outcome | str]]:
    yield "initially", first
    for operation in operations:
        yield operation.name, consecution(operation)


def _first_broken(
    invariants: Mapping[str, Predicate],
    transitions: Mapping[str, Transition],
    before: Row,
    after: Row,
) -> str:
    with unchecked_range():
        for name, promise in invariants.items():
            if not promise(after):
                return f"breaks {name}"
        for name, promised in transitions.items():
            if not promised(before, after):
                return f"breaks {name}"
    return ""


def _all_hold(invariants: Mapping[str, Predicate], state: Row) -> bool:
    return all(promise(state) for promise in invariants.values())


def _part(values: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    return {name: values[name] for name in names}


def _refuse_clash(operation: Operation, names: tuple[str, ...]) -> None:
    clash = sorted(set(operation.inputs) & set(names))
    if clash or not set(operation.keys) <= set(operation.inputs):
        raise ValueError(
            f"operation {operation.name!r}: inputs {clash} are named like the state, or its keys "
            f"{operation.keys} are not among its inputs; rename the input or list the key there"
        )
