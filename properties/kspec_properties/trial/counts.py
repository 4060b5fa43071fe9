"""The question of the best placement as counts: how many pods of each template go to each node.

Pods that ask for the same and may go to the same nodes are one template. A template's hard
constraints on a node (name, cordon, taints, selector, affinity, and room for one pod) are settled
before the solver sees anything; what is left are sums of counts. Bound pods stay where they are.

Where constraints couple pods that wait (anti-affinity, spread, host ports, shared devices,
volumes), the counts leave them out, and the best count is then an upper bound; `couplings` names
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.resources import CPU, EPHEMERAL_STORAGE, MEMORY, PODS, amounts_of_spec
from kspec_models.scheduler.nodeinfo import NodeInfo, host_ports
from kspec_models.scheduler.plugins import node_affinity, node_unschedulable, taint_toleration
from kspec_properties.trial.instances import Instance

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_GPU_SHARE = "alibabacloud.com/gpu-milli"


class Template(NamedTuple):
    """demand: per resource of the problem. nodes: the indices of those that could take one pod."""

    demand: tuple[int, ...]
    nodes: tuple[int, ...]
    pods: tuple[Pod, ...]


class Problem(NamedTuple):
    """free: per node and resource, at least 0. couplings: see the module."""

    resources: tuple[str, ...]
    names: tuple[str, ...]
    free: tuple[tuple[int, ...], ...]
    templates: tuple[Template, ...]
    couplings: tuple[str, ...] = ()

    @property
    def pods(self) -> int:
        return sum(len(template.pods) for template in self.templates)

    @property
    def size(self) -> int:
        """How many counts there are to choose."""
        return sum(len(template.nodes) for template in self.templates)

    def most(self, template: Template, node: int) -> int:
        """How many pods of a template a node could take if it took no others."""
        room = zip(self.free[node], template.demand, strict=True)
        return min([len(template.pods), *(free // asked for free, asked in room if asked)])


Counts = tuple[tuple[int, ...], ...]
"""Of a solution: per template and node."""


def problem_of(instance: Instance) -> Problem:
    """The counts that an instance asks for."""
    infos = instance.infos()
    resources = _resources(instance.pending)
    free = tuple(tuple(_free(info, name) for name in resources) for info in infos)
    grouped: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Pod]] = {}
    by_spec: dict[PodSpec, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for pod in instance.pending:
        key = by_spec.get(pod.spec)
        if key is None:
            demand = _demand(pod.spec, resources)
            key = by_spec[pod.spec] = (demand, _possible(pod.spec, demand, infos, free))
        grouped.setdefault(key, []).append(pod)
    templates = tuple(Template(d, nodes, tuple(pods)) for (d, nodes), pods in grouped.items())
    names = tuple(info.name for info in infos)
    return Problem(resources, names, free, templates, couplings_of(instance.pending))


def _resources(pending: Sequence[Pod]) -> tuple[str, ...]:
    scalar = {name for pod in pending for name, _ in amounts_of_spec(pod.spec).requests.scalar}
    return (PODS, CPU, MEMORY, EPHEMERAL_STORAGE, *sorted(scalar))


def _free(info: NodeInfo, resource: str) -> int:
    if resource == PODS:
        return max(0, info.allowed_pods - len(info.pods))
    return max(0, info.allocatable.amount(resource) - info.requested.amount(resource))


def _demand(spec: PodSpec, resources: tuple[str, ...]) -> tuple[int, ...]:
    requests = amounts_of_spec(spec).requests
    return tuple(1 if name == PODS else requests.amount(name) for name in resources)


def _possible(
    spec: PodSpec,
    demand: tuple[int, ...],
    infos: Sequence[NodeInfo],
    free: tuple[tuple[int, ...], ...],
) -> tuple[int, ...]:
    return tuple(
        i
        for i, info in enumerate(infos)
        if all(asked <= room for asked, room in zip(demand, free[i], strict=True))
        and may_run(spec, info)
    )


def may_run(spec: PodSpec, info: NodeInfo) -> bool:
    """Whether the node's own hard constraints let the pod in, room aside."""
    node = info.node
    assert node is not None
    return (
        spec.node_name in ("", info.name)
        and node_unschedulable.accepts(spec, node)
        and taint_toleration.accepts(spec, node)
        and node_affinity.accepts(spec, node)
    )


def couplings_of(pending: Sequence[Pod]) -> tuple[str, ...]:
    """The constraints among pods that wait, and on what they share, that counts cannot say."""
    found = {
        "host ports": any(host_ports(pod.spec) for pod in pending),
        "pod affinity": any(_has(pod.spec, "podAffinity") for pod in pending),
        "pod anti-affinity": any(_has(pod.spec, "podAntiAffinity") for pod in pending),
        "topology spread": any(_is_spread(pod.spec) for pod in pending),
        "shared devices": any(_GPU_SHARE in pod.metadata.annotations for pod in pending),
        "volumes": any(_has_claims(pod.spec) for pod in pending),
    }
    return tuple(name for name, is_there in found.items() if is_there)


def _has(spec: PodSpec, kind: str) -> bool:
    return bool(((spec.affinity or EMPTY).get(kind) or EMPTY).get(_REQUIRED))


def _is_spread(spec: PodSpec) -> bool:
    constraints = spec.topology_spread_constraints
    return any(c.get("whenUnsatisfiable") == "DoNotSchedule" for c in constraints)


def _has_claims(spec: PodSpec) -> bool:
    volumes = getattr(spec, "volumes", None) or spec.extra.get("volumes", ())
    harmless = ("name", "configMap", "secret", "emptyDir", "projected", "downwardAPI", "hostPath")
    return any(kind not in harmless for volume in volumes for kind in volume)


class Optimum(NamedTuple):
    """placed: what a placement reaches. upper: what none exceeds; where the two are the same,
    that is the optimum. counts: such a placement. how: what found it. couplings: the constraints
    that were left out, so that even the optimum is only an upper bound; () where it is exact.
    """

    placed: int
    upper: int
    counts: Counts
    how: str
    couplings: tuple[str, ...] = ()

    @property
    def is_solved(self) -> bool:
        return self.placed == self.upper


def total(counts: Counts) -> int:
    """How many pods some counts place."""
    return sum(map(sum, counts))
