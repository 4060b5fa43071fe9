"""Objects that no component interprets: stored, listed and deleted like any other."""

from __future__ import annotations

from typing import Any

import attrs

from kspec_models.objects.meta import ApiObject, ObjectMeta
from kspec_models.objects.record import EMPTY, FrozenMap, api_type


@api_type
class Unstructured(ApiObject):
    """A passive object; its whole body but metadata is kept as frozen JSON in `extra`."""

    api_version: str = ""
    kind: str = ""
    plural: str = attrs.field(default="", metadata={"json": "__resource"})
    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    extra: FrozenMap[Any] = EMPTY

    @property
    def resource(self) -> str:
        return self.plural

    def to_json(self) -> dict[str, Any]:
        body = super().to_json()
        body.pop("__resource", None)
        return {**body, "apiVersion": self.api_version, "kind": self.kind}
