"""Which of the candidates to preempt on.

After pkg/scheduler/framework/preemption/preemption.go (pickOneNodeForPreemption) at 1.36. What is
left over in the end is equally good; upstream takes any, here the first candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kspec_models.scheduler.filtering import priority_of
from kspec_models.scheduler.plugins.default_preemption.dry_run import Candidate
from kspec_models.scheduler.plugins.default_preemption.victims import start_of

_OFFSET = 2**31
"""Makes priorities positive, so that more victims of negative priority do not count as fewer."""


def earliest_start(candidate: Candidate) -> int:
    """When the first of its victims of the highest priority started."""
    highest = max(map(priority_of, candidate.victims))
    return min(start_of(pod) for pod in candidate.victims if priority_of(pod) == highest)


CRITERIA: tuple[Callable[[Candidate], int], ...] = (
    lambda candidate: candidate.violations,
    lambda candidate: max(map(priority_of, candidate.victims)),
    lambda candidate: sum(priority_of(pod) + _OFFSET for pod in candidate.victims),
    lambda candidate: len(candidate.victims),
    lambda candidate: -earliest_start(candidate),
)
"""Least is best; each decides among what the ones before left."""


def best_candidates(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates that no criterion tells from the best one, in the order given."""
    left = list(candidates)
    for criterion in CRITERIA:
        if len(left) < 2:
            break
        values = [criterion(candidate) for candidate in left]
        least = min(values)
        left = [c for c, value in zip(left, values, strict=True) if value == least]
    return tuple(left)


def pick_one_node(candidates: Sequence[Candidate]) -> Candidate | None:
    """The best candidate, the first of several; None where there is none."""
    best = best_candidates(candidates)
    return best[0] if best else None
