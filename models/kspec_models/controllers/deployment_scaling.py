"""How large each ReplicaSet of a Deployment should be, and the write that makes it so.

After pkg/controller/deployment/util/deployment_util.go (ResolveFenceposts, NewRSNewReplicas,
GetReplicaSetProportion, FindActiveOrLatest, IsSaturated) and scale, scaleReplicaSet and
isScalingEvent in pkg/controller/deployment/sync.go at Kubernetes 1.36.

Left out: spec.podReplacementPolicy, which is alpha and off, and events.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.errors import InputError
from kspec_models.controllers.deployment_steps import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    RECREATE,
    active,
    by_creation,
    creation_order,
    is_rolling,
    replicas,
    total,
)
from kspec_models.controllers.pods import scaled_value
from kspec_models.controllers.steps import Steps, written
from kspec_models.objects import Deployment, FrozenMap, ReplicaSet
from kspec_models.objects.record import IntOrString
from kspec_models.requests import Update
from kspec_models.store import Entry

DEFAULT_LIMIT = "25%"


class Resize(NamedTuple):
    """A decision: this ReplicaSet gets that many replicas."""

    entry: Entry
    size: int


def fenceposts(
    max_surge: IntOrString, max_unavailable: IntOrString, desired: int
) -> tuple[int, int]:
    """Surge rounded up and unavailable rounded down; never both zero, or nothing could move.

    Raises InputError where one is neither a number nor a percentage.
    """
    surge = scaled_value(max_surge, desired, round_up=True)
    unavailable = scaled_value(max_unavailable, desired, round_up=False)
    return (0, 1) if surge == 0 and unavailable == 0 else (surge, unavailable)


def _limits(deployment: Deployment) -> tuple[IntOrString, IntOrString]:
    found = deployment.spec.strategy.rolling_update
    surge = found.max_surge if found is not None else None
    unavailable = found.max_unavailable if found is not None else None
    return (
        DEFAULT_LIMIT if surge is None else surge,
        DEFAULT_LIMIT if unavailable is None else unavailable,
    )


def max_surge(deployment: Deployment) -> int:
    """How many pods a rollout may have above spec.replicas."""
    if not is_rolling(deployment):
        return 0
    try:
        return fenceposts(*_limits(deployment), replicas(deployment))[0]
    except InputError:  # upstream ignores the error here; validation refuses such text
        return 0


def max_unavailable(deployment: Deployment) -> int:
    """How many of spec.replicas may be unavailable during a rollout."""
    desired = replicas(deployment)
    if not is_rolling(deployment) or desired == 0:
        return 0
    try:
        return min(fenceposts(*_limits(deployment), desired)[1], desired)
    except InputError:
        return 0


def new_size(deployment: Deployment, current_total: int, current: int) -> int:
    """The replicas of the new ReplicaSet: as many more as the surge leaves room for.

    current_total: spec.replicas of all ReplicaSets; current: of the new one.
    """
    desired = replicas(deployment)
    if deployment.spec.strategy.type == RECREATE:
        return desired
    limit = desired + scaled_value(_limits(deployment)[0], desired, round_up=True)
    if current_total >= limit:
        return current
    return current + min(limit - current_total, desired - current)


def annotated_number(replica_set: ReplicaSet, name: str) -> int | None:
    """A whole number kept in an annotation; None where it is absent or no number."""
    text = replica_set.metadata.annotations.get(name, "")
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdigit() else None


def is_scaled(deployment: Deployment, replica_sets: tuple[Entry, ...]) -> bool:
    """Whether spec.replicas changed since an active ReplicaSet was last written."""
    desired = replicas(deployment)
    known = (annotated_number(e.value, DESIRED_REPLICAS) for e in active(replica_sets))
    return any(number is not None and number != desired for number in known)


def with_sizes(annotations: FrozenMap[str], deployment: Deployment) -> FrozenMap[str]:
    """The annotations with the Deployment's size and limit noted; the same map if they are."""
    desired = replicas(deployment)
    limit = desired + max_surge(deployment)
    for name, number in ((DESIRED_REPLICAS, desired), (MAX_REPLICAS, limit)):
        if annotations.get(name) != str(number):
            annotations = annotations.set(name, str(number))
    return annotations


