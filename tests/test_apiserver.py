"""The API server promises what upstream's does on create, update, patch and bind."""

from __future__ import annotations

import pytest
from api_calls import Server

from kspec_models import requests as api
from kspec_models.manifests import Document, read_object
from kspec_models.worlds import deployment, namespace, pod, service

WEB = "deployments/default/web"
A = "pods/default/a"


@pytest.fixture
def server():
    return Server()


# create


def test_a_created_object_gets_identity_and_time_from_the_server(server):
    server.now = 7
    data = pod("a")
    data["metadata"] |= {
        "uid": "mine",
        "generation": 9,
        "deletionTimestamp": "2024-01-01T00:00:00Z",
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
    data["status"] = {"phase": "Running", "podIP": "1.2.3.4"}
    created = server.create(data).entry.value
    meta = created.metadata
    assert meta.uid not in ("", "mine")
    assert (meta.generation, meta.creation_timestamp, meta.deletion_timestamp) == (1, 7, None)
    assert (created.status.phase, created.status.pod_ip) == ("Pending", "")


def test_two_incarnations_of_a_name_have_different_uids(server):
    first = server.create(pod("a")).entry.value.uid
    server.delete(A)
    assert server.create(pod("a")).entry.value.uid != first


def test_a_pod_gets_its_defaults(server):
    data = pod("a")
    data["spec"]["containers"][0]["resources"] = {
        "limits": {"cpu": "1"},
        "requests": {"memory": "1"},
    }
    spec = server.create(data).entry.value.spec
    assert (spec.restart_policy, spec.scheduler_name) == ("Always", "default-scheduler")
    assert (spec.termination_grace_period_seconds, spec.service_account_name) == (30, "default")
    assert dict(spec.containers[0].resources.requests) == {"memory": "1", "cpu": "1"}
    assert spec.containers[0].ports[0].protocol == "TCP"
    assert [(t.key, t.toleration_seconds) for t in spec.tolerations] == [
        ("node.kubernetes.io/not-ready", 300),
        ("node.kubernetes.io/unreachable", 300),
    ]


def test_a_pod_that_tolerates_everything_gets_no_default_toleration(server):
    created = server.create(pod("a", tolerations=[{"operator": "Exists"}])).entry.value
    assert len(created.spec.tolerations) == 1


def test_a_deployment_gets_its_defaults(server):
    data = deployment("web")
    del data["spec"]["replicas"], data["spec"]["strategy"]
    spec = server.create(data).entry.value.spec
    assert (spec.replicas, spec.revision_history_limit, spec.progress_deadline_seconds) == (
        1,
        10,
        600,
    )
    rolling = spec.strategy.rolling_update
    assert (spec.strategy.type, rolling.max_surge, rolling.max_unavailable) == (
        "RollingUpdate",
        "25%",
        "25%",
    )


def test_each_service_gets_an_address_of_its_own_that_no_other_asked_for(server):
    taken = service("taken")
    taken["spec"]["clusterIP"] = "10.96.0.1"
    headless = service("headless")
    headless["spec"]["clusterIP"] = "None"
    specs = [
        server.create(s).entry.value.spec for s in (taken, service("a"), service("b"), headless)
    ]
    assert [s.cluster_ip for s in specs] == ["10.96.0.1", "10.96.0.2", "10.96.0.3", "None"]
    assert specs[1].ports[0].protocol == "TCP" and specs[1].type == "ClusterIP"


def test_generated_names_are_new_each_time_and_avoid_names_that_exist(server):
    server.create(pod("a-2"))
    data = pod("")
    data["metadata"]["generateName"] = "a-"
    found = [server.create(data).entry.value.name for _ in range(3)]
    assert found == ["a-1", "a-3", "a-4"]


def test_a_name_that_exists_is_refused(server):
    server.create(pod("a"))
    assert server.create(pod("a")).reason == api.ALREADY_EXISTS
    assert not server.changes


def test_nothing_is_created_in_a_namespace_that_is_absent_or_terminating(server):
    data = pod("a")
    data["metadata"]["namespace"] = "shop"
    assert server.create(data).reason == api.NOT_FOUND
    server.create(namespace("shop"))
    server.delete("namespaces/shop")
    assert server.create(data).reason == api.NAMESPACE_TERMINATING


def test_a_pod_needs_its_service_account(server):
    assert server.create(pod("a", serviceAccountName="robot")).reason == api.FORBIDDEN
    server.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}})
    assert server.create(pod("a", serviceAccountName="robot")).ok


# update


def updated(server, key, **options):
    obj = server.get(key)
    labelled = obj.with_metadata(labels=obj.metadata.labels.set("x", "1"))
    return server.ask(api.Update(labelled, **options))


def test_an_update_from_an_old_revision_conflicts(server):
    server.create(deployment("web"))
    old = server.revision(WEB)
    assert updated(server, WEB, resource_version=old).ok
    assert updated(server, WEB, resource_version=old).reason == api.CONFLICT


def test_an_update_without_a_revision_overwrites(server):
    server.create(deployment("web"))
    seen = server.get(WEB)
    updated(server, WEB)
    assert server.ask(api.Update(seen)).ok
    assert "x" not in server.get(WEB).metadata.labels


def test_an_update_of_another_incarnation_conflicts(server):
    server.create(deployment("web"))
    obj = server.get(WEB).with_metadata(uid="of the one before")
    assert server.ask(api.Update(obj)).reason == api.CONFLICT


def test_an_update_that_changes_nothing_writes_nothing(server):
    server.create(deployment("web"))
    before = server.state.store.revision
    response = server.ask(api.Update(server.get(WEB)))
    assert response.ok and response.entry.resource_version == server.revision(WEB)
    assert not server.changes and server.state.store.revision == before


