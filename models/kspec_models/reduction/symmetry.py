"""The symmetry of a cluster: interchangeable pods, nodes and schedulers.

Pods are interchangeable if the objects of the world differ in their names only, nodes if the world
makes them, schedulers always. The parts of a state are compared in stages (the API
server, the nodes' states, the processes on nodes, the others): of all renamings those with the
smallest mark of the first stage stay, of these those with the smallest of the second, and so on;
the canonical mark is that of these minima. The mark of a stage is a sum over its parts, each under
its own new name. Those of one part are remembered: a step changes few parts.

Refused, because names would be observed: faults (a relist is told in the order of names), Services
and workloads (generated names and addresses count up), operations of users (they name objects), a
dump, and nodes where ties go to the lowest name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, permutations, product
from random import Random
from typing import Any, Final

from kspec.errors import InputError
from kspec.log import Log
from kspec.values import MASK, fingerprint_of, mix
from kspec_models.apiserver.server import Api
from kspec_models.layout import HostSlot, InformerSlot, NodeSlot, ProcessSlots
from kspec_models.reduction.fused import FusedCluster
from kspec_models.reduction.parts import Part, Watching
from kspec_models.reduction.renaming import Renaming
from kspec_models.reflector import Informer
from kspec_models.state import State
from kspec_models.store import DELETE, PUT, Change, Entry, Store
from kspec_models.streams import Stream

MAX_RENAMINGS: Final = 5_040
_API, _OUTSIDE = -1, -2
_MAX_MARKS = 100_000


def renamings_of(groups: tuple[tuple[str, ...], ...], numbers: Mapping[str, int]) -> list[Renaming]:
    """All renamings that keep every name in its group, the one that changes nothing first.

    numbers: the number of each node, by its name. Raises InputError for more than MAX_RENAMINGS.
    """
    count = 1
    for group in groups:
        for factor in range(2, len(group) + 1):
            count *= factor
    if count > MAX_RENAMINGS:
        raise InputError(
            f"symmetry of {count:,} renamings", expected=f"at most {MAX_RENAMINGS:,} of them"
        )
    found = []
    for choice in product(*(permutations(group) for group in groups)):
        names = dict(zip(chain(*groups), chain(*choice), strict=True))
        moved = {numbers[old]: numbers[new] for old, new in names.items() if old in numbers}
        found.append(Renaming(names, moved))
    return found


class ClusterSymmetry:
    """Implements `kspec.explore.reduction.symmetry.Symmetry` for a cluster of fused steps.

    groups: names that are interchangeable, of pods, nodes or schedulers. numbers: see
    `renamings_of`.
    """

    def __init__(
        self,
        cluster: FusedCluster,
        groups: tuple[tuple[str, ...], ...],
        numbers: Mapping[str, int],
    ) -> None:
        self.cluster, self.layout, self.parts = cluster, cluster.layout, cluster.parts
        self.renamings = renamings_of(groups, numbers)
        self._marks: dict[tuple[int, int], dict[int, int]] = {}
        self._nodes = cluster.node_slots
        awake = self.parts.awake
        self._processes = (
            [process for process in awake if process.node],
            [process for process in awake if not process.node],
        )

    # marks

    def canonical(self, state: State) -> int:
        """The smallest mark of the state, stage by stage, among the renamings still tied."""
        whole = mix(fingerprint_of((state.clock, state.environment)), self.cluster.past(state))
        tied: Sequence[int] = range(len(self.renamings))
        for stage in self._stages(state):
            totals = [0] * len(tied)
            for slot, raw in stage:
                known = self._known(slot, raw)
                for number, which in enumerate(tied):
                    mark = known.get(which)
                    if mark is None:
                        mark = known[which] = self._mark(slot, state, self.renamings[which])
                    totals[number] += mark
            least = min(totals)
            tied = [which for which, total in zip(tied, totals, strict=True) if total == least]
            whole = mix(whole, least & MASK)
        return whole

    def _stages(self, state: State) -> Iterator[list[tuple[int, int]]]:
        """The parts of a state, each as its slot and a fingerprint of it.

        What can be renamed into one another is in one stage.
        """
        yield [(_API, state.api.fingerprint)]
        yield [(slot, state.slots[slot].fingerprint) for slot in self._nodes]
        for processes in self._processes:
            yield [(process.up, self.parts.mark(state, process)) for process in processes]

    def _known(self, slot: int, raw: int) -> dict[int, int]:
        """The marks of one part of a state that are known, by the number of the renaming."""
        found = self._marks.get((slot, raw))
        if found is None:
            if len(self._marks) >= _MAX_MARKS:
                self._marks.clear()
            found = self._marks[slot, raw] = {}
        return found

    def _mark(self, slot: int, state: State, renaming: Renaming) -> int:
        if slot == _API:
            return _api_mark(state.api, renaming)
        place = self.layout.slots[slot]
        if isinstance(place, NodeSlot):
            return mix(
                fingerprint_of(renaming.text(place.name)), renaming(state.slots[slot]).fingerprint
            )
        assert isinstance(place, ProcessSlots)
        part = _part(self.parts.part(state, place), renaming)
        return mix(fingerprint_of(part.name), self.parts.mark_of(part, place.index))

    # a renamed state, for the self-check

    def permuted(self, state: State, rng: Random) -> State:
        """The state under a random renaming."""
        return self.renamed(state, rng.choice(self.renamings))

    def renamed(self, state: State, renaming: Renaming) -> State:
        """The whole state renamed: what was in the slots of one object is in those of another."""
        t = state.draft()
        t.api = self._api(state.api, renaming)
        t.slots, t.streams = list(state.slots), self._streams(state, renaming)
        for slot, place in enumerate(self.layout.slots):
            target = self._target(place, renaming)
            value = state.slots[slot]
            if isinstance(place, InformerSlot):
                t.slots[target] = self._informer(t, target, value, renaming)
            else:
                t.slots[target] = renaming(value)
        return self.cluster.sealed(t)

    def _target(self, place: Any, renaming: Renaming) -> int:
        """The slot that the value of a slot is in after a renaming."""
        if isinstance(place, ProcessSlots):
            return self.layout.by_process[renaming.text(place.name)]
        if isinstance(place, InformerSlot):
            return self.layout.by_informer[renaming.text(place.actor), place.watch.resource]
        name = place.host.name if isinstance(place, HostSlot) else place.name
        return self.layout.by_host[renaming.text(name)]

    def _informer(self, t: State, slot: int, value: Informer, renaming: Renaming) -> Informer:
        """An informer renamed, with nothing left of what it was told: its hosts were told it."""
        place = self.layout.slots[slot]
        assert isinstance(place, InformerSlot)
        cache = renaming.snapshot(value.cache)
        stream = t.streams[place.stream]
        t.streams[place.stream] = stream.moved(place.weight, None, value.position)
        return value.evolve(cache=cache, target=cache, told=Log(), behind=())

    def _streams(self, state: State, renaming: Renaming) -> list[Stream]:
        found: list[Stream | None] = [None] * len(state.streams)
        for old in state.streams:
            watch = renaming(old.watch)
            stream = Stream(watch, renaming.snapshot(old.base))
            for event in old.events:
                before, after = renaming(event.old), renaming(event.new)
                kind = PUT if after is not None else DELETE
                change = Change(kind, renaming.text(event.key), after, before, event.revision)
                change.snapshot = renaming.snapshot(event.snapshot)
                stream = stream.observed(change)
            found[self.layout.stream_index[watch]] = stream
        return [stream for stream in found if stream is not None]

    def _api(self, api: Api, renaming: Renaming) -> Api:
        if renaming.is_nothing:
            return api
        buckets, whole = api.store.buckets, 0
        for name, bucket in api.store.buckets.items():
            renamed = renaming.snapshot(bucket)
            buckets = buckets.set(name, renamed)
            whole ^= renamed.fingerprint
        old = api.store
        store = Store(old.indexers, buckets, old.history, old.revision, old.compacted, whole)
        return Api(store, renaming(api.names), renaming(api.incarnations), api.addresses)


def _api_mark(api: Api, renaming: Renaming) -> int:
    """A fingerprint of the API server's objects and counters, renamed."""
    total = 0
    for bucket in api.store.buckets.values():
        for entry in bucket.entries():
            total += renaming.marked(entry).fingerprint
    counted = mix(renaming(api.names).fingerprint, renaming(api.incarnations).fingerprint)
    return mix(total & MASK, counted)


def _part(part: Part, renaming: Renaming) -> Part:
    """One process renamed, for marks only."""

    def marked(entry: Entry | None) -> Entry | None:
        return renaming.marked(entry) if entry is not None else None

    watching = tuple(
        Watching(
            renaming(watch),
            renaming(told),
            tuple(renaming.marked(entry) for entry in cache),
            0,
            tuple((marked(old), marked(new)) for old, new in unseen),
        )
        for watch, told, cache, _, unseen in part.watching
    )
    return Part(renaming.text(part.name), renaming(part.hosts), watching)
