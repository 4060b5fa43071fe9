"""StatefulSets in whole clusters: Cassandra with its volumes, retention, and pods that depend."""

from __future__ import annotations

import functools

import attrs
import pytest
from api_calls import Server
from cluster_runs import fifo, get, manifest, objects, settled

from kspec.errors import InputError
from kspec.explore.search import search
from kspec.suite import Settings
from kspec_models.building import build
from kspec_models.manifests import Document, read_objects
from kspec_models.reading_worlds import read_world
from kspec_models.world import World
from kspec_models.worlds import delete
from kspec_models.worlds_statefulset import (
    force_delete,
    ready_after,
    resize_set,
    stateful_set,
    storage_class,
    update_set,
)
from kspec_properties import statefulsets, statefulsets_order
from kspec_properties.bugs.k8s_38418 import BUG
from kspec_properties.mutants.statefulsets import MUTANTS

NAMES = ["cassandra-0", "cassandra-1", "cassandra-2"]
PROPERTIES = {p.name: p for p in (*statefulsets.PROPERTIES, *statefulsets_order.PROPERTIES)}


@functools.cache
def cassandra():
    """All states of its FIFO run."""
    cluster = build(read_world((manifest("cassandra.yaml"),), Settings()))
    return [cluster.init(), *(state for _, state in fifo(cluster))]


def is_ready(pod):
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


def test_cassandra_runs_three_ready_pods_on_bound_claims_of_their_own():
    state = cassandra()[-1]
    pods = objects(state, "pods")
    assert [p.name for p in pods] == NAMES and all(is_ready(p) for p in pods)
    assert {p.spec.termination_grace_period_seconds for p in pods} == {1800}
    for pod in pods:
        (volume,) = pod.spec.volumes
        claim = get(state, f"persistentvolumeclaims/default/cassandra-data-{pod.name}")
        assert volume["persistentVolumeClaim"]["claimName"] == claim.name
        volume = get(state, f"persistentvolumes/{claim.spec.volume_name}")
        assert (claim.status.phase, volume.status.phase) == ("Bound", "Bound")
        assert volume.spec.storage_class_name == "fast" and volume.spec.claim_ref.uid == claim.uid
    (owner,) = objects(state, "statefulsets")
    assert (owner.status.ready_replicas, owner.status.updated_replicas) == (3, 3)
    assert len(objects(state, "persistentvolumeclaims")) == 3


def test_cassandra_creates_each_pod_after_its_claim_and_after_all_lower_pods_are_ready():
    created = []
    for before, after in zip(cassandra(), cassandra()[1:], strict=False):
        for change in after.written:
            if change.key.startswith("pods/") and change.previous is None:
                name = change.entry.value.name
                assert all(is_ready(p) for p in objects(before, "pods"))
                assert get(after, f"persistentvolumeclaims/default/cassandra-data-{name}")
                created.append(name)
    assert created == NAMES


def test_cassandra_pods_start_only_on_bound_claims():
    for state in cassandra():
        for pod in objects(state, "pods"):
            if pod.spec.node_name:
                claim = get(state, f"persistentvolumeclaims/default/cassandra-data-{pod.name}")
                assert claim.status.phase == "Bound"


def kept_claims(operations, **retention):
    """The claims that are left of three, after the operations of a user."""
    policy = {"persistentVolumeClaimRetentionPolicy": retention} if retention else {}
    world = World(
        nodes=2,
        objects=(storage_class(), stateful_set("db", 3, claims=True, **policy)),
        operations=operations,
    )
    state = settled(build(world))
    return state, [claim.name for claim in objects(state, "persistentvolumeclaims")]


def test_claims_outlive_the_pods_that_are_scaled_away_and_their_statefulset():
    state, claims = kept_claims((resize_set("db", 1), delete("StatefulSet", "db")))
    assert not objects(state, "pods")
    assert claims == ["data-db-0", "data-db-1", "data-db-2"]


def test_claims_of_pods_that_are_scaled_away_go_if_the_policy_says_so():
    state, claims = kept_claims((resize_set("db", 1),), whenScaled="Delete")
    assert [p.name for p in objects(state, "pods")] == ["db-0"] and claims == ["data-db-0"]


def test_claims_go_with_their_statefulset_if_the_policy_says_so():
    _, claims = kept_claims((delete("StatefulSet", "db"),), whenDeleted="Delete")
    assert claims == []


def test_a_pod_that_is_scaled_up_again_gets_a_new_claim_once_the_old_one_is_gone():
    state, claims = kept_claims((resize_set("db", 1), resize_set("db", 3)), whenScaled="Delete")
    assert claims == ["data-db-0", "data-db-1", "data-db-2"]
    assert all(is_ready(pod) for pod in objects(state, "pods"))
    assert len(objects(state, "pods")) == 3


