"""A world: everything that a run starts from, as one document that a trace can embed.

`apiVersion: kspec.dev/v1, kind: World` sets what a file of objects cannot say: how many nodes and
schedulers, which faults, which switches, and what users will do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from kspec.errors import InputError
from kspec.schema import validate
from kspec_models.apiserver.server import ApiServer
from kspec_models.cluster import Cluster
from kspec_models.components import Components, Passive, node_names
from kspec_models.controllers.deployment import DeploymentController
from kspec_models.controllers.endpointslice import EndpointSliceController
from kspec_models.controllers.namespace import NamespaceController
from kspec_models.controllers.persistentvolume import PersistentVolumeController
from kspec_models.controllers.provisioner import ProvisionerController
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.controllers.serviceaccount import ServiceAccountController
from kspec_models.dataplane import EMPTY_DATAPLANE
from kspec_models.environment import Operation
from kspec_models.host import View
from kspec_models.kubelet import Kubelet
from kspec_models.kubeproxy import KubeProxy
from kspec_models.manifests import Document, read_object, read_objects
from kspec_models.objects import (
    MODELLED,
    OPTIONAL,
    ApiObject,
    Namespace,
    Node,
    Pod,
    ServiceAccount,
)
from kspec_models.objects.record import freeze
from kspec_models.operations import read_operation
from kspec_models.reduction.declared import declare_symmetry
from kspec_models.reduction.fused import FusedCluster
from kspec_models.reflector import Reflector
from kspec_models.runtime import ContainerRuntime
from kspec_models.scheduler.policies import load_policy
from kspec_models.scheduler.profiles import MIN_FEASIBLE_NODES
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.scheduler_setup import mentions, profiles_of_world, watched_by_schedulers

API_VERSION = "kspec.dev/v1"
FUSED = "fused"
LOWEST, EXPLICIT = "lowest", "explicit"
DEFAULT_CAPACITY = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"}
Mutation = Callable[[Components], Components]


def _whole_capacity(given: Mapping[str, Any]) -> Mapping[str, str]:
    """The default for what is not said, so that a world reads back as it was written."""
    return {**DEFAULT_CAPACITY, **{name: str(amount) for name, amount in given.items()}}


@attrs.frozen(kw_only=True)
class World:
    """A small instance of a cluster.

    objects: Kubernetes JSON. nodes: how many nodes to add where the objects hold none.
    faults: budget by class. operations: what users do, in this order, at any time.
    ties: "lowest" or "explicit": which of equally rated nodes a scheduler takes, the lowest name or
    any, as part of the action. symmetry: what is interchangeable: "pods", "nodes", "schedulers".
    active_nodes: the nodes whose kubelet, runtime and kube-proxy take part, the others being API
    objects only; None: all of them.
    percentage_of_nodes_to_score: that of the schedulers; 0 is upstream's adaptive one, None leaves
    what the policy says. min_feasible_nodes: upstream's constant of 100, below which every node is
    looked at; a lower one lets a small world sample its nodes, from a start that is then explicit.
    is_plain: schedulers decide node by node, even where a vectorised form decides alike.
    What changed lately in Kubernetes is a switch: atomic_replace (AtomicFIFO), initial_lists
    ("resourceVersion0" may be answered by a stale server, "watchList" never is), and
    stale_controller_check (a ReplicaSet waits until the caches show what was written for it).
    """

    name: str = "world"
    objects: tuple[Mapping[str, Any], ...] = ()
    nodes: int = 3
    node_capacity: Mapping[str, str] = attrs.field(factory=dict, converter=_whole_capacity)
    schedulers: int = 1
    policy: str = "default"
    faults: Mapping[str, int] = attrs.field(factory=dict)
    granularity: str = "request"
    atomic_replace: bool = False
    proxy_mode: str = "iptables"
    initial_lists: str = "resourceVersion0"
    stale_controller_check: bool = False
    keep_status: bool = False
    operations: tuple[Mapping[str, Any], ...] = ()
    active_nodes: tuple[str, ...] | None = None
    ties: str = LOWEST
    symmetry: tuple[str, ...] = ()
    percentage_of_nodes_to_score: int | None = None
    min_feasible_nodes: int = MIN_FEASIBLE_NODES
    is_plain: bool = False

    def to_json(self) -> dict[str, Any]:
        """The world as a document of kind World."""
        optional: dict[str, Any] = {}
        if self.active_nodes is not None:
            optional["activeNodes"] = list(self.active_nodes)
        if self.ties != LOWEST:
            optional["ties"] = self.ties
        if self.symmetry:
            optional["symmetry"] = list(self.symmetry)
        if self.percentage_of_nodes_to_score is not None:
            optional["percentageOfNodesToScore"] = self.percentage_of_nodes_to_score
        if self.min_feasible_nodes != MIN_FEASIBLE_NODES:
            optional["minFeasibleNodesToFind"] = self.min_feasible_nodes
        if self.is_plain:
            optional["plain"] = True
        return {
            "apiVersion": API_VERSION,
            "kind": "World",
            "metadata": {"name": self.name},
            "spec": {
                "nodes": self.nodes,
                "nodeCapacity": dict(self.node_capacity),
                "schedulers": self.schedulers,
                "policy": self.policy,
                "faults": dict(self.faults),
                "granularity": self.granularity,
                "atomicReplace": self.atomic_replace,
                "initialLists": self.initial_lists,
                "staleControllerCheck": self.stale_controller_check,
                "proxyMode": self.proxy_mode,
                "keepStatus": self.keep_status,
                **optional,
                "operations": list(self.operations),
                "objects": list(self.objects),
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str = "world") -> World:
        """Read a document of kind World; raises InputError for what its schema does not allow."""
        validate(data, "kspec_models", "world", where)
        spec = data.get("spec") or {}
        default, active = cls(), spec.get("activeNodes")
        return cls(
            name=(data.get("metadata") or {}).get("name", "world"),
            objects=tuple(spec.get("objects", ())),
            nodes=spec.get("nodes", default.nodes),
            node_capacity=spec.get("nodeCapacity", {}),
            schedulers=spec.get("schedulers", 1),
            policy=spec.get("policy", "default"),
            faults=dict(spec.get("faults", {})),
            granularity=spec.get("granularity", "request"),
            atomic_replace=spec.get("atomicReplace", False),
            initial_lists=spec.get("initialLists", "resourceVersion0"),
            stale_controller_check=spec.get("staleControllerCheck", False),
            proxy_mode=spec.get("proxyMode", "iptables"),
            keep_status=spec.get("keepStatus", False),
            operations=tuple(spec.get("operations", ())),
            active_nodes=tuple(active) if active is not None else None,
            ties=spec.get("ties", default.ties),
            symmetry=tuple(spec.get("symmetry", ())),
            percentage_of_nodes_to_score=spec.get("percentageOfNodesToScore"),
            min_feasible_nodes=spec.get("minFeasibleNodesToFind", MIN_FEASIBLE_NODES),
            is_plain=spec.get("plain", False),
        )


def make_nodes(
    count: int, capacity: Mapping[str, str], known: tuple[str, ...] = ()
) -> tuple[Node, ...]:
    """Ready nodes of one capacity (quantities by resource name): those known, then n1, n2, ..."""
    made = (f"n{i}" for i in range(1, count - len(known) + 1))
    resources = freeze({k: str(v) for k, v in capacity.items()})
    ready = ({"type": "Ready", "status": "True"},)
    return tuple(
        Node.from_json(
            {
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                "status": {
                    "capacity": resources,
                    "allocatable": resources,
                    "conditions": ready,
                },
            }
        )
        for name in dict.fromkeys((*known, *made))
    )


def _bound_to(objects: tuple[ApiObject, ...]) -> tuple[str, ...]:
    """The nodes that the pods of a dump without Nodes are bound to."""
    names = (o.spec.node_name for o in objects if isinstance(o, Pod))
    return tuple(dict.fromkeys(name for name in names if name))


def starting_objects(world: World) -> tuple[ApiObject, ...]:
    """The objects of a world with the nodes, namespaces and default accounts that they need."""
    documents = tuple(
        Document(f"{world.name}: objects[{i}]", data) for i, data in enumerate(world.objects)
    )
    objects = read_objects(documents)
    if not node_names(objects):
        bound = _bound_to(objects) if world.keep_status else ()
        objects = (*make_nodes(world.nodes, world.node_capacity, bound), *objects)
    spaces = dict.fromkeys(("default", *(o.namespace for o in objects if o.namespace)))
    known = {obj.key for obj in objects if isinstance(obj, Namespace)}
    accounts = {obj.key for obj in objects if isinstance(obj, ServiceAccount)}
    every = (*spaces, *sorted(known - set(spaces)))
    added: list[ApiObject] = [
        Namespace.from_json({"metadata": {"name": name}}) for name in spaces if name not in known
    ]
    added += [
        ServiceAccount.from_json({"metadata": {"name": "default", "namespace": name}})
        for name in every
        if f"{name}/default" not in accounts
    ]
    order = {cls.RESOURCE: i for i, cls in enumerate(MODELLED)}
    return tuple(sorted((*added, *objects), key=lambda obj: order.get(obj.resource, 3)))


def components_of(
    world: World, *, policy: Any = None, controllers: tuple[Any, ...] = ()
) -> Components:
    """The faithful parts of a world. `policy` and `controllers` are a user's own."""
    objects = starting_objects(world)
    operations = world.operations
    applied = [read_object(Document("operation", o["apply"])) for o in operations if "apply" in o]
    given = {o.resource for o in (*objects, *applied) if o is not None}
    if "persistentvolumeclaims" in given:
        given.add("persistentvolumes")  # the provisioner makes them
    present = [cls for cls in MODELLED if cls not in OPTIONAL or cls.RESOURCE in given]
    resources = tuple(cls.RESOURCE for cls in present if cls.NAMESPACED)
    passive = {o.resource for o in objects} - {cls.RESOURCE for cls in MODELLED}
    chosen = policy if policy is not None else load_policy(world.policy)
    every = node_names((*objects, *(o for o in applied if o is not None)))
    nodes = tuple(dict.fromkeys(every))
    numbers = {name: i for i, name in enumerate(nodes, start=1)}
    return Components(
        api_server=ApiServer(),
        reflector=Reflector(atomic=world.atomic_replace),
        controllers=(
            DeploymentController(),
            ReplicaSetController(stale_check=has_seen if world.stale_controller_check else None),
            EndpointSliceController(),
            NamespaceController((*resources, *sorted(passive))),
            ServiceAccountController(),
            *_volume_controllers(given),
            *controllers,
        ),
        schedulers=tuple(
            Scheduler(
                name,
                profiles_of_world(world, chosen),
                has_explicit_ties=EXPLICIT in (world.ties, getattr(chosen, "ties", "")),
                watched=watched_by_schedulers(
                    world, (*(cls.RESOURCE for cls in present), *sorted(passive))
                ),
                may_preempt=mentions(world, "priority", "priorityClassName"),
                is_plain=world.is_plain,
            )
            for name in scheduler_names(world.schedulers)
        ),
        kubelet=Kubelet,
        runtime=lambda node: ContainerRuntime(numbers[node]),
        proxy=lambda node: KubeProxy(node, world.proxy_mode),
        dataplane=lambda node: Passive(EMPTY_DATAPLANE),
        objects=objects,
        nodes=nodes if world.active_nodes is None else _active(nodes, world.active_nodes),
        keep_status=world.keep_status,
    )


