"""Real applications promise to run: each pod starts, each Service routes to its ready pods."""

from __future__ import annotations

import functools

import pytest
from cluster_runs import fifo, manifest, objects

from kspec.suite import Settings
from kspec_models.building import build
from kspec_models.dataplane import Backend
from kspec_models.reading_worlds import read_world
from kspec_models.runtime import RUNNING

NODES = ("n1", "n2", "n3", "n4")
PODS = {"online-boutique.yaml": 12, "guestbook.yaml": 6, "voting-app.yaml": 5}
by_name = pytest.mark.parametrize("name", PODS)


@functools.cache
def run(name):
    """The cluster of an application and all states of its FIFO run."""
    cluster = build(read_world((manifest(name),), Settings(nodes=len(NODES))))
    states = [cluster.init(), *(state for _, state in fifo(cluster))]
    return cluster, states


def node_state(cluster, state, kind, node):
    return state.slots[cluster.layout.by_host[f"{kind}/{node}"]]


@by_name
def test_every_pod_is_created_bound_and_started(name):
    cluster, states = run(name)
    pods = objects(states[-1], "pods")
    replicas = sum(d.spec.replicas for d in objects(states[-1], "deployments"))
    assert len(pods) == replicas == PODS[name]
    for pod in pods:
        assert pod.spec.node_name in NODES and pod.status.phase == "Running"
        assert {c.type: c.status for c in pod.status.conditions}["Ready"] == "True"
        runtime = node_state(cluster, states[-1], "runtime", pod.spec.node_name)
        containers = runtime.pods[pod.uid].containers
        running = [c.name for c in containers if c.state == RUNNING and c.is_ready]
        assert running == [c.name for c in pod.spec.containers]
    assert len({p.status.pod_ip for p in pods}) == len(pods)


@by_name
def test_each_pod_is_created_before_it_is_bound_and_bound_before_it_runs(name):
    _, states = run(name)
    seen = {}
    for number, state in enumerate(states):
        for change in state.written:
            if change.key.startswith("pods/") and change.entry is not None:
                pod = change.entry.value
                marks = seen.setdefault(change.key, {})
                marks.setdefault("created", number)
                if pod.spec.node_name:
                    marks.setdefault("bound", number)
                if pod.status.phase == "Running":
                    marks.setdefault("running", number)
    assert len(seen) == PODS[name]
    for marks in seen.values():
        assert marks["created"] < marks["bound"] < marks["running"]


@by_name
def test_every_rollout_is_complete(name):
    _, states = run(name)
    for deployment in objects(states[-1], "deployments"):
        status, wanted = deployment.status, deployment.spec.replicas
        assert status.observed_generation == deployment.metadata.generation
        assert (status.updated_replicas, status.available_replicas) == (wanted, wanted)
        reasons = {c.type: c.reason for c in status.conditions}
        assert reasons["Progressing"] == "NewReplicaSetAvailable"


def selected(state, service):
    """The ready pods that a Service selects, found without the help of any component."""
    return [
        pod
        for pod in objects(state, "pods")
        if pod.namespace == service.namespace
        and all(pod.metadata.labels.get(k) == v for k, v in service.spec.selector.items())
        and any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)
    ]


def target(pod, port):
    """The number of a target port, which may be a name, of a pod."""
    if isinstance(port, int):
        return port
    ports = (p for container in pod.spec.containers for p in container.ports)
    return next(p.container_port for p in ports if p.name == port)


@by_name
def test_every_service_routes_to_its_ready_pods_on_every_node(name):
    cluster, states = run(name)
    services = objects(states[-1], "services")
    assert services
    for service in services:
        pods = selected(states[-1], service)
        assert pods, f"nothing is behind {service.key}"
        for node in NODES:
            rules = node_state(cluster, states[-1], "dataplane", node).rules.get(service.key, ())
            assert len(rules) == len(service.spec.ports)
            for rule, port in zip(rules, service.spec.ports, strict=True):
                due = {Backend(p.status.pod_ip, target(p, port.target_port)) for p in pods}
                assert (rule.cluster_ip, rule.port) == (service.spec.cluster_ip, port.port)
                assert set(rule.backends) == due


@by_name
def test_no_node_holds_more_than_it_has(name):
    cluster, states = run(name)
    for node in NODES:
        runtime = node_state(cluster, states[-1], "runtime", node)
        milli_cpu = sum(pod.demand.milli_cpu for pod in runtime.pods.values())
        memory = sum(pod.demand.memory for pod in runtime.pods.values())
        assert milli_cpu <= 4_000 and memory <= 8 * 2**30
        assert len(runtime.pods) > 0


def test_what_no_component_reads_of_an_object_is_stored_as_it_was_given():
    world = read_world((manifest("cassandra.yaml"),), Settings())
    state = build(world).init()
    (storage,) = objects(state, "storageclasses")
    assert storage.provisioner == "k8s.io/minikube-hostpath"
    assert storage.extra["parameters"] == {"type": "pd-ssd"}
