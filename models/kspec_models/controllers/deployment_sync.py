"""One pass of the Deployment controller over one key, in upstream's order.

After syncDeployment in pkg/controller/deployment/deployment_controller.go, sync and syncStatusOnly
in sync.go, rolloutRolling in rolling.go and rolloutRecreate in recreate.go at Kubernetes 1.36.

Upstream looks at the revision twice in one pass, first to tell whether this is a scaling event; if
the first look writes the ReplicaSet or the status, a second write carries an old resourceVersion,
conflicts, and the key is tried again. That is kept: it is what real clusters do.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.claims import Claims
from kspec_models.controllers.deployment_history import clean_up
from kspec_models.controllers.deployment_revisions import ReplicaSets, sync_revision
from kspec_models.controllers.deployment_rollback import roll_back, rollback_to
from kspec_models.controllers.deployment_rolling import (
    remove_old,
    resize_new,
    resize_one,
    shrink_old,
)
from kspec_models.controllers.deployment_scaling import Resize, is_scaled, scale
from kspec_models.controllers.deployment_status import (
    check_paused,
    is_complete,
    sync_rollout_status,
    sync_status,
)
from kspec_models.controllers.deployment_steps import (
    RECREATE,
    Target,
    active,
    replicas,
    write_status,
)
from kspec_models.controllers.steps import Steps, WriteFailed, claimed
from kspec_models.objects import Deployment
from kspec_models.store import Entry


class Inputs(NamedTuple):
    """What the pass read from its caches when it began.

    running: the uids of ReplicaSets that have pods which did not finish; only read for Recreate.
    """

    deployment: Entry
    claims: Claims
    running: frozenset[str]
    now: int


def sync(inputs: Inputs) -> Steps[int | None]:
    """The pass; returns the seconds after which to look again. Raises WriteFailed."""
    entry = inputs.deployment
    deployment: Deployment = entry.value
    target = Target(deployment, entry.resource_version, inputs.now)
    if deployment.spec.selector is not None and not deployment.spec.selector:
        yield from _refuse_everything(target)
        return None
    replica_sets = inputs.claims.claimed
    if inputs.claims.in_order:
        replica_sets = yield from claimed(deployment, inputs.claims)
    if deployment.is_terminating:
        target, found = yield from sync_revision(target, replica_sets, create=False)
        yield from sync_status(target, found)
        return None
    target = yield from check_paused(target)
    if deployment.spec.paused:
        yield from _adjust(target, replica_sets)
        return None
    revision = rollback_to(target.deployment)
    if revision is not None:
        yield from roll_back(target, replica_sets, revision)
        return None
    target, found = yield from sync_revision(target, replica_sets, create=False)
    if is_scaled(target.deployment, found.everyone):
        yield from _adjust(target, replica_sets)
        return None
    if deployment.spec.strategy.type == RECREATE:
        return (yield from _recreate(target, replica_sets, inputs.running))
    return (yield from _roll(target, replica_sets))


def _refuse_everything(target: Target) -> Steps[None]:
    """An empty selector would take every ReplicaSet: only note that it was seen."""
    deployment = target.deployment
    generation = deployment.metadata.generation
    if deployment.status.observed_generation < generation:
        seen = deployment.status.replace(observed_generation=generation)
        seen_by = target._replace(deployment=deployment.replace(status=seen))
        try:
            yield from write_status(seen_by)
        except WriteFailed:
            return  # upstream ignores this error


def _adjust(target: Target, replica_sets: tuple[Entry, ...]) -> Steps[None]:
    """After a change of spec.replicas, or while paused: scale, but make no new ReplicaSet."""
    target, found = yield from sync_revision(target, replica_sets, create=False)
    deployment = target.deployment
    yield from scale(deployment, found.new, found.old)
    if deployment.spec.paused:
        yield from clean_up(deployment, found.old)
    yield from sync_status(target, found)


def _roll(target: Target, replica_sets: tuple[Entry, ...]) -> Steps[int | None]:
    """RollingUpdate: first up, else down, one of them in a pass."""
    target, found = yield from sync_revision(target, replica_sets, create=True)
    deployment, new = target.deployment, found.new
    assert new is not None
    has_scaled = yield from resize_new(deployment, found.everyone, new)
    if not has_scaled:
        has_scaled = yield from shrink_old(deployment, found.everyone, active(found.old), new)
    if not has_scaled and is_complete(deployment, deployment.status):
        yield from clean_up(deployment, found.old)
    return (yield from sync_rollout_status(target, found))


def _recreate(
    target: Target, replica_sets: tuple[Entry, ...], running: frozenset[str]
) -> Steps[int | None]:
    """Recreate: no new pod while an old one may still run."""
    target, found = yield from sync_revision(target, replica_sets, create=False)
    has_scaled = yield from remove_old(target.deployment, found.old)
    if has_scaled or _runs_old_pods(found, running):
        return (yield from sync_rollout_status(target, found))
    if found.new is None:
        target, found = yield from sync_revision(target, replica_sets, create=True)
    deployment = target.deployment
    assert found.new is not None
    yield from resize_one(deployment, Resize(found.new, replicas(deployment)))
    if is_complete(deployment, deployment.status):
        yield from clean_up(deployment, found.old)
    return (yield from sync_rollout_status(target, found))


def _runs_old_pods(found: ReplicaSets, running: frozenset[str]) -> bool:
    if any(entry.value.status.replicas > 0 for entry in found.old):
        return True
    new = found.new.value.uid if found.new is not None else ""
    return bool(running - {new})
