"""What the EndpointSlice controller promises: slices follow the pods that a Service selects."""

import pytest

from kspec.values import fingerprint
from kspec_models.controllers.endpointslice import EndpointSliceController
from kspec_models.host import Call, Notification, View
from kspec_models.indexes import INDEXERS
from kspec_models.objects import EndpointSlice, Pod, Service, ServicePort
from kspec_models.requests import (
    CONFLICT,
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    TIMEOUT,
    Create,
    Delete,
    Response,
    Update,
)
from kspec_models.service_pods import find_port
from kspec_models.store import Entry, Snapshot

KEY = "default/web"


def service(uid="svc-1", labels=None, **spec):
    spec = {"clusterIP": "10.96.0.1", "selector": {"app": "web"}, **spec}
    spec.setdefault("ports", [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}])
    return Service.from_json(
        {
            "metadata": {
                "name": "web",
                "namespace": "default",
                "uid": uid,
                "labels": labels or {},
            },
            "spec": spec,
        }
    )


def pod(name, ip="10.0.0.1", ready=True, app="web", phase="Running", terminating=False, **meta):
    containers = [{"name": "c", "ports": [{"name": "main", "containerPort": 9000}]}]
    if terminating:
        meta["deletionTimestamp"] = "2024-01-01T00:00:05Z"
    return Pod.from_json(
        {
            "metadata": {
                "name": name,
                "namespace": "default",
                "uid": f"uid-{name}",
                "labels": {"app": app},
                **meta,
            },
            "spec": {"nodeName": "n1", "containers": containers},
            "status": {
                "phase": phase,
                "podIP": ip,
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            },
        }
    )


class World:
    """Caches that are exactly what was written, and a server that applies requests at once."""

    def __init__(self, *objects, limit=100, **options):
        self.controller = EndpointSliceController(limit, **options)
        self.memory = self.controller.initial()
        self.caches = {r: Snapshot(INDEXERS.get(r)) for r in ("services", "pods", "endpointslices")}
        self.revision = self.names = 0
        for obj in objects:
            self.put(obj)

    @property
    def view(self):
        return View(self.caches, 0)

    @property
    def slices(self):
        return [e.value for e in self.caches["endpointslices"].entries()]

    def put(self, obj):
        key, self.revision = f"{obj.resource}/{obj.key}", self.revision + 1
        old = self.caches[obj.resource].get(key)
        new = Entry(key, obj, 1, self.revision, old.version + 1 if old else 1)
        self.caches[obj.resource] = self.caches[obj.resource].patched(key, new)
        return self.tell(old, new)

    def remove(self, obj):
        key = f"{obj.resource}/{obj.key}"
        old = self.caches[obj.resource].get(key)
        self.caches[obj.resource] = self.caches[obj.resource].patched(key, None)
        return self.tell(old, None)

    def tell(self, old, new):
        event = Notification((new or old).value.resource, old, new)
        self.memory, keys = self.controller.handle(self.memory, event, self.view)
        return keys

    def reconcile(self):
        worked = self.controller.reconcile(self.memory, KEY, self.view)
        self.memory = worked.memory
        return worked

    def written(self, request):
        """What the API server would store, and its answer."""
        obj, self.names = request.object, self.names + 1
        generation = obj.metadata.generation + 1
        if isinstance(request, Create):
            name = f"{obj.metadata.generate_name}{self.names}"
            obj = obj.with_metadata(name=name, uid=f"uid-{name}")
        obj = obj.with_metadata(generation=generation)
        entry = Entry(f"endpointslices/{obj.key}", obj, 1, self.revision + 1, 1)
        return obj, Response("", entry)

    def answered(self, worked, request, response):
        call = Call(KEY, (), worked.phase)
        worked = self.controller.answer(self.memory, call, request, response, self.view)
        self.memory = worked.memory
        return worked

    def sync(self):
        """One reconcile with all its writes; returns the requests."""
        worked = self.reconcile()
        for request in worked.requests:
            if isinstance(request, Delete):
                self.answered(worked, request, Response())
                self.remove(
                    self.caches["endpointslices"].get(f"endpointslices/{request.key}").value
                )
            else:
                obj, response = self.written(request)
                self.answered(worked, request, response)
                self.put(obj)
        return worked.requests

    def addresses(self):
        return sorted(a for s in self.slices for e in s.endpoints for a in e.addresses)


