"""Validation of a Job and of the spec that a CronJob holds for its Jobs.

After ValidateJob, ValidateJobSpec and ValidateJobUpdate in pkg/apis/batch/validation/validation.go
at 1.36: field path and reason, one line a problem. Pod failure and success policies are judged in
`validate_job_policies`.

Left out: limits on the size of rules and lists, which no world comes near; managedBy, since Jobs of
other controllers are not modelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kspec_models.apiserver.shapes import matches
from kspec_models.apiserver.validate_common import (
    immutable,
    labels_problems,
    not_negative,
    pod_spec_problems,
    shown,
)
from kspec_models.apiserver.validate_job_policies import failure_policy, success_policy
from kspec_models.endings import ending_problems
from kspec_models.objects import Job, JobSpec, PodTemplateSpec
from kspec_models.validation import is_dns1123_label

INDEXED: Final = "Indexed"
NON_INDEXED: Final = "NonIndexed"
CONTROLLER_UID_LABELS: Final = ("batch.kubernetes.io/controller-uid", "controller-uid")
JOB_NAME_LABELS: Final = ("batch.kubernetes.io/job-name", "job-name")
MAX_PARALLELISM: Final = 100_000

_NOT_NEGATIVE: Final = (
    ("parallelism", "parallelism"),
    ("completions", "completions"),
    ("active_deadline_seconds", "activeDeadlineSeconds"),
    ("backoff_limit", "backoffLimit"),
    ("ttl_seconds_after_finished", "ttlSecondsAfterFinished"),
    ("backoff_limit_per_index", "backoffLimitPerIndex"),
    ("max_failed_indexes", "maxFailedIndexes"),
)
_IMMUTABLE: Final = (
    ("selector", "selector"),
    ("template", "template"),
    ("completion_mode", "completionMode"),
    ("pod_failure_policy", "podFailurePolicy"),
    ("backoff_limit_per_index", "backoffLimitPerIndex"),
    ("managed_by", "managedBy"),
    ("success_policy", "successPolicy"),
)


def job_problems(obj: Job, uid_label: str) -> Iterator[str]:
    """ValidateJob. uid_label: the value that the label controller-uid must have."""
    spec = obj.spec
    if not spec.manual_selector:
        yield from _generated_labels(obj, uid_label)
    yield from job_spec_problems(spec, "spec")
    if spec.selector is None:
        yield "spec.selector: Required value"
    else:
        yield from _selector(spec)
    if spec.completion_mode == INDEXED and (spec.completions or 0) > 0:
        longest = f"{obj.name}-{(spec.completions or 0) - 1}"
        if is_dns1123_label(longest):
            yield (
                f'metadata.name: Invalid value: "{obj.name}": '
                f"will not able to create pod with invalid DNS label: {longest}"
            )


def _generated_labels(obj: Job, uid_label: str) -> Iterator[str]:
    """validateGeneratedSelector: labels that a user gave must be those that are generated."""
    labels = obj.spec.template.metadata.labels
    wanted = [(name, uid_label) for name in CONTROLLER_UID_LABELS]
    wanted += [(name, obj.name) for name in JOB_NAME_LABELS]
    for name, value in sorted(wanted, key=lambda pair: "." in pair[0]):
        path = "spec.template.metadata.labels"
        if name not in labels:
            yield f"{path}: Required value: must be '{value}'"
        elif labels[name] != value:
            yield f"{path}: Invalid value: \"{labels[name]}\": must be '{value}'"
    if obj.spec.selector is not None:
        is_match, problem = matches(obj.spec.selector, dict(wanted), "spec.selector")
        if not is_match and not problem:
            given = shown(obj.spec.selector)
            yield f"spec.selector: Invalid value: {given}: `selector` not auto-generated"


def _selector(spec: JobSpec) -> Iterator[str]:
    labels = dict(spec.template.metadata.labels)
    is_match, problem = matches(spec.selector, labels, "spec.selector")
    if problem:
        yield problem
    elif not is_match:
        yield (
            f"spec.template.metadata.labels: Invalid value: {shown(labels)}: "
            "`selector` does not match template `labels`"
        )


def job_spec_problems(spec: JobSpec, path: str) -> Iterator[str]:
    """validateJobSpec, of a Job or of the template of a CronJob."""
    for name, field in _NOT_NEGATIVE:
        yield from not_negative(getattr(spec, name), f"{path}.{field}")
    if spec.max_failed_indexes is not None and spec.backoff_limit_per_index is None:
        yield f"{path}.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"
    yield from _completion_mode(spec, path)
    if spec.pod_failure_policy is not None:
        yield from failure_policy(spec, f"{path}.podFailurePolicy")
    if spec.success_policy is not None and spec.completion_mode != INDEXED:
        yield f"{path}.successPolicy: Invalid value: requires indexed completion mode"
    elif spec.success_policy is not None:
        yield from success_policy(spec, f"{path}.successPolicy")
    yield from _replacement_policy(spec, path)
    yield from _template(spec.template, f"{path}.template")
    yield from _restart_policy(spec, f"{path}.template.spec.restartPolicy")


def _completion_mode(spec: JobSpec, path: str) -> Iterator[str]:
    if spec.completion_mode not in ("", NON_INDEXED, INDEXED):
        yield (
            f'{path}.completionMode: Unsupported value: "{spec.completion_mode}": '
            f'supported values: "{INDEXED}", "{NON_INDEXED}"'
        )
    elif spec.completion_mode == INDEXED:
        yield from _indexed(spec, path)
    else:
        for name, field in _NOT_NEGATIVE[-2:]:
            value = getattr(spec, name)
            if value is not None:
                yield f"{path}.{field}: Invalid value: {value}: requires indexed completion mode"


def _indexed(spec: JobSpec, path: str) -> Iterator[str]:
    failed, completions = spec.max_failed_indexes, spec.completions
    if completions is None:
        yield f"{path}.completions: Required value: when completion mode is {INDEXED}"
    if (spec.parallelism or 0) > MAX_PARALLELISM:
        yield (
            f"{path}.parallelism: Invalid value: {spec.parallelism}: "
            f"must be less than or equal to {MAX_PARALLELISM} when completion mode is {INDEXED}"
        )
    if completions is not None and failed is not None and failed > completions:
        yield (
            f"{path}.maxFailedIndexes: Invalid value: {failed}: "
            "must be less than or equal to completions"
        )


def _replacement_policy(spec: JobSpec, path: str) -> Iterator[str]:
    supported = ("Failed",) if spec.pod_failure_policy else ("Failed", "TerminatingOrFailed")
    policy = spec.pod_replacement_policy
    if policy and policy not in supported:
        texts = ", ".join(f'"{text}"' for text in supported)
        yield (
            f'{path}.podReplacementPolicy: Unsupported value: "{policy}": supported values: {texts}'
        )


def _template(template: PodTemplateSpec, path: str) -> Iterator[str]:
    yield from labels_problems(template.metadata.labels, f"{path}.metadata.labels")
    yield from ending_problems(template.metadata.annotations, f"{path}.metadata.annotations")
    yield from pod_spec_problems(template.spec, f"{path}.spec")


def _restart_policy(spec: JobSpec, path: str) -> Iterator[str]:
    policy = spec.template.spec.restart_policy
    if policy in ("", "Always"):
        yield f'{path}: Required value: valid values: "OnFailure", "Never"'
    elif policy not in ("OnFailure", "Never"):
        yield f'{path}: Unsupported value: "{policy}": supported values: "Never", "OnFailure"'
    elif spec.pod_failure_policy is not None and policy != "Never":
        yield (
            f'{path}: Invalid value: "{policy}": '
            'only "Never" is supported when podFailurePolicy is specified'
        )


def job_changes(old: Job, new: Job) -> Iterator[str]:
    """ValidateJobSpecUpdate: what a Job keeps. A suspended one that never started may be moved."""
    for name, field in _IMMUTABLE:
        before, after = getattr(old.spec, name), getattr(new.spec, name)
        if name == "template" and old.spec.suspend and old.status.start_time is None:
            before, after = _unmoved(before), _unmoved(after)
        if before != after:
            yield immutable(after, f"spec.{field}")
    if old.spec.completions == new.spec.completions:
        return
    if new.spec.completion_mode != INDEXED:
        yield f"spec.completions: Invalid value: {new.spec.completions}: field is immutable"
    elif new.spec.completions is not None and new.spec.completions != new.spec.parallelism:
        yield (
            f"spec.completions: Invalid value: {new.spec.completions}: "
            "can only be modified in tandem with spec.parallelism"
        )


def _unmoved(template: PodTemplateSpec) -> Any:
    """The template without what may be changed before a start: where its pods may run."""
    spec = template.spec
    affinity = spec.affinity.without("nodeAffinity") if spec.affinity else None
    return template.replace(
        metadata=type(template.metadata)(),
        spec=spec.replace(
            affinity=affinity or None,
            node_selector=type(spec)().node_selector,
            tolerations=(),
            scheduling_gates=(),
        ),
    )
