"""Carrying out a preemption: victims are told why, and deleted one after the other.

After pkg/scheduler/framework/preemption/executor.go (prepareCandidateAsync) and
framework/plugins/defaultpreemption (PreEnqueue) at 1.36, with SchedulerAsyncPreemption (on by
default). While victims are still to be deleted, nothing takes the preemptor out of the pool of
unschedulable pods; before the last one is, that ends, so that its deletion retries the pod.

A request about a victim that fails, but because the victim is gone already, ends the preemption,
and the pod is tried again at once. Victims that are being deleted already need no request; where
all are, nothing keeps the preemptor in the pool.

Left out: upstream deletes all victims but the last side by side, and while the preemptor's status
is being written; here one request follows the other. A victim that waits at Permit, or in PreBind,
is deleted like any other, where upstream turns it down in memory and spares the pod.
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


def to_delete(nomination: Nomination | None) -> tuple[Pod, ...]:
    """The victims of a nomination that are not being deleted already."""
    victims = nomination.victims if nomination is not None else ()
    return tuple(victim for victim in victims if not victim.is_terminating)


def evictions(
    preemptor: Pod, nomination: Nomination, nominator: Nominator, scheduler: str, now: int
) -> tuple[tuple[Request, ...], tuple[Request, ...]]:
    """The requests of a preemption: those that come first, and those about the last victim.

    There is a victim `to_delete`.
    """
    first: list[Request] = list(_taken_back(preemptor, nomination.node, nominator))
    *others, last = to_delete(nomination)
    for victim in others:
        first += _eviction(victim, preemptor, scheduler, now)
    return tuple(first), tuple(_eviction(last, preemptor, scheduler, now))


def _eviction(victim: Pod, preemptor: Pod, scheduler: str, now: int) -> list[Request]:
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


def goes_on(phase: Preempting, request: Request, response: Response) -> bool:
    """Whether a preemption goes on after an answer: a victim may be gone already, and what is
    written to the preemptor, or to a pod whose nomination is taken back, does not count."""
    if response.ok or response.reason == NOT_FOUND:
        return True
    if not isinstance(request, Patch):
        return False
    is_own = request.key == phase.key
    return is_own or "conditions" not in request.patch["status"]
