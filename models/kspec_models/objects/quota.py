"""ResourceQuota, LimitRange and Secret, after k8s.io/api/core/v1/types.go at 1.36."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.meta import ApiObject, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, Labels, Record, Resources, api_type


@api_type
class ResourceQuotaSpec(Record):
    """scope_selector stays frozen JSON."""

    hard: Resources = EMPTY
    scopes: tuple[str, ...] = ()
    scope_selector: FrozenMap[Any] | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class ResourceQuotaStatus(Record):
    hard: Resources = EMPTY
    used: Resources = EMPTY
    extra: FrozenMap[Any] = EMPTY


@api_type
class ResourceQuota(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "ResourceQuota"
    RESOURCE: ClassVar[str] = "resourcequotas"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ResourceQuotaSpec = attrs.field(factory=ResourceQuotaSpec)
    status: ResourceQuotaStatus = attrs.field(factory=ResourceQuotaStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class LimitRangeItem(Record):
    """type: Pod, Container or PersistentVolumeClaim."""

    type: str = ""
    max: Resources = EMPTY
    min: Resources = EMPTY
    default: Resources = EMPTY
    default_request: Resources = EMPTY
    max_limit_request_ratio: Resources = EMPTY
    extra: FrozenMap[Any] = EMPTY


@api_type
class LimitRangeSpec(Record):
    limits: tuple[LimitRangeItem, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class LimitRange(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "LimitRange"
    RESOURCE: ClassVar[str] = "limitranges"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: LimitRangeSpec = attrs.field(factory=LimitRangeSpec)
    extra: FrozenMap[Any] = EMPTY


@api_type
class Secret(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Secret"
    RESOURCE: ClassVar[str] = "secrets"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    type: str = ""
    data: Labels = EMPTY
    extra: FrozenMap[Any] = EMPTY
