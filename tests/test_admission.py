"""Functions of a world take part in admission: they change what is created, or refuse it."""

import pytest
from api_calls import Server
from cluster_runs import fifo, get, objects

from kspec.errors import InputError
from kspec_models import requests as api
from kspec_models.apiserver.admission import Admission
from kspec_models.apiserver.admission_options import rules_of
from kspec_models.apiserver.server import ApiServer
from kspec_models.building import build
from kspec_models.objects import Pod
from kspec_models.world import World
from kspec_models.worlds import deployment, namespace, pod

LINUX = {
    "name": "linux-only",
    "resources": ["pods"],
    "patch": {"spec": {"nodeSelector": {"os": "linux"}}},
}


def server_with(*rules):
    server = Server()
    server.server = ApiServer(Admission(rules_of({"rules": list(rules)})))
    return server


def selector_of(server, name):
    return dict(server.get(f"pods/default/{name}").spec.node_selector)


def test_a_patch_changes_what_is_created():
    server = server_with(LINUX)
    assert server.create(pod("a")).ok
    assert selector_of(server, "a") == {"os": "linux"}


def test_patches_apply_in_their_order_and_each_sees_the_one_before():
    zone = {**LINUX, "name": "zone", "patch": {"spec": {"nodeSelector": {"zone": "a"}}}}
    windows = {**LINUX, "name": "windows", "patch": {"spec": {"nodeSelector": {"os": "windows"}}}}
    server = server_with(LINUX, zone, windows)
    server.create(pod("a"))
    assert selector_of(server, "a") == {"os": "windows", "zone": "a"}


def test_a_rule_looks_at_what_it_matches_only():
    match = {"namespace": "default", "labels": {"app": "web"}}
    server = server_with({**LINUX, "match": match})
    server.create(namespace("shop"))
    server.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        | {"metadata": {"name": "default", "namespace": "shop"}}
    )
    for name, space, labels in (
        ("a", "default", {"app": "web"}),
        ("b", "default", {"app": "db"}),
        ("c", "shop", {"app": "web"}),
    ):
        body = pod(name)
        body["metadata"] = {"name": name, "namespace": space, "labels": labels}
        assert server.create(body).ok
    assert selector_of(server, "a") == {"os": "linux"}
    assert selector_of(server, "b") == {}
    assert dict(server.get("pods/shop/c").spec.node_selector) == {}


def test_a_denial_refuses_with_its_name_and_message():
    server = server_with({"name": "frozen", "resources": ["pods"], "deny": "we are closed"})
    response = server.create(pod("a"))
    assert response.reason == api.FORBIDDEN
    assert response.message == 'admission webhook "frozen" denied the request: we are closed'
    assert server.get("pods/default/a") is None


def test_what_is_invalid_is_refused_before_it_is_denied():
    server = server_with({"name": "frozen", "resources": ["pods"], "deny": "we are closed"})
    body = Pod.from_json({"metadata": {"name": "a", "namespace": "default"}})
    assert server.ask(api.Create(body)).reason == api.INVALID


def test_a_mutation_that_makes_an_object_invalid_refuses_it():
    bad = {**LINUX, "patch": {"spec": {"terminationGracePeriodSeconds": -1}}}
    assert server_with(bad).create(pod("a")).reason == api.INVALID


@pytest.mark.parametrize(("operation", "verb"), [("UPDATE", "patch"), ("DELETE", "delete")])
def test_updates_and_deletions_can_be_denied(operation, verb):
    rule = {"name": "keep", "resources": ["pods"], "operations": [operation], "deny": "kept"}
    server = server_with(rule)
    assert server.create(pod("a")).ok
    change = {"metadata": {"labels": {"x": "y"}}}
    if verb == "patch":
        assert server.patch("pods/default/a", change).reason == api.FORBIDDEN
        assert not server.get("pods/default/a").metadata.labels
        assert server.patch("pods/default/a", change, subresource="status").ok
    else:
        assert server.delete("pods/default/a").reason == api.FORBIDDEN
        assert server.ask(api.DeleteCollection("pods", "default")).reason == api.FORBIDDEN
        assert server.get("pods/default/a") is not None


def test_an_update_is_patched_too():
    rule = {**LINUX, "operations": ["UPDATE"], "resources": ["deployments"]}
    server = server_with({**rule, "patch": {"metadata": {"labels": {"seen": "yes"}}}})
    server.create(deployment("web"))
    assert not server.get("deployments/default/web").metadata.labels
    server.patch("deployments/default/web", {"spec": {"replicas": 5}})
    assert dict(server.get("deployments/default/web").metadata.labels) == {"seen": "yes"}


def at_most_two(review):
    """A function of a user."""
    if review["object"]["spec"]["replicas"] > 2:
        return {"deny": f"{review['name']} wants too many"}
    return {"patch": {"metadata": {"labels": {"checked": "yes"}}}}


def test_a_function_of_the_user_patches_or_denies():
    rule = {"name": "small", "resources": ["deployments"], "call": "test_admission:at_most_two"}
    server = server_with(rule)
    assert "web wants too many" in server.create(deployment("web", 3)).message
    assert server.create(deployment("web", 2)).ok
    assert dict(server.get("deployments/default/web").metadata.labels) == {"checked": "yes"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"resources": ["pods"], "deny": "x"}, "rules[0]: it has no name"),
        ({"name": "a", "resources": ["pods"]}, "exactly one of patch, deny and call"),
        ({"name": "a", "resources": ["pod"], "deny": "x"}, "'pod' is no resource"),
        ({"name": "a", "resources": [], "deny": "x"}, "rules[0].resources: there are none"),
        ({**LINUX, "operations": ["PATCH"]}, "'PATCH' is no operation"),
        ({**LINUX, "match": {"label": {}}}, "unknown field 'label'"),
        ({**LINUX, "validating": True}, "true for no patch"),
        ({"name": "a", "resources": ["pods"], "call": "nowhere:f"}, "MODULE:NAME"),
        ({"name": "a", "resources": ["pods"], "patch": [1]}, "expected a mapping"),
    ],
)
def test_a_rule_that_is_none_is_refused_in_one_line(rule, said):
    with pytest.raises(InputError) as caught:
        build(World(components={"admission": {"rules": [rule]}}))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_controllers_meet_admission_as_users_do():
    world = World(
        nodes=1,
        granularity="reconcile",
        objects=(deployment("web", 1),),
        components={"admission": {"rules": [LINUX]}},
    )
    cluster = build(world)
    state = next(s for _, s in fifo(cluster) if objects(s, "pods"))
    (made,) = objects(state, "pods")
    assert dict(made.spec.node_selector) == {"os": "linux"}
    assert get(state, "deployments/default/web").spec.template.spec.node_selector == {}
