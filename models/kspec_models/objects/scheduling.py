"""PriorityClass, after k8s.io/api/scheduling/v1/types.go at 1.36."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.meta import ApiObject, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, api_type


@api_type
class PriorityClass(ApiObject):
    API_VERSION: ClassVar[str] = "scheduling.k8s.io/v1"
    KIND: ClassVar[str] = "PriorityClass"
    RESOURCE: ClassVar[str] = "priorityclasses"
    NAMESPACED: ClassVar[bool] = False

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    value: int = 0
    global_default: bool = False
    description: str = ""
    preemption_policy: str = ""
    extra: FrozenMap[Any] = EMPTY
