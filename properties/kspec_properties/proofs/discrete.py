"""The hard constraints that are not numbers: every combination of a small vocabulary, run as it is.

Domain: one pod and one node; cordon, taint, toleration, spec.nodeName, nodeSelector and host port
each take every value below, in combination, with exactly enough memory left and one byte too
little. The objects are real and their quantities are text, so that a policy that reads
them in a way of its own is judged as well.
"""

import itertools
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import attrs

from kspec.smt import Proof
from kspec_models.objects import Container, ContainerPort, Node, NodeSpec, NodeStatus, Pod, Taint
from kspec_models.objects import ResourceRequirements as Resources
from kspec_models.objects.core import Toleration
from kspec_models.objects.record import FrozenMap
from kspec_models.scheduler.framework import Context, Policy
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_properties.proofs.hard_constraints import UNSCHEDULABLE_TAINT, broken
from kspec_properties.proofs.scene import node_named, pod_named

TAINT = Taint(key="dedicated", value="a", effect="NoSchedule")
REQUEST, USED = 64, 32

OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "cordoned": (False, True),
    "taint": (
        (),
        (TAINT,),
        (TAINT.replace(effect="NoExecute"),),
        (TAINT.replace(effect="PreferNoSchedule"),),
    ),
    "toleration": (
        (),
        (Toleration(key="dedicated", value="a", effect="NoSchedule"),),
        (Toleration(key="dedicated", operator="Equal", value="b"),),
        (Toleration(key="dedicated", operator="Exists", effect="NoExecute"),),
        (Toleration(operator="Exists"),),
        (Toleration(key=UNSCHEDULABLE_TAINT, operator="Exists"),),
    ),
    "node_name": ("", "node", "other"),
    "selector": ({}, {"zone": "a"}, {"zone": "b"}),
    "port": (
        None,
        ContainerPort(host_port=80, protocol="TCP"),
        ContainerPort(host_port=80, protocol="TCP", host_ip="10.0.0.2"),
        ContainerPort(host_port=80, protocol="UDP"),
        ContainerPort(host_port=81),
    ),
    "missing_bytes": (0, 1),
}


@attrs.frozen
class Combination:
    """A pending pod, a node and the pod that is bound to it already."""

    pending: Pod
    node: Node
    bound: Pod
    has_room: bool


def combination(chosen: Mapping[str, int]) -> Combination:
    """The objects of one combination; `chosen` gives the index of each option."""
    of = {name: chosen[name] for name in OPTIONS}
    node = _node(of["cordoned"], of["taint"], of["missing_bytes"])
    pending = _pending(of["toleration"], of["node_name"], of["selector"], of["port"])
    has_room = OPTIONS["missing_bytes"][of["missing_bytes"]] <= 0
    return Combination(pending, node, BOUND, has_room)


@cache
def _node(cordoned: int, taint: int, missing: int) -> Node:
    offered = REQUEST + USED - OPTIONS["missing_bytes"][missing]
    allocatable: Any = FrozenMap({"memory": str(offered), "pods": "2"})
    spec = NodeSpec(unschedulable=OPTIONS["cordoned"][cordoned], taints=OPTIONS["taint"][taint])
    status = NodeStatus(allocatable=allocatable, capacity=allocatable)
    labelled = node_named("node").with_metadata(labels=FrozenMap({"zone": "a"}))
    return labelled.replace(spec=spec, status=status)


@cache
def _pending(toleration: int, node_name: int, selector: int, port: int) -> Pod:
    return pod_named(
        "pending",
        containers=(_container(REQUEST, OPTIONS["port"][port]),),
        tolerations=OPTIONS["toleration"][toleration],
        node_name=OPTIONS["node_name"][node_name],
        node_selector=FrozenMap(OPTIONS["selector"][selector]),
    )


@cache
def _charged(node: Node) -> NodeInfo:
    return node_info(node, (BOUND,))


def _container(memory: int, port: ContainerPort | None) -> Container:
    requests: Any = FrozenMap({"memory": str(memory)})
    ports = () if port is None else (port,)
    return Container(name="main", ports=ports, resources=Resources(requests=requests))


TAKEN = ContainerPort(host_port=80, protocol="TCP", host_ip="10.0.0.1")
BOUND = pod_named("bound-0", containers=(_container(USED, TAKEN),), node_name="node")


def combinations() -> Iterator[dict[str, int]]:
    """Every combination, as indexes; those of the first options first."""
    for chosen in itertools.product(*(range(len(options)) for options in OPTIONS.values())):
        yield dict(zip(OPTIONS, chosen, strict=True))


def check_discrete(name: str, policy: Policy) -> Proof:
    """The policy accepts a combination if and only if the documentation allows it.

    A policy that raises makes it Unknown.
    """
    tried, accepted = 0, False
    for chosen in combinations():
        tried += 1
        scene = combination(chosen)
        refused_by = broken(scene.pending, scene.node, (scene.bound,))
        allowed = scene.has_room and not refused_by
        info = _charged(scene.node)
        try:
            accepts = policy.filter(scene.pending, info, Context((info,))).ok
        except Exception as error:
            why = f"policy {policy.name} raised {type(error).__name__}: {error}"
            return Proof(name, "Unknown", why, tried, chosen, accepted)
        accepted = accepted or accepts
        if accepts != allowed:
            broken_ones = ", ".join(refused_by or ("memory",))
            what = f"accepts in spite of {broken_ones}" if accepts else "refuses what is allowed"
            return Proof(name, "Refuted", what, tried, chosen, accepted)
    return Proof(name, "Proved", f"in {tried} combinations", tried, None, accepted)
