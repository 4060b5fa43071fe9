"""Load: what the environment makes pods use, and what metrics say of anything else.

A kind of kspec's own, metrics.kspec.dev/v1. Without one there are no metrics: what a pod uses is no
part of any manifest, so a world must say it. `kspec_models.metrics` says what each field means.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.autoscaling import CrossVersionObjectReference
from kspec_models.objects.meta import ApiObject, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, Labels, QuantityText, Record, api_type


@api_type
class LoadByAge(Record):
    from_seconds: int = 0
    value: QuantityText = attrs.field(default=QuantityText(""))
    extra: FrozenMap[Any] = EMPTY


@api_type
class LoadSpec(Record):
    source: str = ""
    metric: str = ""
    selector: FrozenMap[Any] | None = None
    container: str = ""
    value: QuantityText = attrs.field(default=QuantityText(""))
    by_age: tuple[LoadByAge, ...] = ()
    total: QuantityText = attrs.field(default=QuantityText(""))
    window_seconds: int | None = None
    described_object: CrossVersionObjectReference | None = None
    series: Labels = EMPTY
    extra: FrozenMap[Any] = EMPTY


@api_type
class Load(ApiObject):
    API_VERSION: ClassVar[str] = "metrics.kspec.dev/v1"
    KIND: ClassVar[str] = "Load"
    RESOURCE: ClassVar[str] = "loads"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: LoadSpec = attrs.field(factory=LoadSpec)
    extra: FrozenMap[Any] = EMPTY
