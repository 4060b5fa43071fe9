"""Whether a state has come back, up to what can never come back: the names of what was made anew.

A controller that deletes and makes again for ever leads through states that differ in generated
names, uids, addresses, versions and times, and in nothing else. Here a state is marked by what is
left when these are renamed: of the numbers of one prefix the smallest becomes 0, the next 1, and so
on, which keeps their order; a version says how many writes it is behind the newest; a time says how
long ago it is, up to `OLDEST`, beyond which nothing in the model compares it.

Left out: the numbers that the next object will get, and the order of texts whose numbers differ in
length (web-9, web-10), which the model never asks for. What is not known to hold names is taken as
it is, so that a recurrence may be missed where memory holds absolute numbers.
A mark is a reason to look, not a proof: whoever asks takes the cycle once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kspec.values import MASK, FingerprintedMap, fingerprint, fingerprint_of, mix
from kspec_models.apiserver.replies import Api
from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot, InformerSlot, NodeSlot, ProcessSlots
from kspec_models.objects.record import Record, encode_time, fields_of
from kspec_models.reflector import WATCHING, Informer
from kspec_models.requests import Delete, Patch, Update, target
from kspec_models.runtime import Runtime
from kspec_models.scheduler.cache import Order
from kspec_models.scheduler.line import Line, QueuedPod
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.state import State
from kspec_models.store import Entry, Snapshot

OLDEST: Final = 600
"""Virtual seconds: the longest deadline that a default compares an age with."""

_SEQUENCE, _BAG, _TIME, _TEXT = 1, 2, 3, 4
_COUNTED: Final = ("generation", "observed_generation")
_ADDRESS: Final = r"(?<![\d.])10\.\d+\.\d+\.\d+(?![\d.])"
_INCARNATION: Final = r"#\d+"
_MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"

Shape = Any
"""An int (a mark), or (kind, ...) of what has still to be renamed."""


class Recurrences:
    """Marks the states of one cluster. What a text or an object holds is found out once."""

    def __init__(self) -> None:
        self._prefixes: frozenset[str] = frozenset()
        self._pattern = re.compile(f"{_ADDRESS}|{_INCARNATION}")
        self._texts: dict[str, Shape] = {}
        self._records: dict[int, Shape] = {}

    def mark(self, state: State) -> int:
        """64 bits that are equal for states which differ in names, versions and times alone."""
        self._learn(state.api)
        shape = self._state(state)
        seen: dict[str, set[int]] = {}
        _gather(shape, seen)
        ranks = {
            (scope, number): rank
            for scope in sorted(seen)
            for rank, number in enumerate(sorted(seen[scope]))
        }
        return _marked(shape, ranks, state.clock)

    def _learn(self, api: Api) -> None:
        """What precedes a generated number: such names may then be in any text."""
        scopes = (scope for scope, _ in api.names.sorted_items())
        crons = frozenset(f"{e.value.name}-" for e in api.store.bucket("cronjobs").entries())
        found = frozenset(scope.rpartition("/")[2] for scope in scopes)
        found = frozenset(p for p in found if not p.startswith(tuple(sorted(crons)))) | crons
        if found <= self._prefixes:
            return
        self._prefixes |= found
        longest = sorted(map(re.escape, sorted(self._prefixes)), key=len, reverse=True)
        # The pods of a CronJob's Jobs have a second number.
        prefix = rf"(?<![\w.-])(?P<prefix>{'|'.join(longest)})"
        name = rf"{prefix}(?P<number>\d+)(?:-(?P<second>\d+))?(?!\w|-\w)"
        self._pattern = re.compile(f"{name}|{_ADDRESS}|{_INCARNATION}|{_MOMENT}")
        self._texts.clear()
        self._records.clear()

    def _state(self, state: State) -> Shape:
        store = state.api.store
        entries = [e for bucket in store.buckets for e in store.bucket(bucket).entries()]
        parts: list[Shape] = [(_BAG, [self._entry(entry, store) for entry in entries])]
        for slot, place in enumerate(state.layout.slots):
            parts.append(self._slot(state, place, state.slots[slot]))
        parts.append(fingerprint_of(state.environment))
        return _sequence(parts)

    def _slot(self, state: State, place: Any, value: Any) -> Shape:
        if isinstance(place, HostSlot) and value is not None:
            memory = place.host.relative(value.memory, state.clock)
            calls = [self._shape(sending.call, state) for sending in value.calls]
            return _sequence([self._shape(memory, state), *calls])
        if isinstance(place, InformerSlot):
            return self._informer(state, place, value)
        if isinstance(place, NodeSlot):
            return self._shape(value, state)
        assert isinstance(place, ProcessSlots) or value is None
        return fingerprint_of(value)

    def _informer(self, state: State, place: InformerSlot, value: Informer) -> Shape:
        stream = state.streams[place.stream]
        store = state.api.store
        unseen = stream.events.since(value.position)
        parts: list[Shape] = [fingerprint_of((value.status, value.synced))]
        parts += [self._change(event.old, event.new, store) for event in unseen]
        for listener, position in value.behind:
            pending = (told.notification for told in value.told.since(position))
            changes = [self._change(each.old, each.new, store) for each in pending]
            parts.append(_sequence([listener, *changes]))
        if value.status is not WATCHING:
            for snapshot in (value.cache, value.target):
                parts.append((_BAG, [self._entry(e, store) for e in snapshot.entries()]))
            parts += [self._text(key) for key in value.remaining]
        return _sequence(parts)

    def _change(self, old: Entry | None, new: Entry | None, store: Any) -> Shape:
        return _sequence([0 if e is None else self._entry(e, store) for e in (old, new)])

    def _entry(self, entry: Entry, store: Any) -> Shape:
        newest = store.get(entry.key)
        behind = newest.version - entry.version if newest is not None else -1
        return _sequence([self._text(entry.key), self._record(entry.value), behind & MASK])

    def _shape(self, value: Any, state: State) -> Shape:
        """Any part of a host's memory or of a call."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if value is None or kind in (int, bool, float):
            return fingerprint_of(value)
        if isinstance(value, Record):
            return self._record(value)
        if isinstance(value, Update | Patch | Delete):
            return self._request(value, state)
        if isinstance(value, tuple):
            return _sequence(
                [fingerprint_of(kind.__name__), *(self._shape(v, state) for v in value)]
            )
        return self._other(value, state)

    def _other(self, value: Any, state: State) -> Shape:
        if isinstance(value, FingerprintedMap):
            return (_BAG, [self._shape(item, state) for item in value.sorted_items()])
        if isinstance(value, Mapping):
            return (_BAG, [self._shape(item, state) for item in value.items()])
        if isinstance(value, frozenset):
            return (_BAG, [self._shape(item, state) for item in sorted(value, key=fingerprint)])
        if isinstance(value, Entry):
            return self._entry(value, state.api.store)
        if isinstance(value, Snapshot):
            return (_BAG, [self._entry(e, state.api.store) for e in value.entries()])
        if isinstance(value, HostState):
            return self._shape(value.memory, state)
        if isinstance(value, Order | NodeInfo):
            return 0  # it follows from the pods and nodes of the scheduler's cache
        if isinstance(value, Line):
            return _sequence([self._shape(queued, state) for queued in value])
        if isinstance(value, QueuedPod):
            counts = (value.unschedulable, value.errors, value.rejectors)
            return _sequence([self._record(value.pod), fingerprint_of(counts)])
        if isinstance(value, Runtime):
            return self._shape((value.pods, value.progress), state)
        own = getattr(value, "fingerprint", None)
        return 0 if own is None else int(own)

    def _request(self, value: Any, state: State) -> Shape:
        """A request, with the version that it asks for as how far it is behind."""
        resource, key = target(value)
        newest = state.api.store.get(f"{resource}/{key}")
        asked = value.resource_version
        behind = newest.version - asked if newest is not None and asked is not None else -1
        plain = tuple(value._replace(resource_version=None))
        return _sequence([self._shape(plain, state), behind & MASK])

    def _text(self, text: str) -> Shape:
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = self._read(text)
        return known

    def _read(self, text: str) -> Shape:
        found = list(self._pattern.finditer(text))
        if not found:
            return fingerprint(text)
        fixed, numbered, end = [], [], 0
        for match in found:
            word = match[0]
            fixed.append(text[end : match.start()])
            end = match.end()
            if word.startswith("#"):
                numbered.append((f"{text[: match.start()]}#", int(word[1:])))
            elif word.startswith("10.") and word.count(".") == 3:
                _, node, high, low = word.split(".")
                numbered.append((f"address {node}", int(high) * 256 + int(low)))
            elif re.fullmatch(_MOMENT, word):
                numbered.append(("moment", int(re.sub(r"\D", "", word))))
            else:
                prefix, number, second = match.group("prefix", "number", "second")
                fixed.append(prefix)
                numbered.append((prefix, int(number)))
                if second:
                    numbered.append((f"{prefix}{number}", int(second)))
        return (_TEXT, fingerprint((*fixed, text[end:])), tuple(numbered))

    def _record(self, record: Any) -> Shape:
        """An object: its fields, with times apart; counts of its changes are left out."""
        known = self._records.get(record.fingerprint)
        if known is None:
            known = self._records[record.fingerprint] = self._fields(record)
        return known

    def _fields(self, record: Any) -> Shape:
        if not isinstance(record, Record):
            return self._plain(record)
        parts: list[Shape] = [fingerprint(type(record).__name__)]
        for name, field in fields_of(type(record)).items():
            value = getattr(record, name)
            if value == field.default or name in _COUNTED:
                continue
            parts.append(fingerprint(name))
            is_time = field.encode is encode_time and value is not None
            parts.append((_TIME, value) if is_time else self._plain(value))
        return _sequence(parts)

    def _plain(self, value: Any) -> Shape:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Record):
            return self._record(value)
        if isinstance(value, tuple):
            return _sequence([self._plain(item) for item in value])
        if isinstance(value, Mapping):
            return (_BAG, [_sequence([self._text(k), self._plain(v)]) for k, v in value.items()])
        return fingerprint(value)


