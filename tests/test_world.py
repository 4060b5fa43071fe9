"""Worlds promise to read back, and to start with all that their objects need."""

from __future__ import annotations

import attrs
import pytest
import yaml
from cluster_runs import fifo, get, objects, settled

from kspec.errors import InputError
from kspec.schema import validate
from kspec.suite import Settings
from kspec_models.building import build
from kspec_models.reading_worlds import read_world
from kspec_models.starting import starting_objects
from kspec_models.world import World
from kspec_models.worlds import (
    bench,
    delete,
    deployment,
    namespace,
    node,
    pod,
    scale,
    service,
    set_image,
)
from kspec_models.worlds_builtin import built_in

FULL = World(
    name="full",
    objects=(deployment("web"), node("big", cpu="32")),
    nodes=5,
    node_capacity={"cpu": "2", "memory": "1Gi", "pods": "3"},
    schedulers=2,
    policy="first-fit",
    faults={"crash": 2, "lost-answer": 1},
    granularity="reconcile",
    atomic_replace=True,
    initial_lists="watchList",
    stale_controller_check=True,
    proxy_mode="ipvs",
    keep_status=True,
    active_nodes=("big",),
    operations=(scale("web", 3), delete("Pod", "a"), set_image("web", "b"), {"apply": pod("a")}),
)


def names(world, kind):
    return [obj.key for obj in starting_objects(world) if kind == obj.KIND]


@pytest.mark.parametrize(
    "world",
    [FULL, World(), built_in(), bench(5, 20), bench(5, 9, active=(3, 5))],
    ids=lambda w: w.name,
)
def test_a_world_reads_back_from_its_document(world, tmp_path):
    document = world.to_json()
    validate(document, "kspec_models", "world", "test")
    again = World.from_json(document)
    assert again == world and again.to_json() == document
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(document))
    read = read_world((path,), Settings())
    assert read == again


def test_a_document_sets_what_it_names_and_leaves_the_rest():
    spec = {"nodes": 1, "nodeCapacity": {"cpu": 2}}
    world = World.from_json({"apiVersion": "kspec.dev/v1", "kind": "World", "spec": spec})
    assert (world.nodes, world.node_capacity["cpu"], world.node_capacity["pods"]) == (1, "2", "110")
    assert attrs.evolve(world, nodes=3, node_capacity=World().node_capacity) == World()
    assert World.from_json({"apiVersion": "kspec.dev/v1", "kind": "World"}) == World()


def test_settings_override_the_document(tmp_path):
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(attrs.evolve(FULL, keep_status=False).to_json()))
    given = Settings(
        nodes=1,
        node_capacity={"cpu": "9"},
        schedulers=1,
        policy="default",
        granularity="request",
        state=True,
    )
    world = read_world((path,), given)
    assert (world.nodes, world.schedulers, world.policy) == (1, 1, "default")
    assert (world.granularity, world.keep_status) == ("request", True)
    assert world.node_capacity == {**FULL.node_capacity, "cpu": "9"}


def test_objects_of_several_files_are_one_world(tmp_path):
    first, second = tmp_path / "one.yaml", tmp_path / "two.yaml"
    first.write_text(yaml.safe_dump(deployment("other")))
    second.write_text(yaml.safe_dump_all([FULL.to_json(), service("web")]))
    world = read_world((first, second), Settings())
    assert [o["metadata"]["name"] for o in world.objects] == ["web", "big", "other", "web"]
    assert world.schedulers == 2


def test_without_a_file_there_is_a_world_that_ships():
    world = read_world((), Settings(nodes=4))
    assert attrs.evolve(world, nodes=3) == built_in() and world.nodes == 4


# starting objects


def test_namespaces_and_accounts_that_objects_need_are_there():
    world = World(objects=(deployment("web", namespace="shop"), namespace("empty")))
    assert sorted(names(world, "Namespace")) == ["default", "empty", "shop"]
    accounts = ["default/default", "empty/default", "shop/default"]
    assert sorted(names(world, "ServiceAccount")) == accounts
    given = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    assert names(World(objects=(namespace("default"), given)), "ServiceAccount") == [accounts[0]]


def test_nodes_are_made_ready_with_the_capacity_asked_for():
    world = World(nodes=2, node_capacity={"cpu": "2", "memory": "1Gi", "pods": "3"})
    nodes = [obj for obj in starting_objects(world) if obj.KIND == "Node"]
    assert [n.name for n in nodes] == ["n1", "n2"]
    assert all(n.status.allocatable["cpu"] == "2" for n in nodes)
    assert all(
        [(c.type, c.status) for c in n.status.conditions] == [("Ready", "True")] for n in nodes
    )


def test_nodes_in_a_file_take_the_place_of_those_that_are_made():
    assert names(FULL, "Node") == ["big"]
    processes = {p.name for p in build(attrs.evolve(FULL, keep_status=False)).layout.processes}
    assert {p for p in processes if "/" in p} == {"kubelet/big", "kube-proxy/big"}


