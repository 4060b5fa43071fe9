"""Deployment and ReplicaSet, after k8s.io/api/apps/v1/types.go.

A label selector stays frozen JSON; `kspec_models.selectors` reads it, memoised.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.core import PodSpec
from kspec_models.objects.meta import ApiObject, Condition, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, IntOrString, Record, api_type


@api_type
class PodTemplateSpec(Record):
    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: PodSpec = attrs.field(factory=PodSpec)
    extra: FrozenMap[Any] = EMPTY


@api_type
class RollingUpdateDeployment(Record):
    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class DeploymentStrategy(Record):
    type: str = ""
    rolling_update: RollingUpdateDeployment | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class DeploymentSpec(Record):
    replicas: int | None = None
    selector: FrozenMap[Any] | None = None
    template: PodTemplateSpec = attrs.field(factory=PodTemplateSpec)
    strategy: DeploymentStrategy = attrs.field(factory=DeploymentStrategy)
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None
    paused: bool = False
    progress_deadline_seconds: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class DeploymentStatus(Record):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    terminating_replicas: int | None = None
    conditions: tuple[Condition, ...] = ()
    collision_count: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class Deployment(ApiObject):
    API_VERSION: ClassVar[str] = "apps/v1"
    KIND: ClassVar[str] = "Deployment"
    RESOURCE: ClassVar[str] = "deployments"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: DeploymentSpec = attrs.field(factory=DeploymentSpec)
    status: DeploymentStatus = attrs.field(factory=DeploymentStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class ReplicaSetSpec(Record):
    replicas: int | None = None
    min_ready_seconds: int = 0
    selector: FrozenMap[Any] | None = None
    template: PodTemplateSpec = attrs.field(factory=PodTemplateSpec)
    extra: FrozenMap[Any] = EMPTY


@api_type
class ReplicaSetStatus(Record):
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int | None = None
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class ReplicaSet(ApiObject):
    API_VERSION: ClassVar[str] = "apps/v1"
    KIND: ClassVar[str] = "ReplicaSet"
    RESOURCE: ClassVar[str] = "replicasets"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ReplicaSetSpec = attrs.field(factory=ReplicaSetSpec)
    status: ReplicaSetStatus = attrs.field(factory=ReplicaSetStatus)
    extra: FrozenMap[Any] = EMPTY
