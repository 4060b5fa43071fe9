"""HorizontalPodAutoscaler, after k8s.io/api/autoscaling/v2/types.go at 1.36.

Metric specifications, their last values and the scaling behaviour stay frozen JSON, which the one
function that reads each of them parses, memoised.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.meta import ApiObject, Condition, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, Record, Time, api_type


@api_type
class CrossVersionObjectReference(Record):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class HorizontalPodAutoscalerSpec(Record):
    scale_target_ref: CrossVersionObjectReference = attrs.field(factory=CrossVersionObjectReference)
    min_replicas: int | None = None
    max_replicas: int = 0
    metrics: Any = ()
    behavior: FrozenMap[Any] | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class HorizontalPodAutoscalerStatus(Record):
    observed_generation: int | None = None
    last_scale_time: Time | None = None
    current_replicas: int = 0
    desired_replicas: int = 0
    current_metrics: Any = ()
    conditions: tuple[Condition, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class HorizontalPodAutoscaler(ApiObject):
    API_VERSION: ClassVar[str] = "autoscaling/v2"
    KIND: ClassVar[str] = "HorizontalPodAutoscaler"
    RESOURCE: ClassVar[str] = "horizontalpodautoscalers"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: HorizontalPodAutoscalerSpec = attrs.field(factory=HorizontalPodAutoscalerSpec)
    status: HorizontalPodAutoscalerStatus = attrs.field(factory=HorizontalPodAutoscalerStatus)
    extra: FrozenMap[Any] = EMPTY
