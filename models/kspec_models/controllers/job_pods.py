"""The pods of a Job, as the cache shows them, and the patches that claim or release them.

After getPodsForJob in pkg/controller/job/job_controller.go and the finalizers of
PodControllerRefManager in pkg/controller/controller_ref_manager.go at Kubernetes 1.36: a pod that
is adopted gets the tracking finalizer with its owner, one that is released loses both.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers import claims as claiming
from kspec_models.controllers.claims import Claims
from kspec_models.controllers.job_facts import TRACKING_FINALIZER, has_finalizer
from kspec_models.controllers.pods import selector_of
from kspec_models.host import View
from kspec_models.indexes import controlled_by, orphans
from kspec_models.objects import Job, Pod
from kspec_models.requests import Get, Patch, Request, Response
from kspec_models.store import Entry

_DELETE = "$deleteFromPrimitiveList/finalizers"


class Claiming(NamedTuple):
    """Adoptions and releases are being answered."""

    entry: Entry
    claims: Claims
    is_satisfied: bool
    has_failed: bool = False


def claims_of(job: Job, view: View) -> Claims:
    """The pods of the Job and the orphans of its namespace, sorted out; finished ones too."""
    pods = view.caches["pods"]
    candidates = (*controlled_by(pods, job.uid), *orphans(pods, job.namespace))
    ordered = sorted(candidates, key=lambda entry: entry.key)
    return claiming.claim(job, selector_of(job.spec.selector), ordered)


def claim_requests(job: Job, claims: Claims) -> tuple[Request, ...]:
    """The patches that claim and release, with the tracking finalizer."""
    return tuple(_tracked(request) for request in claiming.claim_requests(job, claims))


def _tracked(request: Request) -> Request:
    if not isinstance(request, Patch):
        return request
    field = "finalizers" if claiming.is_adoption(request) else _DELETE
    meta = request.patch["metadata"].set(field, (TRACKING_FINALIZER,))
    return request._replace(patch=request.patch.set("metadata", meta))


def claimed_pods(claims: Claims) -> tuple[Pod, ...]:
    """The pods that count for a pass; those just adopted carry the finalizer."""
    adopted = [entry.key for entry in claims.adopt]
    return tuple(
        _with_finalizer(entry.value) if entry.key in adopted else entry.value
        for entry in claims.claimed
    )


def _with_finalizer(pod: Pod) -> Pod:
    if has_finalizer(pod):
        return pod
    return pod.with_metadata(finalizers=(*pod.metadata.finalizers, TRACKING_FINALIZER))


def claimed(
    phase: Claiming, rest: tuple[Request, ...], request: Request, response: Response
) -> tuple[Claiming, tuple[Request, ...]]:
    """The phase and the requests that remain after one claim was answered.

    After a live read that forbids adoption, releases still go on. A pod that is gone is not ours.
    """
    if isinstance(request, Get):
        if claiming.can_adopt(phase.entry.value, response):
            return phase, rest
        releases = tuple(r for r in rest if not claiming.is_adoption(r))
        return phase._replace(has_failed=True), releases
    if response.ok:
        return phase, rest
    if not claiming.is_harmless(request, response):
        phase = phase._replace(has_failed=True)
    kept = tuple(e for e in phase.claims.claimed if e.value.key != getattr(request, "key", ""))
    return phase._replace(claims=phase.claims._replace(claimed=kept)), rest
