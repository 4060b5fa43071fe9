"""The best counts by CP-SAT of OR-tools, an optional extra, for problems too large for z3."""

from __future__ import annotations

from kspec.errors import InputError
from kspec_properties.trial.counts import Counts, Optimum, Problem, total

_TIME = 1.0
"""Of CP-SAT's own measure, for one unit of effort: a few seconds."""


def maximise(problem: Problem, known: Counts, effort: int) -> Optimum:
    """The best counts; `known` is a placement to start from, effort as of `optimum`.

    Raises InputError where OR-tools is not installed. One worker, a fixed seed and a limit on the
    solver's own measure of time, so that the same problem gets the same answer.
    """
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise InputError(
            "the solver cp-sat needs OR-tools, which is not installed",
            expected="pip install 'kspec[optimum]', or --solver z3",
        ) from None
    model = cp_model.CpModel()
    variables = {
        (t, n): model.new_int_var(0, problem.most(template, n), f"x{t}_{n}")
        for t, template in enumerate(problem.templates)
        for n in template.nodes
    }
    for t, template in enumerate(problem.templates):
        model.add(sum(variables[t, n] for n in template.nodes) <= len(template.pods))
    for n in range(len(problem.names)):
        for r, free in enumerate(problem.free[n]):
            model.add(
                sum(
                    template.demand[r] * variables[t, n]
                    for t, template in enumerate(problem.templates)
                    if (t, n) in variables
                )
                <= free
            )
    for (t, n), variable in variables.items():
        model.add_hint(variable, known[t][n])
    model.maximize(sum(variables.values()))
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = _TIME * effort
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    status = solver.solve(model)
    upper = min(problem.pods, int(solver.best_objective_bound))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        why = f"CP-SAT gave up: {solver.status_name(status)}"
        return Optimum(total(known), max(upper, total(known)), known, why, problem.couplings)
    nodes = range(len(problem.names))
    counts = tuple(
        tuple(solver.value(variables[t, n]) if (t, n) in variables else 0 for n in nodes)
        for t in range(len(problem.templates))
    )
    how = "CP-SAT" if status == cp_model.OPTIMAL else "CP-SAT, given up"
    return Optimum(total(counts), max(upper, total(counts)), counts, how, problem.couplings)
