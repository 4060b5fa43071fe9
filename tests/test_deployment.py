"""The Deployment controller moves pods from template to template within its bounds."""

import pytest
from workload_loop import Loop, deployment, pod, replica_set, template

from kspec.values import fingerprint
from kspec_models.controllers.deployment import DeploymentController
from kspec_models.controllers.deployment_scaling import fenceposts, max_surge, max_unavailable
from kspec_models.controllers.deployment_steps import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    REVISION,
    REVISION_HISTORY,
    ROLLBACK_TO,
)
from kspec_models.controllers.deployment_template import HASH_LABEL, template_hash
from kspec_models.controllers.pods import is_active, owner_reference
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.host import Notification
from kspec_models.objects import DeploymentStrategy, PodTemplateSpec, Time, condition, controller_of
from kspec_models.requests import ALREADY_EXISTS, CONFLICT, FORBIDDEN, Create, Delete, Update

KEY = "default/web"
CONTROLLER = DeploymentController()


@pytest.fixture
def loop():
    return Loop(DeploymentController(), ReplicaSetController())


@pytest.fixture
def alone():
    return Loop(DeploymentController())


def web(loop):
    return loop.get("deployments", "web").value


def edit(loop, **spec):
    found = web(loop)
    loop.put(found.replace(spec=found.spec.replace(**spec)))


def roll(loop, image):
    edit(loop, template=PodTemplateSpec.from_json(template(image)))


def sizes(loop):
    """spec.replicas by image."""
    return {rs.spec.template.spec.containers[0].image: rs.spec.replicas
            for rs in loop.objects("replicasets")}  # fmt: skip


def progress(loop):
    return condition(web(loop).status.conditions, "Progressing")


def reason(loop):
    return progress(loop).reason


def annotation(obj, name):
    return obj.metadata.annotations.get(name)


def test_a_new_deployment_makes_one_replica_set_and_becomes_available(loop):
    made = loop.add(deployment(3)).value
    loop.run_pods()
    (rs,) = loop.objects("replicasets")
    label = rs.metadata.labels[HASH_LABEL]
    assert rs.name == f"web-{label}" and controller_of(rs) == owner_reference(made)
    assert rs.spec.selector["matchLabels"] == {"app": "web", HASH_LABEL: label}
    assert rs.spec.template.metadata.labels[HASH_LABEL] == label
    assert annotation(rs, REVISION) == annotation(web(loop), REVISION) == "1"
    assert (annotation(rs, DESIRED_REPLICAS), annotation(rs, MAX_REPLICAS)) == ("3", "4")
    status = web(loop).status
    assert (status.updated_replicas, status.available_replicas) == (3, 3)
    assert condition(status.conditions, "Available").status == "True"
    assert reason(loop) == "NewReplicaSetAvailable"


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable"), [(4, 1, 0), (4, 0, 1), (3, None, None), (5, 2, 2)]
)
def test_a_rollout_keeps_its_bounds_and_ends(loop, replicas, surge, unavailable):
    """Judged at every write: sizes below replicas + maxSurge, available at least the rest."""
    limits = {"maxSurge": surge, "maxUnavailable": unavailable}  # None leaves the default, 25%
    loop.add(deployment(replicas, strategy={"type": "RollingUpdate", "rollingUpdate": limits}))
    loop.run_pods()
    most = replicas + max_surge(web(loop))
    least = replicas - max_unavailable(web(loop))
    loop.requests.clear()

    def check():
        request, failed = loop.requests[-1]
        if failed or not isinstance(request, Update) or request.object.resource != "replicasets":
            return
        found = loop.objects("replicasets")
        assert sum(rs.spec.replicas for rs in found) <= most
        assert sum(min(rs.spec.replicas, rs.status.available_replicas) for rs in found) >= least

    loop.after_write = check
    roll(loop, "v2")
    loop.run_pods()
    assert sizes(loop) == {"v1": 0, "v2": replicas}
    assert len([p for p in loop.objects("pods") if is_active(p)]) == replicas
    assert reason(loop) == "NewReplicaSetAvailable"


def test_a_rollout_waits_for_new_pods_that_never_get_ready(loop):
    loop.add(deployment(4))
    loop.run_pods()
    roll(loop, "v2")
    loop.settle()
    assert sizes(loop) == {"v1": 3, "v2": 2}


def test_unavailable_old_pods_go_first(loop):
    """A broken old revision gives its room to the new one at once."""
    loop.add(deployment(4))
    loop.run_pods()
    roll(loop, "broken")
    loop.settle()
    roll(loop, "v3")
    loop.settle()
    assert sizes(loop) == {"v1": 3, "broken": 0, "v3": 2}


