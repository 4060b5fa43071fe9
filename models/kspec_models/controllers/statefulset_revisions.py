"""The current and the update revision of a StatefulSet, and how much history it keeps.

After getStatefulSetRevisions, AdoptOrphanRevisions and truncateHistory in
pkg/controller/statefulset/stateful_set_control.go and CreateControllerRevision and
UpdateControllerRevision in pkg/controller/history/controller_history.go at Kubernetes 1.36.

Left out: that a conflict on a revision's number is tried again at once; the pass is.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers import claims as claiming
from kspec_models.controllers import history
from kspec_models.controllers.claims import Claims
from kspec_models.controllers.statefulset_identity import revision_of
from kspec_models.controllers.statefulset_steps import Inputs
from kspec_models.controllers.steps import Steps, WriteFailed, send, written
from kspec_models.objects import ControllerRevision, Pod, StatefulSet, controller_of
from kspec_models.requests import ALREADY_EXISTS, Create, Delete, Get, Update
from kspec_models.store import Entry


class Revisions(NamedTuple):
    """Where the pods are, where they are going, and how many names collided so far."""

    current: ControllerRevision
    update: ControllerRevision
    collision_count: int


def adopt_revisions(inputs: Inputs) -> Steps[None]:
    """adoptOrphanRevisions: take what nobody controls, after a live read of the owner."""
    owner = inputs.value
    loose = tuple(e for e in inputs.revisions if controller_of(e.value) is None)
    for request in claiming.claim_requests(owner, Claims((), loose, (), loose)):
        response = yield from send(request)
        if isinstance(request, Get) and not claiming.can_adopt(owner, response):
            raise WriteFailed(response)


def find_revisions(inputs: Inputs) -> Steps[Revisions]:
    """The revision of the template, made or brought to the front, and the one in the status."""
    owner, known = inputs.value, inputs.revisions
    count = owner.status.collision_count or 0
    number = history.next_revision(known)
    wanted = history.new_revision(
        owner, owner.spec.template, number, count, owner.metadata.annotations
    )
    equal = history.equal_revisions(known, wanted)
    if equal and history.are_equal(known[-1].value, equal[-1].value):
        update = known[-1].value
    elif equal:
        again = equal[-1]
        entry = yield from written(
            Update(again.value.replace(revision=number), again.resource_version)
        )
        update = entry.value
    else:
        update, count = yield from _create(owner, wanted, count)
    named = owner.status.current_revision
    current = next((e.value for e in known if e.value.name == named), update)
    return Revisions(current, update, count)


def _create(
    owner: StatefulSet, wanted: ControllerRevision, count: int
) -> Steps[tuple[ControllerRevision, int]]:
    """Create it; under another name as long as something else has the name."""
    while True:
        wanted = history.renamed(wanted, owner, count)
        response = yield Create(wanted)
        if response.ok and response.entry is not None:
            return response.entry.value, count
        if response.reason != ALREADY_EXISTS:
            raise WriteFailed(response)
        found = yield from written(Get(wanted.resource, wanted.key))
        if history.are_equal(found.value, wanted):
            return found.value, count
        count += 1


def truncate_history(
    inputs: Inputs, pods: tuple[Pod, ...], revisions: Revisions | None
) -> Steps[None]:
    """Delete the oldest revisions beyond the limit that neither the status nor a pod names."""
    owner = inputs.value
    limit = owner.spec.revision_history_limit
    live = [revision_of(pod) for pod in pods]
    if revisions is not None:
        live += [revisions.current.name, revisions.update.name]
    surplus: tuple[Entry, ...] = history.surplus(
        inputs.revisions, frozenset(live), 10 if limit is None else limit
    )
    for entry in surplus:
        yield from send(Delete(entry.value.resource, entry.value.key))
