"""What is admitted fits what the status of the quotas leaves, and that status is counted."""

import pytest
from api_calls import Server
from cluster_runs import get, objects, settled

from kspec_models import requests as api
from kspec_models.building import build
from kspec_models.controllers.resourcequota import ResourceQuotaController
from kspec_models.host import Notification, View
from kspec_models.objects import Pod, ResourceQuota, ResourceQuotaStatus, Time, freeze
from kspec_models.store import Entry, Snapshot
from kspec_models.world import World
from kspec_models.worlds import container, delete, deployment, pod, service
from kspec_models.worlds_quota import resource_quota


class QuotaServer(Server):
    """A server whose quotas are counted as soon as they are created."""

    def quota(self, hard, used=None, **spec):
        """Create the quota `q`; `used` None leaves its status unknown."""
        assert self.create(resource_quota("q", hard, **spec)).ok
        if used is not None:
            self.count(hard, used)

    def count(self, hard, used):
        zero = dict.fromkeys(hard, "0")
        status = {"status": {"hard": dict(hard), "used": {**zero, **used}}}
        assert self.patch("resourcequotas/default/q", status, subresource="status").ok

    @property
    def used(self):
        return dict(self.get("resourcequotas/default/q").status.used)


@pytest.fixture
def server():
    return QuotaServer()


def test_a_pod_is_charged_for_all_that_it_asks(server):
    hard = {"pods": "2", "cpu": "1", "requests.memory": "1Gi", "limits.cpu": "4", "count/pods": "9"}
    server.quota(hard, {})
    body = pod("a", cpu="300m", memory="64Mi")
    body["spec"]["containers"][0]["resources"]["limits"] = {"cpu": "2"}
    assert server.create(body).ok
    assert server.used == {
        "pods": "1",
        "cpu": "300m",
        "requests.memory": "64Mi",
        "limits.cpu": "2",
        "count/pods": "1",
    }
    assert [c.key for c in server.changes] == ["resourcequotas/default/q", "pods/default/a"]


def test_what_exceeds_the_quota_is_refused_as_upstream_says_it(server):
    server.quota({"pods": "2", "cpu": "500m"}, {"pods": "1", "cpu": "400m"})
    response = server.create(pod("a", cpu="200m"))
    assert (response.reason, response.message) == (
        api.FORBIDDEN,
        'pods "a" is forbidden: exceeded quota: q, '
        "requested: cpu=200m, used: cpu=400m, limited: cpu=500m",
    )
    assert server.used == {"pods": "1", "cpu": "400m"}
    assert server.get("pods/default/a") is None


def test_a_container_must_say_what_the_quota_limits(server):
    server.quota({"limits.cpu": "1", "requests.memory": "1Gi"}, {})
    response = server.create(pod("a"))
    text = 'pods "a" is forbidden: failed quota: q: must specify limits.cpu for: app'
    assert (response.reason, response.message) == (api.FORBIDDEN, text)


def test_a_quota_that_is_not_counted_yet_restricts_nothing(server):
    server.quota({"pods": "0"})
    assert server.create(pod("a")).ok


def test_a_limit_whose_use_is_unknown_admits_nothing(server):
    server.quota({"pods": "3"})
    status = {"status": {"hard": {"pods": "3"}}}
    server.patch("resourcequotas/default/q", status, subresource="status")
    response = server.create(pod("a"))
    assert "status unknown for quota: q, resources: pods" in response.message


def test_every_quota_of_the_namespace_must_fit(server):
    server.quota({"pods": "5"}, {})
    server.create(resource_quota("tight", {"pods": "0"}))
    status = {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
    server.patch("resourcequotas/default/tight", status, subresource="status")
    assert "exceeded quota: tight" in server.create(pod("a")).message
    assert server.used == {"pods": "0"}


def test_a_name_that_is_taken_leaves_its_charge(server):
    server.quota({"pods": "5"}, {})
    server.create(pod("a"))
    assert server.create(pod("a")).reason == api.ALREADY_EXISTS
    assert server.used == {"pods": "2"}


def test_a_lagging_server_conflicts_instead_of_charging_twice(server):
    server.quota({"pods": "1"}, {})
    lagging = server.state
    server.create(pod("a"))
    state = server.state
    server.state = type(state)(
        state.store, state.names, state.incarnations, state.addresses, seen=lagging.store
    )
    assert server.create(pod("b")).reason == api.CONFLICT
    assert server.get("pods/default/b") is None


@pytest.mark.parametrize(
    ("spec", "asked", "counts"),
    [
        ({"scopes": ["BestEffort"]}, {"resources": {}}, True),
        ({"scopes": ["BestEffort"]}, {}, False),
        ({"scopes": ["NotBestEffort"]}, {}, True),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 5}, True),
        ({"scopes": ["NotTerminating"]}, {"activeDeadlineSeconds": 5}, False),
        ({"scopeSelector": ("PriorityClass", "In", ["high"])}, {"priorityClassName": "high"}, True),
        ({"scopeSelector": ("PriorityClass", "In", ["high"])}, {}, False),
        ({"scopeSelector": ("PriorityClass", "DoesNotExist", [])}, {}, True),
    ],
)
def test_a_scope_says_which_pods_count(server, spec, asked, counts):
    if "scopeSelector" in spec:
        name, operator, values = spec["scopeSelector"]
        need = {"scopeName": name, "operator": operator, "values": values}
        spec = {"scopeSelector": {"matchExpressions": [need]}}
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    server.create({**kind, "metadata": {"name": "high"}, "value": 5})
    server.quota({"pods": "5"}, {}, **spec)
    body = pod("a")
    if "resources" in asked:
        body["spec"]["containers"] = [{**container(), "resources": {}}]
    body["spec"] |= {k: v for k, v in asked.items() if k != "resources"}
    assert server.create(body).ok
    assert server.used == {"pods": "1" if counts else "0"}