def _volume_controllers(given: set[str]) -> tuple[Any, ...]:
    if given.isdisjoint(("persistentvolumes", "persistentvolumeclaims")):
        return ()
    return PersistentVolumeController(), ProvisionerController()


def _active(nodes: tuple[str, ...], named: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in named if name not in nodes]
    if unknown:
        raise InputError(f"activeNodes names {unknown[0]!r}, which is no node of the world")
    return tuple(name for name in nodes if name in named)


def has_seen(view: View, resource: str, revision: int) -> bool:
    """Whether the informer of a resource has received everything up to a revision."""
    seen: int = view.caches.revision(resource)  # type: ignore[attr-defined]
    return seen >= revision


def scheduler_names(count: int) -> tuple[str, ...]:
    """The names of the scheduler processes: `scheduler`, or numbered where there are several."""
    if count == 1:
        return ("scheduler",)
    return tuple(f"scheduler-{i}" for i in range(1, count + 1))


def build(
    world: World,
    *,
    policy: Any = None,
    controllers: tuple[Any, ...] = (),
    mutate: Mutation | None = None,
) -> Cluster:
    """The cluster of a world; raises InputError where the world cannot be built."""
    if world.schedulers < 1 or world.nodes < 0:
        raise InputError("a world needs at least one scheduler and no negative number of nodes")
    components = components_of(world, policy=policy, controllers=controllers)
    if mutate is not None:
        components = mutate(components)
    operations: tuple[Operation, ...] = tuple(read_operation(o) for o in world.operations)
    kind = FusedCluster if world.granularity == FUSED else Cluster
    cluster = kind(
        components,
        operations=operations,
        faults=dict(world.faults),
        granularity=world.granularity,
        lists_are_stale=world.initial_lists == "resourceVersion0",
    )
    declare_symmetry(cluster, world)
    return cluster