def test_a_slice_tells_all_that_it_must_of_its_service_and_pods():
    world = World(service(labels={"team": "a"}), pod("a"))
    (create,) = world.reconcile().requests
    made = create.object
    assert made.to_json() == {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": "web-",
            "namespace": "default",
            "labels": {
                "team": "a",
                "kubernetes.io/service-name": "web",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "name": "web",
                    "uid": "svc-1",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": ["10.0.0.1"],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": "n1",
                "targetRef": {
                    "kind": "Pod",
                    "namespace": "default",
                    "name": "a",
                    "uid": "uid-a",
                },
            }
        ],
        "ports": [{"name": "http", "protocol": "TCP", "port": 8080}],
    }


def test_a_synced_service_needs_no_write():
    world = World(service(), pod("a"), pod("b", "10.0.0.2"))
    assert len(world.sync()) == 1
    assert world.sync() == ()
    assert world.addresses() == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize(
    ("changes", "conditions"),
    [
        ({}, (True, True, False)),
        ({"ready": False}, (False, False, False)),
        ({"terminating": True}, (False, True, True)),
        ({"terminating": True, "ready": False}, (False, False, True)),
    ],
)
def test_conditions_follow_readiness_and_deletion(changes, conditions):
    world = World(service(), pod("a", **changes))
    world.sync()
    found = world.slices[0].endpoints[0].conditions
    assert (found.ready, found.serving, found.terminating) == conditions


def test_published_addresses_are_ready_whatever_the_pod_says():
    world = World(service(publishNotReadyAddresses=True), pod("a", ready=False, terminating=True))
    world.sync()
    found = world.slices[0].endpoints[0].conditions
    assert (found.ready, found.serving) == (True, False)


def test_pods_without_an_address_or_a_future_are_no_endpoints():
    ended = (pod("b", phase="Succeeded"), pod("c", phase="Failed"))
    world = World(service(), pod("a", ip=""), *ended, pod("d", ip="fd00::1"), pod("e", app="db"))
    world.sync()
    assert world.addresses() == []


def named_port(name):
    port = ServicePort(name="http", protocol="TCP", port=80, target_port=name)
    return service().replace(spec=service().spec.replace(ports=(port,)))


def test_a_named_port_is_resolved_per_pod():
    world = World(named_port("main"), pod("a"))
    world.sync()
    assert world.slices[0].ports[0].port == 9000


def test_pods_that_lack_a_named_port_are_published_without_it():
    world = World(named_port("missing"), pod("a"))
    world.sync()
    assert world.slices[0].ports == ()
    assert world.addresses() == ["10.0.0.1"]


def test_a_named_port_is_found_in_a_sidecar_and_not_in_an_init_container():
    ports = [{"name": "main", "containerPort": 7000}]
    init = {"name": "i", "ports": ports}
    spec = pod("a").to_json()["spec"] | {"containers": [{"name": "c"}]}
    port = named_port("main").spec.ports[0]
    plain = Pod.from_json({"spec": spec | {"initContainers": [init]}})
    sidecar = Pod.from_json(
        {"spec": spec | {"initContainers": [init | {"restartPolicy": "Always"}]}}
    )
    assert (find_port(plain.spec, port), find_port(sidecar.spec, port)) == (None, 7000)


def test_a_headless_service_is_labelled_so():
    world = World(service(clusterIP="None"), pod("a"))
    world.sync()
    assert world.slices[0].metadata.labels["service.kubernetes.io/headless"] == ""


def test_services_without_a_selector_or_with_an_external_name_are_left_alone():
    assert World(service(selector={}), pod("a")).reconcile().requests == ()
    assert World(service(type="ExternalName"), pod("a")).reconcile().requests == ()