def test_a_pod_is_ready_only_while_the_one_it_depends_on_is():
    world = World(
        nodes=1,
        objects=(ready_after(stateful_set("db", 2, podManagementPolicy="Parallel"), "db-0"),),
        operations=(delete("Pod", "db-0"),),
    )
    seen = []
    for _, state in fifo(build(world)):
        pods = {p.name: is_ready(p) for p in objects(state, "pods")}
        if not seen or seen[-1] != pods:
            seen.append(pods)
    assert {"db-0": False, "db-1": False} in seen, "db-1 follows db-0, which was made again"
    assert seen[-1] == {"db-0": True, "db-1": True}


def test_without_the_historical_guard_the_primary_comes_back_and_its_replica_gets_ready():
    state = settled(build(BUG.world))
    assert all(is_ready(pod) for pod in objects(state, "pods"))
    assert get(state, "pods/default/db-0").spec.node_name == "n2"
    stuck = settled(build(BUG.world, mutate=BUG.change))
    assert [(p.name, is_ready(p)) for p in objects(stuck, "pods")] == [("db-1", False)]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_breaks_its_property_and_the_model_breaks_none(mutant):
    broken = PROPERTIES[mutant.property]
    seen = search(build(mutant.world, mutate=mutant.change), [broken], seed=0, steps=6_000)
    assert seen.violation_of(broken.name)
    right = search(build(mutant.world), list(PROPERTIES.values()), seed=0, steps=2_000)
    assert not right.violations


def test_a_forced_deletion_lets_an_identity_run_twice():
    """The documentation says so; nothing else than the kubelet knows what still runs."""
    world = World(
        nodes=2,
        granularity="reconcile",
        objects=(stateful_set("db", 1),),
        operations=(force_delete("db-0"),),
    )
    prop = statefulsets.one_pod_runs_per_statefulset_identity
    assert search(build(world), [prop], seed=0, steps=6_000).violation_of(prop.name)
    graceful = attrs.evolve(world, operations=(delete("Pod", "db-0"),))
    assert not search(build(graceful), [prop], seed=0, steps=2_000).violations


REFUSED = {
    "spec.replicas: Invalid value: -1": {"replicas": -1},
    "spec.minReadySeconds: Invalid value: -1": {"minReadySeconds": -1},
    "spec.ordinals.start: Invalid value: -1": {"ordinals": {"start": -1}},
    "spec.selector: Required value": {"selector": None},
    "spec.template.metadata.labels: Invalid value": {"selector": {"matchLabels": {"a": "b"}}},
    'spec.podManagementPolicy: Invalid value: "Both": must be': {"podManagementPolicy": "Both"},
    'spec.updateStrategy: Invalid value: "Recreate": must be': {
        "updateStrategy": {"type": "Recreate"}
    },
    "spec.updateStrategy.rollingUpdate: Invalid value": {
        "updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}
    },
    "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1": {
        "updateStrategy": {"rollingUpdate": {"partition": -1}}
    },
    "spec.volumeClaimTemplates[0].spec.accessModes: Required value": {
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}]
    },
    'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Maybe"': {
        "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Maybe"}
    },
}


@pytest.mark.parametrize(("reason", "spec"), REFUSED.items(), ids=list(REFUSED))
def test_a_statefulset_that_the_api_server_would_refuse_is_refused_with_its_path(reason, spec):
    with pytest.raises(InputError) as refused:
        read_objects((Document("db.yaml:1", stateful_set("db", **spec)),))
    assert reason in str(refused.value)


def test_only_what_an_update_may_change_can_be_changed():
    server = Server()
    assert server.create(stateful_set("db")).ok
    key = "statefulsets/default/db"
    assert server.patch(key, {"spec": {"replicas": 5, "revisionHistoryLimit": 1}}).ok
    for spec in ({"serviceName": "other"}, {"podManagementPolicy": "Parallel"}):
        response = server.patch(key, {"spec": spec})
        assert response.reason == "Invalid" and response.message.startswith("spec: Forbidden: ")
    assert server.get(key).metadata.generation == 2


def test_max_unavailable_is_dropped_while_its_feature_is_off():
    server = Server()
    rolling = {"rollingUpdate": {"maxUnavailable": 2}}
    server.create(stateful_set("db", updateStrategy=rolling))
    (strategy,) = [server.get("statefulsets/default/db").spec.update_strategy]
    assert (strategy.type, strategy.rolling_update.to_json()) == ("RollingUpdate", {"partition": 0})


def test_an_update_waits_for_each_pod_in_a_whole_cluster():
    world = World(nodes=2, objects=(stateful_set("db", 3),), operations=(update_set("db", "v2"),))
    order = []
    for _, state in fifo(build(world)):
        for change in state.written:
            if change.key.startswith("pods/") and change.entry is None:
                others = [p for p in objects(state, "pods") if p.name > change.previous.value.name]
                assert all(is_ready(p) for p in others)
                order.append(change.previous.value.name)
    assert order == ["db-2", "db-1", "db-0"]
