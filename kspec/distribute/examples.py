"""A shared database of examples: what failed on one machine is replayed first on every other.

The database is any of Hypothesis' own: a directory that the machines share
(`DirectoryBasedExampleDatabase`), or several at once (`MultiplexedDatabase`). An example is the
text of a trace, in the world in which it was found, under a key of suite, world, parts and
property. One that no longer fails is removed, as Hypothesis does.
"""

from __future__ import annotations

import json
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from kspec import trace as traces
from kspec.errors import InputError, KspecError
from kspec.explore.exploration import Violation
from kspec.property import Property
from kspec.replay import Replay
from kspec.trace import Trace

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

    from kspec.check.failures import Scene

MOST = 10
"""Examples under one key; of more the longest are removed."""


def open_database(directory: Path | str) -> ExampleDatabase:
    """The database in a directory, made where there is none. Raises InputError if that fails."""
    from hypothesis.database import DirectoryBasedExampleDatabase

    path = Path(directory)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass  # Hypothesis says nothing where it cannot write
    except OSError as error:
        raise InputError(
            f"cannot be used: {error.strerror}", where=str(path), expected="a directory to write to"
        ) from error
    return DirectoryBasedExampleDatabase(path)


def key_of(scene: Scene, prop: Property) -> bytes:
    """The key of a property in a scene: the same on every machine, and of nothing else."""
    identity = [prop.name, scene.world, scene.options_of(prop)]
    text = json.dumps(identity, sort_keys=True, default=str)
    return b"kspec.dev/example/v1:" + blake2b(text.encode(), digest_size=16).hexdigest().encode()


def remember(database: ExampleDatabase, key: bytes, trace: Trace) -> None:
    """Keep a trace; of more than are kept under a key the longest go."""
    database.save(key, traces.to_text(trace).encode())
    for value in _kept(database, key)[MOST:]:
        database.delete(key, value)


def recall(database: ExampleDatabase, key: bytes) -> tuple[Trace, ...]:
    """The traces under a key, the shortest first.

    What this version of kspec cannot read is left alone: another one wrote it.
    """
    found = []
    for value in _kept(database, key):
        try:
            found.append(traces.from_text(value.decode(), "the example database"))
        except (InputError, UnicodeDecodeError):
            continue
    return tuple(sorted(found, key=lambda trace: len(trace.actions)))


def forget(database: ExampleDatabase, key: bytes, trace: Trace) -> None:
    """Remove a trace that no longer fails."""
    database.delete(key, traces.to_text(trace).encode())


def still_failing(database: ExampleDatabase, scene: Scene, prop: Property) -> tuple[Violation, ...]:
    """Replay all that is known of a property in a scene; what no longer fails is forgotten.

    The violations are of the scene's own system, and can be treated as if a search had found them.
    """
    key, failing = key_of(scene, prop), []
    for trace in recall(database, key):
        violation = _replayed(scene, prop, trace)
        if violation is None:
            forget(database, key, trace)
        else:
            failing.append(violation)
    return tuple(failing)


def _replayed(scene: Scene, prop: Property, trace: Trace) -> Violation | None:
    try:
        outcome = Replay(scene.system, prop, trace).outcome
    except KspecError:
        return None
    return outcome.violation if outcome.is_reproduced else None


def _kept(database: ExampleDatabase, key: bytes) -> list[bytes]:
    return sorted(database.fetch(key), key=lambda value: (len(value), value))
