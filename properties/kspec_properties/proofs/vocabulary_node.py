"""The constraints of one node: cordon, taint, toleration, spec.nodeName, nodeSelector, host port.

In every combination, with exactly enough memory left and one byte too little.
"""

from typing import Any

from kspec_models.objects import Container, ContainerPort, Node, NodeSpec, NodeStatus, Pod, Taint
from kspec_models.objects import ResourceRequirements as Resources
from kspec_models.objects.core import Toleration
from kspec_models.objects.record import FrozenMap
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_properties.proofs.hard_constraints import UNSCHEDULABLE_TAINT, broken
from kspec_properties.proofs.kept import kept
from kspec_properties.proofs.scene import node_named, pod_named
from kspec_properties.proofs.vocabulary import Chosen, Scene, Vocabulary

TAINT = Taint(key="dedicated", value="a", effect="NoSchedule")
REQUEST, USED = 64, 32

OPTIONS: dict[str, tuple[Any, ...]] = {
    "cordoned": (False, True),
    "taint": (
        (),
        (TAINT,),
        (TAINT.replace(effect="NoExecute"),),
        (TAINT.replace(effect="PreferNoSchedule"),),
        (TAINT.replace(key="asked", effect="PreferNoSchedule"), TAINT),
    ),
    "toleration": (
        (),
        (Toleration(key="dedicated", value="a", effect="NoSchedule"),),
        (Toleration(key="dedicated", operator="Equal", value="b"),),
        (Toleration(key="dedicated", operator="Exists", effect="NoExecute"),),
        (Toleration(operator="Exists"),),
        (
            Toleration(key=UNSCHEDULABLE_TAINT, operator="Exists"),
            Toleration(key="dedicated", value="a"),
        ),
    ),
    "node_name": ("", "node", "other"),
    "selector": ({}, {"zone": "a"}, {"zone": "b"}),
    "port": (
        None,
        ContainerPort(container_port=80, host_port=80, protocol="TCP"),
        ContainerPort(container_port=80, host_port=80, protocol="TCP", host_ip="10.0.0.2"),
        ContainerPort(container_port=80, host_port=80, protocol="UDP"),
        ContainerPort(container_port=81, host_port=81),
    ),
    "missing_bytes": (0, 1),
}


def scene(of: Chosen) -> Scene:
    """The objects of one combination."""
    node = _node(of["cordoned"], of["taint"], of["missing_bytes"])
    pending = _pending(of["toleration"], of["node_name"], of["selector"], of["port"])
    refused_by = broken(pending, node, (BOUND,))
    if not refused_by and OPTIONS["missing_bytes"][of["missing_bytes"]]:
        refused_by = ("memory",)
    return Scene(pending, (_charged(node),), refused_by)


@kept
def _node(cordoned: int, taint: int, missing: int) -> Node:
    offered = REQUEST + USED - OPTIONS["missing_bytes"][missing]
    allocatable: Any = FrozenMap({"memory": str(offered), "pods": "2"})
    spec = NodeSpec(unschedulable=OPTIONS["cordoned"][cordoned], taints=OPTIONS["taint"][taint])
    status = NodeStatus(allocatable=allocatable, capacity=allocatable)
    labelled = node_named("node").with_metadata(labels=FrozenMap({"zone": "a"}))
    return labelled.replace(spec=spec, status=status)


@kept
def _pending(toleration: int, node_name: int, selector: int, port: int) -> Pod:
    return pod_named(
        "pending",
        containers=(_container(REQUEST, OPTIONS["port"][port]),),
        tolerations=OPTIONS["toleration"][toleration],
        node_name=OPTIONS["node_name"][node_name],
        node_selector=FrozenMap(OPTIONS["selector"][selector]),
    )


@kept
def _charged(node: Node) -> NodeInfo:
    return node_info(node, (BOUND,))


def _container(memory: int, port: ContainerPort | None) -> Container:
    requests: Any = FrozenMap({"memory": str(memory)})
    ports = () if port is None else (port,)
    return Container(name="main", ports=ports, resources=Resources(requests=requests))


TAKEN = ContainerPort(container_port=80, host_port=80, protocol="TCP", host_ip="10.0.0.1")
BOUND = pod_named("bound-0", containers=(_container(USED, TAKEN),), node_name="node")
VOCABULARY = Vocabulary("constraints of one node", OPTIONS, scene)
