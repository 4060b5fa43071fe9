"""What a step changed, in lines for people: changed fields of objects, and who now knows what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kspec_models.layout import HostSlot, Layout, NodeSlot, ProcessSlots
from kspec_models.requests import describe as describe_request
from kspec_models.state import State
from kspec_models.store import Change

_HIDDEN = ("lastTransitionTime", "lastUpdateTime")


def describe_step(layout: Layout, before: State, after: State) -> tuple[str, ...]:
    """One line per changed field, notification, request and answer of the step."""
    lines: list[str] = []
    for change in after.written:
        lines += _change_lines(change)
    for delivery in after.delivered:
        lines.append(f"{delivery.process} is told: {_told(delivery.notification)}")
    for sent in after.sent:
        lines.append(f"{sent.host} asks for: {describe_request(sent.request)}")
    for answered in after.answered:
        if answered.response.reason:
            why = answered.response
            lines.append(
                f"refused: {describe_request(answered.request)}: {why.reason} {why.message}"
            )
    for slot, place in enumerate(layout.slots):
        if before.slots[slot] is not after.slots[slot]:
            lines += _slot_lines(place, after.slots[slot], bool(lines))
    if before.clock != after.clock:
        lines.append(f"clock: {before.clock}s -> {after.clock}s")
    return tuple(line.rstrip() for line in lines)


def _slot_lines(place: Any, value: Any, is_explained: bool) -> Iterator[str]:
    if isinstance(place, ProcessSlots):
        yield f"{place.name} is {'up' if value else 'down'}"
    elif isinstance(place, NodeSlot):
        yield f"{place.name} changes"
    elif isinstance(place, HostSlot) and not is_explained:
        yield f"{place.host.name} changes its memory"


def _told(notification: Any) -> str:
    old, new = notification.old, notification.new
    what = "added" if old is None else "deleted" if new is None else "modified"
    entry = new if new is not None else old
    return f"{notification.resource} {entry.value.key} {what} (version {entry.version})"


def _change_lines(change: Change) -> Iterator[str]:
    resource, _, key = change.key.partition("/")
    name = f"{resource} {key}"
    if change.entry is None:
        yield f"{name}: deleted"
        return
    new = change.entry.value.to_json()
    if change.previous is None:
        yield f"{name}: created"
        return
    for path, old_value, new_value in _differences(change.previous.value.to_json(), new, ""):
        yield f"{name}: {path}: {_short(old_value)} -> {_short(new_value)}"


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in (*old, *(k for k in new if k not in old)):
            if key not in _HIDDEN:
                where = f"{path}.{key}" if path else str(key)
                yield from _differences(old.get(key), new.get(key), where)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _differences(a, b, f"{path}[{i}]")
    elif old != new:
        yield path, old, new


def _short(value: Any) -> str:
    if value is None:
        return "-"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
