"""What scores must be: whole numbers, one per node, in their range; on symbolic and real ones."""

from collections.abc import Callable, Sequence
from typing import Any

from kspec.smt.paths import cannot_be_concrete, is_exploring, unchecked_range
from kspec.smt.places import place_of
from kspec_models.scheduler.framework import MAX_NODE_SCORE, Policy
from kspec_properties.proofs.scene import Values


def highest_of(policy: Policy) -> int:
    """The highest score that a policy may give: 100, or what it says itself."""
    return int(getattr(policy, "highest_score", MAX_NODE_SCORE))


def judge_of(
    name: str, scores: Callable[[Values], Any], count: int, highest: int | None
) -> Callable[[Values], str]:
    """A judge for `prove_promise` of what gives the scores of `count` nodes."""
    return lambda values: judged(name, lambda: scores(values), count, highest)


def judged(name: str, scores: Callable[[], Any], count: int, highest: int | None) -> str:
    """What is wrong with the scores, with the line where they raise; "" if nothing is."""
    try:
        given = scores()
    except Exception as error:
        return f"{name} raises {type(error).__name__}: {error}, at {place_of(error)}"
    return _broken(name, given, count, highest)


def _broken(name: str, scores: Any, count: int, highest: int | None) -> str:
    if not isinstance(scores, Sequence) or len(scores) != count:
        return f"{name} does not give a list of one score per node"
    for score in scores:
        if isinstance(score, float) and is_exploring():
            raise cannot_be_concrete(f"the score {score!r}, a float,")
        if not hasattr(score, "__index__"):
            return f"{name} gives a score of type {type(score).__name__}"
        with unchecked_range():
            if score < 0:
                return f"{name} scores below 0"
            if highest is not None and score > highest:
                return f"{name} scores above {highest}"
    return ""
