"""A counterexample on the engine: what it comes to there, as a trace."""

from collections.abc import Callable
from pathlib import Path

from kspec.check import Options, explore_plan, plan_of_world
from kspec.smt import Proof
from kspec.suite import Settings, Suite

STEPS = 2_000

Replay = Callable[[Proof], tuple[str, int] | None]


def replayer(suite: Suite, policy: str, out: Path, steps: int = STEPS) -> Replay:
    """Runs a counterexample's objects under the policy of that name, first in first out.

    It gives the path of the trace and its number of actions, None where nothing promised breaks.
    """

    def replay(proof: Proof) -> tuple[str, int] | None:
        world = suite.counterexample_world(proof)
        if world is None:
            return None
        settings = Settings(policy=policy)
        options = Options(settings=settings, faults="none", steps=steps, out=out, strategy="fifo")
        report = explore_plan(suite, plan_of_world(suite, options, world), options)
        for failure in report.failures:
            return failure.path, len(failure.trace.actions)
        return None

    return replay
