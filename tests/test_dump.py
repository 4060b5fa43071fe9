"""A dump promises to load as a running cluster: nothing starts anew, nothing is rewritten."""

from __future__ import annotations

import pytest
import yaml
from cluster_runs import fifo, get, objects, settled, step_to

from kspec.explore import search
from kspec.suite import Settings
from kspec_models import actions
from kspec_models.building import build
from kspec_models.reading_worlds import read_world
from kspec_models.runtime import EXITED, RUNNING
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, node, pod, service, set_image
from kspec_properties.catalogue import PROPERTIES

KUBECTL = """
apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: web
    namespace: shop
    uid: 4f9d3c7a-3b1e-4b60-9f49-0d2f3d6a1c55
    resourceVersion: "81234"
    creationTimestamp: "2026-03-01T10:00:00Z"
    annotations: {kubernetes.io/config.seen: "2026-03-01T10:00:00Z"}
    managedFields: [{manager: kubelet, operation: Update}]
  spec:
    nodeName: worker-1
    serviceAccountName: robot
    containers:
    - {name: app, image: "web:1", resources: {requests: {cpu: 100m}}, imagePullPolicy: Always}
    - {name: side, image: "side:1"}
    volumes: [{name: t, projected: {sources: []}}]
  status:
    phase: Running
    qosClass: Burstable
    hostIP: 172.18.0.2
    hostIPs: [{ip: 172.18.0.2}]
    podIP: 10.1.0.1
    podIPs: [{ip: 10.1.0.1}]
    startTime: "2026-03-01T10:00:01Z"
    conditions:
    - {type: PodReadyToStartContainers, status: "True", lastTransitionTime: "2026-03-01T10:00:02Z"}
    - {type: Initialized, status: "True", lastTransitionTime: "2026-03-01T10:00:01Z"}
    - {type: Ready, status: "True", lastTransitionTime: "2026-03-01T10:00:05Z"}
    - {type: ContainersReady, status: "True", lastTransitionTime: "2026-03-01T10:00:05Z"}
    - {type: PodScheduled, status: "True", lastTransitionTime: "2026-03-01T10:00:00Z"}
    - {type: example.com/checked, status: "True"}
    containerStatuses:
    - name: app
      containerID: containerd://1
      image: web:1
      ready: true
      started: true
      restartCount: 2
      lastState: {terminated: {exitCode: 3, reason: Error}}
      state: {running: {startedAt: "2026-03-01T10:00:04Z"}}
    - name: side
      image: side:1
      ready: true
      started: true
      restartCount: 0
      state: {running: {startedAt: "2026-03-01T10:00:05Z"}}
- apiVersion: v1
  kind: Namespace
  metadata: {name: shop, uid: 1d, deletionTimestamp: "2026-03-01T10:01:00Z"}
  spec: {finalizers: [kubernetes]}
  status: {phase: Terminating}
"""


def written(cluster, state):
    """The keys that a FIFO run from `state` writes."""
    return [change.key for _, after in fifo(cluster, state) for change in after.written]


def dumped(state):
    """All objects as `kubectl get -o yaml` shows them."""
    items = []
    for name in sorted(state.api.store.buckets):
        for entry in state.api.store.bucket(name).entries():
            data = entry.value.to_json()
            meta = {**data["metadata"], "resourceVersion": str(entry.mod_revision)}
            items.append({**data, "metadata": meta})
    return items


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "dump.yaml"
        path.write_text(text)
        return read_world((path,), Settings(state=True))

    return load


APP = (deployment("web", 3), service("web"), pod("bare"))


def test_a_dump_of_a_settled_cluster_is_settled(load):
    before = settled(build(World(objects=APP, nodes=2)))
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": dumped(before)})
    cluster = build(load(text))
    state = cluster.init()
    assert written(cluster, state) == []
    for resource in before.api.store.buckets:
        assert objects(state, resource) == objects(before, resource)
    for name in ("runtime/n1", "runtime/n2"):
        slot = cluster.layout.by_host[name]
        assert state.slots[slot].pods == before.slots[slot].pods


def test_a_world_with_a_dump_embeds_in_a_trace_and_starts_the_same():
    before = settled(build(World(objects=APP, nodes=2)))
    world = World(objects=tuple(dumped(before)), keep_status=True)
    first, again = build(world), build(World.from_json(world.to_json()))
    assert first.fingerprint(first.init()) == again.fingerprint(again.init())
    assert first.enabled(first.init()) == again.enabled(again.init())


def test_a_rollout_goes_on_from_a_dump():
    before = settled(build(World(objects=APP, nodes=2)))
    world = World(
        objects=tuple(dumped(before)), keep_status=True, operations=(set_image("web", "app:2"),)
    )
    state = settled(build(world))
    web = get(state, "deployments/default/web").status
    assert (web.updated_replicas, web.available_replicas, web.replicas) == (3, 3, 3)
    addresses = [p.status.pod_ip for p in objects(state, "pods")]
    assert len(set(addresses)) == len(addresses) == 4


@pytest.mark.parametrize("after", [40, 90, 140])
def test_a_dump_in_mid_flight_comes_to_the_same_end(after):
    cluster = build(World(objects=APP, nodes=2))
    states = [state for _, state in fifo(cluster)]
    world = World(objects=tuple(dumped(states[after])), keep_status=True)
    state = settled(build(world))
    web = get(state, "deployments/default/web").status
    assert (web.replicas, web.available_replicas) == (3, 3)
    assert [p.status.phase for p in objects(state, "pods")] == ["Running"] * 4


