"""What ReplicaSets and Deployments promise."""

from __future__ import annotations

from typing import NamedTuple

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.deployment_scaling import max_surge, max_unavailable
from kspec_models.controllers.pods import is_active
from kspec_models.indexes import controlled_by
from kspec_models.objects import Deployment, PodSpec, ReplicaSet, controller_of
from kspec_models.requests import Create, Update
from kspec_models.state import Sent, State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, replica_sets, values, written

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
    faults=all_but("crash", "stale-list", "lost-answer", "pause", "partition", "failover"),
    companion="a-replicaset-creates-a-pod",
    mutants=("replicaset-forgets-expectations",),
)
def a_replicaset_does_not_over_create(before: State, after: State) -> Verdict:
    """When a pod is created, its ReplicaSet controls at most spec.replicas active pods.

    The largest spec.replicas that it ever had counts, since a smaller one may not have been seen.
    Expectations stop the controller from acting on a cache older than its own writes. A restart or
    a failover loses them and a lost answer of a create lowers them: there the surplus is only
    temporary. Adoption can exceed it too.
    """
    return _creations_fit(after)


def _creations_fit(after: State) -> Verdict:
    for change in written(after, "pods"):
        if change.previous is None and change.entry is not None:
            owner = _controller(after, change.entry, "replicasets")
            if isinstance(owner, ReplicaSet):
                _, peak = after.peaks[f"replicasets/{owner.key}"]
                count = owned_active(after, owner)
                if count > peak:
                    return fails(f"{owner.key} controls {count} active pods of {peak}", "surplus")
    return HOLDS


@transition(
    reads=("pods",),
    source=_DOCS + "replicaset/",
    companion="a-replicaset-creates-a-pod",
    known_false=True,
)
def a_replicaset_never_has_a_surplus(before: State, after: State) -> Verdict:
    """When a pod is created, its ReplicaSet controls at most spec.replicas, whatever is lost.

    Not kept: a create whose answer is lost lowers the expectation, and the controller creates the
    pod again before its cache shows the first one; a restart from a stale list does the same.
    """
    return _creations_fit(after)


def _replicasets_match(state: State) -> Verdict:
    for owner in replica_sets(state):
        if owner.is_terminating or is_leaving(state, owner.namespace):
            continue
        count, wanted = owned_active(state, owner), owner.spec.replicas or 0
        least = 0 if may_refuse(state, owner.namespace, owner.spec.template.spec) else wanted
        if not least <= count <= wanted:
            return fails(f"{owner.key} controls {count} active pods of {wanted}", "count")
    return HOLDS


def may_refuse(state: State, namespace: str, spec: PodSpec) -> bool:
    """Whether admission may refuse such a pod: a quota or a limit range of the namespace, or for
    want of its PriorityClass or its ServiceAccount."""
    priority, account = spec.priority_class_name, spec.service_account_name
    if priority and newest(state, "priorityclasses").get(f"priorityclasses/{priority}") is None:
        return True
    key = f"serviceaccounts/{namespace}/{account}"
    if account and account != "default" and newest(state, "serviceaccounts").get(key) is None:
        return True
    return any(
        limit.namespace == namespace
        for resource in ("resourcequotas", "limitranges")
        for limit in values(state, resource)
    )


def is_leaving(state: State, namespace: str) -> bool:
    entry = newest(state, "namespaces").get(f"namespaces/{namespace}")
    return entry is None or entry.value.is_terminating


