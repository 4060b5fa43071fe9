"""PodTopologySpread: default constraints, and which arguments are refused."""

import pytest
from spread_clusters import HARD, PLUGIN, SOFT, codes, constraint, infos_of, node, pod, scores

from kspec.errors import InputError
from kspec_models.objects import ReplicaSet, Service, Unstructured
from kspec_models.scheduler.framework import SKIP, UNSCHEDULABLE
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.pod_topology_spread import HOSTNAME, ZONE, PodTopologySpread
from kspec_models.store import Entry, Snapshot


def cache_of(*objects):
    snapshot = Snapshot()
    for made in objects:
        key = f"{made.resource}/{made.namespace}/{made.name}"
        snapshot = snapshot.patched(key, Entry(key, made, 1, 1, 1))
    return snapshot


def object_of(kind, plural, selector):
    return Unstructured.from_json(
        {
            "apiVersion": "v1" if kind == "ReplicationController" else "apps/v1",
            "kind": kind,
            "__resource": plural,
            "metadata": {"name": "o", "namespace": "d"},
            "spec": {"selector": selector},
        }
    )


def service(selector, name="s"):
    metadata = {"name": name, "namespace": "d"}
    return Service.from_json({"metadata": metadata, "spec": {"selector": selector}})


LISTED = PodTopologySpread(
    "List",
    [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": when} for when in (HARD, SOFT)],
)
SPREAD = {("a", "1"): 1, ("b", "2"): 0}


def test_listed_defaults_spread_the_pods_of_services_and_controllers():
    infos, labels = infos_of(SPREAD), {"matchLabels": {"app": "x"}}
    replica_set = ReplicaSet.from_json(
        {"metadata": {"name": "o", "namespace": "d"}, "spec": {"selector": labels}}
    )
    worlds = {
        "Service": ("services", service({"app": "x"})),
        "ReplicaSet": ("replicasets", replica_set),
        "StatefulSet": ("statefulsets", object_of("StatefulSet", "statefulsets", labels)),
        "ReplicationController": (
            "replicationcontrollers",
            object_of("ReplicationController", "replicationcontrollers", {"app": "x"}),
        ),
    }
    for kind, (resource, made) in worlds.items():
        version = "v1" if kind == "ReplicationController" else "apps/v1"
        owner = {"apiVersion": version, "kind": kind, "name": "o", "uid": "o"}
        incoming_pod = pod("in", owner=None if kind == "Service" else owner)
        caches = {resource: cache_of(made)}
        assert codes(LISTED, incoming_pod, infos, **caches) == [UNSCHEDULABLE, "Success"], kind
        assert scores(LISTED, incoming_pod, infos, **caches) == [0, 100], kind
        assert codes(LISTED, incoming_pod, infos) == [SKIP, SKIP], kind
        if kind != "Service":
            foreign = pod("in", owner={**owner, "apiVersion": "example.com/v1"})
            assert codes(LISTED, foreign, infos, **caches) == [SKIP, SKIP], kind


def test_the_selectors_of_all_services_and_the_controller_must_hold():
    infos = infos_of(SPREAD)
    caches = {"services": cache_of(service({"app": "x"}), service({"tier": "web"}, "t"))}
    both = pod("in", labels=[("app", "x"), ("tier", "web")])
    assert codes(LISTED, both, infos, **caches) == ["Success", "Success"]
    assert codes(LISTED, pod("in"), infos, **caches) == [UNSCHEDULABLE, "Success"]


def test_a_pod_with_constraints_of_its_own_gets_no_default():
    infos, caches = infos_of(SPREAD), {"services": cache_of(service({"app": "x"}))}
    assert codes(LISTED, pod("in", constraint(when=SOFT)), infos, **caches) == [SKIP, SKIP]
    assert scores(LISTED, pod("in", constraint()), infos, **caches) == SKIP


def test_only_system_defaults_rate_nodes_that_lack_a_topology_key():
    caches = {"services": cache_of(service({"app": "x"}))}
    hosts = [node(name, _host=name) for name in ("a", "b")]
    infos = (node_info(hosts[0], (pod("1"),)), node_info(hosts[1]))
    assert scores(PLUGIN, pod("in"), infos, **caches) == [66, 100]
    listed = [
        {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": SOFT}
        for skew, key in ((3, HOSTNAME), (5, ZONE))
    ]
    assert scores(PodTopologySpread("List", listed), pod("in"), infos, **caches) == [0, 0]


DEFAULT = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": SOFT}


@pytest.mark.parametrize(
    ("defaulting", "listed", "line"),
    [
        ("Auto", [], "defaultingType: got 'Auto'; expected System or List"),
        ("System", [DEFAULT], "defaultingType: System while defaultConstraints are given"),
        ("List", {}, "defaultConstraints: got {}; expected a list"),
        ("List", [5], "defaultConstraints[0]: got 5; expected a map"),
        ("List", [DEFAULT | {"maxSkew": 0}], "defaultConstraints[0].maxSkew: got 0"),
        ("List", [DEFAULT | {"maxSkew": "1"}], "defaultConstraints[0].maxSkew: got '1'"),
        ("List", [DEFAULT | {"topologyKey": ""}], "defaultConstraints[0].topologyKey: is missing"),
        ("List", [DEFAULT | {"topologyKey": "a b"}], "defaultConstraints[0].topologyKey: got"),
        (
            "List",
            [DEFAULT | {"whenUnsatisfiable": "Never"}],
            "defaultConstraints[0].whenUnsatisfiable: got 'Never'",
        ),
        (
            "List",
            [DEFAULT | {"labelSelector": {}}],
            "defaultConstraints[0].labelSelector: is given; expected none",
        ),
        (
            "List",
            [DEFAULT | {"nodeTaintsPolicy": "x"}],
            "defaultConstraints[0].nodeTaintsPolicy: got 'x'",
        ),
        ("List", [DEFAULT | {"skew": 1}], "defaultConstraints[0].skew: no such field"),
        (
            "List",
            [DEFAULT, DEFAULT | {"maxSkew": 2}],
            "defaultConstraints[1]: repeats {zone, ScheduleAnyway} of defaultConstraints[0]",
        ),
    ],
)
def test_arguments_that_upstream_refuses_are_refused_in_one_line(defaulting, listed, line):
    with pytest.raises(InputError) as refused:
        PodTopologySpread(defaulting, listed)
    assert str(refused.value).startswith(line) and "\n" not in str(refused.value)