def scale_replica_set(deployment: Deployment, resize: Resize) -> Steps[Entry]:
    """Write size and annotations where they differ; the ReplicaSet as it is now."""
    entry, size = resize
    replica_set: ReplicaSet = entry.value
    annotations = with_sizes(replica_set.metadata.annotations, deployment)
    if replicas(replica_set) == size and annotations is replica_set.metadata.annotations:
        return entry
    wanted = replica_set.with_metadata(annotations=annotations)
    wanted = wanted.replace(spec=wanted.spec.replace(replicas=size))
    return (yield from written(Update(wanted, entry.resource_version)))


def _active_or_latest(new: Entry | None, old: tuple[Entry, ...]) -> Entry | None:
    """The only active ReplicaSet, or the newest if none is active; None if several are."""
    newest_first = by_creation(old)[::-1]
    wanting = active(newest_first if new is None else (*newest_first, new))
    if wanting:
        return wanting[0] if len(wanting) == 1 else None
    return new if new is not None else next(iter(newest_first), None)


def _is_saturated(deployment: Deployment, new: Entry | None) -> bool:
    """Whether the new ReplicaSet has all the pods it was made for, and all are available."""
    if new is None:
        return False
    desired = replicas(deployment)
    return (
        replicas(new.value) == desired
        and annotated_number(new.value, DESIRED_REPLICAS) == desired
        and new.value.status.available_replicas == desired
    )


def plan_scale(
    deployment: Deployment, new: Entry | None, old: tuple[Entry, ...]
) -> tuple[Resize, ...]:
    """The sizes after a change of spec.replicas or while paused.

    One active ReplicaSet takes them all; old ones go once the new one is saturated; in the middle
    of a rollout the difference is shared out in proportion to size.
    """
    desired = replicas(deployment)
    single = _active_or_latest(new, old)
    if single is not None:
        return () if replicas(single.value) == desired else (Resize(single, desired),)
    if _is_saturated(deployment, new):
        return tuple(Resize(entry, 0) for entry in active(old))
    if not is_rolling(deployment):
        return ()
    return _share_out(deployment, active(old if new is None else (*old, new)))


def _share_out(deployment: Deployment, entries: tuple[Entry, ...]) -> tuple[Resize, ...]:
    desired = replicas(deployment)
    allowed = desired + max_surge(deployment) if desired > 0 else 0
    to_add = allowed - total(entries)
    if to_add == 0:
        return tuple(Resize(entry, replicas(entry.value)) for entry in entries)
    ordered = sorted(entries, key=creation_order, reverse=to_add > 0)
    ordered.sort(key=lambda entry: -replicas(entry.value))
    sizes: list[int] = []
    added = 0
    for entry in ordered:
        share = proportion(entry.value, deployment, to_add, added)
        sizes.append(replicas(entry.value) + share)
        added += share
    if sizes:
        sizes[0] = max(sizes[0] + to_add - added, 0)  # what rounding left over
    return tuple(Resize(entry, size) for entry, size in zip(ordered, sizes, strict=True))


def proportion(replica_set: ReplicaSet, deployment: Deployment, to_add: int, added: int) -> int:
    """The share of one ReplicaSet in `to_add` replicas of which `added` are given away."""
    if replicas(replica_set) == 0 or to_add in (0, added):
        return 0
    share = _fraction(replica_set, deployment)
    return min(share, to_add - added) if to_add > 0 else max(share, to_add - added)


def _fraction(replica_set: ReplicaSet, deployment: Deployment) -> int:
    """How much a ReplicaSet grows or shrinks when its part of the whole stays the same."""
    desired, size = replicas(deployment), replicas(replica_set)
    if desired == 0:
        return -size
    before = annotated_number(replica_set, MAX_REPLICAS) or deployment.status.replicas
    if before == 0:
        return 0
    return _round_half_away(size * (desired + max_surge(deployment)), before) - size


def _round_half_away(numerator: int, denominator: int) -> int:
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    half_up = (2 * abs(numerator) + denominator) // (2 * denominator)
    return half_up if numerator >= 0 else -half_up


def scale(deployment: Deployment, new: Entry | None, old: tuple[Entry, ...]) -> Steps[None]:
    """Write the sizes of `plan_scale`, one after the other."""
    for resize in plan_scale(deployment, new, old):
        yield from scale_replica_set(deployment, resize)
