"""What a kube-proxy promises: rules follow the Services and slices that it was told of."""

import pytest

from kspec.values import fingerprint
from kspec_models.dataplane import (
    EMPTY_DATAPLANE,
    IPTABLES,
    Backend,
    Destination,
    Rule,
    ServicePortName,
    connect,
    program,
)
from kspec_models.host import Notification, View
from kspec_models.indexes import INDEXERS
from kspec_models.kubeproxy import KubeProxy
from kspec_models.objects import EndpointSlice, Service
from kspec_models.store import Entry, Snapshot

PROXY = KubeProxy("n1")
TO_WEB = Destination("10.96.0.1", 53, "UDP")


def service(name="web", ip="10.96.0.1", protocol="UDP", **spec):
    ports = [{"name": "p", "protocol": protocol, "port": 53}]
    return Service.from_json(
        {
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"clusterIP": ip, "ports": ports, **spec},
        }
    )


def endpoint(ip, **conditions):
    return {"addresses": [ip], "conditions": conditions}


def eslice(name, *endpoints, of="web", protocol="UDP", **labels):
    return EndpointSlice.from_json(
        {
            "metadata": {
                "name": name,
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": of, **labels},
            },
            "addressType": "IPv4",
            "ports": [{"name": "p", "protocol": protocol, "port": 5353}],
            "endpoints": list(endpoints),
        }
    )


class Node:
    """A kube-proxy, its informer caches and its node; every write is told at once."""

    def __init__(self, *objects, plane=EMPTY_DATAPLANE):
        self.caches = {r: Snapshot(INDEXERS.get(r)) for r in ("services", "endpointslices")}
        self.plane, self.memory, self.revision = plane, PROXY.initial(plane), 1
        for obj in objects:
            self.cache(obj)
        for obj in objects:
            self.tell(None, self.entry(obj))

    def entry(self, obj):
        return self.caches[obj.resource].get(f"{obj.resource}/{obj.key}")

    def cache(self, obj, gone=False):
        key, self.revision = f"{obj.resource}/{obj.key}", self.revision + 1
        new = None if gone else Entry(key, obj, self.revision, self.revision, 1)
        self.caches[obj.resource] = self.caches[obj.resource].patched(key, new)
        return new

    def tell(self, old, new):
        obj = (new or old).value
        event = Notification(obj.resource, old, new)
        self.memory = PROXY.handle(self.memory, event, self.view)

    def put(self, obj):
        old = self.entry(obj)
        self.tell(old, self.cache(obj))

    def delete(self, obj):
        old = self.entry(obj)
        self.cache(obj, gone=True)
        self.tell(old, None)

    @property
    def view(self):
        return View(self.caches, 0, self.plane)

    @property
    def enabled(self):
        return PROXY.enabled(self.memory, 0)

    def sync(self):
        outcome = PROXY.run(self.memory, "sync", self.view)
        self.memory = outcome.memory
        self.plane = outcome.node or self.plane
        return self

    def backends(self, name="web", protocol="UDP"):
        rule = self.plane.rule(ServicePortName(f"default/{name}", "p", protocol))
        return None if rule is None else [b.ip for b in rule.backends]


def test_ready_endpoints_of_all_slices_become_backends():
    node = Node(
        service(),
        eslice("b", endpoint("10.0.0.3", ready=True)),
        eslice("a", endpoint("10.0.0.1", ready=True), endpoint("10.0.0.2", ready=False)),
    ).sync()
    assert node.backends() == ["10.0.0.1", "10.0.0.3"]
    assert node.plane.all_rules()[0].backends[0] == Backend("10.0.0.1", 5353)


def test_unset_conditions_count_as_ready():
    assert Node(service(), eslice("a", endpoint("10.0.0.1"))).sync().backends() == ["10.0.0.1"]


def test_terminating_endpoints_serve_only_when_none_is_ready():
    leaving = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    dead = endpoint("10.0.0.2", ready=False, serving=False, terminating=True)
    node = Node(service(), eslice("a", leaving, dead)).sync()
    assert node.backends() == ["10.0.0.1"]
    node.put(eslice("a", leaving, dead, endpoint("10.0.0.3", ready=True)))
    assert node.sync().backends() == ["10.0.0.3"]


def test_no_rule_is_taken_away_before_every_cached_object_was_told():
    """A restarted proxy that wrote what it has been told so far would cut off the rest."""
    plane = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync().plane
    node = Node(plane=plane)
    entries = [node.cache(o) for o in (service(), eslice("a", endpoint("10.0.0.1")))]
    for entry in entries:
        node.sync()
        assert (node.plane, node.enabled) == (plane, ())
        node.tell(None, entry)
    assert node.enabled == ("sync",)
    assert node.sync().plane == plane


def test_an_object_that_was_told_and_is_gone_does_not_stand_for_one_untold():
    node = Node()
    one, two = service("one", "10.96.0.1"), service("two", "10.96.0.2")
    told = node.cache(one)
    untold = node.cache(two)
    node.cache(one, gone=True)
    node.tell(None, told)
    assert node.sync().enabled == ()
    node.tell(None, untold)
    assert node.enabled == ("sync",)