def _sequence(parts: list[Shape]) -> Shape:
    """Parts in order; what needs no renaming becomes one mark, as far as it stands together."""
    found: list[Shape] = [len(parts)]
    for part in parts:
        if isinstance(part, int) and isinstance(found[-1], int):
            found[-1] = mix(found[-1], part)
        else:
            found.append(part)
    return found[0] if len(found) == 1 else (_SEQUENCE, found)


def _gather(shape: Shape, seen: dict[str, set[int]]) -> None:
    """The numbers that occur, by what they number."""
    if isinstance(shape, int):
        return
    if shape[0] == _TEXT:
        for scope, number in shape[2]:
            seen.setdefault(scope, set()).add(number)
    elif shape[0] != _TIME:
        for part in shape[1]:
            _gather(part, seen)


def _marked(shape: Shape, ranks: Mapping[tuple[str, int], int], now: int) -> int:
    if isinstance(shape, int):
        return shape
    if shape[0] == _TEXT:
        return _chained(shape[1], (ranks[numbered] for numbered in shape[2]))
    if shape[0] == _TIME:
        return fingerprint_of(("time", min(now - shape[1], OLDEST)))
    marks = (_marked(part, ranks, now) for part in shape[1])
    if shape[0] == _SEQUENCE:
        return _chained(len(shape[1]), marks)
    return mix(_BAG, sum(mix(_BAG, mark) for mark in marks) & MASK)


def _chained(start: int, marks: Iterable[int]) -> int:
    whole = start
    for mark in marks:
        whole = mix(whole, mark)
    return whole
