"""The API server promises what upstream's does on delete, with finalizers, and in patches."""

from __future__ import annotations

import pytest
from api_calls import Server

from kspec.errors import InputError
from kspec_models import requests as api
from kspec_models.apiserver.patch import merge
from kspec_models.worlds import deployment, namespace, pod, service

A = "pods/default/a"
SHOP = "namespaces/shop"


@pytest.fixture
def server():
    return Server()


def finalized(data, *finalizers):
    data["metadata"]["finalizers"] = list(finalizers) or ["example.com/x"]
    return data


def marks(server, key):
    meta = server.get(key).metadata
    return meta.deletion_timestamp, meta.deletion_grace_period_seconds


# delete


@pytest.mark.parametrize("resource", ["services/default/web", "deployments/default/web"])
def test_kinds_without_grace_go_at_once(server, resource):
    server.create(service("web"))
    server.create(deployment("web"))
    assert server.delete(resource).ok and server.get(resource) is None
    assert server.delete(resource).reason == api.NOT_FOUND


def test_a_bound_pod_gets_its_grace_and_a_new_generation(server):
    server.create(pod("a", terminationGracePeriodSeconds=20))
    server.run("a")
    server.now = 100
    assert server.delete(A).ok
    assert marks(server, A) == (120, 20)
    assert server.get(A).metadata.generation == 2


def test_a_pod_that_is_not_scheduled_goes_at_once(server):
    server.create(pod("a"))
    assert server.delete(A, grace_period_seconds=60).ok
    assert server.get(A) is None


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_is_over_goes_at_once(server, phase):
    server.create(pod("a"))
    server.run("a")
    server.patch(A, {"status": {"phase": phase}}, subresource="status")
    server.delete(A)
    assert server.get(A) is None


def test_a_grace_is_only_ever_shortened(server):
    server.create(pod("a"))
    server.run("a")
    server.delete(A)
    for asked in (None, 30, 40):
        assert server.delete(A, grace_period_seconds=asked).ok and not server.changes
    server.now = 3
    server.delete(A, grace_period_seconds=5)
    assert marks(server, A) == (5, 5)
    server.delete(A, grace_period_seconds=0)
    assert server.get(A) is None


def test_a_pod_that_ends_while_it_terminates_keeps_its_grace(server):
    server.create(pod("a"))
    server.run("a")
    server.delete(A)
    server.patch(A, {"status": {"phase": "Failed"}}, subresource="status")
    server.delete(A, grace_period_seconds=10)
    assert marks(server, A) == (10, 10)


def test_a_finalizer_keeps_an_object_until_it_is_removed(server):
    server.create(finalized(service("web")))
    key = "services/default/web"
    server.delete(key)
    assert marks(server, key) == (0, 0)
    server.delete(key)
    assert not server.changes
    assert server.patch(key, {"metadata": {"finalizers": None}}).ok
    assert server.get(key) is None and server.changes[0].type == "DELETE"


def test_a_pod_with_a_finalizer_and_grace_waits_for_both(server):
    server.create(finalized(pod("a")))
    server.run("a")
    server.delete(A)
    server.patch(A, {"metadata": {"finalizers": None}})
    assert marks(server, A) == (30, 30)
    server.delete(A, grace_period_seconds=0)
    assert server.get(A) is None


def test_a_terminating_object_takes_no_new_finalizer(server):
    server.create(finalized(service("web")))
    server.delete("services/default/web")
    response = server.patch("services/default/web", {"metadata": {"finalizers": ["b.com/y"]}})
    assert response.reason == api.INVALID
    assert response.message.startswith("metadata.finalizers: Forbidden")


@pytest.mark.parametrize("verb", ["delete", "patch"])
def test_preconditions_name_the_incarnation_and_the_revision(server, verb):
    server.create(pod("a"))
    uid, revision = server.get(A).uid, server.revision(A)
    ask = server.delete if verb == "delete" else lambda key, **o: server.patch(key, {}, **o)
    assert ask(A, uid="of the one before").reason == api.CONFLICT
    assert ask(A, resource_version=revision - 1).reason == api.CONFLICT
    assert ask(A, uid=uid, resource_version=revision).ok


