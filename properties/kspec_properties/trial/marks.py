"""Whether what a policy was given is still as it was, told cheaply: by what it is made of.

Objects of the API are frozen, so the parts of one are compared by identity; mappings and NodeInfos
part by part. What hides below a frozen surface is for a comparison of the whole (see `sanity`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.objects.record import Record, fields_of
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo

NODES = 16
"""Of a context with more nodes than this only those that the call is about are looked at."""


class Marks:
    """Taken before a call: `changed` then names the first thing that is not as it was."""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self._records: list[tuple[Any, tuple[str, ...], tuple[Any, ...]]] = []
        self._maps: list[tuple[str, dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        for value in arguments:
            self._take(value)

    def _take(self, value: Any) -> None:
        if isinstance(value, NodeInfo):
            self._keep(value, NodeInfo.__slots__)
        elif isinstance(value, Context):
            self._take_context(value)
        elif isinstance(value, Record):
            self._keep(value, tuple(fields_of(type(value))))
        elif isinstance(value, tuple | list):
            if isinstance(value, list):
                self._lists.append((value, list(value)))
            for item in value:
                if isinstance(item, NodeInfo):
                    self._keep(item, NodeInfo.__slots__)
        elif isinstance(value, dict):
            self._maps.append(("a mapping", value, dict(value)))

    def _take_context(self, context: Context) -> None:
        if len(context.nodes) <= NODES:
            for info in context.nodes:
                self._keep(info, NodeInfo.__slots__)
        for name in ("caches", "states", "nominated"):
            given: Mapping[Any, Any] | None = getattr(context, name)
            if isinstance(given, dict):
                self._maps.append((f"context.{name}", given, dict(given)))

    def _keep(self, value: Any, names: tuple[str, ...]) -> None:
        self._records.append((value, names, tuple(getattr(value, name) for name in names)))

    def changed(self) -> str:
        """What is not as it was, in words; "" where all is."""
        for value, names, before in self._records:
            for name, part in zip(names, before, strict=True):
                if getattr(value, name) is not part and getattr(value, name) != part:
                    return f"{name} of a {type(value).__name__} that it was given"
        for what, now, given in self._maps:
            if now.keys() != given.keys() or any(now[key] is not given[key] for key in given):
                return f"{what} that it was given"
        if any(now != given for now, given in self._lists):
            return "a list that it was given"
        return ""

    def restore(self) -> None:
        """Everything as it was when the marks were taken."""
        for value, names, before in self._records:
            for name, part in zip(names, before, strict=True):
                object.__setattr__(value, name, part)
        for _, now, mapping in self._maps:
            now.clear()
            now.update(mapping)
        for items, before_items in self._lists:
            items[:] = before_items
