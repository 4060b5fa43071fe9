"""ReplicationController controller: the ReplicaSet controller over objects that look like its own.

After pkg/controller/replication/{replication_controller,conversion}.go at Kubernetes 1.36: what the
caches and the API server show of ReplicationControllers is turned into ReplicaSets, and what the
ReplicaSet controller writes is turned back. An owner reference names the kind as it is stored.
status.terminatingReplicas is a field of ReplicaSets alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs

from kspec.values import Memo
from kspec_models.controllers.replicaset import ReplicaSetController, ReplicaSetMemory
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import (
    FrozenMap,
    PodTemplateSpec,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    ReplicationController,
    ReplicationControllerStatus,
)
from kspec_models.objects.record import api_type
from kspec_models.requests import Request, Response, Update
from kspec_models.store import Entry, Snapshot

RESOURCE = ReplicationController.RESOURCE
_STATUS = (
    *("replicas", "fully_labeled_replicas", "ready_replicas", "available_replicas"),
    *("observed_generation", "conditions"),
)


@api_type
class Converted(ReplicaSet):
    """A ReplicationController in the form of a ReplicaSet, under its own name and kind."""

    API_VERSION: ClassVar[str] = ReplicationController.API_VERSION
    KIND: ClassVar[str] = ReplicationController.KIND
    RESOURCE: ClassVar[str] = ReplicationController.RESOURCE


def _convert(given: ReplicationController) -> Converted:
    """convertRCtoRS: labels that must all match become matchLabels."""
    spec, status = given.spec, given.status
    return Converted(
        metadata=given.metadata,
        spec=ReplicaSetSpec(
            replicas=spec.replicas,
            min_ready_seconds=spec.min_ready_seconds,
            selector=FrozenMap({"matchLabels": spec.selector}),
            template=spec.template or PodTemplateSpec(),
        ),
        status=ReplicaSetStatus(**{name: getattr(status, name) for name in _STATUS}),
    )


_converted: Memo[ReplicationController, Converted] = Memo(
    "replicationcontrollers as replicasets", _convert
)


def _entry(entry: Entry) -> Entry:
    """The entry with its object converted; one of any other kind as it is."""
    if not isinstance(entry.value, ReplicationController):
        return entry
    value = _converted(entry.value)
    return Entry(entry.key, value, entry.create_revision, entry.mod_revision, entry.version)


def _restored(request: Request) -> Request:
    """convertRStoRC, of the one write about the object itself: its status."""
    if not isinstance(request, Update) or not isinstance(request.object, Converted):
        return request
    made: Converted = request.object
    status = ReplicationControllerStatus(**{n: getattr(made.status, n) for n in _STATUS})
    body = ReplicationController(metadata=made.metadata, status=status)
    return request._replace(object=body)


class _Lister:
    """A cache of ReplicationControllers, read as one of ReplicaSets."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def get(self, key: str) -> Entry | None:
        found = self.snapshot.get(key)
        return None if found is None else _entry(found)

    def entries(self) -> tuple[Entry, ...]:
        return tuple(map(_entry, self.snapshot.entries()))

    def indexed(self, value: str) -> tuple[Entry, ...]:
        return tuple(map(_entry, self.snapshot.indexed(value)))


class _Caches(Mapping[str, Any]):
    """The informer caches, with ReplicationControllers converted."""

    def __init__(self, caches: Mapping[str, Snapshot]) -> None:
        self.caches = caches

    def __getitem__(self, resource: str) -> Any:
        snapshot = self.caches[resource]
        return _Lister(snapshot) if resource == RESOURCE else snapshot

    def __iter__(self) -> Iterator[str]:
        return iter(self.caches)

    def __len__(self) -> int:
        return len(self.caches)


def _view(view: View) -> View:
    return view._replace(caches=_Caches(view.caches))


def _worked(worked: Worked) -> Worked:
    if not worked.requests:
        return worked
    return worked._replace(requests=tuple(map(_restored, worked.requests)))


@attrs.frozen
class ReplicationControllerController(ReplicaSetController):
    """The replication controller of kube-controller-manager."""

    name: str = "replicationcontroller"
    watches: tuple[Watch, ...] = (Watch(RESOURCE), Watch("pods"))
    kind: type[ReplicaSet] = Converted
    with_terminating: bool = False

    def handle(
        self, memory: ReplicaSetMemory, event: Notification, view: View
    ) -> tuple[ReplicaSetMemory, tuple[str, ...]]:
        """An event handler call, with the object converted."""
        if event.resource == RESOURCE:
            old, new = (None if e is None else _entry(e) for e in (event.old, event.new))
            event = event._replace(old=old, new=new)
        return super().handle(memory, event, _view(view))

    def reconcile(self, memory: ReplicaSetMemory, key: str, view: View) -> Worked:
        """One pass over one key."""
        return _worked(super().reconcile(memory, key, _view(view)))

    def answer(
        self,
        memory: ReplicaSetMemory,
        call: Call,
        request: Request,
        response: Response,
        view: View,
    ) -> Worked:
        """One request was answered, with the object converted."""
        if response.entry is not None:
            response = response._replace(entry=_entry(response.entry))
        return _worked(super().answer(memory, call, request, response, _view(view)))