def test_a_collection_is_deleted_object_by_object(server):
    server.create(pod("a"))
    server.create(pod("b"))
    server.run("b")
    assert server.ask(api.DeleteCollection("pods", "default")).ok
    assert server.get(A) is None and marks(server, "pods/default/b") == (30, 30)
    assert len(server.changes) == 2


# namespaces


def test_a_namespace_terminates_until_it_is_finalized(server):
    server.create(namespace("shop"))
    server.delete(SHOP)
    shop = server.get(SHOP)
    assert (shop.is_terminating, shop.status.phase) == (True, "Terminating")
    bare = shop.replace(spec=shop.spec.replace(finalizers=()))
    server.ask(api.Update(bare))
    assert server.get(SHOP).spec.finalizers == ("kubernetes",)
    server.ask(api.Update(bare, None, "finalize"))
    assert server.get(SHOP) is None


def test_a_finalized_namespace_waits_for_the_finalizers_of_others(server):
    server.create(finalized(namespace("shop")))
    server.delete(SHOP)
    shop = server.get(SHOP)
    server.ask(api.Update(shop.replace(spec=shop.spec.replace(finalizers=())), None, "finalize"))
    assert server.get(SHOP).spec.finalizers == ()
    server.patch(SHOP, {"metadata": {"finalizers": None}})
    assert server.get(SHOP) is None


def test_the_default_namespace_cannot_be_deleted(server):
    assert server.delete("namespaces/default").reason == api.FORBIDDEN


# strategic merge patch


@pytest.mark.parametrize(
    ("field", "old", "patch", "merged"),
    [
        ("", {"a": 1, "b": 2}, {"a": None, "c": 3}, {"b": 2, "c": 3}),
        ("", {"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ("", {"a": {"x": 1}}, {"a": {"$patch": "replace", "y": 2}}, {"a": {"y": 2}}),
        ("", {"a": {"x": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}),
        ("", {}, {"a": {"y": None, "z": 1}}, {"a": {"z": 1}}),
        (
            "containers",
            [{"name": "a", "image": "1"}, {"name": "b"}],
            [{"name": "a", "image": "2"}, {"name": "c"}],
            [{"name": "a", "image": "2"}, {"name": "b"}, {"name": "c"}],
        ),
        ("env", [{"name": "a"}], [{"name": "a", "$patch": "delete"}], []),
        ("env", None, [{"name": "a", "$patch": "delete"}, {"name": "b"}], [{"name": "b"}]),
        ("ports", [{"port": 80}], [{"port": 80, "name": "x"}], [{"port": 80, "name": "x"}]),
        ("ports", [{"containerPort": 1}], [{"containerPort": 1}], [{"containerPort": 1}]),
        ("finalizers", ["a"], ["b", "a"], ["a", "b"]),
        ("tolerations", [{"key": "a"}], [{"key": "b"}], [{"key": "b"}]),
        ("args", ["a", "b"], ["c"], ["c"]),
    ],
)  # fmt: skip
def test_a_patch_merges_as_upstream(field, old, patch, merged):
    assert merge(old, patch, field) == merged


@pytest.mark.parametrize("item", [{"image": "x"}, "text", None])
def test_an_item_without_its_merge_key_is_refused(server, item):
    with pytest.raises(InputError, match="merge key"):
        merge([{"name": "a"}], [item], "containers")
    server.create(pod("a"))
    assert server.patch(A, {"spec": {"containers": [item]}}).reason == api.INVALID


def test_a_patch_that_makes_no_object_is_refused(server):
    server.create(deployment("web"))
    response = server.patch("deployments/default/web", {"spec": {"replicas": "many"}})
    assert response == api.Response(
        api.INVALID, None, "spec.replicas: got 'many'; expected a whole number"
    )


def test_a_patch_of_what_is_absent_is_not_found(server):
    assert server.patch(A, {}).reason == api.NOT_FOUND
