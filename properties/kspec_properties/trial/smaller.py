"""Cuts of an instance, for finding the smallest one that still shows something."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kspec_models.objects import Node, Pod
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_properties.trial.instances import Instance


def smallest(instance: Instance, shows: Callable[[Instance], bool]) -> Instance:
    """An instance that shows it and of which no single cut does; cuts are tried in order."""
    while True:
        found = next((cut for cut in smaller(instance) if shows(cut)), None)
        if found is None:
            return instance
        instance = found


def smaller(instance: Instance) -> Iterator[Instance]:
    """The instance with one thing less, the largest things first."""
    nodes, bound, pending, others = (
        *(instance.nodes, instance.bound),
        *(instance.pending, instance.others),
    )
    for node in nodes:
        kept = tuple(pod for pod in bound if pod.spec.node_name != node.name)
        rest = tuple(other for other in nodes if other is not node)
        yield Instance(rest, kept, pending, others)
    for pod in bound:
        yield Instance(nodes, tuple(p for p in bound if p is not pod), pending, others)
    for other in others:
        yield Instance(nodes, bound, pending, tuple(o for o in others if o is not other))
    for i, pod in enumerate(pending):
        for less in _less_pod(pod):
            yield Instance(nodes, bound, (*pending[:i], less, *pending[i + 1 :]), others)
    for i, pod in enumerate(bound):
        for less in _less_pod(pod):
            yield Instance(nodes, (*bound[:i], less, *bound[i + 1 :]), pending, others)
    for i, node in enumerate(nodes):
        for less_node in _less_node(node):
            yield Instance((*nodes[:i], less_node, *nodes[i + 1 :]), bound, pending, others)


def _less_pod(pod: Pod) -> Iterator[Pod]:
    if pod.metadata.annotations:
        yield pod.with_metadata(annotations=EMPTY)
    for spec in _less_spec(pod.spec):
        yield pod.replace(spec=spec)
    if pod.metadata.labels:
        yield pod.with_metadata(labels=EMPTY)


def _less_spec(spec: PodSpec) -> Iterator[PodSpec]:
    if spec.affinity:
        yield spec.replace(affinity=None)
        for name in spec.affinity:
            yield spec.replace(affinity=spec.affinity.without(name))
    if spec.topology_spread_constraints:
        yield spec.replace(topology_spread_constraints=())
    if spec.node_selector:
        yield spec.replace(node_selector=EMPTY)
    if spec.overhead:
        yield spec.replace(overhead=EMPTY)
    for name in ("tolerations", "init_containers", "containers"):
        items = getattr(spec, name)
        for i in range(len(items)):
            rest = (*items[:i], *items[i + 1 :])
            if rest or name != "containers":
                yield spec.replace(**{name: rest})
    yield from _less_containers(spec)


def _less_containers(spec: PodSpec) -> Iterator[PodSpec]:
    for i, container in enumerate(spec.containers):
        less = []
        if container.ports:
            less.append(container.replace(ports=()))
        for name in container.resources.requests:
            given = container.resources
            requests = given.requests.without(name)
            changed = given.replace(requests=requests, limits=given.limits.without(name))
            less.append(container.replace(resources=changed))
        for each in less:
            yield spec.replace(containers=(*spec.containers[:i], each, *spec.containers[i + 1 :]))


def _less_node(node: Node) -> Iterator[Node]:
    spec, status = node.spec, node.status
    for i in range(len(spec.taints)):
        yield node.replace(spec=spec.replace(taints=(*spec.taints[:i], *spec.taints[i + 1 :])))
    if spec.unschedulable:
        yield node.replace(spec=spec.replace(unschedulable=False))
    if status.images:
        yield node.replace(status=status.replace(images=()))
    for label in node.metadata.labels:
        yield node.with_metadata(labels=node.metadata.labels.without(label))
    for name in status.allocatable:
        if name not in ("cpu", "memory", "pods"):
            allocatable = status.allocatable.without(name)
            capacity = status.capacity.without(name)
            changed = status.replace(allocatable=allocatable, capacity=capacity)
            yield node.replace(status=changed)
