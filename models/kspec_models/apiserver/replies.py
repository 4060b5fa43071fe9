"""What the API server keeps, and what a verb of it answers.

Names and addresses are given out by counters, and a uid is the key and its incarnation, so that
the same requests give the same objects whatever else was interleaved with them.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs

from kspec.values import EMPTY_MAP, FingerprintedMap, mix
from kspec_models.apiserver.admission import AdmissionView
from kspec_models.objects import ApiObject
from kspec_models.requests import Response
from kspec_models.store import Change, Entry, Store


@attrs.define(eq=False)  # nobody changes one; frozen would make each write slower
class Api:
    """The store and what the API server allocates from. Immutable.

    names: how often a generateName prefix was used. incarnations: how often a key was deleted.
    addresses: cluster IPs given out. seen: what the caches of the server that is asked show, as a
    store of that moment; who sends a request sets it. None where they show everything.
    """

    store: Store
    names: FingerprintedMap[str, int] = EMPTY_MAP
    incarnations: FingerprintedMap[str, int] = EMPTY_MAP
    addresses: int = 0
    seen: Store | None = None

    @property
    def view(self) -> AdmissionView:
        """What admission reads."""
        return AdmissionView(self.store if self.seen is None else self.seen, self.store)

    @property
    def fingerprint(self) -> int:
        given = mix(self.names.fingerprint, self.incarnations.fingerprint)
        return self.store.fingerprint ^ given


class Reply(NamedTuple):
    """What a verb did: the server's new state, its answer, and the store's changes in order."""

    api: Api
    response: Response
    changes: tuple[Change, ...] = ()


def refuse(state: Api, reason: str, message: str = "") -> Reply:
    """An answer that says no and changes nothing."""
    return Reply(state, Response(reason, None, message))


def put(state: Api, key: str, obj: ApiObject) -> Reply:
    """Store an object."""
    store, change = state.store.put(key, obj)
    state = Api(store, state.names, state.incarnations, state.addresses)
    return Reply(state, Response("", change.entry), (change,))


def remove(state: Api, old: Entry) -> Reply:
    """Take an object out of the store; its key may come again, as another incarnation."""
    store, change = state.store.delete(old.key)
    assert change is not None
    incarnations = state.incarnations
    if not old.value.metadata.generate_name:  # a generated name is never given out again
        incarnations = incarnations.set(old.key, incarnations.get(old.key, 0) + 1)
    state = attrs.evolve(state, store=store, incarnations=incarnations)
    return Reply(state, Response(""), (change,))
