"""From a world to the cluster that it describes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kspec.errors import InputError
from kspec_models.apiserver.admission import Admission
from kspec_models.apiserver.admission_options import rules_of
from kspec_models.apiserver.server import ApiServer
from kspec_models.cluster import Cluster
from kspec_models.cluster_autoscaler_groups import first_machines, machines_of
from kspec_models.components import Components, Passive, node_names
from kspec_models.controller_manager import controllers_of
from kspec_models.dataplane import EMPTY_DATAPLANE
from kspec_models.environment import Operation
from kspec_models.known_components import check_components
from kspec_models.kubelet import Kubelet
from kspec_models.kubeproxy import KubeProxy
from kspec_models.machine_room import (
    election_objects,
    heartbeats,
    machine_room,
    scheduler_count,
)
from kspec_models.needs import applied_objects, needs_of
from kspec_models.operations import read_operation
from kspec_models.optional import others_of
from kspec_models.reduction.declared import declare_symmetry
from kspec_models.reduction.fused import FusedCluster
from kspec_models.reflector import Reflector
from kspec_models.runtime import ContainerRuntime
from kspec_models.scheduler.policies import load_policy
from kspec_models.scheduler_setup import scheduler_names, schedulers_of
from kspec_models.starting import starting_objects
from kspec_models.world import World

FUSED = "fused"
Mutation = Callable[[Components], Components]


def components_of(
    world: World, *, policy: Any = None, controllers: tuple[Any, ...] = ()
) -> Components:
    """The faithful parts of a world. `policy` and `controllers` are a user's own."""
    room = machine_room(world)
    schedulers = attrs.evolve(world, schedulers=scheduler_count(world))
    leases = election_objects(room, scheduler_names(schedulers.schedulers))
    objects = starting_objects(attrs.evolve(world, objects=(*world.objects, *leases)))
    objects = (*first_machines(world, node_names(objects)), *objects)
    needs = needs_of(world, objects)
    if any(getattr(c, "reads_node_leases", False) for c in controllers_of(needs)):
        objects = heartbeats(objects)
        needs = needs_of(world, objects)
    chosen = policy if policy is not None else load_policy(world.policy)
    every = (*node_names((*objects, *applied_objects(world))), *machines_of(world))
    nodes = tuple(dict.fromkeys(every))
    numbers = {name: i for i, name in enumerate(nodes, start=1)}
    return Components(
        api_server=ApiServer(Admission(rules_of(needs.options("admission")))),
        reflector=Reflector(atomic=world.atomic_replace),
        controllers=(*controllers_of(needs), *controllers),
        schedulers=schedulers_of(schedulers, chosen, needs.resources),
        kubelet=Kubelet,
        runtime=lambda node: ContainerRuntime(numbers[node]),
        proxy=lambda node: KubeProxy(node, world.proxy_mode),
        dataplane=lambda node: Passive(EMPTY_DATAPLANE),
        others=others_of(needs),
        objects=objects,
        nodes=nodes if world.active_nodes is None else _active(nodes, world.active_nodes),
        keep_status=world.keep_status,
        room=room,
    )


def _active(nodes: tuple[str, ...], named: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in named if name not in nodes]
    if unknown:
        raise InputError(f"activeNodes names {unknown[0]!r}, which is no node of the world")
    return tuple(name for name in nodes if name in named)


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
    check_components(world)
    components = components_of(world, policy=policy, controllers=controllers)
    if mutate is not None:
        components = mutate(components)
    operations: tuple[Operation, ...] = tuple(read_operation(o) for o in world.operations)
    kind = FusedCluster if world.granularity == FUSED else Cluster
    if kind is FusedCluster and (components.room.servers or components.room.elections):
        raise InputError(
            "granularity fused has one API server and no leader election",
            expected="granularity reconcile",
        )
    cluster = kind(
        components,
        operations=operations,
        faults=dict(world.faults),
        granularity=world.granularity,
        lists_are_stale=world.initial_lists == "resourceVersion0",
    )
    declare_symmetry(cluster, world)
    return cluster
