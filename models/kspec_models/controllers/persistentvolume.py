"""PersistentVolume controller: bind claims to volumes, and say how far each of them is.

After pkg/controller/volume/persistentvolume/{pv_controller,pv_controller_base,index}.go at 1.36.
What a pass does next is decided anew after each answer, from the newest that the controller knows:
the informers and its own writes. Upstream goes on with what it read at first; the writes are the
same, in the same order, unless somebody else changed an object in between.

One worker takes claims and volumes; upstream has one for each. It looks at everything again every
15 seconds; here, a change of a volume or a class enqueues the claims that are not bound, and a
change of a claim the volumes that refer to it: nothing else could change the outcome.

Left out: recycling; expansion; deletion of volumes (the provisioner's); attach and detach; the
protection finalizers; the claims of ephemeral volumes (pkg/controller/volume/ephemeral): a pod
waits for the one that its world gives; and that a claim whose class does not exist is retried
with a backoff: it waits for the class.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.persistentvolume_binding import claim_step, volume_step
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import PersistentVolume, PersistentVolumeClaim, StorageClass
from kspec_models.requests import NOT_FOUND, Get, Request, Response
from kspec_models.store import Entry, Snapshot
from kspec_models.volumes import CLAIMS, CLASSES, VOLUMES, is_fully_bound

Own = tuple[Entry, ...]
"""What the controller wrote and its informers have not shown yet, by key."""


class Live(NamedTuple):
    """A claim as it was read from the API server; entry None: there is none."""

    entry: Entry | None


class PersistentVolumeController:
    """Keys are the resource and the name of a claim or a volume."""

    name = "persistentvolume-binder"
    watches = (Watch(VOLUMES), Watch(CLAIMS), Watch(CLASSES))

    def initial(self) -> Own:
        return ()

    def handle(self, memory: Own, event: Notification, view: View) -> tuple[Own, tuple[str, ...]]:
        """Enqueue what the change is about and what may hang on it."""
        memory = _seen(memory, event)
        if event.resource == CLASSES:
            return memory, _unbound(view)
        key = f"{event.resource}/{event.key}"
        own = (key,) if event.new is not None else ()
        others = _unbound(view) if event.resource == VOLUMES else _referring(event, view)
        return memory, tuple(dict.fromkeys((*own, *_partner(event), *others)))

    def reconcile(self, memory: Own, key: str, view: View) -> Worked:
        """The first write of a pass over one claim or volume."""
        return _next(memory, key, view, None)

    def answer(
        self, memory: Own, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Go on from the answer; after a refusal the key is retried."""
        if isinstance(request, Get):
            if not response.ok and response.reason != NOT_FOUND:
                return Worked(memory, failed=True)
            return _next(memory, call.key, view, Live(response.entry))
        if not response.ok:
            return Worked(memory, failed=True)
        if response.entry is None:
            return Worked(memory)
        known = [entry for entry in memory if entry.key != response.entry.key]
        memory = tuple(sorted((*known, response.entry), key=lambda entry: entry.key))
        return _next(memory, call.key, view, call.phase)


def _next(memory: Own, key: str, view: View, live: Live | None) -> Worked:
    """The next write of a pass, or its end."""
    resource = key.partition("/")[0]
    known = _known(memory, view)
    entry = known[resource].get(key)
    if entry is None:
        return Worked(memory)
    if resource == CLAIMS:
        request = claim_step(entry, known[VOLUMES], _classes(view))
        return Worked(memory, (request,) if request is not None else ())
    ref = entry.value.spec.claim_ref
    claim = known[CLAIMS].get(f"{CLAIMS}/{ref.namespace}/{ref.name}") if ref is not None else None
    request = volume_step(entry, live.entry if live is not None else claim, live is not None)
    return Worked(memory, (request,) if request is not None else (), live)


def _known(memory: Own, view: View) -> dict[str, Snapshot]:
    """The informers' caches, and the controller's own writes where those are newer."""
    known = {resource: view.caches[resource] for resource in (CLAIMS, VOLUMES)}
    for entry in memory:
        resource = entry.value.resource
        if _is_older(known[resource].get(entry.key), entry):
            known[resource] = known[resource].patched(entry.key, entry)
    return known


def _is_older(cached: Entry | None, own: Entry) -> bool:
    """Whether the informer shows an older version of what was written."""
    if cached is None or cached.value.uid != own.value.uid:
        return False
    return cached.resource_version < own.resource_version


def _seen(memory: Own, event: Notification) -> Own:
    """The writes that the informers still have to show after an event."""
    key = f"{event.resource}/{event.key}"
    if not any(entry.key == key for entry in memory):
        return memory
    return tuple(e for e in memory if e.key != key or _is_older(event.new, e))


def _classes(view: View) -> tuple[StorageClass, ...]:
    return tuple(entry.value for entry in view.caches[CLASSES].entries())


def _unbound(view: View) -> tuple[str, ...]:
    """The claims that a volume or a class could help."""
    return tuple(e.key for e in view.caches[CLAIMS].entries() if not is_fully_bound(e.value))


def _partner(event: Notification) -> tuple[str, ...]:
    """deleteVolume and deleteClaim: the claim of a volume that is gone, the volume of a claim.

    A volume that is there enqueues the claim that it was made for (syncVolume).
    """
    entry = event.new if event.new is not None else event.old
    assert entry is not None
    obj: PersistentVolume | PersistentVolumeClaim = entry.value
    if isinstance(obj, PersistentVolume):
        ref = obj.spec.claim_ref
        return (f"{CLAIMS}/{ref.namespace}/{ref.name}",) if ref is not None else ()
    gone = event.new is None and obj.spec.volume_name
    return (f"{VOLUMES}/{obj.spec.volume_name}",) if gone else ()


def _referring(event: Notification, view: View) -> tuple[str, ...]:
    """The volumes that refer to a claim which changed."""
    found = []
    for entry in view.caches[VOLUMES].entries():
        ref = entry.value.spec.claim_ref
        if ref is not None and f"{ref.namespace}/{ref.name}" == event.key:
            found.append(entry.key)
    return tuple(found)
