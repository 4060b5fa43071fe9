"""RequestedToCapacityRatio: a strategy of NodeResourcesFit that a user shapes point by point.

After pkg/scheduler/framework/plugins/noderesources/requested_to_capacity_ratio.go,
plugins/helper/shape_score.go and apis/config/validation (validateFunctionShape) at 1.36: the share
of a resource that is taken, in percent, is rated by straight lines between the points.

All numbers are integers and every function is plain, so the same code is proved by z3. Quotients
are rounded towards zero, as Go divides; upstream rounds the mean through floating point, which
gives the same for weights up to 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import attrs

from kspec.errors import InputError
from kspec_models.scheduler.framework import MAX_NODE_SCORE

MAX_UTILIZATION = 100
MAX_CUSTOM_PRIORITY_SCORE = 10


class Point(NamedTuple):
    """A point of a shape: the score at a utilization in percent."""

    utilization: int
    score: int


def broken_linear(points: Sequence[Point], at: int) -> int:
    """The height of the line through the points; flat before the first and after the last."""
    before = points[0]
    if at <= before.utilization:
        return before.score
    for point in points[1:]:
        if at <= point.utilization:
            return _between(before, point, at)
        before = point
    return before.score


def _between(before: Point, after: Point, at: int) -> int:
    rise, width = after.score - before.score, after.utilization - before.utilization
    run = at - before.utilization
    if rise < 0:
        return before.score - -rise * run // width
    return before.score + rise * run // width


def utilization(requested: int, allocatable: int) -> int:
    """0..100: the percentage of a resource that is taken; above what there is counts as all."""
    if allocatable <= 0 or requested > allocatable:
        return MAX_UTILIZATION
    return requested * MAX_UTILIZATION // allocatable


def mean_of_positive(scores: Sequence[tuple[int, int]]) -> int:
    """The mean of (score, weight), rounded half up; a score of 0 counts for nothing."""
    total = sum(weight if score > 0 else 0 for score, weight in scores)
    if total == 0:
        return 0
    return (2 * sum(score * weight for score, weight in scores) + total) // (2 * total)


def checked_shape(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points, or InputError where they make no shape.

    A shape has at least one point; utilizations ascend within 0..100, scores are 0..10.
    """
    if not points:
        raise InputError("no point", where="shape", expected="at least one point")
    for index, (at, score) in enumerate(points):
        where = f"shape[{index}]"
        if not 0 <= at <= MAX_UTILIZATION:
            raise InputError(f"utilization {at}", where=where, expected="a percentage 0 to 100")
        if not 0 <= score <= MAX_CUSTOM_PRIORITY_SCORE:
            raise InputError(f"score {score}", where=where, expected="a score from 0 to 10")
        if index and at <= points[index - 1].utilization:
            expected = "utilizations in increasing order"
            raise InputError(f"utilization {at}", where=where, expected=expected)
    return tuple(points)


def _scaled(points: Sequence[Point]) -> tuple[Point, ...]:
    factor = MAX_NODE_SCORE // MAX_CUSTOM_PRIORITY_SCORE
    return tuple(Point(at, score * factor) for at, score in checked_shape(points))


@attrs.frozen
class RequestedToCapacityRatio:
    """The strategy with a shape of its own; see `checked_shape`. points: scores scaled to 100."""

    points: tuple[Point, ...] = attrs.field(converter=_scaled)

    def __call__(self, requested: int, allocatable: int) -> int:
        """0..100: the score of the share that is taken once `requested` (pod included) is."""
        return broken_linear(self.points, utilization(requested, allocatable))
