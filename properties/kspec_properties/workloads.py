"""What ReplicaSets and Deployments promise."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, invariant, sometimes, transition
from kspec_models.controllers.deployment_scaling import max_surge, max_unavailable
from kspec_models.controllers.pods import is_active
from kspec_models.indexes import controlled_by
from kspec_models.objects import Deployment, ReplicaSet, controller_of
from kspec_models.requests import Update
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import deployments, fresh, newest, replica_sets, written

_DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/"


def owned_active(state: State, owner: ReplicaSet) -> int:
    """How many active pods a ReplicaSet controls."""
    found = controlled_by(newest(state, "pods"), owner.uid)
    return sum(is_active(entry.value) for entry in found)


def _controller(state: State, change_entry: object, resource: str) -> object | None:
    owner = controller_of(change_entry.value)  # type: ignore[attr-defined]
    if owner is None:
        return None
    namespace = change_entry.value.namespace  # type: ignore[attr-defined]
    found = newest(state, resource).get(f"{resource}/{namespace}/{owner.name}")
    return found.value if found is not None and found.value.uid == owner.uid else None


@transition(
    reads=("pods",),
    source=_DOCS + "replicaset/",
    faults=all_but("crash", "stale-list", "lost-answer"),
    companion="a-replicaset-creates-a-pod",
    mutants=("replicaset-forgets-expectations",),
)
def a_replicaset_does_not_over_create(before: State, after: State) -> Verdict:
    """When a pod is created, its ReplicaSet controls at most spec.replicas active pods.

    The largest spec.replicas that it ever had counts, since a smaller one may not have been seen.
    Expectations stop the controller from acting on a cache older than its own writes. A restart
    loses them and a lost answer of a create lowers them: there the surplus is only temporary.
    Adoption can exceed it too.
    """
    for change in written(after, "pods"):
        if change.previous is None and change.entry is not None:
            owner = _controller(after, change.entry, "replicasets")
            if isinstance(owner, ReplicaSet):
                _, peak = after.peaks[f"replicasets/{owner.key}"]
                count = owned_active(after, owner)
                if count > peak:
                    return fails(f"{owner.key} controls {count} active pods of {peak}", "surplus")
    return HOLDS


def _replicasets_match(state: State) -> Verdict:
    for owner in replica_sets(state):
        if owner.is_terminating or _is_leaving(state, owner.namespace):
            continue
        count, wanted = owned_active(state, owner), owner.spec.replicas or 0
        if count != wanted:
            return fails(f"{owner.key} controls {count} active pods of {wanted}", "count")
    return HOLDS


def _is_leaving(state: State, namespace: str) -> bool:
    entry = newest(state, "namespaces").get(f"namespaces/{namespace}")
    return entry is None or entry.value.is_terminating


replicasets_converge = eventually_stable(
    "replicasets-converge",
    promise="In the end every ReplicaSet controls exactly spec.replicas active pods.",
    conditions="Once edits and faults have ended, in namespaces that are not being deleted.",
    source=_DOCS + "replicaset/",
    when=lambda state: any(True for _ in fresh(state, "replicasets")),
    then=_replicasets_match,
    reads=("pods", "replicasets", "namespaces"),
    faults=all_but(),
    companion="a-replicaset-creates-a-pod",
    mutants=("replicaset-ignores-deletions",),
)


def _owner_of(state: State, replica_set: ReplicaSet) -> Deployment | None:
    owner = controller_of(replica_set)
    if owner is None:
        return None
    entry = newest(state, "deployments").get(f"deployments/{replica_set.namespace}/{owner.name}")
    return entry.value if entry is not None and entry.value.uid == owner.uid else None


def _siblings(state: State, owner: Deployment) -> list[ReplicaSet]:
    return [entry.value for entry in controlled_by(newest(state, "replicasets"), owner.uid)]


def _was_resized(state: State, owner: Deployment) -> bool:
    low, high = state.peaks[f"deployments/{owner.key}"]
    return low != high


@transition(
    reads=("replicasets",),
    source=_DOCS + "deployment/#max-surge",
    faults=all_but(),
    companion="a-deployment-scales-up",
    mutants=("rollout-surges-by-one-more",),
)
def a_rollout_stays_below_its_surge(before: State, after: State) -> Verdict:
    """At each scale-up, a Deployment's ReplicaSets ask for at most replicas + maxSurge in all.

    About spec.replicas, not pods. An edit of the Deployment's replicas in mid-flight breaks it.
    """
    for change in written(after, "replicasets"):
        if change.entry is None:
            continue
        new = change.entry.value.spec.replicas or 0
        old = change.previous.value.spec.replicas or 0 if change.previous is not None else 0
        owner = _owner_of(after, change.entry.value)
        if owner is None or new <= old or _was_resized(after, owner):
            continue
        total = sum(rs.spec.replicas or 0 for rs in _siblings(after, owner))
        limit = (owner.spec.replicas or 0) + max_surge(owner)
        if total > limit:
            return fails(f"{owner.key} asks for {total} replicas, limit {limit}", "surge")
    return HOLDS


@transition(
    reads=("requests",),
    source=_DOCS + "deployment/#max-unavailable",
    faults=all_but(),
    companion="a-deployment-scales-down",
    mutants=("rollout-ignores-availability",),
)
def a_rollout_keeps_enough_available(before: State, after: State) -> Verdict:
    """A scale-down by a Deployment leaves at least replicas - maxUnavailable available.

    Available by the ReplicaSet statuses that the controller read, which may be old. An edit of the
    Deployment's replicas in mid-flight breaks it.
    """
    for sent in after.sent:
        request = sent.request
        if sent.host != "deployment" or not isinstance(request, Update) or request.subresource:
            continue
        if isinstance(request.object, ReplicaSet):
            verdict = _leaves_enough(before, after, request.object)
            if not verdict:
                return verdict
    return HOLDS


def _leaves_enough(before: State, after: State, changed: ReplicaSet) -> Verdict:
    cache = before.slots[after.layout.by_informer["controller-manager", "replicasets"]].cache
    read = before.slots[after.layout.by_informer["controller-manager", "deployments"]].cache
    owner_ref = controller_of(changed)
    entry = cache.get(f"replicasets/{changed.key}")
    owner = read.get(f"deployments/{changed.namespace}/{owner_ref.name}") if owner_ref else None
    if entry is None or owner is None or owner_ref is None:
        return HOLDS
    deployment: Deployment = owner.value
    wanted, had = changed.spec.replicas or 0, entry.value.spec.replicas or 0
    is_rolling = deployment.spec.strategy.type == "RollingUpdate"
    if wanted >= had or not is_rolling or _was_resized(after, deployment):
        return HOLDS
    statuses = [e.value for e in controlled_by(cache, deployment.uid)]
    then = sum(min(rs.status.available_replicas, rs.spec.replicas or 0) for rs in statuses)
    left = (
        then
        - min(entry.value.status.available_replicas, had)
        + min(entry.value.status.available_replicas, wanted)
    )
    least = (deployment.spec.replicas or 0) - max_unavailable(deployment)
    if left < min(least, then):
        return fails(f"{deployment.key} keeps {left} available, at least {least}", "unavailable")
    return HOLDS


def _pods_within_surge(state: State) -> Verdict:
    for owner in deployments(state):
        if _was_resized(state, owner):
            continue
        count = sum(owned_active(state, rs) for rs in _siblings(state, owner))
        limit = (owner.spec.replicas or 0) + max_surge(owner)
        if count > limit:
            return fails(f"{owner.key} has {count} active pods, limit {limit}", "pods")
    return HOLDS


@invariant(
    reads=("pods", "replicasets", "deployments"),
    source=_DOCS + "deployment/#max-surge",
    companion="a-deployment-scales-up",
    known_false=True,
)
def a_rollout_has_no_more_pods_than_its_surge(state: State) -> Verdict:
    """A Deployment never has more than replicas + maxSurge active pods.

    Not kept, even without faults: an old ReplicaSet that is scaled down but not yet synced still
    owns its pods while the new one creates its own.
    """
    return _pods_within_surge(state)


@sometimes(reads=("pods",), source="companion")
def a_replicaset_creates_a_pod(state: State) -> bool:
    """A pod with a controller is created."""
    return any(
        change.previous is None
        and change.entry is not None
        and controller_of(change.entry.value) is not None
        for change in written(state, "pods")
    )


def _scales(state: State, up: bool) -> bool:
    for change in written(state, "replicasets"):
        if change.entry is not None:
            new = change.entry.value.spec.replicas or 0
            old = change.previous.value.spec.replicas or 0 if change.previous is not None else 0
            if new > old if up else new < old:
                return True
    return False


@sometimes(reads=("replicasets",), source="companion")
def a_deployment_scales_up(state: State) -> bool:
    """A ReplicaSet is asked for more replicas."""
    return _scales(state, True)


@sometimes(reads=("replicasets",), source="companion")
def a_deployment_scales_down(state: State) -> bool:
    """A ReplicaSet is asked for fewer replicas."""
    return _scales(state, False)


PROPERTIES = (
    a_replicaset_does_not_over_create,
    replicasets_converge,
    a_rollout_stays_below_its_surge,
    a_rollout_keeps_enough_available,
    a_rollout_has_no_more_pods_than_its_surge,
    a_replicaset_creates_a_pod,
    a_deployment_scales_up,
    a_deployment_scales_down,
)
