"""The most pods that any placement could put on the nodes, what is bound staying where it is.

First-fit-decreasing first: where it places every pod, that is the answer. Else z3 maximises the
counts per template and node between what first fit reached and a bound by linear programming;
large problems go to CP-SAT of OR-tools where that is installed (the extra `optimum`). A solver that
gives up leaves a lower and an upper bound, and the answer is not called the optimum.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from kspec.errors import InputError
from kspec_properties.trial.counts import (
    Counts,
    Optimum,
    Problem,
    Template,
    problem_of,
    total,
)
from kspec_properties.trial.instances import Instance

SOLVERS = ("auto", "z3", "cp-sat")
ATTEMPTS = 24
LARGE = 6_000
"""How many counts are too many for z3."""
EFFORT = 1
"""How much a solver may spend before it gives up, in units of about a second."""


def optimum(
    instance: Instance, *, solver: str = "auto", effort: int = EFFORT, floor: int = 0
) -> Optimum:
    """The best placement of the pods that wait. Raises InputError for an unknown solver.

    floor: so many are known to be possible.
    """
    return solve(problem_of(instance), solver=solver, effort=effort, floor=floor)


def solve(
    problem: Problem, *, solver: str = "auto", effort: int = EFFORT, floor: int = 0
) -> Optimum:
    """The best counts of a problem."""
    if solver not in SOLVERS:
        raise InputError(f"no solver is called {solver!r}", expected=" or ".join(SOLVERS))
    counts, how = first_fits(problem)
    placed = total(counts)
    if placed == problem.pods:
        return Optimum(placed, placed, counts, how, problem.couplings)
    if chosen(solver, problem) == "cp-sat":
        from kspec_properties.trial.cpsat import maximise
    else:
        from kspec_properties.trial.z3_counts import maximise
    found = maximise(problem, counts, effort)
    # What a policy placed is possible, even if the solver came to no such placement.
    return found._replace(placed=max(found.placed, min(floor, found.upper)))


def chosen(solver: str, problem: Problem) -> str:
    """The solver that takes the problem; CP-SAT by itself only where it is installed."""
    if solver != "auto":
        return solver
    return "cp-sat" if problem.size > LARGE and has_cp_sat() else "z3"


def has_cp_sat() -> bool:
    """Whether OR-tools is installed."""
    import importlib.util

    return importlib.util.find_spec("ortools") is not None


def share(problem: Problem, template: Template) -> float:
    """The largest share of any resource of the whole cluster that one pod takes."""
    totals = [sum(node[r] for node in problem.free) for r in range(len(problem.resources))]
    asked = zip(template.demand, totals, strict=True)
    return max(each / whole if whole else 0.0 for each, whole in asked)


def first_fits(problem: Problem) -> tuple[Counts, str]:
    """The best of first fit in several orders, and what it is called.

    Large pods first leave few gaps; small ones first place more where not all can be placed; and
    orders that differ a little, drawn from a fixed seed, find what both miss.
    """
    shares = [share(problem, template) for template in problem.templates]
    ranked = sorted(range(len(shares)), key=lambda t: -shares[t])
    best = first_fit(problem, ranked)
    if total(best) == problem.pods:
        return best, "first-fit-decreasing"
    rng = random.Random(0)
    for attempt in range(ATTEMPTS):
        spread = attempt / ATTEMPTS
        keys = [each * (1 + spread * rng.random()) for each in shares]
        found = first_fit(problem, sorted(range(len(keys)), key=keys.__getitem__))
        best = max(best, found, key=total)
    return best, "first fit"


def first_fit(problem: Problem, ranked: Sequence[int]) -> Counts:
    """Each pod on the first node with room, template by template in that order."""
    free = [list(node) for node in problem.free]
    counts = [[0] * len(problem.names) for _ in problem.templates]
    for t in ranked:
        template = problem.templates[t]
        left = len(template.pods)
        for node in template.nodes:
            taken = min(left, _fitting(free[node], template.demand, left))
            counts[t][node] = taken
            left -= taken
            for r, asked in enumerate(template.demand):
                free[node][r] -= taken * asked
    return tuple(map(tuple, counts))


def _fitting(free: Sequence[int], demand: Sequence[int], most: int) -> int:
    room = zip(free, demand, strict=True)
    return min([most, *(left // asked for left, asked in room if asked)])
