"""The best counts by z3: a bound by linear programming, then integers between the bounds.

The solver is asked whether so many pods can be placed, by bisection; each placement raises the
lower bound, and each "no" lowers the upper one. After an "unknown" fewer are asked for, and the
upper bound stays. What z3 may spend is counted in its own steps, not in seconds, so that the same
problem gets the same answer.
"""

from __future__ import annotations

import math
from typing import Any

import z3

from kspec.smt.solving import ask, new_solver
from kspec_properties.trial.counts import Counts, Optimum, Problem, total

_STEPS = 300_000
"""Of z3's own measure, for one question and one unit of effort: a second at most."""
_SAFETY_MILLISECONDS = 5_000


def maximise(problem: Problem, known: Counts, effort: int) -> Optimum:
    """The best counts; `known` is a placement to start from, effort as of `optimum`."""
    upper = linear_bound(problem, effort)
    low, best, has_given_up = total(known), known, False
    variables = _variables(problem, z3.Int)
    solver = new_solver(_facts(problem, variables), _SAFETY_MILLISECONDS)
    solver.set("rlimit", _STEPS * effort)
    placed = z3.Sum(list(variables.values())) if variables else z3.IntVal(0)
    wanted = ceiling = upper
    while low < ceiling:
        answer = ask(solver, placed >= wanted)
        if answer.status == "sat":
            best = _counts(problem, variables, answer.model)
            low = total(best)
        else:
            ceiling = wanted - 1
            if answer.status == "unsat" and not has_given_up:
                upper = ceiling
            has_given_up = has_given_up or answer.status == "unknown"
        wanted = low + (ceiling - low + 1) // 2
    how = "z3 counts, given up" if low < upper else "z3 counts"
    return Optimum(low, upper, best, how, problem.couplings)


def linear_bound(problem: Problem, effort: int) -> int:
    """An upper bound: the best counts if pods could be cut; all pods where z3 gives up."""
    variables = _variables(problem, z3.Real)
    if not variables:
        return 0
    optimize = z3.Optimize()
    optimize.set("rlimit", _STEPS * effort)
    optimize.add(*_facts(problem, variables))
    goal = optimize.maximize(z3.Sum(list(variables.values())))
    if optimize.check() != z3.sat:
        return problem.pods
    found = optimize.upper(goal)
    if not z3.is_rational_value(found):
        return problem.pods
    whole: int = math.floor(found.as_fraction())
    return min(problem.pods, whole)


Variables = dict[tuple[int, int], Any]


def _variables(problem: Problem, kind: Any) -> Variables:
    return {
        (t, n): kind(f"x{t}_{n}")
        for t, template in enumerate(problem.templates)
        for n in template.nodes
    }


def _facts(problem: Problem, variables: Variables) -> list[Any]:
    facts: list[Any] = []
    for (t, n), variable in variables.items():
        template = problem.templates[t]
        facts += [variable >= 0, variable <= problem.most(template, n)]
    for t, template in enumerate(problem.templates):
        if len(template.nodes) > 1:
            placed = z3.Sum([variables[t, n] for n in template.nodes])
            facts.append(placed <= len(template.pods))
    for n in range(len(problem.names)):
        for r, free in enumerate(problem.free[n]):
            terms = [
                template.demand[r] * variables[t, n]
                for t, template in enumerate(problem.templates)
                if (t, n) in variables and template.demand[r]
            ]
            if len(terms) > 1:
                facts.append(z3.Sum(terms) <= free)
    return [*facts, *_order_of_twins(problem, variables)]


def _order_of_twins(problem: Problem, variables: Variables) -> list[Any]:
    """Of nodes that are alike the first takes no fewer pods of the first template than the next."""
    last: dict[Any, int] = {}
    facts = []
    for n, free in enumerate(problem.free):
        allowed = tuple(t for t in range(len(problem.templates)) if (t, n) in variables)
        if not allowed:
            continue
        before = last.get((free, allowed))
        if before is not None:
            facts.append(variables[allowed[0], before] >= variables[allowed[0], n])
        last[free, allowed] = n
    return facts


def _counts(problem: Problem, variables: Variables, model: Any) -> Counts:
    nodes = range(len(problem.names))
    return tuple(
        tuple(
            model.eval(variables[t, n], model_completion=True).as_long()
            if (t, n) in variables
            else 0
            for n in nodes
        )
        for t in range(len(problem.templates))
    )
