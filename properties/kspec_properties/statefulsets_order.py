"""What StatefulSets promise of each write of their controller: its order, and what it spares.

Judged on what the pass has read: its caches may be behind, and nothing but the uniqueness of names
protects a StatefulSet from that.
"""

from __future__ import annotations

from collections.abc import Iterator

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import sometimes, transition
from kspec_models.controllers.pods import is_finished
from kspec_models.controllers.statefulset_identity import (
    allows_burst,
    ordinal_of,
    ordinals_of,
    partition_of,
    revision_of,
    start_ordinal,
)
from kspec_models.objects import (
    PersistentVolumeClaim,
    PersistentVolumeClaimRetentionPolicy,
    Pod,
    StatefulSet,
    controller_of,
)
from kspec_models.requests import Create, Delete, Update
from kspec_models.state import Sent, State
from kspec_models.volumes import CLAIMS, claim_names
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, written
from kspec_properties.statefulsets_reading import cached, creations, deletions, is_ours

_DOCS = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/"


@transition(
    reads=("requests",),
    source=_DOCS + "#orderedready-pod-management",
    faults=all_but(),
    companion="a-statefulset-creates-a-successor",
    mutants=("statefulset-creates-all-at-once",),
)
def statefulset_pods_are_created_in_order(before: State, after: State) -> Verdict:
    """A pod is created once all pods of lower ordinals are running, ready and available.

    With the policy OrderedReady, by what the pass has read: a predecessor may be deleted or
    become unready before the create arrives (the stronger form is known false).
    """
    for pod, read in creations(before, after):
        if allows_burst(read.owner):
            continue
        for ordinal in range(start_ordinal(read.owner), ordinal_of(pod)):
            if not read.is_available(ordinal):
                witness = f"{pod.key} is created before {read.owner.name}-{ordinal} is available"
                return fails(witness, "creation")
    return HOLDS


@transition(
    reads=("requests",),
    source=_DOCS + "#orderedready-pod-management",
    faults=all_but(),
    companion="a-statefulset-scales-down",
    mutants=("statefulset-deletes-all-at-once",),
)
def statefulset_pods_are_deleted_in_order(before: State, after: State) -> Verdict:
    """Of the pods that are not wanted any more, the one of the highest ordinal is deleted first.

    With the policy OrderedReady a pod is deleted only once no unwanted pod of a higher ordinal is
    left, by what the pass has read. A pod that has failed is replaced whatever its ordinal.
    """
    for pod, read in deletions(before, after):
        wanted = ordinals_of(read.owner)
        if allows_burst(read.owner) or ordinal_of(pod) in wanted:
            continue
        above = [o for o in read.pods if o > ordinal_of(pod) and o not in wanted]
        if above:
            name = f"{read.owner.name}-{min(above)}"
            return fails(f"{pod.key} is deleted before {name} is gone", "deletion")
    return HOLDS


@transition(
    reads=("requests",),
    source=_DOCS + "#rolling-updates",
    faults=all_but(),
    companion="a-statefulset-updates-a-pod",
    mutants=("statefulset-updates-all-at-once",),
)
def a_statefulset_update_takes_one_pod_at_a_time(before: State, after: State) -> Verdict:
    """A pod is replaced by an update once all pods of higher ordinals are updated and available.

    With the strategy RollingUpdate and either policy, by what the pass has read. A pod that has
    failed is replaced whatever its ordinal.
    """
    for pod, read in deletions(before, after):
        wanted, ordinal = ordinals_of(read.owner), ordinal_of(pod)
        if ordinal not in wanted or is_finished(pod):
            continue
        for above in range(ordinal + 1, wanted.stop):
            if not read.is_available(above) or revision_of(read.pods[above]) == revision_of(pod):
                witness = f"{pod.key} is replaced before {read.owner.name}-{above} is updated"
                return fails(witness, "update")
    return HOLDS


@transition(
    reads=("requests",),
    source=_DOCS + "#partitions",
    faults=all_but(),
    companion="a-statefulset-updates-a-pod",
    mutants=("statefulset-ignores-its-partition",),
)
def a_statefulset_update_stops_at_its_partition(before: State, after: State) -> Verdict:
    """Pods below the partition are not replaced, and are made again of the current revision.

    Unless they failed, or are scaled away. The partition counts from the first ordinal, as
    upstream's controller has it (the documentation speaks of ordinals). By what the pass has read:
    where its cache does not show the current revision yet, the newest becomes the current one.
    """
    for pod, read in deletions(before, after):
        if _is_below(pod, read.owner) and not is_finished(pod):
            return fails(f"{pod.key} is deleted below the partition", "partition")
    for pod, read in creations(before, after):
        current = read.owner.status.current_revision
        is_known = current in read.revisions and _is_below(pod, read.owner)
        if is_known and revision_of(pod) != current:
            return fails(f"{pod.key} is made of {revision_of(pod)}", "partition")
    return HOLDS


