"""Properties: what a system promises, when, on whose word, and what proves that the check bites.

Five kinds: invariant (one state), transition (before, after), sometimes (reachability), leads_to
and eventually_stable (liveness, once the faults have ended, under weak fairness, or under strong
where the system grants that to a class of actions).
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from kspec.logic import Verdict


class Kind(enum.StrEnum):
    """What a property is a statement about: states, steps, reachability, or whole behaviours."""

    INVARIANT = "invariant"
    TRANSITION = "transition"
    SOMETIMES = "sometimes"
    LEADS_TO = "leads-to"
    EVENTUALLY_STABLE = "eventually-stable"


LIVENESS = (Kind.LEADS_TO, Kind.EVENTUALLY_STABLE)


def _check_within(prop: Any, field: Any, within: Any) -> None:
    if within is None:
        return
    if prop.kind is not Kind.LEADS_TO or type(within) is not int or within < 0:
        raise TypeError(
            f"{prop.name}: within={within!r} is not the most seconds, a whole number from 0 on, "
            "that a leads-to may take"
        )


@attrs.frozen(kw_only=True, eq=False)
class Property:
    """One promise.

    predicate: invariant and sometimes take (state); transition takes (before, after) and is asked
        only after steps that changed something it reads; for liveness it is the goal `then`.
    when: for liveness the antecedent; a leads-to owes its goal from each state where it held, an
        eventually-stable owes it for ever from some point on.
    within: for a leads-to, after how many seconds of virtual time at most the goal holds, counted
        from where it is owed; judged at every step, while faults last too. The system needs a
        method `now(state)`.
    reads: the topics of the system that it looks at; empty means all.
    faults: the fault classes under which it is promised ("none" is the fault-free column).
    companion: name of the `sometimes` that shows the check is not vacuous.
    mutants: names of mutants of the model that it kills.
    known_false: tempting, and not kept; stays with its trace.
    tell_cycle: for liveness, the witness of a cycle that breaks it, from its (before, after)s in
        order; without one the witness is that of the goal.
    """

    name: str
    kind: Kind
    promise: str
    conditions: str
    source: str
    predicate: Callable[..., Any]
    when: Callable[[Any], Any] | None = None
    within: int | None = attrs.field(default=None, validator=_check_within)
    reads: tuple[str, ...] = ()
    faults: tuple[str, ...] = ("none",)
    companion: str = ""
    mutants: tuple[str, ...] = ()
    known_false: bool = False
    tell_cycle: Callable[[Sequence[tuple[Any, Any]]], str] | None = None

    def holds(self, before: Any, after: Any) -> Verdict:
        """The verdict of a safety property about the step from `before` to `after`."""
        if self.kind is Kind.TRANSITION:
            answer = self.predicate(before, after)
        else:
            answer = self.predicate(after)
        return answer if isinstance(answer, Verdict) else Verdict(bool(answer))


def _split_docstring(function: Callable[..., Any]) -> tuple[str, str]:
    text = inspect.getdoc(function)
    if not text:
        raise TypeError(f"{function.__name__} needs a docstring: its first line is the promise")
    head, _, rest = text.partition("\n")
    return head.strip(), rest.strip()


def _decorator(kind: Kind) -> Callable[..., Callable[[Callable[..., Any]], Property]]:
    def declare(
        *,
        source: str,
        reads: tuple[str, ...] = (),
        faults: tuple[str, ...] = ("none",),
        companion: str = "",
        mutants: tuple[str, ...] = (),
        known_false: bool = False,
    ) -> Callable[[Callable[..., Any]], Property]:
        def wrap(function: Callable[..., Any]) -> Property:
            promise, conditions = _split_docstring(function)
            return Property(
                name=function.__name__.replace("_", "-"),
                kind=kind,
                promise=promise,
                conditions=conditions,
                source=source,
                predicate=function,
                reads=reads,
                faults=faults,
                companion=companion,
                mutants=mutants,
                known_false=known_false,
            )

        return wrap

    return declare


invariant = _decorator(Kind.INVARIANT)
"""Decorator: a predicate of one state. The docstring is the promise, then its conditions."""

transition = _decorator(Kind.TRANSITION)
"""Decorator: a predicate of the states before and after a step."""

sometimes = _decorator(Kind.SOMETIMES)
"""Decorator: a predicate of one state that some run of a healthy model reaches."""


def leads_to(
    name: str,
    *,
    promise: str,
    when: Callable[[Any], Any],
    then: Callable[[Any], Any],
    within: int | None = None,
    **rest: Any,
) -> Property:
    """Whenever `when` holds, `then` holds at that point or later, in every fair behaviour.

    within: and no more than so many seconds of virtual time later, in every behaviour.
    """
    return Property(
        name=name,
        kind=Kind.LEADS_TO,
        promise=promise,
        when=when,
        within=within,
        predicate=then,
        **{"conditions": "", **rest},
    )


def eventually_stable(
    name: str,
    *,
    promise: str,
    then: Callable[[Any], Any],
    when: Callable[[Any], Any] | None = None,
    **rest: Any,
) -> Property:
    """From some point on `then` holds for ever, in every fair behaviour (where `when` held)."""
    return Property(
        name=name,
        kind=Kind.EVENTUALLY_STABLE,
        promise=promise,
        when=when,
        predicate=then,
        **{"conditions": "", **rest},
    )