def test_the_generation_counts_changes_of_the_spec_only(server):
    server.create(deployment("web"))
    updated(server, WEB)
    assert server.get(WEB).metadata.generation == 1
    server.patch(WEB, {"spec": {"replicas": 5}})
    assert server.get(WEB).metadata.generation == 2
    server.patch(WEB, {"status": {"replicas": 5}}, subresource="status")
    assert server.get(WEB).metadata.generation == 2


def test_an_update_keeps_the_status_and_a_status_update_keeps_the_rest(server):
    server.create(deployment("web"))
    obj = server.get(WEB)
    changed = obj.replace(
        spec=obj.spec.replace(replicas=9),
        status=obj.status.replace(replicas=9),
        metadata=obj.metadata.replace(labels=obj.metadata.labels.set("x", "1")),
    )
    server.ask(api.Update(changed, None, "status"))
    stored = server.get(WEB)
    assert (stored.spec, stored.metadata.labels) == (obj.spec, obj.metadata.labels)
    assert stored.status.replicas == 9
    server.ask(api.Update(changed.replace(status=obj.status)))
    assert (server.get(WEB).spec.replicas, server.get(WEB).status.replicas) == (9, 9)


def test_nobody_rewrites_what_the_server_gave(server):
    server.create(pod("a"))
    obj = server.get(A)
    forged = obj.with_metadata(creation_timestamp=99, generation=99, deletion_timestamp=99)
    assert server.ask(api.Update(forged)).entry.value == obj


def test_a_selector_never_changes(server):
    server.create(deployment("web"))
    labels = {"app": "web", "tier": "x"}
    patch = {
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    }
    response = server.patch(WEB, patch)
    assert (response.reason, response.message) == (
        api.INVALID,
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"x"}}: '
        "field is immutable",
    )


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"nodeName": "n1"}, "spec: Forbidden"),
        ({"priority": 5}, "spec: Forbidden"),
        ({"tolerations": []}, "spec.tolerations: Forbidden"),
        ({"schedulingGates": [{"name": "new"}]}, "spec.schedulingGates: Forbidden"),
        ({"containers": [{"name": "more"}]}, "spec: Forbidden"),
    ],
)
def test_the_spec_of_a_pod_is_fixed(server, change, line):
    server.create(pod("a", tolerations=[{"key": "own", "operator": "Exists"}]))
    response = server.patch(A, {"spec": change})
    assert response.reason == api.INVALID and response.message.startswith(line)


def test_a_pod_takes_new_images_and_tolerations_and_loses_gates(server):
    server.create(pod("a", schedulingGates=[{"name": "wait"}]))
    spec = server.get(A).to_json()["spec"]
    tolerations = [*spec["tolerations"], {"key": "k", "operator": "Exists"}]
    patch = {
        "containers": [{"name": "app", "image": "new"}],
        "tolerations": tolerations,
        "schedulingGates": [{"name": "wait", "$patch": "delete"}],
    }
    assert server.patch(A, {"spec": patch}).ok
    stored = server.get(A).spec
    assert (stored.containers[0].image, stored.scheduling_gates) == ("new", ())
    assert len(stored.tolerations) == 3


# bind


def test_a_binding_sets_the_node_and_the_condition_once(server):
    server.create(pod("a"))
    uid = server.get(A).uid
    assert server.ask(api.Bind("default/a", uid, "n1")).ok
    stored = server.get(A)
    assert stored.spec.node_name == "n1"
    assert [(c.type, c.status) for c in stored.status.conditions] == [("PodScheduled", "True")]
    for node in ("n1", "n2"):
        assert server.ask(api.Bind("default/a", uid, node)).reason == api.CONFLICT
    assert server.get(A) is stored


def test_a_binding_is_refused_for_a_pod_that_is_absent_replaced_gated_or_terminating(server):
    assert server.ask(api.Bind("default/a", "", "n1")).reason == api.NOT_FOUND
    server.create(pod("a"))
    assert server.ask(api.Bind("default/a", "another", "n1")).reason == api.CONFLICT
    server.create(pod("gated", schedulingGates=[{"name": "wait"}]))
    assert server.ask(api.Bind("default/gated", "", "n1")).reason == api.CONFLICT
    finalized = pod("finalized")
    finalized["metadata"]["finalizers"] = ["example.com/x"]
    server.create(finalized)
    server.delete("pods/default/finalized")
    assert server.ask(api.Bind("default/finalized", "", "n1")).reason == api.CONFLICT


# reads


def test_a_list_reads_the_newest_objects_of_one_namespace(server):
    server.create(namespace("shop"))
    server.create(service("a"))
    server.create(service("a", namespace="shop"))
    assert [e.key for e in server.ask(api.List("services")).entries] == [
        "services/default/a",
        "services/shop/a",
    ]
    assert len(server.ask(api.List("services", "shop")).entries) == 1
    assert server.ask(api.Get("services", "shop/b")).reason == api.NOT_FOUND
    assert server.ask(api.Get("services", "shop/a")).entry.value.namespace == "shop"


def test_a_passive_kind_is_stored_updated_and_deleted_like_any_other(server):
    data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    server.create(data)
    obj = read_object(Document("test", {**data, "data": {"a": "2"}}))
    assert server.ask(api.Update(obj)).ok
    assert server.get("configmaps/default/c").extra["data"] == {"a": "2"}
    assert server.delete("configmaps/default/c").ok
    assert server.get("configmaps/default/c") is None
