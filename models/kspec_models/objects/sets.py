"""StatefulSet, DaemonSet, ControllerRevision and ReplicationController.

After k8s.io/api/{apps,core}/v1/types.go at 1.36. Left out: every field that no modelled component
reads, kept in `extra` untouched.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.apps import PodTemplateSpec
from kspec_models.objects.meta import ApiObject, Condition, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, IntOrString, Labels, Record, api_type
from kspec_models.objects.storage import PersistentVolumeClaim


@api_type
class RollingUpdateStatefulSetStrategy(Record):
    partition: int | None = None
    max_unavailable: IntOrString | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class StatefulSetUpdateStrategy(Record):
    type: str = ""
    rolling_update: RollingUpdateStatefulSetStrategy | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class PersistentVolumeClaimRetentionPolicy(Record):
    when_deleted: str = ""
    when_scaled: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class StatefulSetOrdinals(Record):
    start: int = 0
    extra: FrozenMap[Any] = EMPTY


@api_type
class StatefulSetSpec(Record):
    replicas: int | None = None
    selector: FrozenMap[Any] | None = None
    template: PodTemplateSpec = attrs.field(factory=PodTemplateSpec)
    volume_claim_templates: tuple[PersistentVolumeClaim, ...] = ()
    service_name: str = ""
    pod_management_policy: str = ""
    update_strategy: StatefulSetUpdateStrategy = attrs.field(factory=StatefulSetUpdateStrategy)
    revision_history_limit: int | None = None
    min_ready_seconds: int = 0
    persistent_volume_claim_retention_policy: PersistentVolumeClaimRetentionPolicy | None = None
    ordinals: StatefulSetOrdinals | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class StatefulSetStatus(Record):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    collision_count: int | None = None
    conditions: tuple[Condition, ...] = ()
    available_replicas: int = 0
    extra: FrozenMap[Any] = EMPTY


@api_type
class StatefulSet(ApiObject):
    API_VERSION: ClassVar[str] = "apps/v1"
    KIND: ClassVar[str] = "StatefulSet"
    RESOURCE: ClassVar[str] = "statefulsets"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: StatefulSetSpec = attrs.field(factory=StatefulSetSpec)
    status: StatefulSetStatus = attrs.field(factory=StatefulSetStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class RollingUpdateDaemonSet(Record):
    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class DaemonSetUpdateStrategy(Record):
    type: str = ""
    rolling_update: RollingUpdateDaemonSet | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class DaemonSetSpec(Record):
    selector: FrozenMap[Any] | None = None
    template: PodTemplateSpec = attrs.field(factory=PodTemplateSpec)
    update_strategy: DaemonSetUpdateStrategy = attrs.field(factory=DaemonSetUpdateStrategy)
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class DaemonSetStatus(Record):
    current_number_scheduled: int = 0
    number_misscheduled: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0
    observed_generation: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    number_unavailable: int = 0
    collision_count: int | None = None
    conditions: tuple[Condition, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class DaemonSet(ApiObject):
    API_VERSION: ClassVar[str] = "apps/v1"
    KIND: ClassVar[str] = "DaemonSet"
    RESOURCE: ClassVar[str] = "daemonsets"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: DaemonSetSpec = attrs.field(factory=DaemonSetSpec)
    status: DaemonSetStatus = attrs.field(factory=DaemonSetStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class ControllerRevision(ApiObject):
    """data: the part of a StatefulSet's or DaemonSet's spec that a revision keeps, as JSON."""

    API_VERSION: ClassVar[str] = "apps/v1"
    KIND: ClassVar[str] = "ControllerRevision"
    RESOURCE: ClassVar[str] = "controllerrevisions"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    data: FrozenMap[Any] = EMPTY
    revision: int = 0
    extra: FrozenMap[Any] = EMPTY


@api_type
class ReplicationControllerSpec(Record):
    """selector: labels that a pod must all carry, as before there were label selectors."""

    replicas: int | None = None
    min_ready_seconds: int = 0
    selector: Labels = EMPTY
    template: PodTemplateSpec | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class ReplicationControllerStatus(Record):
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class ReplicationController(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "ReplicationController"
    RESOURCE: ClassVar[str] = "replicationcontrollers"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ReplicationControllerSpec = attrs.field(factory=ReplicationControllerSpec)
    status: ReplicationControllerStatus = attrs.field(factory=ReplicationControllerStatus)
    extra: FrozenMap[Any] = EMPTY
