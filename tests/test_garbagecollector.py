"""The garbage collector deletes what has no owner left, in the order that a deletion asks for."""

import pytest
from api_calls import Server
from cluster_runs import get, objects, settled

from kspec_models import requests as api
from kspec_models.building import build
from kspec_models.controllers.garbagecollector import GarbageCollectorController
from kspec_models.controllers.garbagecollector_graph import ORPHAN
from kspec_models.host import Call, Notification, View
from kspec_models.manifests import Document, read_object
from kspec_models.store import Store
from kspec_models.world import World
from kspec_models.worlds import delete as kubectl_delete
from kspec_models.worlds import deployment, namespace, node, service
from kspec_models.worlds_collection import config_map, delete, owned, owner
from kspec_models.worlds_disruption import replica_set, running

RESOURCES = ("namespaces", "configmaps", "services", "replicasets")
COLLECTOR = GarbageCollectorController(RESOURCES)
A, B, C = "configmaps/default/a", "configmaps/default/b", "configmaps/default/c"


def placed(data, **metadata):
    return {**data, "metadata": {**data["metadata"], **metadata}}


def map_of(name, *owners, **metadata):
    """A ConfigMap with the uid that its name says, owned by those of these names."""
    data = owned(config_map(name), *(owner(config_map(o), uid=o) for o in owners))
    return placed(data, uid=name, **metadata)


def going(data, *finalizers):
    return placed(data, deletionTimestamp="2024-01-01T00:00:00Z", finalizers=list(finalizers))


def stored(*documents):
    store = Store()
    for document in documents:
        obj = read_object(Document("test", document))
        store, _ = store.put(f"{obj.resource}/{obj.key}", obj)
    return store


def view(store):
    return View({name: store.bucket(name) for name in RESOURCES}, 0)


def collect(key, cached, live=None, refuse=None):
    """The writes of one pass: the caches show `cached`, live reads `live` (the same by default)."""
    live = cached if live is None else live
    seen, writes = view(cached), []
    worked = COLLECTOR.reconcile(None, key, seen)
    while worked.requests:
        request, *rest = worked.requests
        response = api.Response()
        if isinstance(request, api.Get):
            entry = live.get(f"{request.resource}/{request.key}")
            response = api.Response("" if entry else api.NOT_FOUND, entry)
        else:
            writes.append(request)
            reason = (refuse or (lambda request: ""))(request)
            response = api.Response(reason)
        call = Call(key, tuple(rest), worked.phase, worked.failed)
        worked = COLLECTOR.answer(None, call, request, response, seen)
    return writes, worked.failed


def collected(resource, key, policy="Background", uid=None, version=1):
    return api.Delete(resource, key, uid, version, propagation_policy=policy)


# what is asked for


@pytest.mark.parametrize(
    ("kind", "has", "policy", "finalizers"),
    [
        ("deployments", (), "", None),
        ("deployments", (), "Foreground", ("foregroundDeletion",)),
        ("deployments", (), "Orphan", ("orphan",)),
        ("deployments", ("a.b/x",), "Orphan", ("a.b/x", "orphan")),
        ("deployments", ("orphan",), "", ("orphan",)),
        ("deployments", ("orphan",), "Background", None),
        ("deployments", ("orphan",), "Foreground", ("foregroundDeletion",)),
    ],
)
def test_a_deletion_leaves_word_for_the_collector(kind, has, policy, finalizers):
    server, key = Server(), f"{kind}/default/web"
    server.create(placed(deployment("web"), finalizers=list(has)))
    assert server.delete(key, propagation_policy=policy).ok
    found = server.get(key)
    assert (found and found.metadata.finalizers) == finalizers


def test_a_second_deletion_may_change_its_mind():
    server, key = Server(), "deployments/default/web"
    server.create(deployment("web"))
    server.delete(key, propagation_policy="Foreground")
    assert server.get(key).is_terminating
    assert server.delete(key, propagation_policy="Background").ok and server.get(key) is None


def test_a_policy_that_does_not_exist_is_refused():
    server = Server()
    server.create(deployment("web"))
    assert server.delete("deployments/default/web", propagation_policy="All").reason == api.INVALID


# whole clusters


def counts(state):
    return [len(objects(state, r)) for r in ("deployments", "replicasets", "pods")]


