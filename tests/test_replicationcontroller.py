"""The ReplicationController controller is the ReplicaSet controller over converted objects."""

from cluster_runs import get, objects, settled

from kspec_models.building import build
from kspec_models.controllers.pods import is_active, owner_reference
from kspec_models.objects import controller_of
from kspec_models.world import World
from kspec_models.worlds import delete, pod
from kspec_models.worlds_daemonset import replication_controller

KEY = "replicationcontrollers/default/web"


def world(*operations, **fields):
    return World(
        nodes=1,
        objects=(replication_controller("web", 2),),
        operations=operations,
        granularity="reconcile",
        **fields,
    )


def test_it_keeps_its_pods_says_so_and_comes_to_rest():
    state = settled(build(world(delete("Pod", "web-1"))))
    owner = get(state, KEY)
    pods = [p for p in objects(state, "pods") if is_active(p)]
    assert [controller_of(p) for p in pods] == [owner_reference(owner)] * 2
    assert owner_reference(owner).kind == "ReplicationController"
    status = owner.status
    assert (status.replicas, status.ready_replicas, status.observed_generation) == (2, 2, 1)


def test_it_scales_and_leaves_the_spec_as_it_was():
    scale = {"scale": {"kind": "ReplicationController", "name": "web", "replicas": 1}}
    state = settled(build(world(scale)))
    owner = get(state, KEY)
    assert len([p for p in objects(state, "pods") if is_active(p)]) == 1
    assert owner.spec.template.spec.containers[0].image == "app:1"
    assert owner.spec.selector == {"app": "web"} and owner.spec.replicas == 1


def test_it_adopts_an_orphan_that_its_labels_select():
    loose = pod("loose")
    loose["metadata"]["labels"] = {"app": "web"}
    state = settled(build(world({"apply": loose})))
    found = get(state, "pods/default/loose")
    assert found is None or controller_of(found).kind == "ReplicationController"
    assert len([p for p in objects(state, "pods") if is_active(p)]) == 2


def test_it_runs_only_where_there_can_be_one():
    names = [c.name for c in build(world()).components.controllers]
    assert "replicationcontroller" in names
    assert "replicationcontroller" not in [c.name for c in build(World()).components.controllers]
