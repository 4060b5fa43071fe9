"""What keeps one pod from one node, constraint by constraint, in the names that a user knows.

The in-tree filters are asked one by one, where a policy would stop at the first that refuses. Those
that look at one node are taken apart (each taint, each label, each resource); those that look at
the cluster say it in upstream's words. What the policy refuses beyond that is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from kspec_models.objects import Node, Pod
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.quantity import BINARY_SI, Quantity
from kspec_models.resources import CPU, EPHEMERAL_STORAGE, MEMORY
from kspec_models.scheduler.framework import SKIP, Context, Status
from kspec_models.scheduler.nodeinfo import NodeInfo, conflicts, host_ports
from kspec_models.scheduler.plugins import (
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    taint_toleration,
)

EVERY_NODE = "*"


class Constraint(NamedTuple):
    """node: its name, or EVERY_NODE. plugin: as upstream names it, or the policy. what: in words.

    asked, free: of a resource that is short, else -1.
    """

    node: str
    plugin: str
    what: str
    asked: int = -1
    free: int = -1

    @property
    def is_about_room(self) -> bool:
        """Whether evicting pods could change it."""
        return self.asked >= 0 or self.plugin == node_ports.NAME

    def __str__(self) -> str:
        where = "every node" if self.node == EVERY_NODE else self.node
        return f"{where}: {self.what} ({self.plugin})"


def constraints_of(
    policy: Any, filters: tuple[Any, ...], pod: Pod, context: Context
) -> tuple[Constraint, ...]:
    """Every constraint that keeps the pod from a node of the context, in the order of nodes.

    filters: the in-tree filters that hold. A node that no constraint names takes the pod.
    """
    found: list[Constraint] = []
    judges = [_judge_of(plugin, pod, context) for plugin in filters]
    states, refusal = _started(policy, pod, context)
    for info in context.nodes:
        own = [each for judge in judges for each in judge(info)]
        if not own and refusal is None:
            status = policy.filter(pod, info, states)
            if not status.ok:
                own = [Constraint(info.name, status.plugin or policy.name, _said(status))]
        found += own
    if refusal is not None and not found:
        found.append(Constraint(EVERY_NODE, refusal.plugin or policy.name, _said(refusal)))
    return tuple(found)


def _started(policy: Any, pod: Pod, context: Context) -> tuple[Context, Status | None]:
    pre_filter = getattr(policy, "pre_filter", None)
    if pre_filter is None:
        return context, None
    status, started = pre_filter(pod, context)
    return started, (None if status.ok else status)


def _said(status: Status) -> str:
    return "; ".join(status.reasons) or "refused"


Judge = Callable[[NodeInfo], list[Constraint]]


def _judge_of(plugin: Any, pod: Pod, context: Context) -> Judge:
    """What one filter says of a node."""
    parts = _PARTS.get(plugin.name)
    if parts is not None:
        return lambda info: [
            Constraint(info.name, plugin.name, *part) for part in parts(pod.spec, info)
        ]
    if not hasattr(plugin, "filter_with"):
        return lambda info: _stated(plugin.name, info, plugin.filter(pod.spec, info))
    status, nodes, state = plugin.pre_filter(pod, context)
    if status.code == SKIP:
        return lambda info: []
    if not status.ok:
        return lambda info: _stated(plugin.name, info, status)
    return lambda info: (
        [Constraint(info.name, plugin.name, "not among the nodes that it names")]
        if nodes is not None and info.name not in nodes
        else _stated(plugin.name, info, plugin.filter_with(state, pod, info))
    )


def _stated(name: str, info: NodeInfo, status: Status) -> list[Constraint]:
    return [] if status.ok else [Constraint(info.name, status.plugin or name, _said(status))]


Part = tuple[str] | tuple[str, int, int]


def _node(info: NodeInfo) -> Node:
    assert info.node is not None
    return info.node


def _name(spec: PodSpec, info: NodeInfo) -> Iterator[Part]:
    if spec.node_name not in ("", info.name):
        yield (f"the pod names node {spec.node_name}",)


def _cordon(spec: PodSpec, info: NodeInfo) -> Iterator[Part]:
    if not node_unschedulable.accepts(spec, _node(info)):
        yield ("cordoned",)


def _taints(spec: PodSpec, info: NodeInfo) -> Iterator[Part]:
    for taint in _node(info).spec.taints:
        tolerated = any(taint_toleration.tolerates(t, taint) for t in spec.tolerations)
        if taint.effect in ("NoSchedule", "NoExecute") and not tolerated:
            value = f"={taint.value}" if taint.value else ""
            yield (f"taint {taint.key}{value}:{taint.effect}",)


def _affinity(spec: PodSpec, info: NodeInfo) -> Iterator[Part]:
    labels = _node(info).metadata.labels
    for key, wanted in spec.node_selector.items():
        if labels.get(key) != wanted:
            yield (f"node selector {key}={wanted}, and the node has {_label(labels, key)}",)
    if spec.affinity and not node_affinity.parse_affinity(spec.affinity).accepts(_node(info)):
        yield (f"node affinity {_terms(spec.affinity)}",)


def _label(labels: Mapping[str, str], key: str) -> str:
    return f"{key}={labels[key]}" if key in labels else f"no label {key}"


def _terms(affinity: Any) -> str:
    required = (affinity.get("nodeAffinity") or EMPTY).get(node_affinity.REQUIRED) or EMPTY
    terms = []
    for term in required.get("nodeSelectorTerms", ()):
        requirements = (*term.get("matchExpressions", ()), *term.get("matchFields", ()))
        terms.append(" and ".join(map(_requirement, requirements)) or "nothing")
    return " or ".join(terms) or "nothing"


def _requirement(given: Mapping[str, Any]) -> str:
    values = ", ".join(map(str, given.get("values", ())))
    return f"{given.get('key')} {given.get('operator')}" + (f" {values}" if values else "")


def _ports(spec: PodSpec, info: NodeInfo) -> Iterator[Part]:
    for port in host_ports(spec):
        if conflicts(port, info.ports):
            holders = [p.key for p in info.pods if conflicts(port, host_ports(p.spec))]
            yield (f"host port {port[2]}/{port[1]} is taken by {', '.join(holders)}",)


def _room(spec: PodSpec, info: NodeInfo) -> Iterator[Part]:
    for resource, _, asked, used, capacity, _ in node_resources_fit.insufficient(spec, info):
        free = capacity - used
        if resource == "pods":
            yield (f"has its {capacity} pods already", asked, free)
            continue
        short, wanted, left, whole = (
            amount(resource, number) for number in (asked - free, asked, max(free, 0), capacity)
        )
        yield (f"{resource} {short} short: asks {wanted}, {left} of {whole} is free", asked, free)


def amount(resource: str, number: int) -> str:
    """An amount in the scheduler's units as a quantity: 500m, 2Gi, 3."""
    if resource == CPU:
        return str(Quantity.new_milli(number))
    if resource in (MEMORY, EPHEMERAL_STORAGE):
        return str(Quantity.new(number, BINARY_SI))
    return str(number)


_PARTS: dict[str, Callable[[PodSpec, NodeInfo], Iterator[Part]]] = {
    node_unschedulable.NAME: _cordon,
    node_name.NAME: _name,
    taint_toleration.NAME: _taints,
    node_affinity.NAME: _affinity,
    node_ports.NAME: _ports,
    node_resources_fit.NAME: _room,
}