@pytest.mark.parametrize("granularity", ["reconcile", "request"])
@pytest.mark.parametrize(
    ("cascade", "left"),
    [("background", [0, 0, 0]), ("foreground", [0, 0, 0]), ("orphan", [0, 1, 2])],
)
def test_a_deployment_is_deleted_with_what_it_owns_or_without(cascade, left, granularity):
    world = World(
        nodes=1,
        objects=(deployment("web", 2),),
        operations=(delete("Deployment", "web", cascade),),
        granularity=granularity,
    )
    state = settled(build(world))
    assert counts(state) == left
    for orphan in objects(state, "replicasets"):
        assert not orphan.metadata.owner_references and not orphan.is_terminating


def test_the_slices_of_a_service_go_with_it():
    world = World(
        nodes=1, objects=(service("web"),), operations=(kubectl_delete("Service", "web"),)
    )
    assert not objects(settled(build(world)), "endpointslices")


def test_nothing_collects_where_nobody_deletes_an_owner():
    world = World(
        nodes=1, objects=(deployment("web"),), operations=(kubectl_delete("Pod", "web-1"),)
    )
    assert "garbagecollector" not in build(world).layout.by_host


@pytest.mark.parametrize(
    ("reference", "is_kept"),
    [
        (owner(namespace("other"), uid="namespaces/other#0"), True),
        (owner(namespace("other"), uid="gone"), False),
        (owner(config_map("a", space="other"), uid="configmaps/other/a#0"), False),
        ({"apiVersion": "v1", "kind": "Nothing", "name": "a", "uid": "u"}, True),
    ],
    ids=["cluster-scoped", "uid mismatch", "another namespace", "no such kind"],
)
def test_an_owner_is_looked_for_in_the_namespace_of_its_dependent(reference, is_kept):
    world = World(
        nodes=1,
        objects=(
            namespace("other"),
            config_map("a", space="other"),
            owned(config_map("b"), reference),
        ),
        controllers=("garbage-collector-controller",),
    )
    assert (get(settled(build(world)), B) is not None) is is_kept


def test_something_without_a_namespace_is_left_alone_by_an_owner_in_one():
    world = World(
        objects=(owned(node("n1"), owner(config_map("a"), uid="gone")),),
        controllers=("garbage-collector-controller",),
        keep_status=True,
    )
    assert get(settled(build(world)), "nodes/n1") is not None


# one pass


def test_a_solid_owner_keeps_its_dependent_and_gone_ones_are_taken_off():
    store = stored(map_of("a"), map_of("b", "a", "gone"))
    (patch,), _ = collect(B, store)
    (reference,) = patch.patch["metadata"]["ownerReferences"]
    assert (reference["$patch"], reference["uid"], patch.uid) == ("delete", "gone", "b")
    assert collect(B, stored(map_of("a"), map_of("b", "a"))) == ([], False)


def test_what_the_cache_shows_is_looked_at_live():
    cached = stored(map_of("b", "a"))
    assert collect(B, cached, stored(map_of("a"), map_of("b", "a"))) == ([], False)
    assert collect(B, cached, stored(map_of("b"))) == ([], False)
    assert collect(B, cached, stored(placed(map_of("b", "a"), uid="other"))) == ([], False)
    assert collect(B, cached)[0] == [collected("configmaps", "default/b", uid="b")]


def test_dependents_with_dependents_go_in_the_foreground_too():
    waiting = going(map_of("a"), "foregroundDeletion")
    alone = stored(waiting, map_of("b", "a"))
    assert collect(B, alone)[0] == [collected("configmaps", "default/b", uid="b")]
    chain = stored(waiting, map_of("b", "a"), map_of("c", "b"))
    assert collect(B, chain)[0] == [collected("configmaps", "default/b", "Foreground", uid="b")]


def test_a_cycle_that_waits_for_itself_is_unblocked():
    waiting = going(map_of("a", "b"), "foregroundDeletion")
    patch, delete = collect(B, stored(waiting, map_of("b", "a")))[0]
    (reference,) = patch.patch["metadata"]["ownerReferences"]
    assert reference["blockOwnerDeletion"] is False and delete.propagation_policy == "Foreground"


def test_an_owner_goes_when_nothing_blocks_it_any_more():
    waiting = going(map_of("a"), "x", "foregroundDeletion")
    free = owned(config_map("b"), owner(config_map("a"), uid="a", blocks=False))
    (update,), _ = collect(A, stored(waiting, free))
    assert update.object.metadata.finalizers == ("x",) and update.resource_version == 1
    blocked = stored(waiting, map_of("b", "a"))
    assert collect(A, blocked)[0] == [collected("configmaps", "default/b", uid="b")]


