"""What the Endpoints controller promises: the Endpoints of a Service list its pods."""

import pytest

from kspec_models.building import build
from kspec_models.controllers.endpoints import EndpointsController
from kspec_models.controllers.endpoints_subsets import subsets_of
from kspec_models.controllers.endpointslice import EndpointSliceController
from kspec_models.controllers.endpointslice_endpoints import endpoint_of
from kspec_models.host import Call, Notification, View
from kspec_models.indexes import INDEXERS
from kspec_models.objects import Endpoints, Node, Pod, Service
from kspec_models.requests import (
    CONFLICT,
    FORBIDDEN,
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    Create,
    Delete,
    Response,
    Update,
)
from kspec_models.store import Entry, Snapshot
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, node
from kspec_models.worlds import service as service_document
from tests.cluster_runs import get, objects, settled

KEY = "default/web"
RESOURCES = ("services", "pods", "endpoints", "endpointslices", "nodes")


def service(ports=({"name": "http", "port": 80, "targetPort": 8080},), **spec):
    spec = {"clusterIP": "10.96.0.1", "selector": {"app": "web"}, "ports": list(ports), **spec}
    return Service.from_json({"metadata": {"name": "web", "namespace": "default"}, "spec": spec})


def pod(name, ip, ready=True, deleted=False, port=9000, **spec):
    meta = {"name": name, "namespace": "default", "uid": name, "labels": {"app": "web"}}
    if deleted:
        meta["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    container = {"name": "c", "ports": [{"name": "main", "containerPort": port}]}
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    status = {"phase": "Running", "podIP": ip, "conditions": [condition]}
    spec = {"nodeName": "n1", "containers": [container], **spec}
    return Pod.from_json({"metadata": meta, "spec": spec, "status": status})


def view(*objs, version=1):
    caches = {r: Snapshot(INDEXERS.get(r)) for r in RESOURCES}
    for obj in objs:
        key = f"{obj.resource}/{obj.key}"
        caches[obj.resource] = caches[obj.resource].patched(key, Entry(key, obj, 1, 1, version))
    return View(caches, 0)


def shape(subsets):
    """(ready, not ready, ports) of each subset."""
    return [
        (
            [a.ip for a in s.addresses],
            [a.ip for a in s.not_ready_addresses],
            [p.port for p in s.ports],
        )
        for s in subsets
    ]


def test_endpoints_list_ready_and_unready_pods_apart():
    pods = (pod("a", "10.0.0.2"), pod("b", "10.0.0.1"), pod("c", "10.0.0.3", ready=False))
    assert shape(subsets_of((service(), pods))) == [
        (["10.0.0.1", "10.0.0.2"], ["10.0.0.3"], [8080])
    ]


def test_endpoints_group_addresses_by_the_ports_that_they_offer():
    ports = ({"name": "a", "port": 80, "targetPort": "main"}, {"name": "b", "port": 81})
    pods = (pod("a", "10.0.0.1", port=1), pod("b", "10.0.0.2", port=2))
    found = shape(subsets_of((service(ports), pods)))
    assert found == [
        (["10.0.0.1"], [], [1]),
        (["10.0.0.2"], [], [2]),
        (["10.0.0.1", "10.0.0.2"], [], [81]),
    ]


def test_endpoints_leave_terminating_pods_out_unless_unready_ones_are_published():
    pods = (pod("a", "10.0.0.1", deleted=True), pod("b", "10.0.0.2", ready=False))
    assert shape(subsets_of((service(), pods))) == [([], ["10.0.0.2"], [8080])]
    published = service(publishNotReadyAddresses=True)
    assert shape(subsets_of((published, pods))) == [(["10.0.0.1", "10.0.0.2"], [], [8080])]


def test_endpoints_of_a_headless_service_need_no_ports():
    pods = (pod("a", "10.0.0.1"),)
    assert shape(subsets_of((service((), clusterIP="None"), pods))) == [(["10.0.0.1"], [], [])]
    assert subsets_of((service(()), pods)) == ()


def test_a_pod_of_the_services_subdomain_is_listed_with_its_hostname():
    named = pod("a", "10.0.0.1", hostname="web-0", subdomain="web")
    stranger = pod("b", "10.0.0.2", hostname="web-1", subdomain="other")
    subset = subsets_of((service(), (named, stranger)))[0]
    assert [a.hostname for a in subset.addresses] == ["web-0", ""]
    assert [endpoint_of(p, service()).hostname for p in (named, stranger)] == ["web-0", ""]


def test_endpoints_carry_the_labels_of_their_service_and_controller():
    headless = service(clusterIP="None").with_metadata(labels={"team": "a"})
    (create,) = (
        EndpointsController()
        .reconcile(EndpointsController().initial(), KEY, view(headless))
        .requests
    )
    assert dict(create.object.metadata.labels) == {
        "team": "a",
        "endpoints.kubernetes.io/managed-by": "endpoint-controller",
        "service.kubernetes.io/headless": "",
    }


def test_endpoints_are_written_only_where_they_differ():
    controller, made = EndpointsController(), service()
    seen = view(made, pod("a", "10.0.0.1"))
    (create,) = controller.reconcile(controller.initial(), KEY, seen).requests
    assert isinstance(create, Create)
    again = view(made, pod("a", "10.0.0.1"), create.object)
    assert controller.reconcile(controller.initial(), KEY, again).requests == ()
    (update,) = controller.reconcile(controller.initial(), KEY, view(made, create.object)).requests
    assert isinstance(update, Update) and update.resource_version == 1


def test_endpoints_wait_for_a_cache_that_shows_what_was_written():
    controller = EndpointsController()
    old = Endpoints.from_json({"metadata": {"name": "web", "namespace": "default"}})
    seen = view(service(), old)
    worked = controller.reconcile(controller.initial(), KEY, seen)
    (update,) = worked.requests
    written = Response(entry=Entry(f"endpoints/{KEY}", update.object, 1, 2, 2))
    call = Call(KEY, (), worked.phase)
    memory = controller.answer(worked.memory, call, update, written, seen).memory
    told = Notification(
        "endpoints", seen.caches["endpoints"].get(f"endpoints/{KEY}"), written.entry
    )
    assert controller.handle(memory, told, seen) == (controller.initial(), ())
    stale = controller.reconcile(memory, KEY, seen)
    assert stale.failed and stale.requests == ()
    assert not controller.reconcile(memory, KEY, view(service(), update.object, version=2)).failed


@pytest.mark.parametrize(
    ("reason", "failed"), [(NAMESPACE_TERMINATING, False), (FORBIDDEN, False), (CONFLICT, True)]
)
def test_endpoints_give_up_where_nothing_new_is_taken(reason, failed):
    controller, seen = EndpointsController(), view(service())
    worked = controller.reconcile(controller.initial(), KEY, seen)
    call = Call(KEY, (), None)
    assert (
        controller.answer(worked.memory, call, worked.requests[0], Response(reason), seen).failed
        is failed
    )


def test_endpoints_of_a_service_that_is_gone_are_deleted():
    controller, seen = EndpointsController(), view()
    worked = controller.reconcile(controller.initial(), KEY, seen)
    assert worked.requests == (Delete("endpoints", KEY),)
    gone = controller.answer(
        worked.memory, Call(KEY, ()), worked.requests[0], Response(NOT_FOUND), seen
    )
    assert not gone.failed


@pytest.mark.parametrize("granularity", ["request", "reconcile"])
def test_endpoints_follow_a_deployment_and_go_with_their_service(granularity):
    left = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "left", "namespace": "default"},
    }
    objs = (deployment("web", 2), service_document("web"), left)
    world = World(nodes=1, objects=objs, granularity=granularity)
    end = settled(build(world))
    (subset,) = get(end, f"endpoints/{KEY}").subsets
    assert {a.ip for a in subset.addresses} == {p.status.pod_ip for p in objects(end, "pods")}
    assert get(end, "endpoints/default/left") is None, "it has no Service"
    gone = settled(build(World(nodes=1, objects=objs, operations=(delete("Service", "web"),))))
    assert objects(gone, "endpoints") == []


