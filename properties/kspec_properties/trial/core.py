"""A minimal reason why no node takes a pod: an unsat core of constraints, by z3.

The pod is on exactly one node; each constraint is an assumption, a shortage as the inequality that
it is. The solver's core is then minimised by deletion: without any one of what is left, some node
would take the pod, as far as the named constraints go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import z3

from kspec.smt.solving import ask, new_solver
from kspec_properties.trial.constraints import EVERY_NODE, Constraint

_MILLISECONDS = 10_000


class Core(NamedTuple):
    """constraints: the core. is_minimal: that no part of it would do is certain."""

    constraints: tuple[Constraint, ...]
    is_minimal: bool


def core_of(constraints: Sequence[Constraint], nodes: Sequence[str]) -> Core | None:
    """The core; None where the constraints leave a node, or the solver did not say.

    Constraints about room are left out first, so that those stay that no eviction changes.
    """
    names = {f"c{i}": each for i, each in enumerate(constraints)}
    places = {node: z3.Bool(f"on {node}") for node in nodes}
    facts = [z3.Or(list(places.values())), *_at_most_one(list(places.values()))]
    for name, each in names.items():
        where = list(places.values()) if each.node == EVERY_NODE else [places[each.node]]
        facts += [z3.Implies(z3.And(z3.Bool(name), place), _allowed(each)) for place in where]
    solver = new_solver(facts, _MILLISECONDS)
    kept = sorted(names, key=lambda name: (not names[name].is_about_room, int(name[1:])))
    if ask(solver, *map(z3.Bool, kept)).status != "unsat":
        return None
    is_minimal = True
    for name in tuple(kept):
        rest = [other for other in kept if other != name]
        status = ask(solver, *map(z3.Bool, rest)).status
        if status == "unsat":
            kept = rest
        is_minimal = is_minimal and status != "unknown"
    found = sorted(kept, key=lambda name: int(name[1:]))
    return Core(tuple(names[name] for name in found), is_minimal)


def _allowed(constraint: Constraint) -> z3.BoolRef:
    """What the constraint asks of its node: room as an inequality, anything else is not met."""
    if constraint.asked < 0:
        return z3.BoolVal(False)
    return z3.IntVal(constraint.asked) <= z3.IntVal(constraint.free)


def _at_most_one(places: list[z3.BoolRef]) -> list[z3.BoolRef]:
    return [z3.PbLe([(place, 1) for place in places], 1)] if len(places) > 1 else []
