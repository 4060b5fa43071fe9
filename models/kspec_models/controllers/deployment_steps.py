"""What every part of a pass of the Deployment controller uses.

After pkg/controller/deployment/util/deployment_util.go at Kubernetes 1.36: annotations, defaults,
and how ReplicaSets are counted and ordered by age.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.steps import Steps, send
from kspec_models.objects import Deployment, ReplicaSet
from kspec_models.requests import Update
from kspec_models.store import Entry

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
ROLLBACK_TO = "deprecated.deployment.rollback.to"

DEFAULT_PROGRESS_DEADLINE = 600
DEFAULT_HISTORY_LIMIT = 10
UNLIMITED = 2**31 - 1
RECREATE, ROLLING_UPDATE = "Recreate", "RollingUpdate"


class Target(NamedTuple):
    """The Deployment as the pass has changed it so far in its own memory.

    resource_version stays that of the cache for the whole pass. Upstream ignores what a status
    update returns too, so a second one of one pass conflicts and the key is tried again.
    """

    deployment: Deployment
    resource_version: int
    now: int


def write_status(target: Target) -> Steps[None]:
    """Write the status; annotations go with it, as upstream's status strategy allows."""
    yield from send(Update(target.deployment, target.resource_version, "status"))


def replicas(workload: Deployment | ReplicaSet) -> int:
    """spec.replicas, 1 where it is not set."""
    found = workload.spec.replicas
    return 1 if found is None else found


def is_rolling(deployment: Deployment) -> bool:
    return deployment.spec.strategy.type in ("", ROLLING_UPDATE)


def progress_deadline(deployment: Deployment) -> int | None:
    """Seconds without progress that are reported; None where progress is not watched."""
    seconds = deployment.spec.progress_deadline_seconds
    if seconds is None:
        return DEFAULT_PROGRESS_DEADLINE
    return None if seconds == UNLIMITED else seconds


def by_creation(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Oldest first, then by name."""
    if len(entries) < 2:
        return entries
    return tuple(sorted(entries, key=creation_order))


def creation_order(entry: Entry) -> tuple[int, str]:
    """The key that sorts ReplicaSets by age, then name; an unset time comes first."""
    meta = entry.value.metadata
    born = meta.creation_timestamp
    return (-(2**63) if born is None else born), meta.name


def active(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The ReplicaSets that want pods."""
    return tuple(entry for entry in entries if replicas(entry.value) > 0)


def total(entries: tuple[Entry, ...]) -> int:
    """The sum of spec.replicas."""
    return sum(replicas(entry.value) for entry in entries)
