"""PodTopologySpread, as far as the system's default constraints go: spread the pods of a service
or ReplicaSet over nodes (maxSkew 3) and zones (maxSkew 5), if that can be done.

After pkg/scheduler/framework/plugins/podtopologyspread/{common,scoring}.go and
plugins/helper/spread.go at 1.36.

Left out: constraints that a pod brings itself, both the filtering and the scoring ones: a pod
that has any is scored as if it had none. That is sound for what fits where only as long as worlds
use no constraint of DoNotSchedule. Also left out: the selectors of ReplicationControllers and
StatefulSets, kinds that are not modelled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Pod, ReplicaSet, Service, controller_of
from kspec_models.objects.record import Labels
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    SKIP,
    Context,
    PreScoreResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins import node_affinity
from kspec_models.selectors import (
    Requirement,
    Selector,
    SelectorError,
    label_selector,
    selector_from_set,
)

NAME = "PodTopologySpread"
HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
HOSTNAME_MAX_SKEW = 3
ZONE_MAX_SKEW = 5


def default_selector(pod: Pod, context: Context) -> Selector:
    """Selects the pods of the same services and ReplicaSet as this one; empty where it has none."""
    labels: dict[str, str] = {}
    for service in _services(pod, context):
        labels.update(service.spec.selector)
    selector = selector_from_set(labels)
    owner, replica_sets = controller_of(pod), context.caches.get("replicasets")
    if owner is None or owner.kind != "ReplicaSet" or replica_sets is None:
        return selector
    entry = replica_sets.get(f"replicasets/{pod.namespace}/{owner.name}")
    return selector.add(*_requirements(entry.value)) if entry is not None else selector


def _services(pod: Pod, context: Context) -> list[Service]:
    cache = context.caches.get("services")
    entries = cache.entries() if cache is not None else ()
    services = [entry.value for entry in entries if entry.value.namespace == pod.namespace]
    return [s for s in services if s.spec.selector and _selects(s, pod)]


def _selects(service: Service, pod: Pod) -> bool:
    labels = pod.metadata.labels
    return all(labels.get(key) == value for key, value in service.spec.selector.items())


def _requirements(replica_set: ReplicaSet) -> tuple[Requirement, ...]:
    try:
        return label_selector(replica_set.spec.selector).requirements
    except SelectorError:
        return ()


class _Question(NamedTuple):
    info: NodeInfo
    namespace: str
    selector: Selector


def _count(question: _Question) -> int:
    info, namespace, selector = question
    return sum(
        pod.metadata.namespace == namespace
        and pod.metadata.deletion_timestamp is None
        and selector.matches(pod.metadata.labels)
        for pod in info.pods
    )


_COUNTS: Memo[_Question, int] = Memo("matching pods of a node", _count)


def raw_scores(
    pod: Pod, feasible: Sequence[NodeInfo], nodes: Sequence[NodeInfo], selector: Selector
) -> list[int]:
    """Before normalisation: weighted counts of matching pods around each node; low is good.

    feasible: the nodes to rate. nodes: all nodes, whose pods count for a zone where the pod's own
    node affinity matches. Nodes without a zone make up one zone that is not scored.
    """
    zones = dict.fromkeys(map(_zone, feasible), 0)
    counts: dict[str, int] = {}
    is_zoned = any(ZONE in _labels(info) for info in feasible)
    for info in nodes if is_zoned else feasible:
        count = _COUNTS(_Question(info, pod.namespace, selector)) if info.pods else 0
        if count:
            counts[info.name] = count
            zone = _zone(info)
            if zone in zones and _may_run_on(pod, info):
                zones[zone] += count
    per_pod = math.log(len(feasible) + 2), math.log(len(zones) + 2)
    return [
        _score(_labels(info), (counts.get(info.name, 0), zones[_zone(info)]), per_pod)
        for info in feasible
    ]


def _labels(info: NodeInfo) -> Labels:
    assert info.node is not None
    return info.node.metadata.labels


def _zone(info: NodeInfo) -> str:
    return str(_labels(info).get(ZONE, ""))


def _may_run_on(pod: Pod, info: NodeInfo) -> bool:
    spec = pod.spec
    if not spec.affinity and not spec.node_selector:
        return True
    assert info.node is not None
    return node_affinity.accepts(spec, info.node)


def _score(labels: Labels, counts: tuple[int, int], per_pod: tuple[float, float]) -> int:
    """The raw score of a node, rounded half up, as math.Round does for what is not negative."""
    score = 0.0
    if HOSTNAME in labels:
        score += counts[0] * per_pod[0] + (HOSTNAME_MAX_SKEW - 1)
    if ZONE in labels:
        score += counts[1] * per_pod[1] + (ZONE_MAX_SKEW - 1)
    return math.floor(score + 0.5)


def normalized(scores: Sequence[int]) -> list[int]:
    """The lowest raw score becomes the highest; all are 100 where no raw score is above 0."""
    lowest, highest = min(scores), max(scores)
    if highest == 0:
        return [MAX_NODE_SCORE] * len(scores)
    return [MAX_NODE_SCORE * (highest + lowest - score) // highest for score in scores]


class PodTopologySpread:
    """Scores by the default constraints."""

    name = NAME

    def pre_score(self, pod: Pod, feasible: Sequence[NodeInfo], context: Context) -> PreScoreResult:
        """The raw score of each feasible node; skipped for a pod that nothing spreads."""
        selector = default_selector(pod, context)
        if selector.is_empty or pod.spec.topology_spread_constraints:
            return PreScoreResult(Status(SKIP))
        raw = raw_scores(pod, feasible, context.nodes, selector)
        names = (info.name for info in feasible)
        return PreScoreResult(state=dict(zip(names, raw, strict=True)))

    def score_with(self, state: Any, pod: Pod, node_info: NodeInfo) -> int:
        """The raw score of one node."""
        found: int = state[node_info.name]
        return found

    def normalize_with(
        self, state: Any, scores: Sequence[int], node_infos: Sequence[NodeInfo]
    ) -> Sequence[int]:
        """See `normalized`."""
        return normalized(scores)
