"""Checking a world: what to explore, what to make of it, and the traces of what fails.

The command line and the pytest plugin both call `check`; neither a terminal nor click is known
here. An `Options` becomes a `Plan`, a plan is explored column by column, and the answer is a
`Report`.
"""

from kspec.check.failures import Failure, Shown
from kspec.check.listener import Listener
from kspec.check.options import Options
from kspec.check.outcome import Report
from kspec.check.plan import Column, Plan, make_plan, plan_of_world
from kspec.check.run import check, explore_plan
from kspec.check.scaling import ScaleReport, check_scale

__all__ = [
    "Column",
    "Failure",
    "Listener",
    "Options",
    "Plan",
    "Report",
    "ScaleReport",
    "Shown",
    "check",
    "check_scale",
    "explore_plan",
    "make_plan",
    "plan_of_world",
]