def test_endpoints_run_only_where_somebody_asks_for_them():
    plain = World(nodes=1, objects=(service_document("web"),))
    assert "endpoints" not in build(plain).layout.by_host
    assert (
        "endpoints" in build(World(nodes=1, controllers=("endpoints-controller",))).layout.by_host
    )


def test_a_slice_drops_the_pods_of_a_missing_node_until_it_comes():
    controller = EndpointSliceController(looks_up_nodes=True)
    there, lost = pod("a", "10.0.0.1"), pod("b", "10.0.0.2", nodeName="n2")
    known = Node.from_json(node("n1"))
    seen = view(service(), there, lost, known)
    (create,) = controller.reconcile(controller.initial(), KEY, seen).requests
    assert [e.addresses for e in create.object.endpoints] == [("10.0.0.1",)]
    published = view(
        service(publishNotReadyAddresses=True), there, lost, Node.from_json(node("n1"))
    )
    (create,) = controller.reconcile(controller.initial(), KEY, published).requests
    assert len(create.object.endpoints) == 2
    come = Notification("nodes", None, Entry("nodes/n2", Node.from_json(node("n2")), 1, 1, 1))
    assert controller.handle(controller.initial(), come, seen) == (controller.initial(), (KEY,))


def test_the_endpointslice_controller_looks_up_nodes_only_where_they_can_be_missing():
    def looks(**options):
        cluster = build(World(nodes=1, objects=(service_document("web"),), **options))
        return any(watch.resource == "nodes" for watch in host_of(cluster).watches)

    def host_of(cluster):
        return cluster.layout.slots[cluster.layout.by_host["endpointslice"]].host

    assert not looks() and looks(operations=(delete("Node", "n1"),))
