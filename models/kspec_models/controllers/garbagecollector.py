"""Garbage collector: delete what has no owner left, in the order that deletions ask for.

After pkg/controller/garbagecollector/{garbagecollector,operations}.go at Kubernetes 1.36
(attemptToDeleteItem, classifyReferences, processDeletingDependentsItem, attemptToOrphanWorker,
deleteObject, removeFinalizer). Caches only say what to look at. Whether something is collected is
decided by live reads of the object and then of each of its owners: solid where the owner exists,
dangling where it does not or has another uid, waiting where it is being deleted in the foreground.
The deletion is bound to the uid and the resourceVersion that were read; after a conflict that
changed no owner it is tried once more without the latter, as upstream does.

A pass goes on with the dependents that hold up a foreground deletion, where upstream enqueues them
for another worker.

Left out: the cache of absent owners (it only saves live reads of uids that can never come back);
discovery, so a reference to a kind that does not exist leaves its object alone, where upstream
tries again for ever to the same end; the second read of an owner before its finalizer is removed.
"""

from __future__ import annotations

from kspec_models.controllers.garbagecollector_graph import (
    FOREGROUND_FINALIZER,
    ORPHAN,
    ORPHAN_FINALIZER,
    blocks,
    cached,
    dependents,
    enqueued,
    is_deleting_dependents,
    is_orphaning,
    key_of_owner,
    matters,
)
from kspec_models.controllers.garbagecollector_pass import (
    DELETE,
    DELETE_ANYHOW,
    FINALIZE,
    LOOK,
    LOOK_AGAIN,
    LOOK_LAST,
    ORPHANING,
    OWNER,
    PATCH,
    UNBLOCK,
    Pass,
    policy_of,
    unblocking,
    without_owners,
)
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import ApiObject, OwnerReference
from kspec_models.requests import (
    CONFLICT,
    NOT_FOUND,
    Delete,
    Get,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry


def _ask(progress: Pass, step: str, *requests: Request) -> Worked:
    return Worked(None, requests, progress._replace(step=step))


class GarbageCollectorController:
    """`resources` are those of the world; it watches every one but events."""

    name = "garbagecollector"

    def __init__(self, resources: tuple[str, ...]) -> None:
        self.resources = tuple(r for r in resources if r != "events")
        self.watches = tuple(map(Watch, self.resources))

    def initial(self) -> None:
        return None

    def concerns(self, event: Notification) -> bool:
        return matters(event)

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        """processGraphChanges."""
        return memory, enqueued(event, view.caches, self.resources)

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """attemptToDeleteWorker or, for a key with its prefix, attemptToOrphanWorker."""
        if key.startswith(ORPHAN):
            return self._orphan(key.removeprefix(ORPHAN), view)
        return self._next((key,), False, view)

    def _next(self, keys: tuple[str, ...], failed: bool, view: View) -> Worked:
        """Begin with the first object of these that the cache has and that is not on its way."""
        for i, key in enumerate(keys):
            entry = cached(view.caches, key)
            if entry is None:
                continue
            obj: ApiObject = entry.value
            if obj.is_terminating and not is_deleting_dependents(obj):
                continue
            progress = Pass(LOOK, key, obj.uid, keys[i + 1 :], failed=failed)
            return _ask(progress, LOOK, Get(*progress.target))
        return Worked(None, failed=failed)

    def _over(self, progress: Pass, view: View, *, failed: bool = False) -> Worked:
        """The object in hand is done with, for now."""
        return self._next(progress.rest, progress.failed or failed, view)

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """Take the step that follows the one that was answered."""
        progress: Pass = call.phase
        if progress.step == ORPHANING:
            return self._orphaned(progress, call, response)
        if progress.step == OWNER:
            return self._classified(progress, response, view)
        if progress.step == DELETE and response.reason == CONFLICT:
            return _ask(progress, LOOK_AGAIN, Get(*progress.target))
        if response.reason == NOT_FOUND:
            return self._over(progress, view)
        if not response.ok:
            return self._over(progress, view, failed=True)
        if progress.step in (LOOK, LOOK_AGAIN, LOOK_LAST):
            assert response.entry is not None
            return self._looked(progress, response.entry, view)
        if progress.step == UNBLOCK:
            return self._delete(progress, progress.live)
        return self._over(progress, view)

    def _looked(self, progress: Pass, entry: Entry, view: View) -> Worked:
        """The object was read live."""
        obj: ApiObject = entry.value
        if progress.step == LOOK_AGAIN:
            same = obj.metadata.owner_references == progress.value.metadata.owner_references
            if obj.uid != progress.uid or not same:
                return self._over(progress, view, failed=True)
            delete = Delete(*progress.target, progress.uid, propagation_policy=progress.policy)
            return _ask(progress, DELETE_ANYHOW, delete)
        if progress.step == LOOK_LAST:
            return self._finalize(progress, entry, ORPHAN_FINALIZER, view)
        if obj.uid != progress.uid:
            return self._over(progress, view)
        seen = cached(view.caches, progress.key)
        if seen is not None and is_deleting_dependents(seen.value):
            return self._wait_for_dependents(progress, entry, view)
        return self._classify(
            progress._replace(live=entry, todo=obj.metadata.owner_references), view
        )

    def _wait_for_dependents(self, progress: Pass, entry: Entry, view: View) -> Worked:
        """processDeletingDependentsItem."""
        found = dependents(view.caches, progress.uid, self.resources)
        blocking = [e for e in found if blocks(e.value, progress.uid)]
        if not blocking:
            return self._finalize(progress, entry, FOREGROUND_FINALIZER, view)
        more = [e.key for e in blocking if not is_deleting_dependents(e.value)]
        rest = tuple(dict.fromkeys((*progress.rest, *more)))
        return self._next(rest, progress.failed, view)

    def _finalize(self, progress: Pass, entry: Entry, finalizer: str, view: View) -> Worked:
        """removeFinalizer, of what was just read."""
        obj: ApiObject = entry.value
        if obj.uid != progress.uid or finalizer not in obj.metadata.finalizers:
            return self._over(progress, view)
        rest = tuple(f for f in obj.metadata.finalizers if f != finalizer)
        update = Update(obj.with_metadata(finalizers=rest), entry.resource_version)
        return _ask(progress, FINALIZE, update)

    # collection

    def _classify(self, progress: Pass, view: View) -> Worked:
        """Read the next owner, or decide when all are read."""
        if not progress.todo:
            return self._decide(progress, view)
        place = key_of_owner(progress.todo[0], progress.value.namespace)
        if place is None:
            return self._over(progress, view)
        return _ask(progress, OWNER, Get(*place))

    def _classified(self, progress: Pass, response: Response, view: View) -> Worked:
        """isDangling, for the owner that was read."""
        reference, entry = progress.todo[0], response.entry
        if not response.ok and response.reason != NOT_FOUND:
            return self._over(progress, view, failed=True)
        progress = progress._replace(todo=progress.todo[1:])
        if entry is None or not self.is_owner(reference, entry):
            progress = progress._replace(dangling=(*progress.dangling, reference))
        elif is_deleting_dependents(entry.value):
            progress = progress._replace(waiting=(*progress.waiting, reference))
        else:
            progress = progress._replace(solid=(*progress.solid, reference))
        return self._classify(progress, view)

    def is_owner(self, reference: OwnerReference, entry: Entry) -> bool:
        """Whether what is stored under an owner's name is that owner."""
        return bool(entry.value.uid == reference.uid)

    def _decide(self, progress: Pass, view: View) -> Worked:
        """What becomes of the object, now that its owners are known."""
        if progress.solid or not (progress.dangling or progress.waiting):
            return self._detach(progress, view)
        below = dependents(view.caches, progress.uid, self.resources)
        if not progress.waiting or not below:
            return self._delete(progress._replace(policy=policy_of(progress.value)), progress.live)
        progress = progress._replace(policy="Foreground")
        if any(is_deleting_dependents(entry.value) for entry in below):
            return _ask(progress, UNBLOCK, unblocking(progress))
        return self._delete(progress, progress.live)

    def _detach(self, progress: Pass, view: View) -> Worked:
        """The object stays; it lets go of owners that are gone or on their way."""
        leaving = (*progress.dangling, *progress.waiting)
        if not leaving:
            return self._over(progress, view)
        uids = tuple(reference.uid for reference in leaving)
        return _ask(progress, PATCH, without_owners(progress.key, progress.uid, uids))

    def _delete(self, progress: Pass, entry: Entry | None) -> Worked:
        assert entry is not None
        version = entry.resource_version
        delete = Delete(*progress.target, progress.uid, version, propagation_policy=progress.policy)
        return _ask(progress._replace(live=entry), DELETE, delete)

    # orphans

    def _orphan(self, key: str, view: View) -> Worked:
        """attemptToOrphanWorker: free the dependents, then let the owner go."""
        entry = cached(view.caches, key)
        if entry is None or not is_orphaning(entry.value):
            return Worked(None)
        uid = entry.value.uid
        below = dependents(view.caches, uid, self.resources)
        progress = Pass(ORPHANING, key, uid, freed=tuple(e.key for e in below))
        if not below:
            return _ask(progress, LOOK_LAST, Get(*progress.target))
        return _ask(
            progress, ORPHANING, *(without_owners(e.key, e.value.uid, (uid,)) for e in below)
        )

    def _orphaned(self, progress: Pass, call: Call, response: Response) -> Worked:
        is_error = not response.ok and response.reason != NOT_FOUND
        progress = progress._replace(failed=progress.failed or is_error)
        if call.requests:
            return Worked(None, call.requests, progress)
        if progress.failed:
            return Worked(None, failed=True)
        return _ask(progress, LOOK_LAST, Get(*progress.target))
