"""The pod that a Job creates, with its finalizer, its index and the failures of that index.

After manageJob and addIndexFailureCountAnnotation in
pkg/controller/job/{job_controller,indexed_job_utils}.go at Kubernetes 1.36.
"""

from __future__ import annotations

from kspec_models.controllers.job_facts import (
    COMPLETION_INDEX,
    IGNORED_INDEX_FAILURES,
    INDEX_FAILURES,
    TRACKING_FINALIZER,
    UNKNOWN_INDEX,
    all_index_failures,
    has_limit_per_index,
    index_failures,
)
from kspec_models.controllers.job_pass import Pass
from kspec_models.controllers.job_policies import match_failure_policy
from kspec_models.controllers.pods import pod_from_template
from kspec_models.objects import Job, Pod


def pod_of(found: Pass, index: int) -> Pod:
    """The pod to create, with the finalizer, and with its index where the Job has indexes."""
    job = found.job
    pod = pod_from_template(job, job.spec.template)
    meta = pod.metadata
    if TRACKING_FINALIZER not in meta.finalizers:
        meta = meta.replace(finalizers=(*meta.finalizers, TRACKING_FINALIZER))
    if index == UNKNOWN_INDEX:
        return pod.replace(metadata=meta)
    annotations = meta.annotations.set(COMPLETION_INDEX, str(index))
    if has_limit_per_index(job):
        counted, ignored = _failures_before(job, dict(found.delayed).get(index))
        annotations = annotations.set(INDEX_FAILURES, str(counted))
        if ignored:
            annotations = annotations.set(IGNORED_INDEX_FAILURES, str(ignored))
    meta = meta.replace(
        generate_name=f"{job.name}-{index}-",
        labels=meta.labels.set(COMPLETION_INDEX, str(index)),
        annotations=annotations,
    )
    return pod.replace(metadata=meta, spec=pod.spec.replace(hostname=f"{job.name}-{index}"))


def _failures_before(job: Job, replaced: Pod | None) -> tuple[int, int]:
    """getNewIndexFailureCounts: those that count and those that are ignored."""
    if replaced is None:
        return 0, 0
    counted = index_failures(replaced)
    ignored = all_index_failures(replaced) - counted
    is_counted = match_failure_policy(job, replaced).is_counted
    return counted + is_counted, ignored + (not is_counted)
