"""The descheduler's evictor: which pods may go, how many, and whether another node could take one.

After pkg/framework/plugins/defaultevictor, pkg/descheduler/evictions and pkg/descheduler/node of
sigs.k8s.io/descheduler at 0.35. Left out: what only depends on the wall clock (minPodAge), on a
priority threshold or on a label selector of its own; a policy that names them is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kspec_models.host import View
from kspec_models.node_affinity import accepts
from kspec_models.objects import Node, Pod, condition, controller_of
from kspec_models.resources import PODS, amounts_of, parsed, requests_of_list
from kspec_models.tolerations import is_tolerated

SYSTEM_CRITICAL_PRIORITY = 2_000_000_000
_LOCAL = ("emptyDir", "hostPath")


class Limits(NamedTuple):
    """DefaultEvictorArgs and the limits of the policy; None is without limit."""

    node_fit: bool = False
    evict_system_critical_pods: bool = False
    evict_local_storage_pods: bool = False
    evict_daemon_set_pods: bool = False
    ignore_pvc_pods: bool = False
    min_replicas: int = 0
    per_node: int | None = None
    per_namespace: int | None = None
    total: int | None = None


class Cluster(NamedTuple):
    """What one round sees: the ready nodes, and the pods on each that are not over."""

    nodes: tuple[Node, ...]
    pods: Mapping[str, tuple[Pod, ...]]
    everything: tuple[Pod, ...]


def observed(view: View) -> Cluster:
    """The cluster as the informers show it."""
    ready = (entry.value for entry in view.caches["nodes"].entries())
    nodes = tuple(node for node in ready if _is_ready(node))
    by_node: dict[str, list[Pod]] = {}
    everything = tuple(entry.value for entry in view.caches["pods"].entries())
    for pod in everything:
        if pod.spec.node_name and pod.status.phase not in ("Succeeded", "Failed"):
            by_node.setdefault(pod.spec.node_name, []).append(pod)
    return Cluster(nodes, {name: tuple(pods) for name, pods in by_node.items()}, everything)


def _is_ready(node: Node) -> bool:
    found = condition(node.status.conditions, "Ready")
    return found is not None and found.status == "True"


class Evictor:
    """What one round may still evict, and what it has chosen."""

    def __init__(self, limits: Limits, cluster: Cluster) -> None:
        self.limits, self.cluster = limits, cluster
        self.chosen: list[Pod] = []
        self._per_node: Counter[str] = Counter()
        self._per_namespace: Counter[str] = Counter()
        self._replicas: Counter[str] = Counter()
        for pod in cluster.everything:
            owner = controller_of(pod)
            if owner is not None:
                self._replicas[owner.uid] += 1

    def may_go(self, pod: Pod) -> bool:
        """DefaultEvictor.Filter: whether the pod may be evicted at all."""
        limits, owner = self.limits, controller_of(pod)
        if pod.is_terminating:
            return False
        if owner is None or owner.kind == "Node":
            return False
        if owner.kind == "DaemonSet" and not limits.evict_daemon_set_pods:
            return False
        is_critical = (pod.spec.priority or 0) >= SYSTEM_CRITICAL_PRIORITY
        if is_critical and not limits.evict_system_critical_pods:
            return False
        volumes = pod.spec.volumes or ()
        if not limits.evict_local_storage_pods and any(v.get(k) for v in volumes for k in _LOCAL):
            return False
        if limits.ignore_pvc_pods and any(v.get("persistentVolumeClaim") for v in volumes):
            return False
        return limits.min_replicas <= 1 or self._replicas[owner.uid] >= limits.min_replicas

    def fits_elsewhere(self, pod: Pod) -> bool:
        """DefaultEvictor.PreEvictionFilter: with nodeFit, some other ready node takes the pod."""
        others = [n for n in self.cluster.nodes if n.name != pod.spec.node_name]
        return not self.limits.node_fit or self.fits_any(pod, others)

    def fits_any(self, pod: Pod, nodes: Iterable[Node]) -> bool:
        return any(fits(pod, node, self.cluster.pods.get(node.name, ())) for node in nodes)

    def is_full(self, node: str) -> bool:
        """Whether the limits allow no further eviction from a node."""
        limit = self.limits.per_node
        return limit is not None and self._per_node[node] >= limit

    @property
    def is_over(self) -> bool:
        limit = self.limits.total
        return limit is not None and len(self.chosen) >= limit

    def evict(self, pod: Pod) -> bool:
        """Choose a pod, unless a limit is reached."""
        node, namespace = pod.spec.node_name, pod.namespace
        limit = self.limits.per_namespace
        if self.is_over or self.is_full(node) or pod in self.chosen:
            return False
        if limit is not None and self._per_namespace[namespace] >= limit:
            return False
        self._per_node[node] += 1
        self._per_namespace[namespace] += 1
        self.chosen.append(pod)
        return True


def tolerates_node(pod: Pod, node: Node) -> bool:
    """Whether no taint of the node keeps the pod away or drives it out."""
    hard = (t for t in node.spec.taints if t.effect in ("NoSchedule", "NoExecute"))
    return all(is_tolerated(taint, pod.spec.tolerations) for taint in hard)


def fits(pod: Pod, node: Node, there: Iterable[Pod]) -> bool:
    """NodeFit: selector and affinity, taints, room and not cordoned."""
    if node.spec.unschedulable or not accepts(pod.spec, node) or not tolerates_node(pod, node):
        return False
    return _has_room(pod, node, there)


def _has_room(pod: Pod, node: Node, there: Iterable[Pod]) -> bool:
    allocatable = parsed(node.status.allocatable)
    free, asked = requests_of_list(allocatable), amounts_of(pod).requests
    pods = list(there)
    if PODS in allocatable and len(pods) >= allocatable[PODS].value():
        return False
    used = [amounts_of(other).requests for other in pods]
    wanted = {"cpu": asked.milli_cpu, "memory": asked.memory, **dict(asked.scalar)}
    wanted["ephemeral-storage"] = asked.ephemeral_storage
    return all(
        amount <= free.amount(name) - sum(each.amount(name) for each in used)
        for name, amount in wanted.items()
        if amount
    )
