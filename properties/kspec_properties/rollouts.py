"""What rollouts of Deployments come to, and what ReplicationControllers promise."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes
from kspec_models.controllers.deployment_steps import is_rolling, replicas
from kspec_models.controllers.deployment_template import has_template
from kspec_models.controllers.pods import is_active
from kspec_models.indexes import controlled_by
from kspec_models.objects import Deployment, ReplicaSet, ReplicationController, controller_of
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import deployments, fresh, newest, values, written
from kspec_properties.workloads import is_leaving, may_refuse

_DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/"


def _is_complete(state: State, deployment: Deployment) -> Verdict:
    """All replicas are the new ReplicaSet's, unless one of its pods is not available yet."""
    owned: list[ReplicaSet] = [
        e.value for e in controlled_by(newest(state, "replicasets"), deployment.uid)
    ]
    new = [rs for rs in owned if has_template(rs, deployment)]
    if any(rs.status.available_replicas < (rs.spec.replicas or 0) for rs in new):
        return HOLDS
    wanted = replicas(deployment)
    size = sum(rs.spec.replicas or 0 for rs in new)
    old = sum(rs.spec.replicas or 0 for rs in owned if rs not in new)
    if size != wanted or old:
        return fails(f"{deployment.key} asks for {size} new and {old} old of {wanted}", "rollout")
    return HOLDS


def _rollouts_complete(state: State, *, rolling_only: bool) -> Verdict:
    for deployment in deployments(state):
        if deployment.is_terminating or is_leaving(state, deployment.namespace):
            continue
        if may_refuse(state, deployment.namespace, deployment.spec.template.spec):
            continue
        if deployment.spec.paused or (rolling_only and not is_rolling(deployment)):
            continue
        verdict = _is_complete(state, deployment)
        if not verdict:
            return verdict
    return HOLDS


a_rolling_update_completes = eventually_stable(
    "a-rolling-update-completes",
    promise="In the end all replicas of a Deployment are asked for by its newest ReplicaSet.",
    conditions=(
        "As long as the pods of that ReplicaSet become available, with strategy RollingUpdate, not "
        "paused, in namespaces that are not being deleted and have no quota. Once edits and faults "
        "have ended."
    ),
    source=_DOCS + "deployment/#rolling-update-deployment",
    when=lambda state: any(True for _ in fresh(state, "deployments")),
    then=lambda state: _rollouts_complete(state, rolling_only=True),
    reads=("deployments", "replicasets", "namespaces", "objects"),
    faults=all_but(),
    companion="a-deployment-scales-up",
    mutants=("rollout-keeps-old-replicas",),
)

every_rollout_completes = eventually_stable(
    "every-rollout-completes",
    promise="In the end all replicas of a Deployment are its newest ReplicaSet's, in any strategy.",
    conditions=(
        "Not kept: when a rolling update is under way and one edit changes both the strategy to "
        "Recreate and the replicas, the Deployment is taken for scaled. Scaling shares out only in "
        "a rolling update, so that both ReplicaSets keep their size, the annotation with the old "
        "number stays, and it is taken for scaled for ever (kubernetes#125568)."
    ),
    source="https://github.com/kubernetes/kubernetes/issues/125568",
    when=lambda state: any(True for _ in fresh(state, "deployments")),
    then=lambda state: _rollouts_complete(state, rolling_only=False),
    reads=("deployments", "replicasets", "namespaces"),
    companion="a-deployment-scales-up",
    known_false=True,
)


def _controllers_match(state: State) -> Verdict:
    for owner in values(state, "replicationcontrollers"):
        if owner.is_terminating or is_leaving(state, owner.namespace):
            continue
        found = controlled_by(newest(state, "pods"), owner.uid)
        count, wanted = sum(is_active(e.value) for e in found), owner.spec.replicas or 0
        least = 0 if may_refuse(state, owner.namespace, owner.spec.template.spec) else wanted
        if not least <= count <= wanted:
            return fails(f"{owner.key} controls {count} active pods of {wanted}", "count")
        if owner.status.replicas != count:
            return fails(f"{owner.key} reports {owner.status.replicas} pods of {count}", "status")
    return HOLDS


replicationcontrollers_converge = eventually_stable(
    "replicationcontrollers-converge",
    promise="In the end a ReplicationController controls and reports spec.replicas active pods.",
    conditions=(
        "At most so many where a quota or a limit range may refuse them. Once edits and faults "
        "have ended, in namespaces that are not being deleted."
    ),
    source=_DOCS + "replicationcontroller/",
    when=lambda state: any(True for _ in fresh(state, "replicationcontrollers")),
    then=_controllers_match,
    reads=("pods", "objects", "namespaces"),
    faults=all_but(),
    companion="a-replicationcontroller-creates-a-pod",
    mutants=("replicationcontroller-ignores-deletions",),
)


@sometimes(reads=("pods",), source="companion")
def a_replicationcontroller_creates_a_pod(state: State) -> bool:
    """A pod that a ReplicationController controls is created."""
    for change in written(state, "pods"):
        if change.previous is None and change.entry is not None:
            owner = controller_of(change.entry.value)
            if owner is not None and owner.kind == ReplicationController.KIND:
                return True
    return False


PROPERTIES = (
    a_rolling_update_completes,
    every_rollout_completes,
    replicationcontrollers_converge,
    a_replicationcontroller_creates_a_pod,
)