def _is_below(pod: Pod, owner: StatefulSet) -> bool:
    ordinal, wanted = ordinal_of(pod), ordinals_of(owner)
    return ordinal in wanted and ordinal - wanted.start < partition_of(owner)


_RETAIN = PersistentVolumeClaimRetentionPolicy()


@transition(
    reads=("requests",),
    source=_DOCS + "#persistentvolumeclaim-retention",
    faults=all_but(),
    companion="a-statefulset-pod-goes-and-its-claim-stays",
    mutants=("statefulset-owns-its-claims",),
)
def statefulset_claims_outlive_their_pods(before: State, after: State) -> Verdict:
    """With the policy Retain no controller deletes a claim of a StatefulSet, nor owns one.

    The StatefulSet controller deletes none at all: it makes itself the owner (whenDeleted: Delete)
    or the pod that is scaled down (whenScaled: Delete), and the garbage collector does the rest.
    Judged on the policy that the writer has read. A user, or the end of the namespace, may delete.
    """
    for sent in after.sent:
        request = sent.request
        if isinstance(request, Delete) and request.resource == CLAIMS:
            if is_ours(sent):
                return fails(f"{request.key} is deleted", "claim")
        elif isinstance(request, Update) and isinstance(request.object, PersistentVolumeClaim):
            verdict = _is_owned_as_wanted(before, sent, request.object)
            if not verdict:
                return verdict
    return HOLDS


def _is_owned_as_wanted(before: State, sent: Sent, claim: PersistentVolumeClaim) -> Verdict:
    if not is_ours(sent):
        return HOLDS
    name = claim.name.rpartition("-")[0]
    for entry in cached(before, sent, "statefulsets").entries():
        owner: StatefulSet = entry.value
        if owner.namespace != claim.namespace or not name.endswith(f"-{owner.name}"):
            continue
        policy = owner.spec.persistent_volume_claim_retention_policy or _RETAIN
        wanted = {"StatefulSet": policy.when_deleted, "Pod": policy.when_scaled}
        for reference in claim.metadata.owner_references:
            if wanted.get(reference.kind) == "Retain":
                return fails(f"{claim.key} is given the owner {reference.kind}", "claim")
    return HOLDS


@sometimes(reads=("requests",), source="companion")
def a_statefulset_creates_a_successor(state: State) -> bool:
    """The StatefulSet controller asks to create a pod that is not the first."""
    return any(
        is_ours(sent)
        and isinstance(sent.request, Create)
        and isinstance(sent.request.object, Pod)
        and ordinal_of(sent.request.object) > 0
        for sent in state.sent
    )


def _newest_sets(state: State, sent: Sent) -> Iterator[tuple[StatefulSet, int]]:
    """The StatefulSet and the ordinal of a pod whose deletion its controller asks for."""
    request = sent.request
    if is_ours(sent) and isinstance(request, Delete) and request.resource == "pods":
        name, _, ordinal = request.key.rpartition("-")
        entry = newest(state, "statefulsets").get(f"statefulsets/{name}")
        if entry is not None and ordinal.isdecimal():
            yield entry.value, int(ordinal)


@sometimes(reads=("requests",), source="companion")
def a_statefulset_scales_down(state: State) -> bool:
    """The StatefulSet controller asks to delete a pod that is not wanted any more."""
    return any(
        ordinal not in ordinals_of(owner)
        for sent in state.sent
        for owner, ordinal in _newest_sets(state, sent)
    )


@sometimes(reads=("requests",), source="companion")
def a_statefulset_updates_a_pod(state: State) -> bool:
    """The StatefulSet controller asks to delete a pod that will be made again."""
    return any(
        ordinal in ordinals_of(owner)
        for sent in state.sent
        for owner, ordinal in _newest_sets(state, sent)
    )


@sometimes(reads=("pods",), source="companion")
def a_statefulset_pod_goes_and_its_claim_stays(state: State) -> bool:
    """A pod of a StatefulSet is gone whose claim is still there."""
    claims = newest(state, CLAIMS)
    for change in written(state, "pods"):
        if change.entry is None and change.previous is not None:
            pod: Pod = change.previous.value
            owner = controller_of(pod)
            if owner is not None and owner.kind == StatefulSet.KIND:
                names = [each.name for each in claim_names(pod)]
                if any(claims.get(f"{CLAIMS}/{pod.namespace}/{n}") for n in names):
                    return True
    return False


PROPERTIES = (
    statefulset_pods_are_created_in_order,
    statefulset_pods_are_deleted_in_order,
    a_statefulset_update_takes_one_pod_at_a_time,
    a_statefulset_update_stops_at_its_partition,
    statefulset_claims_outlive_their_pods,
    a_statefulset_creates_a_successor,
    a_statefulset_scales_down,
    a_statefulset_updates_a_pod,
    a_statefulset_pod_goes_and_its_claim_stays,
)
