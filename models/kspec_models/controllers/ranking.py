"""Which pods a ReplicaSet deletes first.

After ActivePodsWithRanks in pkg/controller/controller_utils.go and getPodsToDelete in
pkg/controller/replicaset/replica_set.go at Kubernetes 1.36, with pod deletion cost and the
logarithmic scale-down (ages that have the same magnitude count as equal, then the uid decides).

Left out: Go's unstable sort of pods that rank alike; here they keep the order of their keys. Like
upstream's, the comparison is not transitive where ages are equal for some pods and of equal
magnitude for others; the answer still depends on the input alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cmp_to_key
from typing import NamedTuple

from kspec_models.controllers.pods import is_active, is_ready, ready_since
from kspec_models.objects import ContainerStatus, Pod

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_COST = re.compile(r"0|-?[1-9][0-9]*|-0")


class Ranking(NamedTuple):
    """How victims are compared: the time now and the two feature gates, both on at 1.36."""

    now: int
    deletion_cost: bool = True
    logarithmic: bool = True


def deletion_cost(pod: Pod) -> int:
    """The pod's deletion cost: an int32 in plain notation, anything else counts as 0."""
    text = pod.metadata.annotations.get(DELETION_COST, "0")
    if not _COST.fullmatch(text):
        return 0
    cost = int(text)
    return cost if -(2**31) <= cost < 2**31 else 0


def goes_before(a: Pod, b: Pod, rank_a: int, rank_b: int, ranking: Ranking) -> bool:
    """Whether pod `a` is deleted before pod `b`; neither goes before the other when equal.

    A rank is the number of related active pods on the pod's node: more are thinned out first.
    """
    node_a, node_b = a.spec.node_name, b.spec.node_name
    if node_a != node_b and not (node_a and node_b):
        return not node_a
    phase_a, phase_b = _PHASES.get(a.status.phase, 0), _PHASES.get(b.status.phase, 0)
    if phase_a != phase_b:
        return phase_a < phase_b
    if is_ready(a) != is_ready(b):
        return not is_ready(a)
    if ranking.deletion_cost and deletion_cost(a) != deletion_cost(b):
        return deletion_cost(a) < deletion_cost(b)
    if rank_a != rank_b:
        return rank_a > rank_b
    return _is_younger(a, b, ranking)


def _is_younger(a: Pod, b: Pod, ranking: Ranking) -> bool:
    if ready_since(a) != ready_since(b):
        return _later(ready_since(a), ready_since(b), a.uid < b.uid, ranking)
    restarts_a, restarts_b = _restarts(a), _restarts(b)
    if restarts_a != restarts_b:
        return restarts_a > restarts_b
    born_a, born_b = a.metadata.creation_timestamp, b.metadata.creation_timestamp
    if born_a != born_b:
        return _later(born_a, born_b, a.uid < b.uid, ranking)
    return False


def _later(a: int | None, b: int | None, tie: bool, ranking: Ranking) -> bool:
    """Whether time `a` is later than `b`; an unset time counts as latest."""
    if a is None or b is None:
        return a is None
    if not ranking.logarithmic:
        return a > b
    difference = _magnitude(ranking.now - a) - _magnitude(ranking.now - b)
    return tie if difference == 0 else difference < 0


def _magnitude(seconds: int) -> int:
    """The whole binary logarithm of an age in nanoseconds, -1 for none."""
    return (seconds * 10**9).bit_length() - 1 if seconds > 0 else -1


def _restarts(pod: Pod) -> tuple[int, int]:
    """The most restarts of a container and of a sidecar, compared in this order."""
    sidecars = {c.name for c in pod.spec.init_containers if c.restart_policy == "Always"}
    beside = [s for s in pod.status.init_container_statuses if s.name in sidecars]
    return _most(pod.status.container_statuses), _most(beside)


def _most(statuses: Sequence[ContainerStatus]) -> int:
    return max((status.restart_count for status in statuses), default=0)


def victims(
    pods: Sequence[Pod], related: Sequence[Pod], count: int, ranking: Ranking
) -> tuple[Pod, ...]:
    """The `count` pods to delete; `related` are the pods of all ReplicaSets of the same owner."""
    if count >= len(pods):
        return tuple(pods)
    on_node: dict[str, int] = {}
    for pod in related:
        if is_active(pod):
            on_node[pod.spec.node_name] = on_node.get(pod.spec.node_name, 0) + 1
    ranked = [(pod, on_node.get(pod.spec.node_name, 0)) for pod in pods]

    def compare(x: tuple[Pod, int], y: tuple[Pod, int]) -> int:
        if goes_before(x[0], y[0], x[1], y[1], ranking):
            return -1
        return int(goes_before(y[0], x[0], y[1], x[1], ranking))

    return tuple(pod for pod, _ in sorted(ranked, key=cmp_to_key(compare))[:count])
