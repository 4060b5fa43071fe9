"""Rollback of a Deployment that its annotation deprecated.deployment.rollback.to asks for.

After pkg/controller/deployment/rollback.go and LastRevision, SetFromReplicaSetTemplate and
SetDeploymentAnnotationsTo in util/deployment_util.go at Kubernetes 1.36: the template of the
revision, with its annotations, becomes that of the Deployment, and the annotation goes. It also
goes where there is no such revision, or nothing to change. `kubectl rollout undo` does not need it.

Left out: the events that tell how it went.
"""

from __future__ import annotations

from kspec_models.controllers.deployment_history import is_copied, revision_of
from kspec_models.controllers.deployment_revisions import sync_revision
from kspec_models.controllers.deployment_steps import ROLLBACK_TO, Target
from kspec_models.controllers.deployment_template import HASH_LABEL, has_template
from kspec_models.controllers.steps import Steps, send
from kspec_models.objects import Deployment, FrozenMap, ReplicaSet
from kspec_models.requests import Update
from kspec_models.store import Entry


def rollback_to(deployment: Deployment) -> int | None:
    """getRollbackTo: the revision asked for, 0 for the last one; None where none is."""
    text = deployment.metadata.annotations.get(ROLLBACK_TO, "")
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdigit() else None


def last_revision(entries: tuple[Entry, ...]) -> int:
    """The second greatest revision number, 0 where there is none."""
    numbers = sorted(revision_of(entry.value) for entry in entries)
    return numbers[-2] if len(numbers) > 1 else 0


def roll_back(target: Target, replica_sets: tuple[Entry, ...], wanted: int) -> Steps[None]:
    """Write the Deployment as that revision was, without the annotation."""
    target, found = yield from sync_revision(target, replica_sets, create=True)
    revision = wanted or last_revision(found.everyone)
    changed = target.deployment
    match = [e.value for e in found.everyone if revision and revision_of(e.value) == revision]
    if match and not has_template(match[0], changed):
        changed = _restored(changed, match[0])
    annotations = changed.metadata.annotations.without(ROLLBACK_TO)
    changed = changed.with_metadata(annotations=annotations)
    yield from send(Update(changed, target.resource_version))


def _restored(deployment: Deployment, replica_set: ReplicaSet) -> Deployment:
    """The Deployment with template and annotations of a ReplicaSet; its own bookkeeping stays."""
    template = replica_set.spec.template
    labels = template.metadata.labels.without(HASH_LABEL)
    template = template.replace(metadata=template.metadata.replace(labels=labels))
    own = {k: v for k, v in deployment.metadata.annotations.items() if not is_copied(k)}
    others = {k: v for k, v in replica_set.metadata.annotations.items() if is_copied(k)}
    restored = deployment.with_metadata(annotations=FrozenMap({**own, **others}))
    return restored.replace(spec=deployment.spec.replace(template=template))
