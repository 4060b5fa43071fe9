"""Carrying out a preemption: victims are told why, and deleted one after the other.

After pkg/scheduler/framework/preemption/executor.go (prepareCandidateAsync) and
framework/plugins/defaultpreemption (PreEnqueue) at 1.36, with SchedulerAsyncPreemption (on by
default). While victims are still to be deleted, nothing takes the preemptor out of the pool of
unschedulable pods; before the last one is, that ends, so that its deletion retries the pod.

A request that fails, but because the victim is gone already, ends the preemption, and the pod is
tried again at once.

Left out: upstream deletes all victims but the last side by side, and while the preemptor's status
is being written; here one request follows the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kspec_models.objects import Pod
from kspec_models.requests import NOT_FOUND, Delete, Patch, Request, Response
from kspec_models.scheduler.condition import unnominate_patch, victim_patch
from kspec_models.scheduler.filtering import priority_of
from kspec_models.scheduler.framework import Nomination
from kspec_models.scheduler.nominator import Nominator


class Preempting(NamedTuple):
    """What is remembered of a preemption under way.

    last: the requests that concern the last victim, which are sent when the pod may be retried.
    """

    key: str
    uid: str
    last: tuple[Request, ...]


def evictions(
    preemptor: Pod, nomination: Nomination, nominator: Nominator, scheduler: str, now: int
) -> tuple[tuple[Request, ...], tuple[Request, ...]]:
    """The requests of a preemption: those that come first, and those about the last victim."""
    first: list[Request] = list(_taken_back(preemptor, nomination.node, nominator))
    *others, last = nomination.victims
    for victim in others:
        first += _eviction(victim, preemptor, scheduler, now)
    return tuple(first), tuple(_eviction(last, preemptor, scheduler, now))


def _eviction(victim: Pod, preemptor: Pod, scheduler: str, now: int) -> list[Request]:
    if victim.is_terminating:
        return []  # it goes already
    told = victim_patch(victim, preemptor, scheduler, now)
    delete = Delete("pods", victim.key)
    return [told, delete] if told is not None else [delete]


def _taken_back(preemptor: Pod, node: str, nominator: Nominator) -> Iterator[Patch]:
    """Nominations of lower priority to the same node, which may have no room any more."""
    for other in nominator.by_node().get(node, ()):
        if priority_of(other) < priority_of(preemptor):
            patch = unnominate_patch(other)
            if patch is not None:
                yield patch


def is_done(response: Response) -> bool:
    """Whether a request of a preemption did what it should: a victim may be gone already."""
    return response.ok or response.reason == NOT_FOUND
