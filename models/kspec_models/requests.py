"""Requests to the API server and its answers, as data: what a reconcile returns instead of writing.

The cluster delivers each request as an action of its own, which can succeed, be refused, be
throttled, be lost, or be applied while the answer is lost.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kspec_models.objects.meta import ApiObject
from kspec_models.objects.record import FrozenMap
from kspec_models.store import Entry


class Create(NamedTuple):
    """POST. An object with generateName and no name is named by the API server."""

    object: ApiObject


class Update(NamedTuple):
    """PUT of the whole object; `subresource` "status" writes nothing but the status.

    resource_version: `Entry.resource_version` as the caller has seen it; None is unconditional.
    """

    object: ApiObject
    resource_version: int | None = None
    subresource: str = ""


class Patch(NamedTuple):
    """Strategic merge patch, as JSON in `patch`; lists merge by their upstream merge key.

    uid and resource_version are preconditions that upstream puts into the patch's metadata.
    """

    resource: str
    key: str
    patch: FrozenMap[Any]
    subresource: str = ""
    uid: str | None = None
    resource_version: int | None = None


class Delete(NamedTuple):
    """DELETE with preconditions. grace_period_seconds None takes the default of the kind.

    propagation_policy: what becomes of its dependents, "Background", "Foreground" or "Orphan"; ""
    takes the default of the kind.
    """

    resource: str
    key: str
    uid: str | None = None
    resource_version: int | None = None
    grace_period_seconds: int | None = None
    propagation_policy: str = ""


class Evict(NamedTuple):
    """POST to pods/eviction: a delete that the pod's disruption budgets may refuse."""

    key: str
    uid: str | None = None
    grace_period_seconds: int | None = None


class Drain(NamedTuple):
    """What kubectl drain does once: cordon a node and evict its pods, but those of DaemonSets."""

    node: str


class Bind(NamedTuple):
    """POST to pods/binding: sets spec.nodeName of the pod with that uid, and adds annotations."""

    key: str
    uid: str
    node: str
    annotations: tuple[tuple[str, str], ...] = ()


class Get(NamedTuple):
    """A live, linearizable read of one object."""

    resource: str
    key: str


class List(NamedTuple):
    """A live, linearizable list of one resource in one namespace ("": of all)."""

    resource: str
    namespace: str = ""


class DeleteCollection(NamedTuple):
    """DELETE of every object of one resource in one namespace, each as a `Delete` would."""

    resource: str
    namespace: str


Request = Create | Update | Patch | Delete | Evict | Drain | Bind | Get | List | DeleteCollection

NOT_FOUND: Final = "NotFound"
ALREADY_EXISTS: Final = "AlreadyExists"
CONFLICT: Final = "Conflict"
INVALID: Final = "Invalid"
FORBIDDEN: Final = "Forbidden"
NAMESPACE_TERMINATING: Final = "NamespaceTerminating"
TOO_MANY_REQUESTS: Final = "TooManyRequests"
TIMEOUT: Final = "Timeout"
INTERNAL_ERROR: Final = "InternalError"


class Response(NamedTuple):
    """The answer. `reason` is "" on success, else one of the constants above.

    TIMEOUT says that no answer came: the request may or may not have been applied.
    entry: the object as written or read, None after a delete that removed it.
    entries: what a list found, in the order of keys.
    """

    reason: str = ""
    entry: Entry | None = None
    message: str = ""
    entries: tuple[Entry, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.reason


def target(request: Request) -> tuple[str, str]:
    """The resource and key that a request is about; a generated name is shown as `prefix*`."""
    if isinstance(request, Create | Update):
        obj = request.object
        if not obj.metadata.name:
            prefix = f"{obj.namespace}/" if obj.namespace else ""
            return obj.resource, f"{prefix}{obj.metadata.generate_name}*"
        return obj.resource, obj.key
    if isinstance(request, Bind | Evict):
        return "pods", request.key
    if isinstance(request, Drain):
        return "nodes", request.node
    if isinstance(request, List | DeleteCollection):
        return request.resource, request.namespace
    return request.resource, request.key


def describe(request: Request) -> str:
    """One short text for traces and reports, e.g. `Create pods default/web-5d9f-*`."""
    resource, key = target(request)
    text = f"{type(request).__name__} {resource} {key}"
    if isinstance(request, Bind):
        return f"{text} to {request.node}"
    subresource = getattr(request, "subresource", "")
    return f"{text}/{subresource}" if subresource else text
