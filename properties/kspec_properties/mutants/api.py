"""Mutants of the API server and of reflectors."""

from __future__ import annotations

from typing import Any

import attrs

from kspec_models.apiserver.server import ApiServer, Reply
from kspec_models.components import Components
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.controllers.worker import Worked
from kspec_models.host import View
from kspec_models.reflector import WATCHING, Informer, Reflector
from kspec_models.requests import Delete, Response, Update
from kspec_models.store import Entry
from kspec_models.streams import Stream
from kspec_models.world import World
from kspec_models.worlds import delete, deployment, pod, set_image
from kspec_properties.mutants.mutant import Change, ModelMutant, replacing, replacing_controller

_PODS = World(
    name="two-pods", nodes=1, objects=(pod("a"), pod("b")), operations=(delete("Pod", "a"),)
)
_WEB = World(
    name="one-deployment",
    nodes=1,
    objects=(deployment("web", 1),),
    operations=(set_image("web", "app:2"),),
)


class SkipsAnEvent(Reflector):
    """Drops an event that is followed by another of the same key."""

    def receive(self, informer: Informer, stream: Stream) -> Informer:
        at = informer.position
        events = stream.events
        if at + 1 < len(events) and events[at].key == events[at + 1].key:
            informer = informer.evolve(position=at + 1)
        return super().receive(informer, stream)


class ResumesOneEarly(Reflector):
    def resumed(self, informer: Informer, compacted: int) -> Informer:
        after = super().resumed(informer, compacted)
        if after.status is WATCHING and after.position:
            return after.evolve(position=after.position - 1)
        return after


class ForgetsDeletionsInReplace(Reflector):
    """A Replace goes through the listed keys only, not through those that the cache still has."""

    def listed(self, informer: Informer, stream: Stream, position: int, revision: int) -> Informer:
        after = super().listed(informer, stream, position, revision)
        kept = tuple(key for key in after.remaining if key in after.target)
        return after.evolve(remaining=kept) if kept else self._watching(after)


class DropsDeletions(Reflector):
    def receive(self, informer: Informer, stream: Stream) -> Informer:
        event = stream.events[informer.position]
        if event.new is not None:
            return super().receive(informer, stream)
        return informer.evolve(position=informer.position + 1, resume=event.revision)


class WritesNoOps(ApiServer):
    def replace(self, state: Any, old: Entry, obj: Any, subresource: str) -> Reply:
        reply = super().replace(state, old, obj, subresource)
        if reply.changes or not reply.response.ok:
            return reply
        store, change = state.store.put(old.key, old.value)
        return Reply(attrs.evolve(state, store=store), Response("", change.entry), (change,))


class IgnoresVersions(ApiServer):
    def update(self, state: Any, request: Update, now: int) -> Reply:
        return super().update(state, request._replace(resource_version=None), now)


class GuessesAName(ReplicaSetController):
    """Deletes the pod that it believes to be its second one, whether it has seen it or not."""

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        worked = super().reconcile(memory, key, view)
        if not worked.requests:
            return worked
        guessed = Delete("pods", f"{key}-2")
        return worked._replace(requests=(*worked.requests, guessed))


def _reflector(cls: type[Reflector]) -> Change:
    def change(parts: Components) -> Components:
        return attrs.evolve(parts, reflector=cls(atomic=parts.reflector.atomic))

    return change


MUTANTS = (
    ModelMutant(
        name="watch-skips-an-event",
        description="a watch drops an event that is followed by another of the same key",
        property="watch-order",
        world=_PODS,
        change=_reflector(SkipsAnEvent),
    ),
    ModelMutant(
        name="watch-resumes-one-early",
        description="a watch that broke is resumed from the event before the last one received",
        property="watch-order",
        world=_PODS,
        change=_reflector(ResumesOneEarly),
        faults="disconnect",
    ),
    ModelMutant(
        name="replace-forgets-deletions",
        description="a relist does not tell of keys that are only in the old cache",
        property="watch-order",
        world=_PODS,
        change=_reflector(ForgetsDeletionsInReplace),
        faults="compaction",
    ),
    ModelMutant(
        name="deletions-are-not-delivered",
        description="a watch drops DELETED events",
        property="watchers-catch-up",
        world=_PODS,
        change=_reflector(DropsDeletions),
    ),
    ModelMutant(
        name="updates-that-change-nothing-are-written",
        description="the API server writes an update that changes nothing",
        property="resource-version-increases",
        world=_WEB,
        change=replacing(api_server=WritesNoOps()),
    ),
    ModelMutant(
        name="updates-ignore-the-version",
        description="the API server does not compare the resourceVersion of an update",
        property="no-lost-update",
        world=_WEB,
        change=replacing(api_server=IgnoresVersions()),
    ),
    ModelMutant(
        name="controller-guesses-a-name",
        description="the ReplicaSet controller deletes a pod by a guessed name",
        property="acts-only-on-what-was-delivered",
        world=_WEB,
        change=replacing_controller("replicaset", lambda _: GuessesAName()),
    ),
)
