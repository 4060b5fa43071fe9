"""What a pass of the StatefulSet controller has read when it sends a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kspec_models.controllers.statefulset_identity import (
    is_running_and_ready,
    is_unavailable,
    ordinal_of,
)
from kspec_models.indexes import controlled_by
from kspec_models.objects import Pod, StatefulSet, controller_of
from kspec_models.requests import Create, Delete
from kspec_models.state import Sent, State
from kspec_models.store import Entry, Snapshot


class Read(NamedTuple):
    """What the pass that sends a request has read: the StatefulSet and its pods by ordinal.

    revisions: the names of those that its cache showed.
    """

    owner: StatefulSet
    pods: dict[int, Pod]
    revisions: tuple[str, ...]
    now: int

    def is_available(self, ordinal: int) -> bool:
        """Whether its pod of that ordinal is there, running, ready and available."""
        pod = self.pods.get(ordinal)
        if pod is None or not is_running_and_ready(pod):
            return False
        return not is_unavailable(pod, self.owner.spec.min_ready_seconds, self.now)


def cached(state: State, sent: Sent, resource: str) -> Snapshot:
    """What the sender's process had in its cache of a resource."""
    slot = state.layout.by_informer[sent.process, resource]
    cache: Snapshot = state.slots[slot].cache
    return cache


def as_read(before: State, sent: Sent, key: str) -> Read | None:
    """From the pass where it waits for an answer, else from the caches that it starts from."""
    host = before.slots[before.layout.by_host[sent.host]]
    for sending in host.calls if host is not None else ():
        if sending.call.key == key:
            inputs = sending.call.phase.inputs
            pods = _by_ordinal(inputs.claims.claimed)
            return Read(inputs.value, pods, _names(inputs.revisions), inputs.now)
    owner = cached(before, sent, "statefulsets").get(f"statefulsets/{key}")
    if owner is None:
        return None
    pods = _by_ordinal(controlled_by(cached(before, sent, "pods"), owner.value.uid))
    revisions = _names(cached(before, sent, "controllerrevisions").entries())
    return Read(owner.value, pods, revisions, before.clock)


def _names(entries: tuple[Entry, ...]) -> tuple[str, ...]:
    return tuple(entry.value.name for entry in entries)


def _by_ordinal(entries: tuple[Entry, ...]) -> dict[int, Pod]:
    return {ordinal_of(entry.value): entry.value for entry in entries}


def is_ours(sent: Sent) -> bool:
    """Whether the StatefulSet controller sends it."""
    return sent.host.startswith("statefulset")


def creations(before: State, after: State) -> Iterator[tuple[Pod, Read]]:
    """The pods that the controller asks to create, with what it has read."""
    for sent in after.sent:
        request = sent.request
        if not is_ours(sent) or not isinstance(request, Create):
            continue
        owner = controller_of(request.object)
        if isinstance(request.object, Pod) and owner is not None:
            read = as_read(before, sent, f"{request.object.namespace}/{owner.name}")
            if read is not None:
                yield request.object, read


def deletions(before: State, after: State) -> Iterator[tuple[Pod, Read]]:
    """The pods that the controller asks to delete, as it has read them."""
    for sent in after.sent:
        request = sent.request
        if not is_ours(sent) or not isinstance(request, Delete) or request.resource != "pods":
            continue
        read = as_read(before, sent, request.key.rpartition("-")[0])
        pod = read.pods.get(int(request.key.rpartition("-")[2])) if read is not None else None
        if read is not None and pod is not None:
            yield pod, read
