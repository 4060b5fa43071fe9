"""PodDisruptionBudget, after k8s.io/api/policy/v1/types.go at 1.36.

The disruption controller keeps the status up to date, but where a world gives one and keeps it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.meta import ApiObject, Condition, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, IntOrString, Record, api_type


@api_type
class PodDisruptionBudgetSpec(Record):
    min_available: IntOrString | None = None
    selector: FrozenMap[Any] | None = None
    max_unavailable: IntOrString | None = None
    unhealthy_pod_eviction_policy: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class PodDisruptionBudgetStatus(Record):
    """disrupted_pods: when the eviction of each pod was processed, by the pod's name."""

    observed_generation: int = 0
    disrupted_pods: FrozenMap[str] = EMPTY
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    conditions: tuple[Condition, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class PodDisruptionBudget(ApiObject):
    API_VERSION: ClassVar[str] = "policy/v1"
    KIND: ClassVar[str] = "PodDisruptionBudget"
    RESOURCE: ClassVar[str] = "poddisruptionbudgets"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: PodDisruptionBudgetSpec = attrs.field(factory=PodDisruptionBudgetSpec)
    status: PodDisruptionBudgetStatus = attrs.field(factory=PodDisruptionBudgetStatus)
    extra: FrozenMap[Any] = EMPTY
