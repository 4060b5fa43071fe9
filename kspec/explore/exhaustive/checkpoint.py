"""The checkpoint of a breadth-first search: a directory that a stopped search goes on from.

Each complete level is a file of its own (marks, parents, choices), written once. A manifest names
the levels with their checksums and holds all that was found; it is replaced last and as a whole, so
that whatever stops the search, the directory describes the last complete level.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from kspec.errors import InputError
from kspec.explore.exhaustive.log import CHOICE, CHOICE_BYTES, PARENT, PARENT_BYTES
from kspec.explore.exhaustive.sorted_marks import StorageError

SCHEMA = "kspec.dev/checkpoint/v1"
MANIFEST = "manifest.json"
MARK, MARK_BYTES = "Q", 8
EXPECTED = "a checkpoint as kspec wrote it, or an empty directory to start afresh"
SAME = "the same system, world, properties and bounds, or an empty directory to start afresh"


class Level(NamedTuple):
    """The states of one level, in order: their marks, and how each was first reached."""

    marks: array[int]
    parents: array[int]
    choices: array[int]


class Checkpoint:
    """One checkpoint directory.

    identity: what must be the same for the search to go on, by name. Raises InputError, in one
    line, for a directory that cannot be used, that is damaged, or that is of another search;
    StorageError where it cannot be written.
    """

    def __init__(self, directory: Path, identity: Mapping[str, Any]) -> None:
        self._directory = directory
        self._identity = _plain({"bytes": sys.byteorder, **identity})
        self._levels: list[dict[str, Any]] = []
        self.found: dict[str, Any] | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            exists = (directory / MANIFEST).exists()
        except OSError as error:
            raise self._unusable(f"cannot be used: {error.strerror}") from error
        if exists:
            self._open()

    @property
    def where(self) -> str:
        """The directory, as errors name it."""
        return str(self._directory)

    def _unusable(self, problem: str, expected: str = EXPECTED) -> InputError:
        return InputError(f"the checkpoint {problem}", where=self.where, expected=expected)

    def _open(self) -> None:
        body = self._body()
        for name, wanted in self._identity.items():
            if body["identity"].get(name) != wanted:
                raise self._unusable(f"is of another search: {name} differs", SAME)
        self._levels, self.found = body["levels"], body["found"]

    def _body(self) -> dict[str, Any]:
        try:
            document = json.loads((self._directory / MANIFEST).read_bytes())
            schema, checksum, body = (document[key] for key in ("schema", "checksum", "body"))
        except OSError as error:
            raise self._unusable(f"cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise self._unusable("is damaged: its manifest is no whole one") from error
        if schema != SCHEMA:
            raise self._unusable(f"is of schema {str(schema)[:99]!r}", SCHEMA)
        if checksum != _checksum(_canonical(body)):
            raise self._unusable("is damaged: its manifest differs from its checksum")
        assert isinstance(body, dict), "a body with that checksum was written by kspec"
        return body

    def __len__(self) -> int:
        """How many levels it holds."""
        return len(self._levels)

    def level(self, number: int) -> Level:
        """Read one level."""
        entry = self._levels[number]
        try:
            data = self._path(number).read_bytes()
        except OSError as error:
            raise self._unusable(
                f"is damaged: level {number} cannot be read: {error.strerror}"
            ) from error
        if _checksum(data) != entry["checksum"]:
            raise self._unusable(f"is damaged: level {number} differs from its checksum")
        parts, begin, count = [], 0, entry["states"]
        for kind, size in ((MARK, MARK_BYTES), (PARENT, PARENT_BYTES), (CHOICE, CHOICE_BYTES)):
            parts.append(array(kind, data[begin : begin + size * count]))
            begin += size * count
        return Level(*parts)

    def add(self, level: Level) -> None:
        """Write one more level; it counts from the next `save` on."""
        data = b"".join(
            array(kind, items).tobytes()
            for kind, items in zip((MARK, PARENT, CHOICE), level, strict=True)
        )
        self._write(self._path(len(self._levels)), data)
        self._levels.append({"states": len(level.marks), "checksum": _checksum(data)})

    def save(self, found: Mapping[str, Any], levels: int) -> None:
        """Replace the manifest: the first `levels` levels, and what was found, as plain values."""
        body = _plain({"identity": self._identity, "levels": self._levels[:levels], "found": found})
        document = {"schema": SCHEMA, "checksum": _checksum(_canonical(body)), "body": body}
        self._write(self._directory / MANIFEST, json.dumps(document, indent=1).encode())

    def _path(self, number: int) -> Path:
        return self._directory / f"level-{number:06}"

    def _write(self, path: Path, data: bytes) -> None:
        beside = path.with_name(path.name + ".new")
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            raise StorageError(
                f"cannot write the checkpoint: {error.strerror}, in {self._directory}"
            ) from error


def _plain(value: Any) -> Any:
    """As it comes back from JSON."""
    return json.loads(json.dumps(value))


def _canonical(body: Any) -> bytes:
    return json.dumps(body, sort_keys=True).encode()


def _checksum(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
