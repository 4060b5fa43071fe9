"""Traces on disk: one YAML file that holds all that a replay needs.

Actions are named by identity and not by place, so that a trace outlives actions that are added to
the model later. The world and the options are opaque here; a checksum guards them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import yaml

from kspec import __version__
from kspec.block_text import to_block_text
from kspec.errors import InputError
from kspec.explore.exploration import Suffix, Violation
from kspec.fitting import fits
from kspec.schema import load
from kspec.system import AnySystem
from kspec.values import fingerprint

SCHEMA = "kspec.dev/trace/v1"
EXPECTED = "a kspec trace, as written by kspec"
LONGEST_PROBLEM = 200
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
REQUIRED = (
    *("kspec", "violation", "length", "actions", "suffix", "seed", "strategy"),
    *("options", "world", "fingerprints", "checksum"),
)


@attrs.frozen(kw_only=True)
class Trace:
    """A violation and all that is needed to see it again.

    actions are texts that `System.decode` reads; fingerprints are those of the states after each.
    cycle: what is repeated for ever after them, where a lasso was found; then there is no suffix.
    """

    property: str
    kind: str
    witness: str
    actions: tuple[str, ...]
    fingerprints: tuple[str, ...]
    suffix: Suffix | None = None
    cycle: tuple[str, ...] = ()
    seed: int | None = None
    strategy: str = ""
    options: Mapping[str, Any] = attrs.field(factory=dict)
    world: Mapping[str, Any] = attrs.field(factory=dict)
    kspec: str = __version__


def record(
    system: AnySystem,
    violation: Violation,
    *,
    world: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Trace:
    """The trace of a violation; walks its actions once more for the fingerprints."""
    state, marks = system.init(), []
    for action in violation.actions:
        state = system.step(state, action)
        marks.append(f"{system.fingerprint(state):016x}")
    return Trace(
        property=violation.property,
        kind=violation.kind,
        witness=violation.witness,
        actions=tuple(system.encode(action) for action in violation.actions),
        fingerprints=tuple(marks),
        suffix=violation.suffix,
        cycle=tuple(system.encode(action) for action in violation.cycle),
        seed=violation.seed,
        strategy=violation.strategy,
        options=_plain(options or {}),
        world=_plain(world or {}),
    )


def checksum(world: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The checksum over world and options: of canonical JSON, so it is blind to layout."""
    text = json.dumps([_plain(world), _plain(options)], sort_keys=True, default=str)
    return f"{fingerprint(text):016x}"


def _plain(value: Any) -> Any:
    """Only what YAML has: mappings with text keys, lists and scalars, nothing shared."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def to_text(trace: Trace) -> str:
    """The file of a trace: what people read comes first, the checksum last."""
    suffix = trace.suffix
    document = {
        "schema": SCHEMA,
        "kspec": trace.kspec,
        "violation": {
            "property": trace.property,
            "kind": trace.kind,
            "witness": trace.witness,
        },
        "length": len(trace.actions),
        "actions": list(trace.actions),
        **({"cycle": list(trace.cycle)} if trace.cycle else {}),
        "suffix": suffix and {"strategy": "fifo", **attrs.asdict(suffix)},
        "seed": trace.seed,
        "strategy": trace.strategy,
        "options": _plain(trace.options),
        "world": _plain(trace.world),
        "fingerprints": list(trace.fingerprints),
        "checksum": checksum(trace.world, trace.options),
    }
    return to_block_text(document)


def write(trace: Trace, path: Path | str) -> None:
    """Write the file whole or not at all. Raises InputError where it cannot be written."""
    path = Path(path)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".trace-", suffix=".yaml")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(to_text(trace))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True) if temporary else None
        raise InputError(f"cannot write: {error.strerror}", where=str(path)) from error


def read(path: Path | str) -> Trace:
    """Read a trace file. Raises InputError, in one line, for anything that is not a whole one."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text", where=str(path), expected=EXPECTED) from error
    return from_text(text, str(path))


def from_text(text: str, where: str = "trace") -> Trace:
    """Read a trace from its text; `where` names it in errors."""
    document = _load(text, where)
    problem = _problem(document)
    if problem:
        raise InputError(problem, where=where, expected=EXPECTED)
    if checksum(document["world"], document["options"]) != document["checksum"]:
        raise InputError(
            "its world or options were edited: the checksum differs; "
            "check the changed world instead, which makes a trace of its own",
            where=where,
        )
    suffix = document["suffix"]
    return Trace(
        **document["violation"],
        actions=tuple(document["actions"]),
        fingerprints=tuple(document["fingerprints"]),
        suffix=suffix and Suffix(suffix["actions"], suffix["cycle"]),
        cycle=tuple(document.get("cycle", ())),
        seed=document["seed"],
        strategy=document["strategy"],
        options=document["options"],
        world=document["world"],
        kspec=document["kspec"],
    )


def _load(text: str, where: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise InputError(f"not valid YAML{line}", where=where, expected=EXPECTED) from error
    if not isinstance(document, dict):
        raise InputError("not a mapping", where=where, expected=EXPECTED)
    version = document.get("schema")
    if version != SCHEMA:
        raise InputError(
            f"schema is {str(version)[:LONGEST_PROBLEM]!r}", where=where, expected=SCHEMA
        )
    return document


def _errors(document: dict[str, Any]) -> list[Any]:
    """What the schema does not accept, in an order of its own."""
    schema = load("kspec", "trace")
    if fits(document, schema):
        return []
    import jsonschema

    found = jsonschema.Draft202012Validator(schema).iter_errors(document)
    return sorted(found, key=lambda e: (list(map(str, e.path)), e.message))


def _problem(document: dict[str, Any]) -> str:
    """The first thing wrong with it, or nothing."""
    missing = [key for key in REQUIRED if key not in document]
    if missing:
        return f"cut short: {missing[0]!r} is missing"
    errors = _errors(document)
    if errors:
        place = "/".join(map(str, errors[0].path))
        message = " ".join(errors[0].message.split())[:LONGEST_PROBLEM]
        return f"{place}: {message}" if place else message
    for key in ("actions", "fingerprints"):
        if len(document[key]) != document["length"]:
            return f"cut short: length is {document['length']}, and {key} has {len(document[key])}"
    if document["suffix"] and "cycle" in document:
        return "it has both a cycle and a suffix"
    return ""
