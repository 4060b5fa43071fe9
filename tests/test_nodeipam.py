"""What node IPAM promises: every node has a range, and no two nodes share one."""

from ipaddress import ip_network

import pytest

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.controllers.nodeipam import NodeIpamController
from kspec_models.controllers.nodeipam_ranges import Ranges, Taken
from kspec_models.host import Call, Notification, View
from kspec_models.objects import Node
from kspec_models.requests import TIMEOUT, List, Response
from kspec_models.store import Entry, Snapshot
from kspec_models.world import World
from kspec_models.worlds import delete, node
from kspec_models.worlds_nodes import held, ranged
from tests.cluster_runs import get, objects, settled

OPTIONS = {"allocateNodeCIDRs": True, "clusterCIDR": "10.244.0.0/22", "nodeCIDRMaskSize": 24}
RANGES = Ranges(ip_network("10.244.0.0/22"), 24)


def world(*objs, operations=(), options=OPTIONS, **more):
    return World(
        objects=objs, operations=operations, components={"kube-controller-manager": options}, **more
    )


def cidrs(state):
    return {n.name: n.spec.pod_cidrs for n in objects(state, "nodes")}


def test_nodeipam_gives_every_node_a_range_of_its_own():
    end = settled(build(world(node("n1"), ranged("n2", "10.244.0.0/24"))))
    assert cidrs(end) == {"n1": ("10.244.1.0/24",), "n2": ("10.244.0.0/24",)}
    assert get(end, "nodes/n1").spec.pod_cidr == "10.244.1.0/24"


def test_nodeipam_keeps_the_range_of_services_free():
    options = {**OPTIONS, "serviceCIDR": "10.244.0.0/23"}
    assert cidrs(settled(build(world(node("n1"), options=options)))) == {"n1": ("10.244.2.0/24",)}


def test_nodeipam_gives_a_range_again_when_its_node_is_gone():
    small = {**OPTIONS, "clusterCIDR": "10.244.0.0/24"}
    end = settled(
        build(
            world(
                node("n1"), operations=(delete("Node", "n1"), {"apply": node("n2")}), options=small
            )
        )
    )
    assert cidrs(end) == {"n2": ("10.244.0.0/24",)}


def test_nodeipam_does_not_release_the_range_of_a_node_that_is_only_terminating():
    start = held(ranged("n1", "10.244.0.0/24"))
    operations = (delete("Node", "n1"), {"apply": node("n2")})
    end = settled(build(world(start, operations=operations)))
    assert cidrs(end) == {"n1": ("10.244.0.0/24",), "n2": ("10.244.1.0/24",)}


def test_nodeipam_lists_the_nodes_live_before_it_gives_any():
    controller, view = NodeIpamController(RANGES), View({"nodes": Snapshot()}, 0)
    worked = controller.reconcile(controller.initial(), "n1", view)
    assert worked.requests == (List("nodes"),)
    taken = Node.from_json(ranged("n9", "10.244.0.0/24"))
    entry = Entry("nodes/n9", taken, 1, 1, 1)
    call = Call("n1", ())
    lost = controller.answer(worked.memory, call, worked.requests[0], Response(TIMEOUT), view)
    assert lost.failed and not lost.memory.has_listed
    listed = Response(entries=(entry,))
    worked = controller.answer(worked.memory, call, worked.requests[0], listed, view)
    assert worked.memory == Taken(True, 0, frozenset({0}))


def test_nodeipam_gives_a_range_back_after_three_failed_patches():
    controller, view = NodeIpamController(RANGES), View({}, 0)
    worked = controller.sync(Taken(True), Node.from_json(node("n1")))
    for attempt in range(3):
        assert worked.memory.used == {0} and worked.phase == (0, attempt + 1)
        call = Call("n1", (), worked.phase)
        worked = controller.answer(worked.memory, call, worked.requests[0], Response(TIMEOUT), view)
    assert worked.failed and worked.memory == Taken(True, 1, frozenset())


def test_nodeipam_releases_on_the_delete_event():
    controller, view = NodeIpamController(RANGES), View({}, 0)
    old = Entry("nodes/n1", Node.from_json(ranged("n1", "10.244.1.0/24")), 1, 1, 1)
    memory = Taken(True, 2, frozenset({0, 1}))
    memory, keys = controller.handle(memory, Notification("nodes", old, None), view)
    assert memory.used == {0} and keys == ("n1",)


def test_ranges_cover_what_overlaps_and_go_round():
    assert list(RANGES.covered("10.244.2.128/25")) == [2]
    assert list(RANGES.covered("10.244.0.0/16")) == [0, 1, 2, 3]
    assert list(RANGES.covered("10.1.0.0/24")) == [] and list(RANGES.covered("fd00::/64")) == []
    taken, number = Taken(True, 3, frozenset({3, 0})).allocated(RANGES.total)
    assert number == 1 and taken.next_candidate == 2
    assert Taken(True, 0, frozenset(range(4))).allocated(4)[1] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"clusterCIDR": "10.244.0.1/16"},
        {"clusterCIDR": "everything"},
        {"nodeCIDRMaskSize": 8},
        {"nodeCIDRMaskSize": "24"},
    ],
)
def test_nodeipam_refuses_options_that_make_no_ranges(wrong):
    with pytest.raises(InputError, match="kube-controller-manager"):
        build(world(node("n1"), options={**OPTIONS, **wrong}))


def test_nodeipam_runs_only_where_it_is_asked_for():
    assert "nodeipam" not in build(World(nodes=1)).layout.by_host
    assert "nodeipam" in build(world(node("n1"))).layout.by_host
