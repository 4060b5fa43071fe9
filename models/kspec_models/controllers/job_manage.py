"""The pods that a pass creates or deletes, and what each answer means for the numbers.

After manageJob, deleteActivePods, deleteJobPods and activePodsForRemoval in
pkg/controller/job/job_controller.go at Kubernetes 1.36. Creates go in batches of 1, 2, 4, ...
pods: after an error in a batch the rest is left to a later pass. A surplus pod loses its finalizer
before it is deleted, so that it does not count as a failure; a pod of a Job that ends keeps it.

Left out: requests of one batch that run at once; here they follow one another by key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from kspec_models.controllers.job_backoff import Backoff, finished_time
from kspec_models.controllers.job_expectations import JobExpectations
from kspec_models.controllers.job_facts import (
    UNKNOWN_INDEX,
    all_index_failures,
    completion_index,
    has_finalizer,
    has_limit_per_index,
    is_indexed,
    is_suspended,
    only_replaces_failed,
    without_finalizer,
)
from kspec_models.controllers.job_indexes import Pending, first_pending
from kspec_models.controllers.job_pass import Pass
from kspec_models.controllers.job_template import pod_of
from kspec_models.controllers.pods import is_ready
from kspec_models.controllers.ranking import Ranking, victims
from kspec_models.objects import Job, Pod
from kspec_models.requests import (
    NAMESPACE_TERMINATING,
    NOT_FOUND,
    Create,
    Delete,
    Patch,
    Request,
    Response,
)

MAX_PER_SYNC: Final = 500
BATCH_SECONDS: Final = 1

NOTHING, ENDING, DELETING, CREATING = "nothing", "ending", "deleting", "creating"


class Managing(NamedTuple):
    """Creates or deletes are being answered. done, failed: how many were, and how many badly."""

    found: Pass
    kind: str
    done: int = 0
    failed: int = 0


class Plan(NamedTuple):
    """What a pass does about pods: requests, and what is expected of them."""

    managing: Managing
    expectations: JobExpectations
    requests: tuple[Request, ...] = ()


def end_pods(found: Pass, expectations: JobExpectations) -> Plan:
    """deleteActivePods: the Job ends, its active pods are deleted with their finalizers on."""
    requests = tuple(Delete("pods", pod.key) for pod in found.active_pods)
    return Plan(Managing(found, ENDING), expectations, requests)


def manage(found: Pass, expectations: JobExpectations, now: int) -> Plan:
    """manageJob: bring the number of active pods to what the Job wants."""
    if is_suspended(found.job):
        return _delete(found, expectations, found.active, now)
    wanted = _wanted(found)
    plan = _delete(found, expectations, max(found.active - wanted, 0), now)
    if plan.requests:
        return plan
    terminating = found.terminating if only_replaces_failed(found.job) else 0
    missing = min(wanted - terminating - found.active, MAX_PER_SYNC)
    if missing <= 0:
        return Plan(Managing(found, NOTHING), expectations)
    return _create(found, expectations, missing, now)


def _wanted(found: Pass) -> int:
    spec = found.job.spec
    parallelism = spec.parallelism or 0
    if spec.completions is None:
        return found.active if found.succeeded > 0 else parallelism
    return max(min(spec.completions - found.succeeded, parallelism), 0)


def _delete(found: Pass, expectations: JobExpectations, at_least: int, now: int) -> Plan:
    pods = _for_removal(found, at_least, now)[:MAX_PER_SYNC]
    if not pods:
        return Plan(Managing(found, NOTHING), expectations)
    requests: list[Request] = []
    for pod in pods:
        requests += [without_finalizer(pod)] if has_finalizer(pod) else []
        requests.append(Delete("pods", pod.key))
    expectations = expectations.expect_deletions(found.job.key, len(pods), now)
    return Plan(Managing(found, DELETING), expectations, tuple(requests))


def _for_removal(found: Pass, at_least: int, now: int) -> list[Pod]:
    """activePodsForRemoval: pods without a valid index and all but one of each go first."""
    pods, ranking = found.active_pods, Ranking(now, deletion_cost=False, logarithmic=False)
    surplus = _invalid(found.job, pods, ranking) if is_indexed(found.job) else []
    left = [pod for pod in pods if pod not in surplus]
    return [*surplus, *victims(left, (), max(at_least - len(surplus), 0), ranking)]


def _invalid(job: Job, pods: Sequence[Pod], ranking: Ranking) -> list[Pod]:
    completions = job.spec.completions or 0
    by_index: dict[int, list[Pod]] = {}
    for pod in pods:
        by_index.setdefault(completion_index(pod), []).append(pod)
    found: list[Pod] = []
    for index in sorted(by_index):
        same = by_index[index]
        is_valid = UNKNOWN_INDEX < index < completions
        found += victims(same, (), len(same) - 1, ranking) if is_valid else same
    return found


def _create(found: Pass, expectations: JobExpectations, count: int, now: int) -> Plan:
    job = found.job
    wait = 0 if has_limit_per_index(job) else found.backoff.remaining(now)
    indexes: tuple[int, ...] = (UNKNOWN_INDEX,) * count
    if is_indexed(job):
        pending = Pending(
            found.pods, found.active_pods, found.succeeded_indexes, found.failed_indexes
        )
        indexes = first_pending(job, pending, count)
    if has_limit_per_index(job):
        indexes, wait = _due(found, indexes, now)
    if wait > 0:
        again = max(wait, BATCH_SECONDS)
        known = found.requeue_after
        found = found._replace(requeue_after=again if known is None else min(again, known))
        return Plan(Managing(found, NOTHING), expectations)
    expectations = expectations.expect_creations(job.key, len(indexes), now)
    requests = tuple(Create(pod_of(found, index)) for index in indexes)
    found = found._replace(active=found.active + len(indexes))
    return Plan(Managing(found, CREATING), expectations, requests)


def _due(found: Pass, indexes: tuple[int, ...], now: int) -> tuple[tuple[int, ...], int]:
    """The indexes whose backoff is over; without one, how long the shortest still lasts."""
    delayed = dict(found.delayed)
    waits = [(index, _wait_of(delayed.get(index), now)) for index in indexes]
    due = tuple(index for index, wait in waits if wait == 0)
    return due, 0 if due else min((wait for _, wait in waits), default=0)


def _wait_of(failed: Pod | None, now: int) -> int:
    if failed is None:
        return 0
    return Backoff(all_index_failures(failed) + 1, finished_time(failed)).remaining(now)


def answered(
    managing: Managing,
    expectations: JobExpectations,
    rest: tuple[Request, ...],
    request: Request,
    response: Response,
) -> Plan:
    """One create or delete was answered: the numbers, and the requests that remain."""
    if managing.kind == CREATING:
        return _created(managing, expectations, rest, response)
    if isinstance(request, Patch) and response.ok:
        return Plan(managing, expectations, rest)
    if isinstance(request, Patch):
        rest = rest[1:]  # a pod that keeps its finalizer is not deleted
    return _deleted(managing, expectations, rest, request, response)


def _deleted(
    managing: Managing,
    expectations: JobExpectations,
    rest: tuple[Request, ...],
    request: Request,
    response: Response,
) -> Plan:
    found = managing.found
    key = getattr(request, "key", "")
    if not response.ok and managing.kind == DELETING:
        expectations = expectations.deletion_observed(found.job.key)
    if not isinstance(request, Patch) and any(
        pod.key == key and is_ready(pod) for pod in found.active_pods
    ):
        found = found._replace(ready=found.ready - 1)
    if response.ok or response.reason == NOT_FOUND:
        found = found._replace(active=found.active - 1, terminating=found.terminating + 1)
    else:
        found = found._replace(has_failed=True)
    return Plan(managing._replace(found=found, done=managing.done + 1), expectations, rest)


def _created(
    managing: Managing,
    expectations: JobExpectations,
    rest: tuple[Request, ...],
    response: Response,
) -> Plan:
    found, key = managing.found, managing.found.job.key
    done, failed = managing.done + 1, managing.failed
    if not response.ok and response.reason != NAMESPACE_TERMINATING:
        failed += 1
        expectations = expectations.creation_observed(key)
        found = found._replace(active=found.active - 1, has_failed=True)
    ends_batch = (done + 1) & done == 0  # after 1, 3, 7, ...
    if ends_batch and failed:
        for _ in rest:
            expectations = expectations.creation_observed(key)
        found = found._replace(active=found.active - len(rest))
        rest = ()
    return Plan(managing._replace(found=found, done=done, failed=failed), expectations, rest)