def test_going_back_to_a_template_reuses_its_replica_set(loop):
    loop.add(deployment(1))
    loop.run_pods()
    for image in ("v2", "v1"):
        roll(loop, image)
        loop.run_pods()
    assert sizes(loop) == {"v1": 1, "v2": 0}
    by_image = {rs.spec.template.spec.containers[0].image: rs for rs in loop.objects("replicasets")}
    assert annotation(by_image["v1"], REVISION) == annotation(web(loop), REVISION) == "3"
    assert annotation(by_image["v1"], REVISION_HISTORY) == "1"


def test_recreate_starts_no_pod_before_the_old_ones_are_gone(loop):
    loop.add(deployment(2, strategy={"type": "Recreate"}))
    loop.run_pods()
    images = []

    def check():
        images.append({p.spec.containers[0].image for p in loop.objects("pods")})

    loop.after_write = check
    roll(loop, "v2")
    loop.run_pods()
    assert {"v1", "v2"} not in images
    assert sizes(loop) == {"v1": 0, "v2": 2}


def test_recreate_waits_for_a_terminating_pod(alone):
    """A pod that is being deleted may still run; only a finished one does not."""
    made = alone.add(deployment(1, strategy={"type": "Recreate"})).value
    reference = owner_reference(made).to_json()
    old = alone.add(
        replica_set(0, "old", metadata={"labels": {"app": "web"}, "ownerReferences": [reference]})
    ).value
    old = alone.put(old.replace(spec=old.spec.replace(template=old_template()))).value
    reference = owner_reference(old).to_json()
    dying = alone.add(
        pod("a", deletionTimestamp="2024-01-01T00:00:00Z", ownerReferences=[reference])
    )
    alone.settle()
    assert sizes(alone) == {"v0": 0}
    alone.apply(Delete("pods", dying.value.key))
    alone.settle()
    assert sizes(alone) == {"v0": 0, "v1": 1}


def old_template():
    return PodTemplateSpec.from_json(template("v0"))


def test_a_paused_deployment_scales_but_does_not_roll(loop):
    loop.add(deployment(2))
    loop.run_pods()
    edit(loop, paused=True)
    roll(loop, "v2")
    edit(loop, replicas=4)
    loop.run_pods()
    assert sizes(loop) == {"v1": 4}
    assert reason(loop) == "DeploymentPaused"
    edit(loop, paused=False)
    loop.run_pods()
    assert sizes(loop) == {"v1": 0, "v2": 4}


def test_scaling_in_the_middle_of_a_rollout_is_shared_out(loop):
    loop.add(deployment(4))
    loop.run_pods()
    roll(loop, "v2")
    loop.settle()
    assert sizes(loop) == {"v1": 3, "v2": 2}
    edit(loop, replicas=8)
    loop.settle()
    assert sizes(loop) == {"v1": 6, "v2": 4}
    assert {annotation(rs, DESIRED_REPLICAS) for rs in loop.objects("replicasets")} == {"8"}


def test_a_foreign_replica_set_of_that_name_costs_a_collision(loop):
    label = template_hash(web_template(loop), None)
    foreign = replica_set(0, f"web-{label}", selector={"matchLabels": {"app": "else"}})
    loop.add(foreign.replace(spec=foreign.spec.replace(template=old_template())))
    loop.run_pods()
    assert web(loop).status.collision_count == 1
    assert web(loop).status.available_replicas == 3
    assert loop.get("replicasets", f"web-{template_hash(web_template(loop), 1)}") is not None


def web_template(loop):
    if loop.get("deployments", "web") is None:
        loop.add(deployment(3))
    return web(loop).spec.template


def test_an_own_replica_set_that_the_cache_lacked_is_taken(alone):
    """The answer to a create was lost, and the retry meets the object."""
    alone.add(deployment(3))
    stale = alone.view
    alone.settle()
    before = alone.get("replicasets", alone.objects("replicasets")[0].name)
    alone.requests.clear()
    alone.reconcile(0, KEY, stale)
    assert alone.requests[0][1] == ALREADY_EXISTS
    assert alone.objects("replicasets") == [before.value]
    assert web(alone).status.collision_count is None


def test_history_beyond_the_limit_is_deleted(loop):
    loop.add(deployment(1, revisionHistoryLimit=1))
    loop.run_pods()
    for image in ("v2", "v3", "v4"):
        roll(loop, image)
        loop.run_pods()
    assert sizes(loop) == {"v3": 0, "v4": 1}


def test_no_progress_until_the_deadline_is_reported(loop):
    loop.add(deployment(1, progressDeadlineSeconds=60))
    loop.settle()
    assert reason(loop) == "ReplicaSetUpdated"
    assert loop.workers[0].deadline(loop.memories[0]) == 61
    loop.now = 61
    loop.settle()
    assert (progress(loop).status, reason(loop)) == ("False", "ProgressDeadlineExceeded")
    loop.run_pods()
    assert (progress(loop).status, reason(loop)) == ("True", "NewReplicaSetAvailable")