def test_pods_of_a_real_dump_keep_uid_address_containers_and_times(load):
    world = load(KUBECTL)
    cluster = build(world)
    state = cluster.init()
    web = get(state, "pods/shop/web")
    assert web.uid.startswith("4f9d3c7a") and "resourceVersion" not in web.metadata.extra
    assert (web.spec.node_name, web.status.pod_ip, web.status.phase) == (
        "worker-1",
        "10.1.0.1",
        "Running",
    )
    assert web.status.extra["qosClass"] == "Burstable"
    assert "example.com/checked" in [c.type for c in web.status.conditions]
    runtime = state.slots[cluster.layout.by_host["runtime/worker-1"]]
    app, side = runtime.pods[web.uid].containers
    assert (app.state, app.restarts, app.last_exit_code, app.is_ready) == (RUNNING, 2, 3, True)
    assert side.state == RUNNING and {"web:1", "side:1"} <= runtime.images
    assert state.clock == web.status.conditions[2].last_transition_time > 0


def test_nodes_that_a_dump_only_names_are_made(load):
    nodes = objects(build(load(KUBECTL)).init(), "nodes")
    assert [n.name for n in nodes] == ["n1", "n2", "worker-1"]


def test_a_namespace_that_terminates_in_a_dump_goes_on_terminating(load):
    cluster = build(load(KUBECTL))
    assert get(cluster.init(), "namespaces/shop").is_terminating
    state = settled(cluster)
    assert get(state, "namespaces/shop") is None and not objects(state, "pods")


def test_kubelets_of_a_dump_know_their_pods_and_restart_none(load):
    world = load(KUBECTL.split("- apiVersion: v1\n  kind: Namespace")[0])
    cluster = build(world)
    actions_, state = [], cluster.init()
    for action, after in fifo(cluster):
        actions_.append(action)
        state = after
    assert not [a for a in actions_ if type(a) in (actions.Progress, actions.Deliver)]
    web = get(state, "pods/shop/web")
    assert [s.restart_count for s in web.status.container_statuses] == [2, 0]


def test_no_new_pod_gets_an_address_that_the_dump_holds(load):
    world = load(KUBECTL.split("- apiVersion: v1\n  kind: Namespace")[0])
    more = World(
        **{**vars_of(world), "objects": (*world.objects, *(pod(f"p{i}") for i in range(6)))}
    )
    addresses = [p.status.pod_ip for p in objects(settled(build(more)), "pods")]
    assert all(addresses) and len(set(addresses)) == 7


def vars_of(world):
    return {name: getattr(world, name) for name in world.__slots__ if name != "__weakref__"}


def test_new_services_avoid_the_addresses_of_a_dump():
    taken = service("kubernetes")
    taken["spec"]["clusterIP"] = "10.96.0.1"
    world = World(objects=(taken,), keep_status=True, operations=({"apply": service("web")},))
    state = settled(build(world))
    assert get(state, "services/default/web").spec.cluster_ip == "10.96.0.2"


def with_status(state, **status):
    data = pod("a", nodeName="n1", restartPolicy="Always")
    data["metadata"]["uid"] = "u"
    container = {"name": "app", "image": "app:1", "restartCount": 4, "state": state, **status}
    data["status"] = {"phase": "Running", "podIP": "10.9.9.9", "containerStatuses": [container]}
    return World(objects=(data, node("n1")), keep_status=True)


def test_a_container_that_waits_after_a_crash_is_started_again():
    ended = {"terminated": {"exitCode": 1}}
    world = with_status({"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ended)
    cluster = build(world)
    runtime = cluster.init().slots[cluster.layout.by_host["runtime/n1"]]
    assert runtime.pods["u"].containers[0].state == EXITED
    (status,) = get(settled(cluster), "pods/default/a").status.container_statuses
    assert (status.restart_count, "running" in status.state, status.ready) == (5, True, True)


def test_a_pod_whose_containers_never_ran_is_started_by_its_kubelet():
    cluster = build(with_status({"waiting": {"reason": "ContainerCreating"}}))
    assert not len(cluster.init().slots[cluster.layout.by_host["runtime/n1"]].pods)
    assert get(settled(cluster), "pods/default/a").status.phase == "Running"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_is_over_stays_over(phase):
    world = with_status({"terminated": {"exitCode": 0}})
    world.objects[0]["status"]["phase"] = phase
    cluster = build(world)
    assert written(cluster, cluster.init()) == []


def test_a_dumped_pod_terminates_when_it_is_deleted():
    world = with_status({"running": {}}, ready=True)
    with_delete = World(**{**vars_of(world), "operations": (delete("Pod", "a"),)})
    cluster = build(with_delete)
    state = step_to(cluster, cluster.init(), "User(delete Pod default/a)")
    assert get(state, "pods/default/a").metadata.deletion_grace_period_seconds == 30
    final = settled(cluster, state)
    assert get(final, "pods/default/a") is None
    assert not len(final.slots[cluster.layout.by_host["runtime/n1"]].pods)


@pytest.mark.parametrize("after", [60, None])
def test_no_promise_is_broken_on_the_way_from_a_dump(after):
    states = [state for _, state in fifo(build(World(objects=APP, nodes=2)))]
    world = World(
        objects=tuple(dumped(states[after or -1])),
        keep_status=True,
        operations=(set_image("web", "app:2"), delete("Pod", "bare")),
    )
    promised = [p for p in PROPERTIES if "none" in p.faults and not p.known_false]
    found = search(build(world), promised, seed=1, steps=4_000)
    assert [(v.property, v.witness) for v in found.violations] == []
