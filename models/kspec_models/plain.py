"""The plain JSON values of a text in YAML or JSON, as kubectl reads it (sigs.k8s.io/yaml).

A text that is JSON is read as JSON; all else is YAML whose dates, times of the day and `=` stay
text and whose keys become text. What has no JSON value is refused: sets, ordered pairs, a list that
holds itself. So is what could exhaust memory or stack: nesting and aliases beyond any real use.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from kspec.errors import InputError

_MAX_DEPTH: Final = 100
_MAX_ALIASED: Final = 100_000
"""How many values aliases may repeat."""

_KEPT_AS_TEXT: Final = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_NUMBERS: Final = {
    "tag:yaml.org,2002:int": re.compile(
        r"[-+]?0b[01]+$|[-+]?0[0-7]+$|[-+]?(?:0|[1-9][0-9_]*)$|[-+]?0x[0-9a-fA-F]+$"
    ),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?$|[-+]?\.[0-9]+(?:[eE][-+]?[0-9]+)?$"
        r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
    ),
}
"""YAML 1.1 less its base 60, in which 12:30 would be a number."""

_DEEP_LINE: Final = re.compile(rf"^(?:[ \t]|[-?] ){{{_MAX_DEPTH}}}", re.MULTILINE)

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers = {
        first: [
            (tag, _NUMBERS.get(tag, pattern)) for tag, pattern in rules if tag not in _KEPT_AS_TEXT
        ]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def binary(self, node: Any) -> str:
        text = "".join(str(self.construct_scalar(node)).split())
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")


_Loader.add_constructor("tag:yaml.org,2002:binary", _Loader.binary)


class Plain(NamedTuple):
    """One document of a text: the line that it starts at, and its JSON value."""

    line: int
    value: Any


def read_plain(text: str, where: str) -> Iterator[Plain]:
    """The documents of a text that are not empty; raises InputError with the line of a problem."""
    for document in _json_documents(text) or _yaml_documents(text, where):
        if document.value is not None:
            yield document._replace(
                value=_Plainer(f"{where}:{document.line}").plain(document.value)
            )


def _json_documents(text: str) -> tuple[Plain, ...]:
    """The documents of a stream of JSON maps; none where the text is anything else."""
    decoder = json.JSONDecoder()
    found: list[Plain] = []
    position = len(text) - len(text.lstrip())
    try:
        while position < len(text):
            if text[position] != "{":
                return ()
            value, end = decoder.raw_decode(text, position)
            found.append(Plain(text.count("\n", 0, position) + 1, value))
            position = end + len(text[end:]) - len(text[end:].lstrip())
    except (ValueError, RecursionError):
        return ()
    return tuple(found)


def _yaml_documents(text: str, where: str) -> Iterator[Plain]:
    try:
        _refuse_nesting(text, where)
        loader = _Loader(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                yield Plain(node.start_mark.line + 1, loader.construct_document(node))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{min(mark.line, text.count(chr(10))) + 1}" if mark else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise InputError(f"not YAML: {problem}", where=f"{where}{line}") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise InputError(f"not YAML: {str(error).splitlines()[0]}", where=where) from None


def _refuse_nesting(text: str, where: str) -> None:
    """The composer of libyaml recurses on the machine's stack, without a limit of its own."""
    brackets = text.count("[") + text.count("{")
    if brackets <= _MAX_DEPTH and not _DEEP_LINE.search(text):
        return
    depth = 0
    event: Any  # the types say that it may have no mark; a parsed one has
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            line = event.start_mark.line + 1
            raise InputError(f"nested deeper than {_MAX_DEPTH} levels", where=f"{where}:{line}")


class _Plainer:
    """Copies a loaded value as plain JSON."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.seen: set[int] = set()
        self.aliased = 0

    def plain(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"the number {value}", where=self.where, expected="a JSON number")
        if value is None or isinstance(value, bool | int | float):
            return value
        self._count(value, depth)
        if isinstance(value, Mapping):
            return {self._key(k): self.plain(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self.plain(item, depth + 1) for item in value]
        raise InputError(
            f"a value of type {type(value).__name__}",
            where=self.where,
            expected="maps, lists, text, numbers, true, false and null",
        )

    def _count(self, value: Any, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise InputError(f"nested deeper than {_MAX_DEPTH} levels", where=self.where)
        self.aliased += id(value) in self.seen
        self.seen.add(id(value))
        if self.aliased > _MAX_ALIASED:
            raise InputError("aliases repeat too much", where=self.where)

    def _key(self, key: Any) -> str:
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, str | int | float):
            return str(self.plain(key))
        raise InputError(f"the key {key!r}", where=self.where, expected="text as the key of a map")
