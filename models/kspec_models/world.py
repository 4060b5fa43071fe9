"""A world: everything that a run starts from, as one document that a trace can embed.

`apiVersion: kspec.dev/v1, kind: World` sets what a file of objects cannot say: how many nodes and
schedulers, which faults, which switches, and what users will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from kspec.schema import validate
from kspec_models.scheduler.profiles import MIN_FEASIBLE_NODES

API_VERSION = "kspec.dev/v1"
LOWEST, EXPLICIT = "lowest", "explicit"
DEFAULT_CAPACITY = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"}


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
    controllers: which controllers of kube-controller-manager run, as its flag --controllers says
    it: names, "-name" for one that does not, "*" for all; without any, those that the objects and
    operations of the world call for. components: options of components by name, such as
    {"kube-controller-manager": {"replicas": 2}}; a component that is optional runs if it is named.
    judge: the properties that this world is about, by name: unless others are asked for they are
    what is judged, without faults, and the first violation ends the search.
    What changed lately in Kubernetes is a switch: atomic_replace (AtomicFIFO), initial_lists
    ("resourceVersion0" may be answered by a stale server, "watchList" never is), and
    stale_controller_check (a ReplicaSet, DaemonSet or StatefulSet waits until the
    caches show what was written for it).
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
    controllers: tuple[str, ...] = ()
    components: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    judge: tuple[str, ...] = ()

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
        if self.controllers:
            optional["controllers"] = list(self.controllers)
        if self.components:
            optional["components"] = {name: dict(o) for name, o in self.components.items()}
        if self.judge:
            optional["judge"] = list(self.judge)
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
            controllers=tuple(spec.get("controllers", ())),
            components=dict(spec.get("components", {})),
            judge=tuple(spec.get("judge", ())),
        )