def test_a_service_without_endpoints_keeps_one_placeholder():
    world = World(service())
    world.sync()
    assert [(s.ports, s.endpoints) for s in world.slices] == [((), ())]
    assert world.sync() == ()


def test_the_placeholder_becomes_the_first_slice_and_back_again():
    world = World(service())
    world.sync()
    name = world.slices[0].name
    world.put(pod("a"))
    (update,) = world.sync()
    assert isinstance(update, Update) and update.object.name == name
    assert update.resource_version is None, "upstream replaces a slice without a precondition"
    world.remove(pod("a"))
    world.sync()
    assert [(s.name, s.endpoints) for s in world.slices] == [(name, ())]


def test_a_slice_holds_no_more_than_its_limit():
    pods = [pod(f"p{i}", f"10.0.0.{i}") for i in range(5)]
    world = World(service(), *pods, limit=2)
    world.sync()
    assert sorted(len(s.endpoints) for s in world.slices) == [1, 2, 2]
    assert world.addresses() == sorted(p.status.pod_ip for p in pods)


def test_one_more_pod_costs_one_write():
    world = World(service(), *(pod(f"p{i}", f"10.0.0.{i}") for i in range(3)), limit=2)
    world.sync()
    world.put(pod("p9", "10.0.0.9"))
    (update,) = world.sync()
    assert isinstance(update, Update) and len(update.object.endpoints) == 2
    assert update.resource_version is not None


def test_the_gap_that_a_pod_leaves_is_filled_in_the_same_write():
    world = World(service(), pod("a"), pod("b", "10.0.0.2"), limit=2)
    world.sync()
    world.remove(pod("a"))
    world.put(pod("c", "10.0.0.3"))
    assert len(world.sync()) == 1
    assert world.addresses() == ["10.0.0.2", "10.0.0.3"]


def test_changed_labels_of_the_service_reach_its_slices():
    world = World(service(), pod("a"))
    world.sync()
    world.put(service(labels={"team": "b"}))
    world.sync()
    assert world.slices[0].metadata.labels["team"] == "b"
    assert world.sync() == ()


def test_slices_of_a_namesake_with_another_uid_are_deleted():
    world = World(service(), pod("a"))
    world.sync()
    old = world.slices[0]
    world.memory = world.controller.initial()
    world.put(service(uid="svc-2"))
    requests = world.sync()
    assert [type(r) for r in requests] == [Create, Delete]
    assert requests[1].key == old.key
    assert world.slices[0].metadata.owner_references[0].uid == "svc-2"


def test_slices_of_another_address_type_are_deleted():
    world = World(service(), pod("a"))
    world.sync()
    other = world.slices[0].with_metadata(name="v6", uid="v6").replace(address_type="IPv6")
    world.put(other)
    assert world.sync() == (Delete("endpointslices", "default/v6"),)


def test_a_service_that_is_gone_gets_no_write_and_is_forgotten():
    """The garbage collector follows the owner references; the controller does not."""
    world = World(service(), pod("a"))
    world.sync()
    world.remove(service())
    assert world.sync() == ()
    assert len(world.slices) == 1
    assert world.memory == world.controller.initial()


def test_a_service_that_is_being_deleted_gets_no_new_slice():
    gone = service().with_metadata(deletion_timestamp=5)
    assert World(gone, pod("a")).reconcile().requests == ()


def test_a_cache_older_than_an_own_write_is_not_acted_upon():
    world = World(service(), pod("a"))
    worked = world.reconcile()
    obj, response = world.written(worked.requests[0])
    world.answered(worked, worked.requests[0], response)
    stale = world.reconcile()
    assert stale.failed and stale.requests == ()
    world.put(obj)
    assert not world.reconcile().failed


