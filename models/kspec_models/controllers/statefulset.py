"""StatefulSet controller: pods that keep their identity, made and updated in order.

After pkg/controller/statefulset/stateful_set.go at Kubernetes 1.36: the event handlers and what a
pass reads from its caches. The pass is in `statefulset_pass`, its parts in
statefulset_{pods,revisions,status,retention,identity,steps}. The controller has no expectations:
names are unique, which is what keeps identities so. With the stale check (the feature
StaleControllerConsistencyStatefulSet, pull request 137254) it remembers which of its writes of pods
and claims its caches have to show before a key is taken again; without, it remembers nothing.

Left out: the release of a pod whose name is not of the StatefulSet, since only a user could have
made it the owner of one. Claims are watched for the cache alone, as upstream does: nothing is
enqueued when a claim changes. A pass that waits for a claim looks again when the informers would
show everything again. Events. That a pod starts only on bound claims is seen to by the scheduler
(VolumeBinding); the kubelet here does not look at volumes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import attrs

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers import claims as claiming
from kspec_models.controllers import history
from kspec_models.controllers.concerns import concerns_owner
from kspec_models.controllers.pods import (
    in_namespace,
    resolve_controller,
    selecting,
    selector_of,
)
from kspec_models.controllers.statefulset_identity import is_member
from kspec_models.controllers.statefulset_pass import sync
from kspec_models.controllers.statefulset_steps import Inputs
from kspec_models.controllers.steps import WriteFailed
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.indexes import controlled_by, orphans
from kspec_models.objects import Pod, StatefulSet, controller_of
from kspec_models.requests import CONFLICT, Create, Request, Response, Update
from kspec_models.store import Entry

CLAIMS = "persistentvolumeclaims"

HasSeen = Callable[[View, str, int], bool]
"""Whether the cache of a resource has reached a revision: the hook of the stale check."""

Written = FingerprintedMap[str, tuple[tuple[str, int], ...]]
"""By key, the newest revision per resource that the controller wrote; only with a stale check."""


class Waiting(NamedTuple):
    """A pass that waits for an answer: what it read, and the answers that it got so far."""

    inputs: Inputs
    answers: tuple[Response, ...] = ()


@attrs.frozen
class StatefulSetController:
    """The statefulset controller of kube-controller-manager.

    has_claims: whether there can be claims in its world; elsewhere it does not watch them.
    stale_check: with it, a key waits until the caches have seen what was last written for it.
    """

    has_claims: bool = True
    stale_check: HasSeen | None = None
    name: str = "statefulset"

    @property
    def watches(self) -> tuple[Watch, ...]:
        watched = ("statefulsets", "pods", "controllerrevisions")
        return tuple(map(Watch, (*watched, CLAIMS) if self.has_claims else watched))

    def initial(self) -> Written:
        return EMPTY_MAP

    def concerns(self, event: Notification) -> bool:
        """Claims and revisions have no handler."""
        if event.resource == "pods":
            return concerns_owner(event, StatefulSet.KIND)
        return event.resource == "statefulsets"

    def handle(
        self, memory: Written, event: Notification, view: View
    ) -> tuple[Written, tuple[str, ...]]:
        """Enqueue the StatefulSets that the event concerns."""
        if not self.concerns(event):
            return memory, ()
        if event.resource == "statefulsets":
            return memory, (event.key,)
        return memory, _on_pod(event, view)

    def reconcile(self, memory: Written, key: str, view: View) -> Worked:
        """One sync, up to its first request."""
        entry = view.caches["statefulsets"].get(f"statefulsets/{key}")
        if entry is None:
            return Worked(memory.without(key) if key in memory else memory)
        if self.stale_check is not None:
            writes = memory.get(key, ())
            if not all(self.stale_check(view, *write) for write in writes):
                return Worked(memory, failed=True)
        return self._continue(memory, Waiting(self._read(entry, view)))

    def answer(
        self, memory: Written, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """One request was answered: run the pass on to the next.

        After a conflict on the status it goes on with the StatefulSet as cached by then.
        """
        phase: Waiting = call.phase
        if response.reason == CONFLICT and isinstance(request, Update):
            found = view.caches["statefulsets"].get(f"statefulsets/{call.key}")
            response = response._replace(entry=found)
        memory = self._record(memory, call.key, request, response)
        return self._continue(memory, phase._replace(answers=(*phase.answers, response)))

    def _read(self, entry: Entry, view: View) -> Inputs:
        owner: StatefulSet = entry.value
        selector = selector_of(owner.spec.selector)
        pods = view.caches["pods"]
        everyone = (*controlled_by(pods, owner.uid), *orphans(pods, owner.namespace))
        members = (e for e in everyone if is_member(owner, e.value))
        claims = claiming.claim(owner, selector, sorted(members, key=lambda e: e.key))
        revisions = view.caches["controllerrevisions"]
        return Inputs(
            entry,
            history.list_revisions(owner, selector, revisions),
            claims,
            _volume_claims(owner, view),
            view.now,
        )

    def _record(self, memory: Written, key: str, request: Request, response: Response) -> Written:
        """Note the revision of an own write of a pod or a claim, for the stale check."""
        entry = response.entry
        if self.stale_check is None or not response.ok or entry is None:
            return memory
        if not isinstance(request, Create | Update):
            return memory
        if request.object.resource not in ("pods", CLAIMS):
            return memory
        newest = dict(memory.get(key, ()))
        newest[request.object.resource] = entry.mod_revision
        return memory.set(key, tuple(sorted(newest.items())))

    def _continue(self, memory: Written, phase: Waiting) -> Worked:
        """Run the pass from its start, with the answers it got, to its next request or its end."""
        steps = sync(phase.inputs)
        try:
            request = next(steps)
            for response in phase.answers:
                request = steps.send(response)
        except StopIteration as end:
            ended = end.value
            has_failed = ended.failure is not None
            again = None if has_failed else ended.requeue_after
            return Worked(memory, failed=has_failed, requeue_after=again)
        except WriteFailed:
            return Worked(memory, failed=True)
        return Worked(memory, (request,), phase)


def _volume_claims(owner: StatefulSet, view: View) -> tuple[Entry, ...]:
    """The cached claims that are named as those of the StatefulSet are."""
    prefixes = tuple(f"{t.name}-{owner.name}-" for t in owner.spec.volume_claim_templates)
    if not prefixes:
        return ()
    found = in_namespace(view.caches[CLAIMS], CLAIMS, owner.namespace)
    keys = [f"{CLAIMS}/{claim.key}" for claim in found if claim.name.startswith(prefixes)]
    entries = (view.caches[CLAIMS].get(key) for key in keys)
    return tuple(entry for entry in entries if entry is not None)


def _owner(pod: Pod, view: View) -> tuple[str, ...]:
    owner = resolve_controller(view.caches, StatefulSet, pod.namespace, controller_of(pod))
    return (owner.key,) if owner is not None else ()


def _adopters(pod: Pod, view: View) -> tuple[str, ...]:
    return tuple(found.key for found in selecting(view.caches, "statefulsets", pod))


def _on_pod(event: Notification, view: View) -> tuple[str, ...]:
    """addPod, updatePod and deletePod: its owner, or those who may adopt it."""
    old, new = event.old, event.new
    if new is None:
        assert old is not None
        return _owner(old.value, view)
    pod: Pod = new.value
    controller = controller_of(pod)
    if old is None:
        if controller is not None or pod.is_terminating:
            return _owner(pod, view)
        return _adopters(pod, view)
    former: Pod = old.value
    has_new_owner = controller_of(former) != controller
    keys = _owner(former, view) if has_new_owner else ()
    if controller is not None:
        return (*keys, *_owner(pod, view))
    if has_new_owner or former.metadata.labels != pod.metadata.labels:
        return (*keys, *_adopters(pod, view))
    return keys
