"""Adoption and release: which objects belong to a controller, and the patches that make it so.

After pkg/controller/controller_ref_manager.go at Kubernetes 1.36 (ClaimObject, AdoptPod,
ReleasePod, RecheckDeletionTimestamp): an owned object that the selector does not match is released,
an orphan that it matches is adopted, but only after a live read has shown that the owner is the
same object and not being deleted. The read is made once in a pass, before the first adoption.

Left out: extra finalizers that Job adds while adopting.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kspec_models.controllers.pods import owner_reference
from kspec_models.objects import ApiObject, controller_of, freeze
from kspec_models.requests import INVALID, NOT_FOUND, Get, Patch, Request, Response
from kspec_models.selectors import Selector
from kspec_models.store import Entry


class Claims(NamedTuple):
    """What one pass over the candidates found.

    claimed: objects that belong to the owner, those to adopt included, in the order of candidates.
    adopt, release: objects to patch. in_order: both, as they were met.
    """

    claimed: tuple[Entry, ...]
    adopt: tuple[Entry, ...] = ()
    release: tuple[Entry, ...] = ()
    in_order: tuple[Entry, ...] = ()


def claim(owner: ApiObject, selector: Selector, candidates: Iterable[Entry]) -> Claims:
    """Sort the candidates into claimed, to adopt, to release, and none of the owner's business."""
    uid, may_write = owner.uid, not owner.is_terminating
    claimed: list[Entry] = []
    adopt: list[Entry] = []
    release: list[Entry] = []
    for entry in candidates:
        obj = entry.value
        controller = controller_of(obj)
        matches = selector.matches(obj.metadata.labels)
        if controller is not None and controller.uid == uid and matches:
            claimed.append(entry)
        elif controller is not None and controller.uid == uid and may_write:
            release.append(entry)
        elif controller is None and matches and may_write and not obj.is_terminating:
            adopt.append(entry)
            claimed.append(entry)
    if not adopt and not release:
        return Claims(tuple(claimed))
    ordered = sorted((*adopt, *release), key=lambda entry: entry.key)
    return Claims(tuple(claimed), tuple(adopt), tuple(release), tuple(ordered))


def claim_requests(owner: ApiObject, claims: Claims) -> tuple[Request, ...]:
    """The patches, and the live read of the owner before the first adoption."""
    requests: list[Request] = []
    has_read = False
    for entry in claims.in_order:
        if entry in claims.adopt:
            if not has_read:
                requests.append(Get(owner.resource, owner.key))
                has_read = True
            requests.append(_adoption(owner, entry.value))
        else:
            requests.append(_release(owner, entry.value))
    return tuple(requests)


def can_adopt(owner: ApiObject, response: Response) -> bool:
    """Whether the live read shows the same owner, not being deleted."""
    fresh = response.entry
    if not response.ok or fresh is None:
        return False
    return fresh.value.uid == owner.uid and not fresh.value.is_terminating


def is_adoption(request: Request) -> bool:
    """Whether a request of `claim_requests` adopts."""
    if not isinstance(request, Patch):
        return False
    owners = request.patch.get("metadata", {}).get("ownerReferences", ())
    return any("$patch" not in owner for owner in owners)


def is_harmless(request: Request, response: Response) -> bool:
    """Whether a failed claim is no error: the object is gone, or was never ours to release."""
    if response.ok or response.reason == NOT_FOUND:
        return True
    return response.reason == INVALID and not is_adoption(request)


def _adoption(owner: ApiObject, obj: ApiObject) -> Patch:
    return _patch(obj, owner_reference(owner).to_json())


def _release(owner: ApiObject, obj: ApiObject) -> Patch:
    return _patch(obj, {"$patch": "delete", "uid": owner.uid})


def _patch(obj: ApiObject, reference: object) -> Patch:
    body = freeze({"metadata": {"ownerReferences": [reference]}})
    return Patch(obj.resource, obj.key, body, uid=obj.uid)
