"""Which ReplicaSet is the new one, and how it is made.

After getAllReplicaSetsAndSyncRevision and getNewReplicaSet in pkg/controller/deployment/sync.go at
Kubernetes 1.36.

Left out: events and the shortening of long names.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec_models.controllers.deployment_conditions import (
    FAILED_CREATE,
    FOUND_NEW_REPLICA_SET,
    NEW_REPLICA_SET,
    PROGRESSING,
    set_condition,
)
from kspec_models.controllers.deployment_history import revision_of, with_revision
from kspec_models.controllers.deployment_scaling import new_size, with_sizes
from kspec_models.controllers.deployment_steps import (
    REVISION,
    Target,
    by_creation,
    progress_deadline,
    total,
    write_status,
)
from kspec_models.controllers.deployment_template import HASH_LABEL, has_template, template_hash
from kspec_models.controllers.pods import owner_reference
from kspec_models.controllers.steps import Steps, WriteFailed, written
from kspec_models.objects import (
    EMPTY,
    Deployment,
    FrozenMap,
    ObjectMeta,
    ReplicaSet,
    ReplicaSetSpec,
    condition,
    controller_of,
)
from kspec_models.requests import (
    ALREADY_EXISTS,
    NAMESPACE_TERMINATING,
    Create,
    Response,
    Update,
)
from kspec_models.store import Entry


class ReplicaSets(NamedTuple):
    """The ReplicaSets of a Deployment: the one with its template if there is one, and the rest."""

    new: Entry | None
    old: tuple[Entry, ...]

    @property
    def everyone(self) -> tuple[Entry, ...]:
        return self.old if self.new is None else (*self.old, self.new)


def find(deployment: Deployment, entries: tuple[Entry, ...]) -> ReplicaSets:
    """Tell new from old; of several with the same template the oldest is the new one."""
    new = next((e for e in by_creation(entries) if has_template(e.value, deployment)), None)
    return ReplicaSets(new, tuple(entry for entry in entries if entry is not new))


def sync_revision(
    target: Target, entries: tuple[Entry, ...], *, create: bool
) -> Steps[tuple[Target, ReplicaSets]]:
    """The ReplicaSets, the new one with the next revision number; made if wanted and missing."""
    found = find(target.deployment, entries)
    revision = 1 + max((revision_of(entry.value) for entry in found.old), default=0)
    if found.new is not None:
        target, new = yield from _adjust(target, found.new, revision)
        return target, found._replace(new=new)
    if not create:
        return target, found
    target, new = yield from _create(target, found.old, revision)
    return target, found._replace(new=new)


def _adjust(target: Target, new: Entry, revision: int) -> Steps[tuple[Target, Entry]]:
    """Bring the annotations of an existing new ReplicaSet and of the Deployment up to date."""
    deployment, replica_set = target.deployment, new.value
    annotations = with_revision(deployment, replica_set.metadata.annotations, revision)
    seconds = deployment.spec.min_ready_seconds
    is_same = annotations is replica_set.metadata.annotations
    if not is_same or replica_set.spec.min_ready_seconds != seconds:
        wanted = replica_set.with_metadata(annotations=annotations)
        wanted = wanted.replace(spec=wanted.spec.replace(min_ready_seconds=seconds))
        return target, (yield from written(Update(wanted, new.resource_version)))
    changed = _note_revision(target, annotations.get(REVISION, ""))
    has_no_condition = condition(deployment.status.conditions, PROGRESSING) is None
    if progress_deadline(deployment) is not None and has_no_condition:
        message = f'Found new replica set "{replica_set.name}"'
        changed = _progressing(changed, "True", FOUND_NEW_REPLICA_SET, message)
    if changed is not target:
        yield from write_status(changed)
    return changed, new


def _note_revision(target: Target, revision: str) -> Target:
    deployment = target.deployment
    if deployment.metadata.annotations.get(REVISION) == revision:
        return target
    annotations = deployment.metadata.annotations.set(REVISION, revision)
    return target._replace(deployment=deployment.with_metadata(annotations=annotations))


def _progressing(target: Target, status: str, reason: str, message: str) -> Target:
    changed = set_condition(
        target.deployment.status, PROGRESSING, status, reason, message, target.now
    )
    return target._replace(deployment=target.deployment.replace(status=changed))


def _create(target: Target, old: tuple[Entry, ...], revision: int) -> Steps[tuple[Target, Entry]]:
    """Create the new ReplicaSet; one of ours that is there already will do."""
    wanted = new_replica_set(target.deployment, old, revision)
    is_created = True
    try:
        new = yield from written(Create(wanted))
    except WriteFailed as error:
        existing = error.response.entry
        if error.response.reason != ALREADY_EXISTS or existing is None:
            yield from _report_failure(target, wanted, error.response)
            raise
        if not _is_ours(existing.value, target.deployment):
            yield from _count_collision(target)
            raise
        new, is_created = existing, False
    changed = _note_revision(target, str(revision))
    if is_created and progress_deadline(target.deployment) is not None:
        message = f'Created new replica set "{wanted.name}"'
        changed = _progressing(changed, "True", NEW_REPLICA_SET, message)
    if changed is not target:
        yield from write_status(changed)
    return changed, new


def new_replica_set(deployment: Deployment, old: tuple[Entry, ...], revision: int) -> ReplicaSet:
    """The ReplicaSet of the Deployment's template, named and labelled by the template's hash."""
    spec = deployment.spec
    label = template_hash(spec.template, deployment.status.collision_count)
    meta = spec.template.metadata
    labels = meta.labels.set(HASH_LABEL, label)
    selector: FrozenMap[Any] = spec.selector or EMPTY
    matched = FrozenMap({**(selector.get("matchLabels") or {}), HASH_LABEL: label})
    return ReplicaSet(
        metadata=ObjectMeta(
            name=f"{deployment.name}-{label}",
            namespace=deployment.namespace,
            labels=labels,
            annotations=with_sizes(with_revision(deployment, EMPTY, revision), deployment),
            owner_references=(owner_reference(deployment),),
        ),
        spec=ReplicaSetSpec(
            replicas=new_size(deployment, total(old), 0),
            min_ready_seconds=spec.min_ready_seconds,
            selector=selector.set("matchLabels", matched),
            template=spec.template.replace(metadata=meta.replace(labels=labels)),
        ),
    )


def _is_ours(replica_set: ReplicaSet, deployment: Deployment) -> bool:
    owner = controller_of(replica_set)
    return (
        owner is not None and owner.uid == deployment.uid and has_template(replica_set, deployment)
    )


def _count_collision(target: Target) -> Steps[None]:
    """Another object has the name: the next attempt hashes to another one."""
    status = target.deployment.status
    counted = status.replace(collision_count=(status.collision_count or 0) + 1)
    changed = target.deployment.replace(status=counted)
    yield from _try_status(target._replace(deployment=changed))


def _report_failure(target: Target, wanted: ReplicaSet, response: Response) -> Steps[None]:
    """Say in the conditions that the ReplicaSet could not be created."""
    quiet = (ALREADY_EXISTS, NAMESPACE_TERMINATING)
    if response.reason in quiet or progress_deadline(target.deployment) is None:
        return
    reason = response.message or response.reason
    message = f'Failed to create new replica set "{wanted.name}": {reason}'
    yield from _try_status(_progressing(target, "False", FAILED_CREATE, message))


def _try_status(target: Target) -> Steps[None]:
    try:
        yield from write_status(target)
    except WriteFailed:
        return  # the error that led here is what the pass ends with
