"""The two strategies of a Deployment: replace pods bit by bit, or all at once.

After pkg/controller/deployment/{rolling,recreate}.go at Kubernetes 1.36. What is available is what
the ReplicaSets' statuses in the cache say.

Left out: events. Upstream drops an error while it shrinks old ReplicaSets and takes it for nothing
scaled; so does this.
"""

from __future__ import annotations

from kspec_models.controllers.deployment_scaling import (
    Resize,
    max_unavailable,
    new_size,
    scale_replica_set,
)
from kspec_models.controllers.deployment_steps import active, by_creation, replicas, total
from kspec_models.controllers.steps import Steps, WriteFailed
from kspec_models.objects import Deployment
from kspec_models.store import Entry


def resize_new(deployment: Deployment, everyone: tuple[Entry, ...], new: Entry) -> Steps[bool]:
    """Bring the new ReplicaSet to its size; whether that needed a write."""
    current, desired = replicas(new.value), replicas(deployment)
    if current == desired:
        return False
    size = desired
    if current < desired:
        size = new_size(deployment, total(everyone), current)
    return (yield from resize_one(deployment, Resize(new, size)))


def resize_one(deployment: Deployment, resize: Resize) -> Steps[bool]:
    """Write a size if it differs; whether it did."""
    if replicas(resize.entry.value) == resize.size:
        return False
    yield from scale_replica_set(deployment, resize)
    return True


def shrink_old(
    deployment: Deployment, everyone: tuple[Entry, ...], old: tuple[Entry, ...], new: Entry
) -> Steps[bool]:
    """Shrink old ReplicaSets as far as availability allows; whether something was shrunk."""
    if total(old) == 0:
        return False
    spare = total(everyone) - (replicas(deployment) - max_unavailable(deployment))
    # The new pods that are not available yet may still be needed in the place of old ones.
    spare -= replicas(new.value) - new.value.status.available_replicas
    if spare <= 0:
        return False
    try:
        old, removed = yield from clean_up_unhealthy(deployment, old, spare)
        shrunk = plan_scale_down(deployment, (*old, new), old)
        for resize in shrunk:
            yield from scale_replica_set(deployment, resize)
    except (WriteFailed, InvalidSize):
        return False
    return bool(removed or shrunk)


class InvalidSize(Exception):
    """An old ReplicaSet reports more available pods than it wants: its status is behind."""


def clean_up_unhealthy(
    deployment: Deployment, old: tuple[Entry, ...], limit: int
) -> Steps[tuple[tuple[Entry, ...], int]]:
    """Remove at most `limit` replicas that are not available, the oldest ReplicaSet first.

    The old ReplicaSets as they are now, and how many replicas went. Raises InvalidSize.
    """
    result = list(by_creation(old))
    removed = 0
    for index, entry in enumerate(result):
        if removed >= limit:
            break
        size, available = replicas(entry.value), entry.value.status.available_replicas
        if size in (0, available):
            continue
        count = min(limit - removed, size - available)
        if count < 0:
            raise InvalidSize
        result[index] = yield from scale_replica_set(deployment, Resize(entry, size - count))
        removed += count
    return tuple(result), removed


def plan_scale_down(
    deployment: Deployment, everyone: tuple[Entry, ...], old: tuple[Entry, ...]
) -> tuple[Resize, ...]:
    """Which old ReplicaSets shrink, the oldest first, so that enough pods stay available."""
    least = replicas(deployment) - max_unavailable(deployment)
    spare = sum(entry.value.status.available_replicas for entry in everyone) - least
    plan: list[Resize] = []
    for entry in by_creation(old):
        if spare <= 0:
            break
        size = replicas(entry.value)
        if size > 0:
            plan.append(Resize(entry, size - min(size, spare)))
            spare -= min(size, spare)
    return tuple(plan)


def remove_old(deployment: Deployment, old: tuple[Entry, ...]) -> Steps[bool]:
    """Recreate: shrink every old ReplicaSet to zero; whether one had to be."""
    has_scaled = False
    for entry in active(old):
        has_scaled |= yield from resize_one(deployment, Resize(entry, 0))
    return has_scaled
