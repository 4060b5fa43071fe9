"""What becomes of a proposed replica count: stabilization windows, rates and bounds.

After normalizeDesiredReplicas and normalizeDesiredReplicasWithBehaviors (stabilizeRecommendation,
convertDesiredReplicasWithRules, ...WithBehaviorRate, calculateScaleUpLimit, ...) in
pkg/controller/podautoscaler/horizontal.go at Kubernetes 1.36.

Upstream notes a recommendation at every pass, and passes are periodic. Here a pass that could
decide nothing else than the one before is not made; so the last recommendation holds until the pass
before the present one (`continued`), which is what upstream's list says too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from kspec_models.controllers.hpa_behavior import (
    DISABLED,
    MIN_CHANGE,
    PODS_POLICY,
    Behavior,
    Rules,
)

SCALE_UP_LIMIT_FACTOR, SCALE_UP_LIMIT_MINIMUM = 2, 4


class Sample(NamedTuple):
    """A recommendation, or the size of a change of replicas, and when it was made."""

    value: int
    at: int


Samples = tuple[Sample, ...]


class History(NamedTuple):
    """What the controller remembers of one autoscaler."""

    recommendations: Samples = ()
    scaled_up: Samples = ()
    scaled_down: Samples = ()


class Bounds(NamedTuple):
    """Between which counts an autoscaler stays, and where its target is."""

    current: int
    minimum: int
    maximum: int


class Decision(NamedTuple):
    """The count to scale to, and the two conditions that tell how it came about.

    able: reason and message of AbleToScale. limited: the same of ScalingLimited, which holds where
    `is_limited`. history: with the recommendation noted.
    """

    replicas: int
    able: tuple[str, str]
    limited: tuple[str, str]
    is_limited: bool
    history: History


READY_FOR_NEW_SCALE = ("ReadyForNewScale", "recommended size matches current size")
UP_STABILIZED = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
DOWN_STABILIZED = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, "
    "applying the highest recent recommendation",
)
SCALE_UP_LIMIT = (
    "ScaleUpLimit",
    "the desired replica count is increasing faster than the maximum scale rate",
)
SCALE_DOWN_LIMIT = (
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
)
TOO_MANY = (
    "TooManyReplicas",
    "the desired replica count is more than the maximum replica count",
)
TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")


def continued(history: History, last_pass: int | None, now: int, period: int) -> History:
    """The history with the last recommendation repeated by the passes that were not made."""
    if not history.recommendations or last_pass is None or now - last_pass <= period:
        return history
    *earlier, last = history.recommendations
    made = last._replace(at=now - period)
    kept = (*earlier, last, made) if last.at != made.at else history.recommendations
    return history._replace(recommendations=tuple(kept))


def noted(samples: Samples, value: int, now: int, oldest: int) -> Samples:
    """The samples with a new one; those from before `oldest` are of no use any more."""
    kept = tuple(s for s in samples if s.at >= oldest and s != Sample(value, now))
    return (*kept, Sample(value, now))


def normalize(history: History, bounds: Bounds, desired: int, now: int, window: int) -> Decision:
    """Without spec.behavior: the highest recommendation of the window, then the fixed rate."""
    # Without a window an earlier one of the same second is older all the same.
    recent = [s.value for s in history.recommendations if window and s.at >= now - window]
    stabilized = max((desired, *recent))
    able = READY_FOR_NEW_SCALE if stabilized == desired else DOWN_STABILIZED
    limit = max(SCALE_UP_LIMIT_FACTOR * bounds.current, SCALE_UP_LIMIT_MINIMUM)
    allowed, why = (limit, SCALE_UP_LIMIT) if bounds.maximum > limit else (bounds.maximum, TOO_MANY)
    replicas, limited = stabilized, WITHIN
    if stabilized < bounds.minimum:
        replicas, limited = bounds.minimum, TOO_FEW
    elif stabilized > allowed:
        replicas, limited = allowed, why
    samples = noted(history.recommendations, desired, now, now - window)
    history = history._replace(recommendations=samples)
    return Decision(replicas, able, limited, replicas != stabilized, history)


def normalize_with(
    history: History, bounds: Bounds, desired: int, now: int, behavior: Behavior
) -> Decision:
    """With spec.behavior: both windows, then the policies, then the bounds."""
    up, down = behavior.up.window, behavior.down.window
    stabilized = _stabilized(history.recommendations, bounds.current, desired, now, behavior)
    able = READY_FOR_NEW_SCALE
    if stabilized != desired:
        able = UP_STABILIZED if desired >= bounds.current else DOWN_STABILIZED
    replicas, limited = _within_rate(history, bounds, stabilized, now, behavior)
    samples = noted(history.recommendations, desired, now, now - max(up, down))
    history = history._replace(recommendations=samples)
    return Decision(replicas, able, limited, replicas != stabilized, history)


def _stabilized(samples: Samples, current: int, desired: int, now: int, behavior: Behavior) -> int:
    ups = [s.value for s in samples if s.at > now - behavior.up.window]
    downs = [s.value for s in samples if s.at > now - behavior.down.window]
    return min(max(current, min((desired, *ups))), max((desired, *downs)))


def _within_rate(
    history: History, bounds: Bounds, desired: int, now: int, behavior: Behavior
) -> tuple[int, tuple[str, str]]:
    """convertDesiredReplicasWithBehaviorRate."""
    if desired > bounds.current:
        limit = max(bounds.current, _up_limit(history, bounds.current, now, behavior.up))
        allowed, why = (
            (limit, SCALE_UP_LIMIT) if bounds.maximum > limit else (bounds.maximum, TOO_MANY)
        )
        if desired > allowed:
            return allowed, why
    elif desired < bounds.current:
        limit = min(bounds.current, _down_limit(history, bounds.current, now, behavior.down))
        allowed, why = (
            (limit, SCALE_DOWN_LIMIT) if bounds.minimum < limit else (bounds.minimum, TOO_FEW)
        )
        if desired < allowed:
            return allowed, why
    return desired, WITHIN


def _changed(samples: Samples, period: int, now: int) -> int:
    return sum(s.value for s in samples if s.at > now - period)


def _starts(history: History, current: int, now: int, rules: Rules) -> Iterator[int]:
    """How many replicas there were when the period of each policy began."""
    for policy in rules.policies:
        added = _changed(history.scaled_up, policy.period, now)
        removed = _changed(history.scaled_down, policy.period, now)
        yield current - added + removed


def _up_limit(history: History, current: int, now: int, rules: Rules) -> int:
    if rules.select == DISABLED:
        return current
    proposed = []
    for policy, start in zip(rules.policies, _starts(history, current, now, rules), strict=True):
        if policy.kind == PODS_POLICY:
            proposed.append(start + policy.value)
        else:
            proposed.append(math.ceil(float(start) * (1 + float(policy.value) / 100)))
    return min(proposed) if rules.select == MIN_CHANGE else max(proposed)


def _down_limit(history: History, current: int, now: int, rules: Rules) -> int:
    if rules.select == DISABLED:
        return current
    proposed = []
    for policy, start in zip(rules.policies, _starts(history, current, now, rules), strict=True):
        if policy.kind == PODS_POLICY:
            proposed.append(start - policy.value)
        else:
            proposed.append(int(float(start) * (1 - float(policy.value) / 100)))
    return max(proposed) if rules.select == MIN_CHANGE else min(proposed)


def stored(
    history: History, behavior: Behavior | None, bounds: Bounds, to: int, now: int
) -> History:
    """storeScaleEvent: a change of replicas counts for the policies that come."""
    if behavior is None:
        return history
    change = abs(to - bounds.current)
    if to > bounds.current:
        oldest = now - behavior.up.longest_period
        kept = tuple(s for s in history.scaled_up if s.at >= oldest)
        return history._replace(scaled_up=(*kept, Sample(change, now)))
    oldest = now - behavior.down.longest_period
    kept = tuple(s for s in history.scaled_down if s.at >= oldest)
    return history._replace(scaled_down=(*kept, Sample(change, now)))


def expiries(
    history: History, behavior: Behavior | None, window: int, *, is_limited: bool
) -> Iterator[int]:
    """The virtual seconds at which something remembered stops to hold the count where it is."""
    samples = history.recommendations
    last = samples[-1].value
    if behavior is None:
        yield from (s.at + window + 1 for s in samples if s.value > last)
        return
    yield from (s.at + behavior.up.window for s in samples if s.value < last)
    yield from (s.at + behavior.down.window for s in samples if s.value > last)
    if is_limited:
        for policy in (*behavior.up.policies, *behavior.down.policies):
            yield from (s.at + policy.period for s in history.scaled_up + history.scaled_down)
