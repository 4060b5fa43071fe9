"""Metamorphic relations: the same cluster told in another way, and what must then stay the same.

None of them asks what the right node is. A relation makes variants of an instance, each with the
names that the nodes have in it, and the set of best nodes must be the same modulo these names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from kspec_models.objects import Container, Node, Pod, Taint
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import FrozenMap, QuantityText, Resources
from kspec_models.quantity import parse
from kspec_models.resources import PODS
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_properties.trial.generated import HOSTNAME
from kspec_properties.trial.instances import Instance
from kspec_properties.trial.orders import labels_reversed, terms_reversed

FACTORS = (2, 3, 1000)
REFUSED = "refused"
_NEW_NAMES = ("z", "node-10", "m1", "b-long-name", "a9", "k", "c", "y2", "node-9", "x0")


class Variant(NamedTuple):
    """what: how it differs, in words. names: of nodes that have another name in it. added: a node
    that counts only if the policy refuses it. order: changes the lists within the context."""

    what: str
    instance: Instance
    names: Mapping[str, str] = {}
    added: str = ""
    order: Callable[[Context], Context] | None = None

    def context(self) -> Context:
        context = self.instance.context()
        return self.order(context) if self.order is not None else context


class Relation(NamedTuple):
    """charge: what a policy that breaks it is convicted of. excuses: the attributes by which a
    policy declares that it does not promise it."""

    name: str
    charge: str
    promise: str
    variants: Callable[[Instance], Iterator[Variant]]
    excuses: tuple[str, ...] = ()


def _renamed(instance: Instance) -> Iterator[Variant]:
    names = [node.name for node in instance.nodes]
    reverse = {name: f"r{len(names) - i}" for i, name in enumerate(sorted(names))}
    others = _NEW_NAMES[: len(names)] if len(names) <= len(_NEW_NAMES) else ()
    for mapping in (reverse, dict(zip(names, others, strict=False))):
        if mapping:
            listed = ", ".join(f"{old} as {new}" for old, new in mapping.items())
            yield Variant(f"with {listed}", renamed(instance, mapping), mapping)


def renamed(instance: Instance, names: Mapping[str, str]) -> Instance:
    """The instance with other names of nodes, wherever these are mentioned."""
    return Instance(
        tuple(_renamed_node(node, names) for node in instance.nodes),
        tuple(_renamed_pod(pod, names) for pod in instance.bound),
        tuple(_renamed_pod(pod, names) for pod in instance.pending),
        instance.others,
    )


def _renamed_node(node: Node, names: Mapping[str, str]) -> Node:
    labels = node.metadata.labels
    if labels.get(HOSTNAME) == node.name:
        labels = labels.set(HOSTNAME, names[node.name])
    return node.with_metadata(name=names[node.name], labels=labels)


def _renamed_pod(pod: Pod, names: Mapping[str, str]) -> Pod:
    spec = pod.spec
    changes: dict[str, Any] = {}
    if spec.node_name:
        changes["node_name"] = names.get(spec.node_name, spec.node_name)
    if spec.affinity:
        changes["affinity"] = _replaced(spec.affinity, names)
    if HOSTNAME in spec.node_selector:
        changes["node_selector"] = _replaced(spec.node_selector, names)
    return pod.replace(spec=spec.replace(**changes)) if changes else pod


def _replaced(value: Any, names: Mapping[str, str]) -> Any:
    """Frozen JSON with other names of nodes among its texts."""
    if isinstance(value, FrozenMap):
        return FrozenMap({key: _replaced(item, names) for key, item in value.items()})
    if isinstance(value, tuple):
        return tuple(_replaced(item, names) for item in value)
    return names.get(value, value) if isinstance(value, str) else value


def _reordered(instance: Instance) -> Iterator[Variant]:
    if len(instance.nodes) > 1:
        yield Variant("with the list of nodes reversed", instance, order=_nodes_reversed)
    if len(instance.bound) > 1:
        yield Variant("with the pods of each node reversed", instance, order=_pods_reversed)
    for what, change in (
        ("containers", _containers_reversed),
        ("tolerations", _tolerations_reversed),
    ):
        changed = _with_specs(instance, change)
        if changed != instance:
            yield Variant(f"with the {what} of pods reversed", changed)
    changed = Instance(
        tuple(map(_taints_reversed, instance.nodes)),
        *(instance.bound, instance.pending, instance.others),
    )
    if changed != instance:
        yield Variant("with the taints of nodes reversed", changed)
    if any(len(node.metadata.labels) > 1 for node in instance.nodes):
        changed = labels_reversed(instance)
        yield Variant("with the labels of nodes and pods reversed", changed, order=_as_it_is)
    pending = tuple(map(terms_reversed, instance.pending))
    if pending != instance.pending:
        yield Variant("with the terms of affinity and spread reversed", _waiting(instance, pending))


def _as_it_is(context: Context) -> Context:
    """For what is equal to the instance: asks a policy whose memo tables do not know it yet."""
    return context


def _waiting(instance: Instance, pending: tuple[Pod, ...]) -> Instance:
    return Instance(instance.nodes, instance.bound, pending, instance.others)


def _nodes_reversed(context: Context) -> Context:
    return context._replace(nodes=context.nodes[::-1])


def _pods_reversed(context: Context) -> Context:
    return context._replace(nodes=tuple(map(_with_pods_reversed, context.nodes)))


def _with_pods_reversed(info: NodeInfo) -> NodeInfo:
    changed = info.with_node(info.node)
    changed.pods = info.pods[::-1]
    changed.pods_with_affinity = info.pods_with_affinity[::-1]
    changed.pods_with_required_anti_affinity = info.pods_with_required_anti_affinity[::-1]
    return changed


def _with_specs(instance: Instance, change: Callable[[PodSpec], PodSpec]) -> Instance:
    def changed(pod: Pod) -> Pod:
        return pod.replace(spec=change(pod.spec))

    bound, pending = tuple(map(changed, instance.bound)), tuple(map(changed, instance.pending))
    return Instance(instance.nodes, bound, pending, instance.others)


def _containers_reversed(spec: PodSpec) -> PodSpec:
    return spec.replace(containers=spec.containers[::-1])


def _tolerations_reversed(spec: PodSpec) -> PodSpec:
    return spec.replace(tolerations=spec.tolerations[::-1])


def _taints_reversed(node: Node) -> Node:
    return node.replace(spec=node.spec.replace(taints=node.spec.taints[::-1]))


def _with_refused(instance: Instance) -> Iterator[Variant]:
    names = {node.name for node in instance.nodes}
    for name in (REFUSED, f"a-{REFUSED}"):
        if name not in names:
            nodes = (*instance.nodes, _refusing(name))
            yield Variant(
                f"with one more node, {name}, which it refuses",
                Instance(nodes, instance.bound, instance.pending, instance.others),
                added=name,
            )


def _refusing(name: str) -> Node:
    """A node with no room, no labels, a cordon and a taint."""
    taint = Taint(key="kspec.dev/refused", effect="NoExecute")
    nothing = FrozenMap({"cpu": "0", "memory": "0", PODS: "0"})
    node = Node()
    return node.replace(
        metadata=node.metadata.replace(name=name),
        spec=node.spec.replace(unschedulable=True, taints=(taint,)),
        status=node.status.replace(allocatable=nothing, capacity=nothing),
    )


def _scaled(instance: Instance) -> Iterator[Variant]:
    for factor in FACTORS:
        yield Variant(f"with all quantities times {factor}", scaled(instance, factor))


def scaled(instance: Instance, factor: int) -> Instance:
    """Every quantity but the number of pods, which counts pods, times a factor."""
    changed = _with_specs(instance, lambda spec: _scaled_spec(spec, factor))
    nodes = tuple(_scaled_node(node, factor) for node in instance.nodes)
    return Instance(nodes, changed.bound, changed.pending, instance.others)


def _times(resources: Resources, factor: int) -> Resources:
    def scaled_text(name: str, text: str) -> QuantityText:
        return QuantityText(text if name == PODS else str(parse(text).mul(factor)))

    return FrozenMap({name: scaled_text(name, text) for name, text in resources.items()})


def _scaled_node(node: Node, factor: int) -> Node:
    status = node.status
    return node.replace(
        status=status.replace(
            allocatable=_times(status.allocatable, factor),
            capacity=_times(status.capacity, factor),
        )
    )


def _scaled_spec(spec: PodSpec, factor: int) -> PodSpec:
    def changed(container: Container) -> Container:
        given = container.resources
        resources = given.replace(
            requests=_times(given.requests, factor), limits=_times(given.limits, factor)
        )
        return container.replace(resources=resources)

    whole = spec.resources
    if whole is not None:
        requests, limits = _times(whole.requests, factor), _times(whole.limits, factor)
        whole = whole.replace(requests=requests, limits=limits)
    return spec.replace(
        containers=tuple(map(changed, spec.containers)),
        init_containers=tuple(map(changed, spec.init_containers)),
        overhead=_times(spec.overhead, factor),
        resources=whole,
    )


RELATIONS = (
    Relation(
        "node-names",
        "depends-on-node-names",
        "renaming the nodes leaves the set of best nodes the same",
        _renamed,
    ),
    Relation(
        "list-order",
        "depends-on-list-order",
        "the order of nodes, pods, containers, taints, tolerations, labels and terms of affinity "
        "and spread decides nothing",
        _reordered,
    ),
    Relation(
        "refused-node",
        "depends-on-refused-node",
        "a node that every filter refuses changes no decision",
        _with_refused,
        ("normalises",),
    ),
    Relation(
        "scale",
        "depends-on-scale",
        "all quantities times 2, 3 or 1000 change no decision",
        _scaled,
        ("rounds", "normalises"),
    ),
)
