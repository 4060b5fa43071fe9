"""YAML text of plain JSON values in block style, as PyYAML writes it, at a fraction of its cost.

The world of a hundred nodes is ten thousand lines, and PyYAML takes as long for them as the search
that found the trace. Here a text whose plain form nobody can doubt is written as it is, and every
other scalar is left to PyYAML, once. What takes more than one line goes to PyYAML as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import yaml

_PLAIN: Final = re.compile(r"[A-Za-z/](?:[\w./()=@%+,-]|:(?=[\w/])| (?=[\w/(@-]))*", re.ASCII)
_MEANT: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""What YAML 1.1 takes for a truth value or nothing, in any case of its letters."""

_ONE_LINE: Final = re.compile(r"[ -~]{1,100}")
_LONG_LINE: Final = re.compile(r"[ -~]*")
_WIDTH: Final = 1_000_000


class _Dumper(yaml.SafeDumper):
    """Block style without anchors, lists indented under their key."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def to_block_text(value: Any) -> str:
    """The text of a value made of mappings with text keys, lists and scalars; keys in order."""
    if not (value and isinstance(value, dict | list) and _is_simple(value)):
        return _dumped(value)
    lines: list[str] = []
    _emit(value, 0, lines, is_inline=False)
    return "".join(lines)


def _dumped(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def _is_simple(value: Any) -> bool:
    """Only text of one line each, and keys that are no longer than YAML has them in one."""
    if isinstance(value, str):
        return _LONG_LINE.fullmatch(value) is not None
    if isinstance(value, list):
        return all(map(_is_simple, value))
    if isinstance(value, dict):
        keys = (isinstance(key, str) and _ONE_LINE.fullmatch(key) for key in value)
        return all(keys) and all(map(_is_simple, value.values()))
    return value is None or isinstance(value, int | float)


def _emit(value: Any, indent: int, out: list[str], *, is_inline: bool) -> None:
    """The lines of a mapping or list; `is_inline`: the first stands behind a dash already."""
    pad = " " * indent
    for head, child in _parts(value):
        out.append(head if is_inline else pad + head)
        is_inline = False
        if child and isinstance(child, dict | list):
            is_item = head == "-"
            out.append(" " if is_item else "\n")
            _emit(child, indent + 2, out, is_inline=is_item)
        else:
            out.append(f" {_scalar(child)}\n")


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        return (("-", item) for item in value)
    return ((f"{_scalar(key)}:", item) for key, item in value.items())


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if type(value) is int:
        return str(value)
    return _dumped([value])[2:-1]


@lru_cache(maxsize=4_096)
def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _MEANT:
        return text
    return _dumped([text])[2:-1]