def test_nodes_that_users_add_later_have_processes_and_get_pods():
    world = World(nodes=0, objects=(pod("a"),), operations=({"apply": node("late")},))
    state = settled(build(world))
    bound = get(state, "pods/default/a")
    assert names(world, "Node") == []
    assert (bound.spec.node_name, bound.status.phase) == ("late", "Running")


def test_owners_are_created_before_what_they_own_whatever_the_order_of_the_file():
    kinds = [
        o.KIND for o in starting_objects(World(objects=(pod("a"), service("s"), namespace("x"))))
    ]
    assert kinds == sorted(
        kinds, key=["Namespace", "ServiceAccount", "Node", "Service", "Pod"].index
    )


def test_each_scheduler_is_a_process_of_its_own():
    processes = [p.name for p in build(World(schedulers=2)).layout.processes]
    assert processes[:3] == ["scheduler-1", "scheduler-2", "controller-manager"]


def test_only_the_active_nodes_have_processes():
    world = World(nodes=3, active_nodes=("n3", "n1"), objects=(pod("a", nodeName="n2"),))
    cluster = build(world)
    nodes = dict.fromkeys(p.node for p in cluster.layout.processes if p.node)
    assert list(nodes) == ["n1", "n3"]
    state = settled(cluster)
    assert len(objects(state, "nodes")) == 3
    assert get(state, "pods/default/a").status.phase == "Pending"


def test_a_bench_world_among_others_starts_with_the_actions_of_its_active_part():
    alone, among = build(bench(2, 5)), build(bench(6, 25, active=(2, 5)))
    assert among.init().enabled == alone.init().enabled
    assert len(objects(among.init(), "nodes")) == 6
    agents = [p for p in objects(among.init(), "pods") if p.name.startswith("agent-")]
    assert len(agents) == 20 and all(p.status.phase == "Running" for p in agents)
    end = settled(among)
    assert [p for p in objects(end, "pods") if p.name.startswith("agent-")] == agents
    placed = {p.spec.node_name for p in objects(end, "pods") if p not in agents}
    assert placed == {"n1", "n2"}


def test_a_world_starts_with_every_cache_synced_and_nothing_done():
    cluster = build(World(objects=(deployment("web"), pod("a")), nodes=1))
    state = cluster.init()
    assert not state.written and not state.delivered and not state.idle
    kinds = {type(a).__name__ for a in cluster.enabled(state)}
    assert kinds == {"Reconcile", "Schedule", "SyncProxyRules"}
    assert cluster.init() is state


@pytest.mark.parametrize(
    ("world", "problem"),
    [
        (World(schedulers=0), "at least one scheduler"),
        (World(nodes=-1), "no negative number of nodes"),
        (World(policy="nope"), "no policy is called 'nope'"),
        (World(objects=(pod("a", serviceAccountName="b"),)), "Pod default/a: Forbidden"),
        (World(objects=({"kind": "Pod"},)), r"world: objects\[0\]: no Kubernetes object"),
        (World(active_nodes=("n9",)), "activeNodes names 'n9'"),
        (World(components={"deschedular": {}}), "no 'deschedular'; expected descheduler"),
        (World(components={"kube-scheduler": {"replica": 2}}), "no option 'replica'.*replicas"),
        (World(operations=({"explode": {}},)), "operation .*; expected one of apply, delete"),
    ],
)
def test_a_world_that_cannot_be_built_is_refused_in_one_line(world, problem):
    with pytest.raises(InputError, match=problem) as refused:
        build(world).init()
    assert "\n" not in str(refused.value)


# users


def test_users_operations_happen_in_order_and_once():
    world = World(
        objects=(deployment("web", 1),),
        nodes=1,
        operations=(scale("web", 2), {"apply": pod("new")}, delete("Pod", "new")),
    )
    actions = [action for action, _ in fifo(build(world)) if type(action).__name__ == "User"]
    assert [action.operation for action in actions] == [
        "scale Deployment default/web to 2",
        "apply Pod default/new",
        "delete Pod default/new",
    ]


def test_an_apply_creates_what_is_absent_and_patches_what_is_there():
    new = {**deployment("web", 3), "status": {"replicas": 9}}
    world = World(nodes=1, operations=({"apply": deployment("web", 1)}, {"apply": new}))
    state = settled(build(world))
    (web,) = objects(state, "deployments")
    assert (web.spec.replicas, web.metadata.generation, web.status.replicas) == (3, 2, 3)


def test_a_delete_takes_a_grace():
    operation = {"delete": {"kind": "Pod", "name": "a", "gracePeriodSeconds": 0}}
    world = World(objects=(pod("a"),), nodes=1, operations=(operation,))
    assert not objects(settled(build(world)), "pods")