replicasets_converge = eventually_stable(
    "replicasets-converge",
    promise="In the end every ReplicaSet controls exactly spec.replicas active pods.",
    conditions=(
        "At most so many where admission may refuse them. Once edits and faults have ended, in "
        "namespaces that are not being deleted."
    ),
    source=_DOCS + "replicaset/",
    when=lambda state: any(True for _ in fresh(state, "replicasets")),
    then=_replicasets_match,
    reads=("pods", "replicasets", "namespaces", "objects"),
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


def _sizes(sent: Sent) -> ReplicaSet | None:
    """The ReplicaSet that a Deployment asks to create or resize."""
    request = sent.request
    if sent.host != "deployment" or not isinstance(request, Create | Update):
        return None
    is_sized = isinstance(request.object, ReplicaSet) and not getattr(request, "subresource", "")
    return request.object if is_sized else None  # type: ignore[return-value]


class _Read(NamedTuple):
    """What the Deployment controller has read: its owner, all its ReplicaSets, the changed one."""

    deployment: Deployment
    replica_sets: list[ReplicaSet]
    before: ReplicaSet | None


def _as_read(before: State, after: State, changed: ReplicaSet) -> _Read | None:
    """Taken from the informer caches; None for a Deployment whose replicas were ever edited."""
    slots, layout = before.slots, after.layout
    cache = slots[layout.by_informer["controller-manager", "replicasets"]].cache
    owners = slots[layout.by_informer["controller-manager", "deployments"]].cache
    reference = controller_of(changed)
    if reference is None:
        return None
    owner = owners.get(f"deployments/{changed.namespace}/{reference.name}")
    if owner is None or _was_resized(after, owner.value):
        return None
    known = [e.value for e in controlled_by(cache, owner.value.uid)]
    same = [rs for rs in known if rs.name == changed.name]
    return _Read(owner.value, known, same[0] if same else None)


@transition(
    reads=("requests",),
    source=_DOCS + "deployment/#max-surge",
    faults=all_but(),
    companion="a-deployment-scales-up",
    mutants=("rollout-surges-by-one-more",),
)
def a_rollout_stays_below_its_surge(before: State, after: State) -> Verdict:
    """At each scale-up, the ReplicaSets that a Deployment knows stay within replicas + maxSurge.

    About spec.replicas, not pods, and about the ReplicaSets that the controller has read: it has no
    expectations, so that one which it has just created may be missing (the stronger form is known
    false). An edit of the Deployment's replicas in mid-flight breaks it.
    """
    for sent in after.sent:
        changed = _sizes(sent)
        read = _as_read(before, after, changed) if changed is not None else None
        if changed is None or read is None:
            continue
        wanted = changed.spec.replicas or 0
        if read.before is not None and wanted <= (read.before.spec.replicas or 0):
            continue
        others = (rs.spec.replicas or 0 for rs in read.replica_sets if rs.name != changed.name)
        total = wanted + sum(others)
        limit = (read.deployment.spec.replicas or 0) + max_surge(read.deployment)
        if total > limit:
            return fails(f"{read.deployment.key} asks for {total} replicas, limit {limit}", "surge")
    return HOLDS


@transition(
    reads=("replicasets",),
    source=_DOCS + "deployment/#max-surge",
    companion="a-deployment-scales-up",
    known_false=True,
)
def all_replicasets_stay_below_the_surge(before: State, after: State) -> Verdict:
    """At each scale-up, all ReplicaSets of a Deployment ask for at most replicas + maxSurge.

    Not kept, even without faults: when the template is edited again before the controller's cache
    shows the ReplicaSet that it has just created, that one is not counted.
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
        changed = _sizes(sent)
        read = _as_read(before, after, changed) if changed is not None else None
        if changed is None or read is None or read.before is None:
            continue
        verdict = _leaves_enough(read, read.before, changed)
        if not verdict:
            return verdict
    return HOLDS


def _available(replica_set: ReplicaSet, replicas: int | None) -> int:
    """How many of its available pods a ReplicaSet keeps at a size."""
    return min(replica_set.status.available_replicas, replicas or 0)


def _leaves_enough(read: _Read, old: ReplicaSet, changed: ReplicaSet) -> Verdict:
    deployment = read.deployment
    is_rolling = deployment.spec.strategy.type == "RollingUpdate"
    if not is_rolling or (changed.spec.replicas or 0) >= (old.spec.replicas or 0):
        return HOLDS
    then = sum(_available(rs, rs.spec.replicas) for rs in read.replica_sets)
    lost = _available(old, old.spec.replicas) - _available(old, changed.spec.replicas)
    least = (deployment.spec.replicas or 0) - max_unavailable(deployment)
    if then - lost < min(least, then):
        return fails(f"{deployment.key} keeps {then - lost} available, at least {least}", "fewer")
    return HOLDS


@transition(
    reads=("pods",),
    source=_DOCS + "deployment/#max-surge",
    companion="a-deployment-scales-up",
    known_false=True,
)
def a_rollout_has_no_more_pods_than_its_surge(before: State, after: State) -> Verdict:
    """When a pod is created, its Deployment has at most replicas + maxSurge active pods.

    Not kept, even without faults: an old ReplicaSet that is scaled down but not yet synced still
    owns its pods while the new one creates its own.
    """
    for change in written(after, "pods"):
        if change.previous is not None or change.entry is None:
            continue
        parent = _controller(after, change.entry, "replicasets")
        owner = _owner_of(after, parent) if isinstance(parent, ReplicaSet) else None
        if owner is None or _was_resized(after, owner):
            continue
        count = sum(owned_active(after, rs) for rs in _siblings(after, owner))
        limit = (owner.spec.replicas or 0) + max_surge(owner)
        if count > limit:
            return fails(f"{owner.key} has {count} active pods, limit {limit}", "pods")
    return HOLDS


def _statuses_are_true(state: State) -> Verdict:
    for owner in values(state, "deployments"):
        if owner.is_terminating or is_leaving(state, owner.namespace):
            continue
        status, owned = owner.status, _siblings(state, owner)
        counts = (status.replicas, status.ready_replicas, status.available_replicas)
        due = tuple(
            sum(getattr(rs.status, name) for rs in owned)
            for name in ("replicas", "ready_replicas", "available_replicas")
        )
        if status.observed_generation != owner.metadata.generation or counts != due:
            return fails(f"{owner.key} reports {counts}, its ReplicaSets {due}", "status")
    return HOLDS


deployments_report_the_truth = eventually_stable(
    "deployments-report-the-truth",
    promise="In the end a Deployment's status is that of its newest spec and adds up.",
    conditions=(
        "Its replicas, ready and available replicas are those of its ReplicaSets together. Once "
        "edits and faults have ended, in namespaces that are not being deleted."
    ),
    source=_DOCS + "deployment/#deployment-status",
    when=lambda state: any(True for _ in fresh(state, "deployments")),
    then=_statuses_are_true,
    reads=("deployments", "replicasets", "namespaces"),
    faults=all_but(),
    companion="a-deployment-scales-up",
    mutants=("deployment-status-is-not-written",),
)


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
    a_replicaset_never_has_a_surplus,
    replicasets_converge,
    a_rollout_stays_below_its_surge,
    a_rollout_keeps_enough_available,
    deployments_report_the_truth,
    a_rollout_has_no_more_pods_than_its_surge,
    all_replicasets_stay_below_the_surge,
    a_replicaset_creates_a_pod,
    a_deployment_scales_up,
    a_deployment_scales_down,
)