def test_orphans_are_freed_and_then_the_owner():
    store = stored(going(map_of("a"), "orphan"), map_of("b", "a"), map_of("c", "a"))
    *patches, update = collect(ORPHAN + A, store)[0]
    assert [(p.key, p.uid) for p in patches] == [("default/b", "b"), ("default/c", "c")]
    assert update.object.metadata.finalizers == ()


def test_an_owner_stays_while_an_orphan_could_not_be_freed():
    store = stored(going(map_of("a"), "orphan"), map_of("b", "a"))
    writes, failed = collect(ORPHAN + A, store, refuse=lambda request: api.CONFLICT)
    assert len(writes) == 1 and failed


@pytest.mark.parametrize(("owners", "is_deleted"), [(("gone",), True), (("gone", "a"), False)])
def test_a_conflict_is_harmless_where_no_owner_changed(owners, is_deleted):
    """Whoever writes a status all the time does not keep an object from being collected."""
    cached, reads = stored(map_of("b", "gone")), []
    live = stored(map_of("b", *owners))

    def answer(request):
        reads.append(request)
        return api.CONFLICT if request.resource_version else ""

    seen = view(cached)
    worked = COLLECTOR.reconcile(None, B, seen)
    while worked.requests:
        (request,) = worked.requests
        if isinstance(request, api.Get):
            store = live if reads else cached
            entry = store.get(f"{request.resource}/{request.key}")
            response = api.Response("" if entry else api.NOT_FOUND, entry)
        else:
            response = api.Response(answer(request))
        call = Call(B, (), worked.phase, worked.failed)
        worked = COLLECTOR.answer(None, call, request, response, seen)
    assert worked.failed is not is_deleted
    assert [request.resource_version for request in reads] == ([1, None] if is_deleted else [1])


@pytest.mark.parametrize("reason", [api.TIMEOUT, api.TOO_MANY_REQUESTS, api.FORBIDDEN])
def test_an_error_means_to_try_again(reason):
    assert collect(B, stored(map_of("b", "gone")), refuse=lambda request: reason)[1]


# events


def event(old, new):
    entries = [stored(each).get(B) if each else None for each in (old, new)]
    return Notification("configmaps", *entries)


@pytest.mark.parametrize(
    ("old", "new", "others", "keys"),
    [
        (None, map_of("b"), (), ()),
        (map_of("b"), placed(map_of("b"), labels={"x": "y"}), (), ()),
        (None, map_of("b", "a"), (map_of("a"),), ()),
        (None, map_of("b", "a"), (), (B,)),
        (None, map_of("b", "a"), (placed(map_of("a"), uid="other"),), (B,)),
        (map_of("b"), None, (map_of("c", "b"),), (C,)),
        (map_of("b", "a"), None, (going(map_of("a"), "foregroundDeletion"),), (A,)),
        (map_of("b", "a"), map_of("b"), (going(map_of("a"), "foregroundDeletion"),), (A,)),
        (map_of("b"), going(map_of("b"), "orphan"), (map_of("c", "b"),), (ORPHAN + B,)),
        (map_of("b"), going(map_of("b"), "foregroundDeletion"), (map_of("c", "b"),), (C, B)),
    ],
)
def test_an_event_enqueues_whom_it_may_concern(old, new, others, keys):
    told = event(old, new)
    shown = stored(*others, *([new] if new else []))
    assert COLLECTOR.handle(None, told, view(shown)) == (None, keys)
    assert not keys or COLLECTOR.concerns(told)


def test_a_change_of_content_costs_no_step():
    assert not COLLECTOR.concerns(
        event(map_of("b", "a"), placed(map_of("b", "a"), labels={"x": "y"}))
    )


def test_a_pod_is_collected_once_its_owner_is_known_to_be_gone():
    """Also where the world begins with it."""
    lost = owned(running("a", "n1"), owner(replica_set("web", 1), uid="gone"))
    world = World(
        objects=(node("n1"), lost),
        controllers=("garbage-collector-controller",),
        keep_status=True,
    )
    assert not objects(settled(build(world)), "pods")


def test_a_dump_without_its_owners_is_not_collected():
    """A dump of pods alone says nothing of what owns them."""
    pod = owned(running("a", "n1"), owner(replica_set("web", 1), uid="elsewhere"))
    operations = (kubectl_delete("Service", "web"),)
    world = World(
        objects=(node("n1"), service("web"), pod), operations=operations, keep_status=True
    )
    assert objects(settled(build(world)), "pods")
