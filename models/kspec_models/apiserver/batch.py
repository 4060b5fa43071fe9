"""Defaults and validation of Job and CronJob.

After pkg/apis/batch/v1/defaults.go and the strategies of pkg/registry/batch at 1.36, validation in
`validate_job` and `validate_cronjob`. The API server makes the selector of a Job and the labels of
its pods (generateSelector): the label controller-uid names the Job. A uid of the model is no label
value, so the label holds a short form of it.

Left out: the validation of status writes; a property judges the statuses that are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kspec.values import fingerprint
from kspec_models.apiserver.defaults import pod_spec
from kspec_models.apiserver.strategy import Strategy
from kspec_models.apiserver.validate_cronjob import cronjob_changes, cronjob_problems
from kspec_models.apiserver.validate_job import (
    CONTROLLER_UID_LABELS,
    JOB_NAME_LABELS,
    NON_INDEXED,
    job_changes,
    job_problems,
)
from kspec_models.objects import CronJob, FrozenMap, Job, JobSpec
from kspec_models.validation import is_valid_label_value

MAX_INT32: Final = 2**31 - 1
DEFAULT_BACKOFF_LIMIT: Final = 6


def controller_uid_label(uid: str) -> str:
    """The value of the label controller-uid for a Job with that uid: the uid where it can be."""
    if not is_valid_label_value(uid):
        return uid
    short = uid.rpartition("/")[2].replace("#", ".")
    return f"{fingerprint(uid):016x}" if is_valid_label_value(short) else short


def job(obj: Job) -> Job:
    """SetDefaults_Job, then generateSelector unless the selector is the user's own."""
    spec = _job_spec(obj.spec)
    if not spec.manual_selector:
        spec = _selecting_its_own(obj, spec)
    if not obj.metadata.labels:  # defaulted once more whenever the object is read from etcd
        obj = obj.with_metadata(labels=spec.template.metadata.labels)
    return obj.replace(spec=spec)


def _job_spec(spec: JobSpec) -> JobSpec:
    completions, parallelism = spec.completions, spec.parallelism
    if completions is None and parallelism is None:
        completions = 1
    per_index = spec.backoff_limit_per_index is not None
    replacement = "Failed" if spec.pod_failure_policy is not None else "TerminatingOrFailed"
    return _with_pod_defaults(spec).replace(
        completions=completions,
        parallelism=_or(parallelism, 1),
        backoff_limit=_or(spec.backoff_limit, MAX_INT32 if per_index else DEFAULT_BACKOFF_LIMIT),
        completion_mode=spec.completion_mode or NON_INDEXED,
        suspend=bool(spec.suspend),
        pod_replacement_policy=spec.pod_replacement_policy or replacement,
        manual_selector=bool(spec.manual_selector),
    )


def _with_pod_defaults(spec: JobSpec) -> JobSpec:
    """The defaults that a Job has in a template of a CronJob as well."""
    template = spec.template.replace(spec=pod_spec(spec.template.spec))
    policy = spec.pod_failure_policy
    return spec.replace(
        template=template,
        pod_failure_policy=_failure_policy(policy) if policy is not None else None,
    )


def _failure_policy(policy: FrozenMap[Any]) -> FrozenMap[Any]:
    """The status of a pattern of pod conditions is "True" where none is given."""
    rules = policy.get("rules")
    if not isinstance(rules, tuple):
        return policy
    return policy.set("rules", tuple(_failure_rule(rule) for rule in rules))


def _failure_rule(rule: Any) -> Any:
    patterns = rule.get("onPodConditions") if isinstance(rule, FrozenMap) else None
    if not isinstance(patterns, tuple) or not all(isinstance(p, FrozenMap) for p in patterns):
        return rule
    complete = tuple(p if p.get("status") else p.set("status", "True") for p in patterns)
    return rule.set("onPodConditions", complete)


def _selecting_its_own(obj: Job, spec: JobSpec) -> JobSpec:
    """generateSelector: labels that the user gave stay; validation refuses those that differ."""
    uid = controller_uid_label(obj.uid)
    labels = dict(spec.template.metadata.labels)
    for name in JOB_NAME_LABELS:
        labels.setdefault(name, obj.name)
    for name in CONTROLLER_UID_LABELS:
        labels.setdefault(name, uid)
    metadata = spec.template.metadata.replace(labels=FrozenMap(labels))
    selector = spec.selector if spec.selector is not None else FrozenMap()
    matched = selector.get("matchLabels") or FrozenMap()
    if isinstance(matched, FrozenMap) and CONTROLLER_UID_LABELS[0] not in matched:
        selector = selector.set("matchLabels", matched.set(CONTROLLER_UID_LABELS[0], uid))
    return spec.replace(template=spec.template.replace(metadata=metadata), selector=selector)


def cronjob(obj: CronJob) -> CronJob:
    """SetDefaults_CronJob; of a Job's defaults its template takes those of pods alone."""
    spec = obj.spec
    template = spec.job_template
    return obj.replace(
        spec=spec.replace(
            concurrency_policy=spec.concurrency_policy or "Allow",
            suspend=bool(spec.suspend),
            successful_jobs_history_limit=_or(spec.successful_jobs_history_limit, 3),
            failed_jobs_history_limit=_or(spec.failed_jobs_history_limit, 1),
            job_template=template.replace(spec=_with_pod_defaults(template.spec)),
        )
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _job_problems(obj: Job) -> Any:
    return job_problems(obj, controller_uid_label(obj.uid))


STRATEGIES: Mapping[str, Strategy] = {
    "jobs": Strategy(job, _job_problems, job_changes),
    "cronjobs": Strategy(cronjob, cronjob_problems, cronjob_changes),
}