def test_services_claims_and_objects_are_counted_by_their_kind(server):
    hard = {"services": "5", "services.nodeports": "5", "count/deployments.apps": "5"}
    claim_hard = {
        "requests.storage": "10Gi",
        "gold.storageclass.storage.k8s.io/requests.storage": "3",
    }
    server.quota({**hard, **claim_hard, "configmaps": "1"}, {})
    server.create(service("web"))
    assert server.patch("services/default/web", {"spec": {"type": "NodePort"}}).ok
    server.create(deployment("web"))
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1500m"}}}
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}}
    assert server.create({**kind, "spec": {**claim, "storageClassName": "gold"}}).ok
    server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
    assert server.used == {
        "services": "1",
        "services.nodeports": "1",
        "count/deployments.apps": "1",
        "requests.storage": "2",
        "gold.storageclass.storage.k8s.io/requests.storage": "2",
        "configmaps": "1",
    }
    full = server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}})
    assert "exceeded quota: q, requested: configmaps=1" in full.message


# the controller


def world(*given, operations=(), **options):
    return World(nodes=1, granularity="reconcile", objects=given, operations=operations, **options)


def used_of(state):
    return dict(get(state, "resourcequotas/default/q").status.used)


def test_the_status_is_counted_and_the_world_rests():
    state = settled(build(world(resource_quota("q", {"pods": "2"}), deployment("web", 2))))
    assert used_of(state) == {"pods": "2"}
    assert len(objects(state, "pods")) == 2


def test_a_full_quota_refuses_what_a_user_applies():
    late = ({"apply": pod("late")},)
    state = settled(build(world(resource_quota("q", {"pods": "1"}), pod("a"), operations=late)))
    assert used_of(state) == {"pods": "1"}
    assert get(state, "pods/default/late") is None


def test_a_deleted_pod_gives_back_what_it_used():
    gone = (delete("Pod", "a"),)
    state = settled(build(world(resource_quota("q", {"pods": "3"}), pod("a"), operations=gone)))
    assert objects(state, "pods") == []
    assert used_of(state) == {"pods": "0"}


def test_a_raised_limit_is_written_to_the_status():
    more = {"kind": "ResourceQuota", "name": "q", "patch": {"spec": {"hard": {"pods": "7"}}}}
    state = settled(build(world(resource_quota("q", {"pods": "3"}), operations=({"patch": more},))))
    assert dict(get(state, "resourcequotas/default/q").status.hard) == {"pods": "7"}


def test_what_was_charged_and_never_written_is_found_by_the_resync():
    controller = ResourceQuotaController(("pods",))
    body = ResourceQuota.from_json(resource_quota("q", {"pods": "3"}))
    counted = body.replace(status=ResourceQuotaStatus.from_json({"hard": {"pods": "3"}}))
    charged = counted.replace(status=counted.status.replace(used=freeze({"pods": "1"})))
    old, new = (Entry("resourcequotas/default/q", q, 1, 1, 1) for q in (counted, charged))
    caches = {"resourcequotas": Snapshot().patched(new.key, new), "pods": Snapshot()}
    event = Notification("resourcequotas", old, new)
    memory, (key,) = controller.handle(controller.initial(), event, View(caches, 10))
    again = controller.handle(memory, event, View(caches, 20))
    assert again == (memory, ())  # one resync is enough
    worked = controller.reconcile(memory, key, View(caches, 10))
    assert (worked.requests, worked.requeue_after) == ((), 300)
    worked = controller.reconcile(memory, key, View(caches, 310))
    (update,) = worked.requests
    assert dict(update.object.status.used) == {"pods": "0"}
    assert update.resource_version == new.resource_version
    assert worked.requeue_after is None


def test_a_pod_that_should_be_gone_is_charged_no_more():
    controller = ResourceQuotaController(("pods",))
    quota = ResourceQuota.from_json(resource_quota("q", {"pods": "3"}))
    stuck = Pod.from_json(pod("a")).with_metadata(
        deletion_timestamp=Time(50), deletion_grace_period_seconds=30
    )
    caches = {"pods": Snapshot().patched("pods/default/a", Entry("pods/default/a", stuck, 1, 1, 1))}
    assert dict(controller.count(quota, View(caches, 80))) == {"pods": "1"}
    assert dict(controller.count(quota, View(caches, 81))) == {"pods": "0"}
