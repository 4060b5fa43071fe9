"""The indexes of an Indexed Job: which have succeeded, failed, or are still to be run.

After pkg/controller/job/indexed_job_utils.go at Kubernetes 1.36. Indexes are kept as ordered
intervals, in a status as "0-2,4". Left out: the variable JOB_COMPLETION_INDEX of the containers,
which nothing reads here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kspec_models.controllers.job_backoff import finished_time
from kspec_models.controllers.job_facts import (
    UNKNOWN_INDEX,
    all_index_failures,
    completion_index,
    has_finalizer,
    index_failures,
    is_pod_failed,
    only_replaces_failed,
)
from kspec_models.controllers.job_policies import FAIL_INDEX, match_failure_policy
from kspec_models.controllers.pods import is_terminating
from kspec_models.objects import Job, Pod

Interval = tuple[int, int]


class Indexes(NamedTuple):
    """A set of indexes as intervals (first, last), ordered, none beside another."""

    intervals: tuple[Interval, ...] = ()

    @property
    def total(self) -> int:
        """How many indexes it holds."""
        return sum(last - first + 1 for first, last in self.intervals)

    def __str__(self) -> str:
        return ",".join(_text(*interval) for interval in self.intervals)

    def has(self, index: int) -> bool:
        return any(first <= index <= last for first, last in self.intervals)

    def merged(self, other: Indexes) -> Indexes:
        """The union of both."""
        found: list[Interval] = []
        for first, last in sorted((*self.intervals, *other.intervals)):
            if found and first <= found[-1][1] + 1:
                found[-1] = (found[-1][0], max(found[-1][1], last))
            else:
                found.append((first, last))
        return Indexes(tuple(found))

    def with_indexes(self, indexes: Iterable[int]) -> Indexes:
        return self.merged(Indexes(tuple((index, index) for index in indexes)))


def _text(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"


def parse_indexes(text: str, completions: int) -> Indexes:
    """The indexes below `completions` that a status or a policy names; what is no number is not."""
    return Indexes(tuple(_parsed(text, completions))).merged(Indexes())


def _parsed(text: str, completions: int) -> Iterator[Interval]:
    for part in text.split(",") if text else ():
        limits = part.split("-")
        if not limits[0].isdecimal() or not limits[-1].isdecimal():
            continue
        first, last = int(limits[0]), int(limits[1] if len(limits) > 1 else limits[0])
        if first >= completions:
            return
        yield first, min(last, completions - 1)


def index_in(job: Job, pod: Pod) -> int:
    """The index of a pod if it is one of the Job's, else UNKNOWN_INDEX."""
    index = completion_index(pod)
    return index if index < (job.spec.completions or 0) else UNKNOWN_INDEX


def previous_indexes(job: Job) -> Indexes:
    """The succeeded indexes that the status shows."""
    return parse_indexes(job.status.completed_indexes, job.spec.completions or 0)


def succeeded_indexes(job: Job, pods: Iterable[Pod]) -> Indexes:
    """Those that the status shows and those of succeeded pods that are not counted yet."""
    new = (index_in(job, p) for p in pods if p.status.phase == "Succeeded" and has_finalizer(p))
    return previous_indexes(job).with_indexes(index for index in new if index != UNKNOWN_INDEX)


def failed_indexes(job: Job, pods: Iterable[Pod]) -> Indexes:
    """Those that the status shows and those of uncounted pods whose index has failed for good."""
    known = parse_indexes(job.status.failed_indexes or "", job.spec.completions or 0)
    new = (index_in(job, p) for p in pods if has_finalizer(p) and _is_index_failed(job, p))
    return known.with_indexes(index for index in new if index != UNKNOWN_INDEX)


def _is_index_failed(job: Job, pod: Pod) -> bool:
    if not is_pod_failed(pod, job):
        return False
    match = match_failure_policy(job, pod)
    if match.action == FAIL_INDEX:
        return True
    return match.is_counted and index_failures(pod) >= (job.spec.backoff_limit_per_index or 0)


def indexes_of(pods: Iterable[Pod]) -> list[int]:
    """The known indexes of pods, sorted, each once."""
    return sorted({completion_index(pod) for pod in pods} - {UNKNOWN_INDEX})


class Pending(NamedTuple):
    """What keeps indexes from being pending."""

    pods: tuple[Pod, ...]
    active: tuple[Pod, ...]
    succeeded: Indexes
    failed: Indexes | None


def first_pending(job: Job, known: Pending, count: int) -> tuple[int, ...]:
    """The first `count` indexes that neither run nor have succeeded or failed."""
    taken = known.succeeded.with_indexes(indexes_of(known.active))
    if only_replaces_failed(job):
        taken = taken.with_indexes(indexes_of(pod for pod in known.pods if is_terminating(pod)))
    if known.failed is not None:
        taken = taken.merged(known.failed)
    found: list[int] = []
    candidate, completions = 0, job.spec.completions or 0
    for first, last in (*taken.intervals, (completions, completions)):
        while candidate < min(first, completions) and len(found) < count:
            found.append(candidate)
            candidate += 1
        candidate = max(candidate, last + 1)
    return tuple(found)


def delayed_pods(
    job: Job, valid: Iterable[Pod], active: Sequence[Pod], done: Indexes
) -> tuple[tuple[int, Pod], ...]:
    """getPodsWithDelayedDeletionPerIndex: by index the failed pod that its replacement follows.

    It keeps its finalizer until then, so that the count of failures of its index is not lost.
    valid: the pods that are not counted yet. done: succeeded and failed indexes.
    """
    running = indexes_of(active)
    found: dict[int, Pod] = {}
    for pod in valid:
        index = index_in(job, pod)
        if index == UNKNOWN_INDEX or not is_pod_failed(pod, job):
            continue
        if done.has(index) or index in running:
            continue
        known = found.get(index)
        if known is None or _is_later(pod, known):
            found[index] = pod
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def _is_later(pod: Pod, known: Pod) -> bool:
    if all_index_failures(known) > all_index_failures(pod):
        return False
    return finished_time(pod) >= finished_time(known)
