"""One pass of the StatefulSet controller, from adoption to the truncated history.

After sync in pkg/controller/statefulset/stateful_set.go and UpdateStatefulSet, performUpdate and
updateStatefulSet in stateful_set_control.go at Kubernetes 1.36: wanted pods from the lowest ordinal
on, then unwanted ones from the highest on, then one pod of an old revision. The feature
MaxUnavailableStatefulSet is off by default at 1.36 (pull request 137904), so a rolling update
replaces one pod at a time. As upstream does it, spec.updateStrategy.rollingUpdate.partition counts
from the first ordinal, not from zero.

While a ready pod is still to become available, upstream looks again after minReadySeconds even
where no pod is ready; that pass would find nothing new, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kspec_models.controllers.history import template_of
from kspec_models.controllers.pods import next_availability_check
from kspec_models.controllers.statefulset_identity import (
    allows_burst,
    is_unavailable,
    new_pod,
    ordinal_of,
    ordinals_of,
    partition_of,
    replicas_of,
    revision_of,
    start_ordinal,
)
from kspec_models.controllers.statefulset_pods import (
    Step,
    delete_pod,
    fix_claims,
    process_condemned,
    process_replica,
)
from kspec_models.controllers.statefulset_revisions import (
    Revisions,
    adopt_revisions,
    find_revisions,
    truncate_history,
)
from kspec_models.controllers.statefulset_status import counted, write_status
from kspec_models.controllers.statefulset_steps import (
    ON_DELETE,
    RESYNC_SECONDS,
    Inputs,
)
from kspec_models.controllers.steps import Steps, WriteFailed, claimed
from kspec_models.objects import Pod, StatefulSet, StatefulSetStatus
from kspec_models.requests import NOT_FOUND
from kspec_models.store import Entry

_MAX_BATCH = 500


class Ended(NamedTuple):
    """How a pass ended: when to look again, and the first failure."""

    requeue_after: int | None = None
    failure: WriteFailed | None = None


class _Managed(NamedTuple):
    """What was done about the pods. deleted: of the current revision, for the update."""

    is_stale: bool = False
    deleted: int = 0
    failure: WriteFailed | None = None


def sync(inputs: Inputs) -> Steps[Ended]:
    """Adopt, claim, and bring pods, status and history to what the spec wants."""
    yield from adopt_revisions(inputs)
    entries = yield from claimed(inputs.value, inputs.claims)
    pods: tuple[Pod, ...] = tuple(entry.value for entry in entries)
    revisions: Revisions | None = None
    failure: WriteFailed | None = None
    requeue_after: int | None = None
    try:
        revisions = yield from find_revisions(inputs)
        requeue_after = yield from _perform(inputs, entries, revisions)
    except WriteFailed as error:
        failure = error
    yield from truncate_history(inputs, pods, revisions)
    return Ended(requeue_after, failure)


def _perform(inputs: Inputs, pods: tuple[Entry, ...], revisions: Revisions) -> Steps[int | None]:
    """updateStatefulSet, then the status, which is written after a failure as well."""
    owner = inputs.value
    if owner.is_terminating:
        status = counted(inputs, revisions, (entry.value for entry in pods))
        yield from write_status(inputs, status)
        return None
    parts = _partition(inputs, pods, revisions)
    managed = yield from _manage(inputs, parts, revisions)
    everyone = (entry.value for entry in (*parts.replicas, *parts.condemned))
    status = counted(inputs, revisions, everyone)
    status = status.replace(current_replicas=status.current_replicas - managed.deleted)
    try:
        status = yield from write_status(inputs, status)
    except WriteFailed:
        if managed.failure is None:
            raise
    if managed.failure is not None:
        raise managed.failure
    if managed.is_stale:
        return RESYNC_SECONDS
    return _next_check(inputs, status, pods)


def _next_check(inputs: Inputs, status: StatefulSetStatus, pods: tuple[Entry, ...]) -> int | None:
    seconds = inputs.value.spec.min_ready_seconds
    if seconds <= 0 or status.available_replicas == replicas_of(inputs.value):
        return None
    return next_availability_check(tuple(e.value for e in pods), seconds, inputs.now)


class Parts(NamedTuple):
    """replicas: one for each wanted ordinal, made here where it is missing. condemned: the rest,
    highest ordinal first. first_unavailable: the lowest pod that is missing or not available."""

    replicas: tuple[Entry, ...]
    condemned: tuple[Entry, ...]
    first_unavailable: Pod | None


def _partition(inputs: Inputs, pods: tuple[Entry, ...], revisions: Revisions) -> Parts:
    owner = inputs.value
    wanted = ordinals_of(owner)
    found = {ordinal_of(entry.value): entry for entry in pods}
    replicas = tuple(found.get(o) or _missing(owner, revisions, o) for o in wanted)
    others = sorted((o for o in found if o >= 0 and o not in wanted), reverse=True)
    condemned = tuple(found[ordinal] for ordinal in others)
    seconds = owner.spec.min_ready_seconds
    in_order = [entry.value for entry in (*replicas, *reversed(condemned))]
    unavailable = (pod for pod in in_order if is_unavailable(pod, seconds, inputs.now))
    return Parts(replicas, condemned, next(unavailable, None))


def _missing(owner: StatefulSet, revisions: Revisions, ordinal: int) -> Entry:
    """newVersionedStatefulSetPod: the pod to create, of the current or of the update revision."""
    rolling = owner.spec.update_strategy.rolling_update
    below = ordinal - start_ordinal(owner)
    if rolling is not None:
        is_current = below < partition_of(owner)
    else:
        is_rolling = owner.spec.update_strategy.type != ON_DELETE
        is_current = is_rolling and below < owner.status.current_replicas
    revision = revisions.current if is_current else revisions.update
    pod = new_pod(owner, template_of(revision.data), revision.name, ordinal)
    return Entry(f"pods/{pod.key}", pod, 0, 0, 0)


def _manage(inputs: Inputs, parts: Parts, revisions: Revisions) -> Steps[_Managed]:
    """Create, delete, and update, in this order; an ordered pass ends with what it waits for."""
    monotonic = not allows_burst(inputs.value)
    stale = False

    def replica(entry: Entry) -> Steps[Step]:
        return process_replica(inputs, entry, monotonic=monotonic)

    def claim(entry: Entry) -> Steps[Step]:
        yield from fix_claims(inputs, entry.value)
        return Step(ends=False)

    def condemned(entry: Entry) -> Steps[Step]:
        first = parts.first_unavailable
        return process_condemned(inputs, entry.value, first, monotonic=monotonic)

    phases = ((parts.replicas, replica), (parts.condemned, claim), (parts.condemned, condemned))
    try:
        for entries, work in phases:
            step = yield from _for_all(entries, work, monotonic=monotonic)
            stale = stale or step.is_stale
            if step.ends:
                return _Managed(stale)
        deleted = yield from _update_one(inputs, parts.replicas, revisions)
    except WriteFailed as error:
        return _Managed(stale, failure=error)
    return _Managed(stale, deleted)


def _for_all(
    entries: Sequence[Entry], work: Callable[[Entry], Steps[Step]], *, monotonic: bool
) -> Steps[Step]:
    """runForAll: one after the other up to an end, or in batches of 1, 2, 4 up to a failure."""
    stale, size, rest = False, 1, list(entries)
    while rest:
        batch, rest = rest[:size], rest[size:]
        size = 1 if monotonic else min(2 * size, _MAX_BATCH)
        failure: WriteFailed | None = None
        for entry in batch:
            try:
                step = yield from work(entry)
            except WriteFailed as error:
                failure = failure or error
                continue
            stale = stale or step.is_stale
            if monotonic and step.ends:
                return Step(ends=True, is_stale=stale)
        if failure is not None:
            raise failure
    return Step(ends=False, is_stale=stale)


def _update_one(inputs: Inputs, replicas: tuple[Entry, ...], revisions: Revisions) -> Steps[int]:
    """Delete the highest pod of another revision, once all above it are available."""
    owner = inputs.value
    if owner.spec.update_strategy.type == ON_DELETE:
        return 0
    for entry in reversed(replicas[partition_of(owner) :]):
        pod: Pod = entry.value
        if revision_of(pod) != revisions.update.name and not pod.is_terminating:
            try:
                yield from delete_pod(pod)
            except WriteFailed as error:
                if error.response.reason != NOT_FOUND:
                    raise
            return 1
        if is_unavailable(pod, owner.spec.min_ready_seconds, inputs.now):
            return 0
    return 0