def test_a_settled_deployment_writes_nothing_however_late_it_is(loop):
    loop.add(deployment(2))
    loop.run_pods()
    for loop.now in (1, 1_000, 1_000_000):
        worked = CONTROLLER.reconcile((), KEY, loop.view)
        assert worked.requests == () and worked.requeue_after is None and not worked.failed


def test_a_deleted_deployment_only_reports_its_status(alone):
    alone.add(deployment(2).with_metadata(deletion_timestamp=Time(0)))
    alone.settle()
    assert alone.objects("replicasets") == []
    assert web(alone).status.observed_generation == 1


def test_an_empty_selector_takes_nothing(alone):
    alone.add(deployment(2, selector={}))
    alone.add(replica_set(1, "loose"))
    alone.settle()
    assert len(alone.objects("replicasets")) == 1
    assert web(alone).status.observed_generation == 1


def test_a_matching_orphan_is_adopted_and_counts_as_old(loop):
    made = loop.add(deployment(1)).value
    orphan = replica_set(2, "loose", metadata={"labels": {"app": "web"}})
    loop.add(orphan.replace(spec=orphan.spec.replace(template=old_template())))
    loop.run_pods()
    assert controller_of(loop.get("replicasets", "loose").value) == owner_reference(made)
    assert sizes(loop) == {"v0": 0, "v1": 1}


def test_a_refused_replica_set_is_reported_and_tried_again(loop):
    loop.add(deployment(1))
    refusals = iter([FORBIDDEN])
    loop.refuse = lambda request: next(refusals, "") if isinstance(request, Create) else ""
    seen = []
    loop.after_write = lambda: seen.append(progress(loop))
    loop.run_pods()
    assert "ReplicaSetCreateError" in [c.reason for c in seen if c is not None]
    assert reason(loop) == "NewReplicaSetAvailable"


def test_a_second_status_write_of_one_pass_conflicts_as_upstream(alone):
    """The pass keeps the resourceVersion that it read, and the key is tried again."""
    alone.add(deployment(1))
    alone.settle()
    reasons = [reason for _, reason in alone.requests]
    assert reasons == ["", "", CONFLICT, ""]


def test_the_template_hash_is_the_same_in_every_process():
    found = PodTemplateSpec.from_json(template("v1"))
    assert template_hash(found, None) == "74885c8f9f"
    assert template_hash(found, 1) != template_hash(found, None)


def test_surge_and_unavailable_are_never_both_zero():
    assert fenceposts("0%", "0%", 10) == (0, 1)
    assert fenceposts("25%", "25%", 3) == (1, 0)


def test_events_of_a_replica_set_wake_its_deployment(alone):
    alone.add(deployment(1))
    alone.settle()
    (rs,) = alone.objects("replicasets")
    entry = alone.get("replicasets", rs.name)

    def keys(old, new):
        return CONTROLLER.handle((), Notification("replicasets", old, new), alone.view)[1]

    assert keys(None, entry) == keys(entry, None) == (KEY,)
    assert keys(entry, entry) == ()
    freed = alone.put(rs.with_metadata(owner_references=()))
    assert keys(entry, freed) == (KEY, KEY)


def test_the_phase_of_a_waiting_pass_is_a_value(alone):
    alone.add(deployment(1))
    first, second = (CONTROLLER.reconcile((), KEY, alone.view) for _ in range(2))
    assert fingerprint(first.phase) == fingerprint(second.phase)


def test_a_rollback_annotation_brings_a_revision_back_and_goes(loop):
    """Revision 0 is the last one; a revision that there is not only takes the annotation away."""
    loop.add(deployment(2, "v1"))
    loop.run_pods()
    roll(loop, "v2")
    loop.run_pods()
    ask_back(loop, "0")
    loop.run_pods()
    assert web(loop).spec.template.spec.containers[0].image == "v1"
    assert web(loop).metadata.annotations.get(ROLLBACK_TO) is None
    assert web(loop).metadata.annotations[REVISION] == "3"
    assert sizes(loop) == {"v1": 2, "v2": 0}
    ask_back(loop, "17")
    loop.run_pods()
    assert web(loop).metadata.annotations.get(ROLLBACK_TO) is None
    assert sizes(loop) == {"v1": 2, "v2": 0}


def ask_back(loop, revision):
    found = web(loop)
    loop.put(found.with_metadata(annotations=found.metadata.annotations.set(ROLLBACK_TO, revision)))


def test_a_recreate_deployment_scaled_in_mid_rollout_stays_as_it_is(loop):
    """kubernetes#125568: taken for scaled, and scaling shares out only in a rolling update."""
    limits = {"maxSurge": 1, "maxUnavailable": 1}
    loop.add(deployment(4, "v1", strategy={"type": "RollingUpdate", "rollingUpdate": limits}))
    loop.run_pods()
    roll(loop, "v2")
    loop.settle()
    before = sizes(loop)
    assert min(before.values()) > 0
    edit(loop, replicas=6, strategy=DeploymentStrategy(type="Recreate"))
    loop.run_pods()
    assert sizes(loop) == before
