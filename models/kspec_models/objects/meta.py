"""ObjectMeta and what every object shares, after k8s.io/apimachinery/pkg/apis/meta/v1/types.go.

`resourceVersion` is not part of an object's content here: the store's entry carries it, so that a
write that changes nothing compares equal and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from kspec_models.objects.record import EMPTY, FrozenMap, Labels, Record, Time, api_type


@api_type
class OwnerReference(Record):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False
    extra: FrozenMap[Any] = EMPTY


@api_type
class ObjectMeta(Record):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    deletion_grace_period_seconds: int | None = None
    labels: Labels = EMPTY
    annotations: Labels = EMPTY
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class Condition(Record):
    """A condition of a Pod, Node, Deployment, ReplicaSet or Namespace."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: Time | None = None
    last_update_time: Time | None = None
    extra: FrozenMap[Any] = EMPTY


class ApiObject(Record):
    """Mixin of the kinds: everything that has metadata and a key."""

    __slots__ = ()
    API_VERSION: ClassVar[str] = ""
    KIND: ClassVar[str] = ""
    RESOURCE: ClassVar[str] = ""
    NAMESPACED: ClassVar[bool] = True

    metadata: ObjectMeta

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def uid(self) -> str:
        return self.metadata.uid

    @property
    def key(self) -> str:
        """namespace/name, or the bare name of a cluster-scoped object."""
        meta = self.metadata
        return f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name

    @property
    def resource(self) -> str:
        """The plural name that the API server and the store file this object under."""
        return self.RESOURCE

    @property
    def is_terminating(self) -> bool:
        return self.metadata.deletion_timestamp is not None

    @classmethod
    def from_json(cls, data: Any, path: str = "") -> Self:
        """Read the object; apiVersion and kind say no more than its class."""
        if cls.KIND and isinstance(data, Mapping):
            data = {k: v for k, v in data.items() if k not in ("apiVersion", "kind")}
        return super().from_json(data, path)

    def to_json(self) -> dict[str, Any]:
        return {"apiVersion": self.API_VERSION, "kind": self.KIND, **super().to_json()}

    def with_metadata(self, **changes: Any) -> Self:
        """This object with some fields of its metadata changed."""
        return self.replace(metadata=self.metadata.replace(**changes))


def controller_of(obj: ApiObject) -> OwnerReference | None:
    """The owner reference that controls the object, as metav1.GetControllerOf."""
    for owner in obj.metadata.owner_references:
        if owner.controller:
            return owner
    return None


def condition(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((c for c in conditions if c.type == kind), None)


def with_condition(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """The conditions with `new` in the place of its type, or at the end."""
    if any(c.type == new.type for c in conditions):
        return tuple(new if c.type == new.type else c for c in conditions)
    return (*conditions, new)