def test_nothing_is_synced_while_an_informer_has_no_cache():
    node = Node()
    slices = node.caches.pop("endpointslices")
    node.put(service())
    assert node.sync().enabled == ()
    node.caches["endpointslices"] = slices
    node.put(service("other", "10.96.0.2"))
    assert node.enabled == ("sync",)


def test_a_proxy_with_nothing_to_hear_of_still_clears_old_rules():
    plane = Node(service()).sync().plane
    node = Node(plane=plane)
    assert node.enabled == ("sync",)
    assert node.sync().plane == EMPTY_DATAPLANE


def test_a_sync_is_enabled_only_by_a_change_that_matters():
    obj = service()
    node = Node(obj, eslice("a", endpoint("10.0.0.1"))).sync()
    assert node.enabled == ()
    before = node.memory
    node.put(obj.with_metadata(annotations={"touched": "yes"}))
    assert node.memory is before
    node.put(eslice("a", endpoint("10.0.0.1"), extra="label"))
    assert node.memory is before
    node.put(eslice("a", endpoint("10.0.0.1", ready=False)))
    assert node.enabled == ("sync",)
    assert node.sync().enabled == ()


def test_headless_and_foreign_services_get_no_rule():
    headless = service("h", "None")
    foreign = service("f", "10.96.0.9").with_metadata(
        labels={"service.kubernetes.io/service-proxy-name": "other"}
    )
    node = Node(headless, foreign, eslice("h1", endpoint("10.0.0.1"), of="h")).sync()
    assert node.plane.all_rules() == ()


def test_a_deleted_service_loses_its_rules():
    node = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync()
    node.delete(service())
    assert node.sync().plane == EMPTY_DATAPLANE


def test_an_endpoint_that_moves_between_slices_is_kept_once():
    node = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync()
    node.put(eslice("b", endpoint("10.0.0.1")))
    assert node.sync().backends() == ["10.0.0.1"]
    node.delete(eslice("a"))
    assert node.sync().backends() == ["10.0.0.1"]
    node.delete(eslice("b"))
    assert node.sync().backends() == []


def test_a_slice_that_changes_its_service_moves_with_it():
    node = Node(service(), service("api", "10.96.0.2"), eslice("a", endpoint("10.0.0.1"))).sync()
    node.put(eslice("a", endpoint("10.0.0.1"), of="api"))
    node.sync()
    assert (node.backends(), node.backends("api")) == ([], ["10.0.0.1"])


def test_rules_outlive_the_proxy_and_the_first_sync_drops_the_orphans():
    gone = ServicePortName("default/gone", "p", "TCP")
    plane = program(EMPTY_DATAPLANE, "default/gone", (Rule(gone, "10.96.0.7", 80),))
    node = Node(service(), eslice("a", endpoint("10.0.0.1")), plane=plane)
    assert node.plane.rule(gone) is not None
    assert node.sync().plane.rule(gone) is None
    assert node.backends() == ["10.0.0.1"]


def test_udp_flows_to_a_removed_backend_are_deleted():
    node = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync()
    _, node.plane = connect(node.plane, "c:1", TO_WEB, IPTABLES, 0)
    node.put(eslice("a", endpoint("10.0.0.2")))
    assert len(node.plane.flows) == 1
    assert len(node.sync().plane.flows) == 0


def test_udp_flows_to_a_backend_that_still_serves_are_kept():
    node = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync()
    _, node.plane = connect(node.plane, "c:1", TO_WEB, IPTABLES, 0)
    leaving = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    node.put(eslice("a", leaving, endpoint("10.0.0.2")))
    assert node.sync().backends() == ["10.0.0.2"]
    assert len(node.plane.flows) == 1


def test_udp_flows_of_a_service_without_endpoints_are_kept():
    node = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync()
    _, node.plane = connect(node.plane, "c:1", TO_WEB, IPTABLES, 0)
    node.put(eslice("a"))
    assert len(node.sync().plane.flows) == 1


def test_a_black_hole_ends_with_the_first_sync_that_finds_an_endpoint():
    node = Node(service(), eslice("a"))
    _, node.plane = connect(node.plane, "c:1", TO_WEB, IPTABLES, 0)
    assert len(node.sync().plane.flows) == 1
    node.put(eslice("a", endpoint("10.0.0.1")))
    assert len(node.sync().plane.flows) == 0


def test_partial_and_full_syncs_write_the_same_rules():
    node = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync()
    node.put(service("api", "10.96.0.2", "TCP"))
    node.put(eslice("b", endpoint("10.0.0.5"), of="api", protocol="TCP"))
    node.sync()
    restarted = Node(
        *(e.value for r in ("services", "endpointslices") for e in node.caches[r].entries()),
        plane=node.plane,
    )
    assert restarted.sync().plane == node.plane


def test_memory_is_a_value_that_comes_back():
    node = Node(service(), eslice("a", endpoint("10.0.0.1"))).sync()
    before = node.memory
    node.put(eslice("a", endpoint("10.0.0.2")))
    assert fingerprint(node.memory) != fingerprint(before)
    node.put(eslice("a", endpoint("10.0.0.1")))
    assert node.sync().memory == before
    assert fingerprint(node.memory) == fingerprint(before)


def test_an_unknown_mode_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="iptables, ipvs, nftables"):
        KubeProxy("n1", mode="userspace")
