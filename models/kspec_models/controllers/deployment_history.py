"""Revision numbers in annotations, and how much history of a Deployment is kept.

After SetNewReplicaSetAnnotations, Revision and MaxRevision in
pkg/controller/deployment/util/deployment_util.go and cleanupDeployment in sync.go at Kubernetes
1.36.

Left out: the cut of a revision history beyond 2,000 characters, and the removal of annotations
that the Deployment lost, which upstream does not do either.
"""

from __future__ import annotations

from kspec_models.controllers.deployment_steps import (
    DEFAULT_HISTORY_LIMIT,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    REVISION,
    REVISION_HISTORY,
    ROLLBACK_TO,
    UNLIMITED,
    creation_order,
    replicas,
)
from kspec_models.controllers.steps import Steps, WriteFailed, send
from kspec_models.objects import Deployment, FrozenMap, ReplicaSet
from kspec_models.requests import NOT_FOUND, Delete
from kspec_models.store import Entry

_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        ROLLBACK_TO,
    }
)


def is_copied(annotation: str) -> bool:
    """Whether an annotation goes from a Deployment to its ReplicaSets: not what keeps count."""
    return annotation not in _NOT_COPIED


def revision_of(replica_set: ReplicaSet) -> int:
    """The revision number in the annotations, 0 where there is none."""
    text = replica_set.metadata.annotations.get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def with_revision(
    deployment: Deployment, annotations: FrozenMap[str], revision: int
) -> FrozenMap[str]:
    """The new ReplicaSet's: the Deployment's own, and the revision, which never goes back.

    Revisions that it had before stay in the history. The same map where nothing changes.
    """
    for name, value in deployment.metadata.annotations.items():
        if is_copied(name) and annotations.get(name) != value:
            annotations = annotations.set(name, value)
    former = annotations.get(REVISION, "")
    if former and not former.isdigit():
        return annotations
    if revision > int(former or 0):
        annotations = annotations.set(REVISION, str(revision))
        if former:
            history = annotations.get(REVISION_HISTORY, "")
            longer = f"{history},{former}" if history else former
            annotations = annotations.set(REVISION_HISTORY, longer)
    return annotations


def clean_up(deployment: Deployment, old: tuple[Entry, ...]) -> Steps[None]:
    """Delete the oldest revisions beyond spec.revisionHistoryLimit that are empty and settled."""
    limit = deployment.spec.revision_history_limit
    limit = DEFAULT_HISTORY_LIMIT if limit is None else limit
    if limit == UNLIMITED or len(old) <= limit:
        return
    alive = [entry for entry in old if not entry.value.is_terminating]
    surplus = max(len(alive) - limit, 0)
    alive.sort(key=lambda entry: (revision_of(entry.value), creation_order(entry)))
    for entry in alive[:surplus]:
        if _is_settled_empty(entry.value):
            try:
                yield from send(Delete("replicasets", entry.value.key))
            except WriteFailed as error:
                if error.response.reason != NOT_FOUND:
                    raise


def _is_settled_empty(replica_set: ReplicaSet) -> bool:
    status = replica_set.status
    is_empty = status.replicas == 0 and replicas(replica_set) == 0
    return is_empty and replica_set.metadata.generation <= status.observed_generation
