"""The text of a configuration file with its places: errors say file, line and field.

As sigs.k8s.io/yaml reads strictly: a key that is written twice is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import attrs
import yaml

from kspec.errors import InputError
from kspec_models.plain import read_plain

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys of maps and indices of lists."""


def written(path: Path) -> str:
    """A path as upstream writes it: profiles[0].plugins.score."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@attrs.frozen(eq=False)
class Source:
    """One document: its JSON value, and how to find the line of a part of it."""

    where: str
    line: int
    data: Any
    node: yaml.Node | None

    def place(self, path: Path) -> str:
        """FILE:LINE of the value at a path, or of the innermost part of it that is written."""
        return f"{self.where}:{self._line(path)}"

    def _line(self, path: Path) -> int:
        found, line = self.node, self.line
        for part in path:
            step = _child(found, part)
            if step is None:
                break
            line, found = step
        return line

    def fail(self, path: Path, problem: str, expected: str = "") -> NoReturn:
        """Raise the InputError of a value."""
        field = written(path)
        text = f"{field}: {problem}" if field else problem
        raise InputError(text, where=self.place(path), expected=expected)


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    """The line and node of a key or item; None where it is not written."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line + 1, value
    return None


def read_source(text: str, where: str) -> Source:
    """The only document of a text; raises InputError for none, several, or a repeated key."""
    documents = tuple(read_plain(text, where))
    if len(documents) != 1:
        found = "holds no document" if not documents else f"holds {len(documents)} documents"
        raise InputError(found, where=where, expected="one KubeSchedulerConfiguration")
    line, data = documents[0]
    if not isinstance(data, Mapping):
        raise InputError(
            "is no map", where=f"{where}:{line}", expected="one KubeSchedulerConfiguration"
        )
    node = _composed(text, line)
    source = Source(where, line, data, node)
    for path in _repeated(node, ()):
        source.fail(path, f'key "{path[-1]}" already set in map')
    return source


def _composed(text: str, line: int) -> yaml.Node | None:
    """The document with marks; None where the text is JSON that YAML does not read."""
    try:
        found = [node for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
    except yaml.YAMLError:
        return None
    return next((node for node in found if node.start_mark.line + 1 == line), None)


def _repeated(node: yaml.Node | None, path: Path) -> Iterator[Path]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _repeated(item, (*path, index))
    elif isinstance(node, yaml.MappingNode):
        seen: list[Any] = []
        for key, value in node.value:
            if key.value in seen:
                yield (*path, key.value)
            seen.append(key.value)
            yield from _repeated(value, (*path, key.value))
