"""The status of a ReplicaSet: counts of its pods, and whether creates or deletes failed.

After pkg/controller/replicaset/replica_set_utils.go at Kubernetes 1.36, with
status.terminatingReplicas, which is on by default at that release.

Left out: the texts of errors as Go words them; the condition carries the API server's message.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import Memo
from kspec_models.controllers.pods import is_available, is_ready, next_availability_check
from kspec_models.objects import (
    Condition,
    FrozenMap,
    Pod,
    ReplicaSet,
    ReplicaSetStatus,
    Time,
    condition,
)

REPLICA_FAILURE = "ReplicaFailure"


class Counted(NamedTuple):
    """The pods of one pass, from the cache: those counted, and how many are terminating, None where
    the status does not say."""

    active: tuple[Pod, ...]
    terminating: int | None = 0


def desired_replicas(replica_set: ReplicaSet) -> int:
    """spec.replicas, 1 where it is not set."""
    replicas = replica_set.spec.replicas
    return 1 if replicas is None else replicas


def calculate_status(
    replica_set: ReplicaSet, counted: Counted, failure: str, now: int
) -> ReplicaSetStatus:
    """The status to write; equal to the one that is there where nothing changed.

    failure: what the API server said to the first failed create or delete, "" without one.
    """
    if not failure and replica_set.spec.min_ready_seconds == 0:
        return _timeless_status((replica_set, counted))
    return _calculate(replica_set, counted, failure, now)


def _calculate(
    replica_set: ReplicaSet, counted: Counted, failure: str, now: int
) -> ReplicaSetStatus:
    old = replica_set.status
    labels = replica_set.spec.template.metadata.labels
    ready = [pod for pod in counted.active if is_ready(pod)]
    seconds = replica_set.spec.min_ready_seconds
    changes = {
        "replicas": len(counted.active),
        "fully_labeled_replicas": sum(_carries(pod, labels) for pod in counted.active),
        "ready_replicas": len(ready),
        "available_replicas": sum(is_available(pod, seconds, now) for pod in ready),
        "terminating_replicas": counted.terminating,
        "observed_generation": replica_set.metadata.generation,
        "conditions": _conditions(replica_set, len(counted.active), failure, now),
    }
    if all(getattr(old, name) == value for name, value in changes.items()):
        return old
    return old.replace(**changes)


# Without minReadySeconds and without a failure to date, the clock has no part in the status.
_timeless_status: Memo[tuple[ReplicaSet, Counted], ReplicaSetStatus] = Memo(
    "status of a replicaset", lambda key: _calculate(key[0], key[1], "", 0)
)


def _carries(pod: Pod, labels: FrozenMap[str]) -> bool:
    found = pod.metadata.labels
    if found is labels:
        return True
    return all(found.get(key) == value for key, value in labels.items())


def _conditions(
    replica_set: ReplicaSet, active: int, failure: str, now: int
) -> tuple[Condition, ...]:
    old = replica_set.status.conditions
    has_failed = condition(old, REPLICA_FAILURE) is not None
    if failure and not has_failed:
        return (*old, _failure(active - desired_replicas(replica_set), failure, now))
    if has_failed and not failure:
        return tuple(c for c in old if c.type != REPLICA_FAILURE)
    return old


def _failure(surplus: int, message: str, now: int) -> Condition:
    reason = "FailedCreate" if surplus < 0 else "FailedDelete" if surplus > 0 else ""
    return Condition(
        type=REPLICA_FAILURE,
        status="True",
        reason=reason,
        message=message,
        last_transition_time=Time(now),
    )


def requeue_after(
    replica_set: ReplicaSet, status: ReplicaSetStatus, counted: Counted, now: int
) -> int | None:
    """Seconds until the next ready pod becomes available; no event will tell."""
    seconds = replica_set.spec.min_ready_seconds
    if seconds <= 0 or status.ready_replicas == status.available_replicas:
        return None
    check = next_availability_check(counted.active, seconds, now)
    return seconds if check is None else check
