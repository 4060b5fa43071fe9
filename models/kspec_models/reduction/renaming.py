"""Renaming objects inside a state: every text, key, uid and address that holds a name follows.

Values are built anew by the functions that build them anyway, so that whatever is sorted by name or
summed up is so again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import immutables

from kspec.errors import KspecError
from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.host_state import HostState, Sending
from kspec_models.objects.record import FrozenMap, Record, fields_of
from kspec_models.runtime import Runtime
from kspec_models.scheduler.cache import Order
from kspec_models.scheduler.line import Line, QueuedPod
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_models.store import Entry, Snapshot

_MAX_KNOWN = 200_000
_PARTLY_MARKED = (Entry, Snapshot, Order, Runtime)
"""Their fingerprints leave something out that a renamed one must have."""
_ADDRESS = r"(?<![\d.])10\.(\d+)(?=\.\d+\.\d+(?![\d.]))"


class Renaming:
    """names: what each object is called instead. numbers: the number of each node instead, which
    its addresses hold."""

    def __init__(self, names: Mapping[str, str], numbers: Mapping[int, int]) -> None:
        self.names = {old: new for old, new in names.items() if old != new}
        self.numbers = {old: new for old, new in numbers.items() if old != new}
        self.is_nothing = not self.names and not self.numbers
        any_name = "|".join(sorted(map(re.escape, self.names), key=len, reverse=True))
        pattern = rf"(?<![\w-])({any_name})(?![\w-])" if any_name else r"(?!)()"
        self._pattern = re.compile(pattern)
        self._address = re.compile(_ADDRESS)
        self._texts: dict[str, str] = {}
        self._entries: dict[int, Entry] = {}
        self._known: dict[tuple[type, int], Any] = {}
        self._makers: dict[type, Callable[[Any], Any]] = {
            str: self.text,
            FingerprintedMap: self._map,
            FrozenMap: lambda v: FrozenMap({self.text(k): self(x) for k, x in v.items()}),
            immutables.Map: lambda v: immutables.Map({self(k): self(x) for k, x in v.items()}),
            frozenset: lambda v: frozenset(map(self, v)),
            Entry: self._entry,
            Snapshot: self.snapshot,
            HostState: self._host,
            NodeInfo: lambda v: node_info(self(v.node), self(v.pods)),
            Order: self._order,
            QueuedPod: self._queued,
            Line: self._line,
            Runtime: self._runtime,
        }

    def text(self, text: str) -> str:
        """A text with every name in it renamed."""
        known = self._texts.get(text)
        if known is None:
            known = self._pattern.sub(lambda found: self.names[found[1]], text)
            if self.numbers:
                known = self._address.sub(self._renumbered, known)
            self._texts[text] = known
        return known

    def _renumbered(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return f"10.{self.numbers.get(number, number)}"

    def __call__(self, value: Any) -> Any:
        """Any part of a state, renamed. Raises KspecError for a value of an unknown type."""
        kind = type(value)
        if value is None or kind in (int, bool, float):
            return value
        maker = self._makers.get(kind)
        if maker is not None:
            return self.text(value) if kind is str else self._remembered(value, maker)
        if isinstance(value, Record):
            return self._remembered(value, self._record)
        if isinstance(value, tuple):
            parts = [self(item) for item in value]
            return kind(*parts) if kind is not tuple else tuple(parts)
        if callable(value):
            return value
        raise KspecError(f"a state with a {kind.__name__} cannot be renamed")

    def _remembered(self, value: Any, maker: Callable[[Any], Any]) -> Any:
        mark = None if type(value) in _PARTLY_MARKED else getattr(value, "fingerprint", None)
        if mark is None:
            return maker(value)
        known = self._known.get((type(value), mark))
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[type(value), mark] = maker(value)
        return known

    def _record(self, value: Record) -> Record:
        changes = {}
        for name in fields_of(type(value)):
            old = getattr(value, name)
            new = self(old)
            if new != old:
                changes[name] = new
        return value.replace(**changes) if changes else value

    def _map(self, value: FingerprintedMap[Any, Any]) -> FingerprintedMap[Any, Any]:
        if not len(value):
            return EMPTY_MAP if value is EMPTY_MAP else value
        return FingerprintedMap({self(k): self(v) for k, v in value.sorted_items()})

    def _entry(self, value: Entry) -> Entry:
        key, obj = self.text(value.key), self(value.value)
        return Entry(key, obj, value.create_revision, value.mod_revision, value.version)

    def marked(self, value: Entry) -> Entry:
        """The entry renamed, for marks only: its revisions may be those of an equal one."""
        known = self._entries.get(value.fingerprint)
        if known is None:
            if len(self._entries) >= _MAX_KNOWN:
                self._entries.clear()
            known = self._entries[value.fingerprint] = self._entry(value)
        return known

    def snapshot(self, value: Snapshot) -> Snapshot:
        """A snapshot with its entries renamed."""
        new = Snapshot(value.indexer)
        for entry in value.entries():
            renamed = self._entry(entry)
            new = new.patched(renamed.key, renamed)
        return new

    def _host(self, value: HostState) -> HostState:
        calls = tuple(Sending(self.text(c.action.actor), self(c.call)) for c in value.calls)
        return HostState(self(value.memory), calls)

    def _order(self, value: Order) -> Order:
        infos = sorted(map(self, value.infos), key=lambda info: info.name)
        return Order(tuple(info.name for info in infos), tuple(infos))

    def _queued(self, value: QueuedPod) -> QueuedPod:
        pod = self(value.pod)
        counts = (value.timestamp, value.unschedulable, value.errors)
        return QueuedPod(pod, *counts, value.rejectors)

    def _line(self, value: Line) -> Line:
        new = Line(value.rank)
        for queued in value:
            new = new.with_pod(self._queued(queued))
        return new

    def _runtime(self, value: Runtime) -> Runtime:
        number = self.numbers.get(value.number, value.number)
        progress = tuple(sorted(map(self.text, value.progress)))
        return Runtime(number, value.images, self(value.pods), progress, value.addresses)