def test_a_slice_that_is_to_be_deleted_and_still_cached_is_stale():
    world = World(service(), pod("a"))
    world.sync()
    world.put(world.slices[0].with_metadata(name="v6", uid="v6").replace(address_type="IPv6"))
    worked = world.reconcile()
    world.answered(worked, worked.requests[0], Response())
    assert world.reconcile().failed
    assert world.remove(world.caches["endpointslices"].get("endpointslices/default/v6").value) == ()
    assert not world.reconcile().failed


def test_own_writes_enqueue_nothing_and_foreign_ones_do():
    world = World(service(), pod("a"))
    worked = world.reconcile()
    obj, response = world.written(worked.requests[0])
    world.answered(worked, worked.requests[0], response)
    assert world.put(obj) == ()
    edited = obj.replace(endpoints=()).with_metadata(generation=2)
    assert world.put(edited) == (KEY,)
    assert world.remove(edited) == (KEY,)


def test_a_slice_that_changes_hands_enqueues_both_services():
    world = World(service(), pod("a"))
    world.sync()
    old = world.slices[0]
    labels = old.metadata.labels.set("kubernetes.io/service-name", "api")
    assert world.put(old.with_metadata(labels=labels)) == ("default/api", KEY)


def test_a_slice_that_was_never_written_here_may_vanish_unnoticed():
    """Known hole of upstream: after a restart the deletion of an old slice is not healed."""
    world = World(service(), pod("a"))
    world.sync()
    world.memory = world.controller.initial()
    assert world.sync() == ()
    assert world.remove(world.slices[0]) == ()


def test_a_recreated_service_can_stay_without_slices_for_ever():
    """Known hole of 1.36, issue 141592: the slice written for the old one never shows up."""
    for repaired in (False, True):
        world = World(service(), pod("a"), clears_on_recreation=repaired)
        worked = world.reconcile()
        world.answered(worked, worked.requests[0], world.written(worked.requests[0])[1])
        world.put(service(uid="svc-2"))
        assert world.reconcile().failed is not repaired


@pytest.mark.parametrize("reason", [CONFLICT, TIMEOUT])
def test_a_refused_write_is_retried_and_the_rest_dropped(reason):
    world = World(service(), pod("a"))
    worked = world.reconcile()
    answer = world.answered(worked, worked.requests[0], Response(reason))
    assert answer.failed and answer.requests == ()
    assert world.memory == world.controller.initial()


def test_a_namespace_that_ends_needs_no_retry():
    world = World(service(), pod("a"))
    worked = world.reconcile()
    answer = world.answered(worked, worked.requests[0], Response(NAMESPACE_TERMINATING))
    assert not answer.failed


def test_a_slice_that_is_gone_already_counts_as_deleted():
    world = World(service())
    request = Delete("endpointslices", "default/x")
    answer = world.answered(world.reconcile(), request, Response(NOT_FOUND))
    assert not answer.failed


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, ()),
        ({"annotations": {"a": "b"}}, ()),
        ({"ready": False}, (KEY,)),
        ({"ip": "10.0.0.9"}, (KEY,)),
        ({"terminating": True}, (KEY,)),
        ({"app": "db"}, (KEY,)),
        ({"phase": "Failed"}, ()),
    ],
)
def test_only_what_changes_an_endpoint_enqueues_the_service(changes, keys):
    """A phase alone does not count, as upstream: a pod that ends becomes unready with it."""
    world = World(service())
    assert world.put(pod("a")) == (KEY,)
    assert world.put(pod("a", **changes)) == keys


def test_services_and_deleted_pods_enqueue():
    world = World()
    assert world.put(pod("a")) == ()
    assert world.put(service()) == (KEY,)
    assert world.remove(pod("a")) == (KEY,)
    assert world.remove(service()) == (KEY,)


def test_memory_has_a_stable_fingerprint():
    first, second = World(service(), pod("a")), World(service(), pod("a"))
    first.sync(), second.sync()
    assert fingerprint(first.memory) == fingerprint(second.memory)
    assert hash(first.memory) == hash(second.memory)
    assert isinstance(first.slices[0], EndpointSlice)
