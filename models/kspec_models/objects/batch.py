"""Job and CronJob, after k8s.io/api/batch/v1/types.go at 1.36.

Left out: every field that no modelled component reads, kept in `extra` untouched. A Job's pod
failure policy and success policy stay frozen JSON, which the one function that reads each parses.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.apps import PodTemplateSpec
from kspec_models.objects.core import ObjectReference
from kspec_models.objects.meta import ApiObject, Condition, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, Record, Time, api_type


@api_type
class JobSpec(Record):
    """Deadlines and times to live are in seconds."""

    parallelism: int | None = None
    completions: int | None = None
    active_deadline_seconds: int | None = None
    pod_failure_policy: FrozenMap[Any] | None = None
    success_policy: FrozenMap[Any] | None = None
    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    max_failed_indexes: int | None = None
    selector: FrozenMap[Any] | None = None
    manual_selector: bool | None = None
    template: PodTemplateSpec = attrs.field(factory=PodTemplateSpec)
    ttl_seconds_after_finished: int | None = None
    completion_mode: str = ""
    suspend: bool | None = None
    pod_replacement_policy: str = ""
    managed_by: str | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class UncountedTerminatedPods(Record):
    """Uids of finished pods that still carry the tracking finalizer and are not counted yet."""

    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class JobStatus(Record):
    """completed_indexes, failed_indexes: ranges as upstream writes them, "0-2,4"."""

    conditions: tuple[Condition, ...] = ()
    start_time: Time | None = None
    completion_time: Time | None = None
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    terminating: int | None = None
    completed_indexes: str = ""
    failed_indexes: str | None = None
    uncounted_terminated_pods: UncountedTerminatedPods | None = None
    ready: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class Job(ApiObject):
    API_VERSION: ClassVar[str] = "batch/v1"
    KIND: ClassVar[str] = "Job"
    RESOURCE: ClassVar[str] = "jobs"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: JobSpec = attrs.field(factory=JobSpec)
    status: JobStatus = attrs.field(factory=JobStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class JobTemplateSpec(Record):
    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: JobSpec = attrs.field(factory=JobSpec)
    extra: FrozenMap[Any] = EMPTY


@api_type
class CronJobSpec(Record):
    """schedule: five fields of cron, or a macro such as @hourly, read in UTC."""

    schedule: str = ""
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str = ""
    suspend: bool | None = None
    job_template: JobTemplateSpec = attrs.field(factory=JobTemplateSpec)
    successful_jobs_history_limit: int | None = None
    failed_jobs_history_limit: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class CronJobStatus(Record):
    active: tuple[ObjectReference, ...] = ()
    last_schedule_time: Time | None = None
    last_successful_time: Time | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class CronJob(ApiObject):
    API_VERSION: ClassVar[str] = "batch/v1"
    KIND: ClassVar[str] = "CronJob"
    RESOURCE: ClassVar[str] = "cronjobs"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: CronJobSpec = attrs.field(factory=CronJobSpec)
    status: CronJobStatus = attrs.field(factory=CronJobStatus)
    extra: FrozenMap[Any] = EMPTY
