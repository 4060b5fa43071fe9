"""NodeInfo: a node as the scheduler sees it, with the sum of what its pods request.

After pkg/scheduler/framework/types.go (NodeInfo, HostPortInfo) at 1.36. Immutable: each change
patches the sums and the fingerprint of the one before, so its cost does not grow with the node.

Pods are kept without the status that scheduling does not read; only the resources that a status
reports count. Left out: image states, which ImageLocality reads from the nodes themselves, and
volume claims.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from kspec.values import MASK, Memo, fingerprint, mix
from kspec_models.objects import Container, Node, Pod
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.quantity import whole
from kspec_models.resources import (
    NO_STATUS,
    NOTHING_REQUESTED,
    PODS,
    Requests,
    amounts_of,
    has_status_resources,
    parsed,
    requests_of_list,
)
from kspec_models.scheduler.accounting import added, removed

ANY_ADDRESS = "0.0.0.0"
HostPort = tuple[str, str, int]
"""Address, protocol and number of a port that is taken on the host."""


def _without_status(pod: Pod) -> Pod:
    return pod.replace(status=NO_STATUS)


_WITHOUT_STATUS: Memo[Pod, Pod] = Memo("pod without status", _without_status)


def cached(pod: Pod) -> Pod:
    """The pod as a NodeInfo keeps it."""
    status = pod.status
    if status is NO_STATUS or has_status_resources(status):
        return pod
    return _WITHOUT_STATUS(pod)


def _ports_of_container(container: Container) -> list[HostPort]:
    return [
        (port.host_ip or ANY_ADDRESS, port.protocol or "TCP", port.host_port)
        for port in container.ports
        if port.host_port > 0
    ]


def _host_ports(spec: PodSpec) -> tuple[HostPort, ...]:
    sidecars = [c for c in spec.init_containers if c.restart_policy == "Always"]
    return tuple(sorted({p for c in (*spec.containers, *sidecars) for p in _ports_of_container(c)}))


host_ports: Memo[PodSpec, tuple[HostPort, ...]] = Memo("host ports of a pod", _host_ports)
"""The host ports that a pod takes, sorted."""


def has_affinity(spec: PodSpec) -> bool:
    """Whether the pod has affinity or anti-affinity to other pods, required or preferred."""
    affinity = spec.affinity
    return affinity is not None and ("podAffinity" in affinity or "podAntiAffinity" in affinity)


def has_required_anti_affinity(spec: PodSpec) -> bool:
    """Whether the pod keeps others away: it has required anti-affinity to other pods."""
    anti = (spec.affinity or EMPTY).get("podAntiAffinity")
    return bool(anti) and bool(anti.get("requiredDuringSchedulingIgnoredDuringExecution"))


def conflicts(port: HostPort, used: tuple[HostPort, ...]) -> bool:
    """Whether a port is taken; 0.0.0.0 stands for every address."""
    address, protocol, number = port
    return any(
        (other_protocol, other_number) == (protocol, number)
        and (address == other_address or ANY_ADDRESS in (address, other_address))
        for other_address, other_protocol, other_number in used
    )


def sum_of(a: Requests, b: Requests) -> Requests:
    """Both requests together."""
    return Requests(
        added(a.milli_cpu, b.milli_cpu),
        added(a.memory, b.memory),
        added(a.ephemeral_storage, b.ephemeral_storage),
        _scalars(a, b, added) if b.scalar else a.scalar,
    )


def difference_of(a: Requests, b: Requests) -> Requests:
    """The first request without the second."""
    return Requests(
        removed(a.milli_cpu, b.milli_cpu),
        removed(a.memory, b.memory),
        removed(a.ephemeral_storage, b.ephemeral_storage),
        _scalars(a, b, removed) if b.scalar else a.scalar,
    )


def _scalars(
    a: Requests, b: Requests, change: Callable[[int, int], int]
) -> tuple[tuple[str, int], ...]:
    amounts = dict(a.scalar)
    for name, amount in b.scalar:
        amounts[name] = change(amounts.get(name, 0), amount)
    return tuple(sorted((name, amount) for name, amount in amounts.items() if amount))


def _allocatable(node: Node) -> tuple[Requests, int]:
    resources = node.status.allocatable
    return requests_of_list(parsed(resources)), whole(resources.get(PODS, "0"))


allocatable_of: Memo[Node, tuple[Requests, int]] = Memo("allocatable of a node", _allocatable)
"""What a node offers: its resources, and how many pods it takes."""


class NodeInfo:
    """One node of the cache. node None: pods are known to be there, the node is not (yet).

    pods: in the order of their keys. pods_with_affinity, pods_with_required_anti_affinity: those
    of them that `has_affinity` and `has_required_anti_affinity` name. requested: the sum of their
    requests. non_zero_milli_cpu, non_zero_memory: the same with the defaults of scoring. ports:
    host ports in use, sorted.
    """

    __slots__ = (
        "allocatable",
        "allowed_pods",
        "fingerprint",
        "node",
        "non_zero_memory",
        "non_zero_milli_cpu",
        "pods",
        "pods_with_affinity",
        "pods_with_required_anti_affinity",
        "ports",
        "requested",
    )

    node: Node | None
    pods: tuple[Pod, ...]
    pods_with_affinity: tuple[Pod, ...]
    pods_with_required_anti_affinity: tuple[Pod, ...]
    requested: Requests
    non_zero_milli_cpu: int
    non_zero_memory: int
    ports: tuple[HostPort, ...]
    allocatable: Requests
    allowed_pods: int
    fingerprint: int

    def __init__(self) -> None:
        self.node, self.pods, self.ports = None, (), ()
        self.pods_with_affinity = self.pods_with_required_anti_affinity = ()
        self.requested = self.allocatable = NOTHING_REQUESTED
        self.non_zero_milli_cpu = self.non_zero_memory = self.allowed_pods = 0
        self.fingerprint = _EMPTY

    @property
    def name(self) -> str:
        """The name of the node; "" while it is not known."""
        return self.node.metadata.name if self.node is not None else ""

    def _copy(self) -> NodeInfo:
        new = NodeInfo.__new__(NodeInfo)
        new.node, new.pods, new.ports = self.node, self.pods, self.ports
        new.pods_with_affinity = self.pods_with_affinity
        new.pods_with_required_anti_affinity = self.pods_with_required_anti_affinity
        new.requested, new.allocatable = self.requested, self.allocatable
        new.non_zero_milli_cpu = self.non_zero_milli_cpu
        new.non_zero_memory = self.non_zero_memory
        new.allowed_pods, new.fingerprint = self.allowed_pods, self.fingerprint
        return new

    def with_node(self, node: Node | None) -> NodeInfo:
        """This NodeInfo with another version of the node, or with none."""
        new = self._copy()
        new.node = node
        new.allocatable, new.allowed_pods = (
            allocatable_of(node) if node is not None else (NOTHING_REQUESTED, 0)
        )
        new.fingerprint = (self.fingerprint - _mark(self.node) + _mark(node)) & MASK
        return new

    def with_pod(self, pod: Pod) -> NodeInfo:
        """This NodeInfo with one more pod charged to it."""
        pod, amounts, ports = cached(pod), amounts_of(pod), host_ports(pod.spec)
        new = self._copy()
        new.pods = _inserted(self.pods, pod)
        if pod.spec.affinity is not None:
            new._keep_affinity(pod)
        new.requested = sum_of(self.requested, amounts.requests)
        new.non_zero_milli_cpu = added(self.non_zero_milli_cpu, amounts.non_zero_milli_cpu)
        new.non_zero_memory = added(self.non_zero_memory, amounts.non_zero_memory)
        if ports:
            new.ports = tuple(sorted({*self.ports, *ports}))
        new.fingerprint = (self.fingerprint + pod.fingerprint) & MASK
        return new

    def without_pod(self, uid: str) -> NodeInfo:
        """This NodeInfo without the pod of that uid; the same one where there is none.

        A host port that two pods share is free after one of them left, as upstream.
        """
        pod = next((p for p in self.pods if p.metadata.uid == uid), None)
        if pod is None:
            return self
        amounts, ports = amounts_of(pod), host_ports(pod.spec)
        new = self._copy()
        new.pods = _without(self.pods, pod)
        if pod.spec.affinity is not None:
            new._drop_affinity(pod)
        new.requested = difference_of(self.requested, amounts.requests)
        new.non_zero_milli_cpu = removed(self.non_zero_milli_cpu, amounts.non_zero_milli_cpu)
        new.non_zero_memory = removed(self.non_zero_memory, amounts.non_zero_memory)
        if ports:
            new.ports = tuple(p for p in self.ports if p not in ports)
        new.fingerprint = (self.fingerprint - pod.fingerprint) & MASK
        return new

    def _keep_affinity(self, pod: Pod) -> None:
        if has_affinity(pod.spec):
            self.pods_with_affinity = _inserted(self.pods_with_affinity, pod)
        if has_required_anti_affinity(pod.spec):
            kept = self.pods_with_required_anti_affinity
            self.pods_with_required_anti_affinity = _inserted(kept, pod)

    def _drop_affinity(self, pod: Pod) -> None:
        self.pods_with_affinity = _without(self.pods_with_affinity, pod)
        kept = self.pods_with_required_anti_affinity
        self.pods_with_required_anti_affinity = _without(kept, pod)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, NodeInfo) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint

    def __repr__(self) -> str:
        return f"NodeInfo({self.name or '?'}, {len(self.pods)} pods, {self.requested})"


def _key_of(pod: Pod) -> tuple[str, str]:
    return pod.key, pod.metadata.uid


def _inserted(pods: tuple[Pod, ...], pod: Pod) -> tuple[Pod, ...]:
    index = bisect_left(pods, _key_of(pod), key=_key_of)
    return (*pods[:index], pod, *pods[index:])


def _without(pods: tuple[Pod, ...], pod: Pod) -> tuple[Pod, ...]:
    return tuple(p for p in pods if p is not pod)


def _mark(node: Node | None) -> int:
    return mix(node.fingerprint, 1) if node is not None else 0


_EMPTY = fingerprint("NodeInfo")


def node_info(node: Node | None, pods: tuple[Pod, ...] = ()) -> NodeInfo:
    """A NodeInfo made afresh."""
    info = NodeInfo().with_node(node) if node is not None else NodeInfo()
    for pod in pods:
        info = info.with_pod(pod)
    return info
