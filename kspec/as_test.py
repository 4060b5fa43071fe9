"""A trace as a standalone pytest file, with its world, actions, property and options inside.

The file needs kspec and pytest, and nothing beside it: no trace file, no plugin option, no folder.
What the trace names as MODULE:NAME is the user's own; the folder it is imported from is written
down relative to the file, so that the test runs from anywhere in their repository.

By default the test asserts that the property holds (see `kspec.testing`): it fails today, and
guards the fix for ever after. A test that is green today and says nothing on the day of the fix
would be the wrong default; whoever wants a green suite until then marks it as the file's head says,
and `strict` makes that mark fail once the bug is gone.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from kspec import trace as traces
from kspec.errors import InputError
from kspec.trace import Trace
from kspec.values import fingerprint

MARK = "# Written by `kspec replay --as-test`, which leaves it alone once it is edited: "
"""How the first line begins; a digest of all other lines ends it."""


def test_text(trace: Trace, promise: str, why: Sequence[str], folder: Path) -> str:
    """The text of the test file, to be put into `folder`."""
    paths = ", ".join(f"HERE / {_quoted(path)}" for path in import_paths(trace, folder))
    has_paths = bool(paths)
    lines = [
        *_docstring(trace, promise, why),
        "",
        *(["from pathlib import Path", ""] if has_paths else []),
        "from kspec.testing import assert_passes",
        "",
        *(["HERE = Path(__file__).resolve().parent", ""] if has_paths else []),
        f"TRACE = {_literal(traces.to_text(trace))}",
        "",
        "",
        f"def test_{re.sub('[^a-z0-9]+', '_', trace.property.lower()).strip('_')}():",
        f"    assert_passes(TRACE, paths=[{paths}])" if has_paths else "    assert_passes(TRACE)",
    ]
    return marked("\n".join(lines) + "\n")


def marked(text: str) -> str:
    """The text below a line that says who wrote it, by which an edit is noticed."""
    return f"{_first_line(text)}\n{text}"


def _first_line(rest: str) -> str:
    return f"{MARK}{fingerprint(rest):016x}"


def _docstring(trace: Trace, promise: str, why: Sequence[str]) -> Iterator[str]:
    mutant = trace.options.get("mutant")
    beside = f", mutant {mutant}" if mutant else ""
    world = (trace.world.get("metadata") or {}).get("name", "world")
    text = [
        f"{trace.property}: {promise}",
        "",
        f"Violated in {world}{beside}, faults: {trace.options.get('faults', 'none')}; found by "
        f"{trace.strategy or 'a search'} with seed {trace.seed}:",
        f"    {trace.witness or promise}",
        *(["Why:", *(f"    {line}" for line in why)] if why else []),
        "",
        "The test asserts that the promise is kept along this schedule: it fails as long as the",
        "bug is there, and passes once it is fixed. Steps that a fixed model does not take are",
        "skipped.",
        "To keep a known bug until then without a red test, mark the test",
        "",
        '    @pytest.mark.xfail(strict=True, reason="...")',
        "",
        "and it will fail on the day that the bug is gone, so that the mark goes too.",
    ]
    yield '"""' + _in_docstring(text[0])
    yield from (_in_docstring(line) for line in text[1:])
    yield '"""'


def _in_docstring(line: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in line)
    return printable.replace("\\", "\\\\").replace('"""', "'''")


def _literal(text: str) -> str:
    """The text as a literal that reads well: raw lines, where that is the same text."""
    is_plain = "'''" not in text and all(c == "\n" or c.isprintable() for c in text)
    return f"r'''\n{text}'''.lstrip()" if is_plain and not text.endswith("'") else repr(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def import_paths(trace: Trace, folder: Path) -> tuple[str, ...]:
    """Where the user's own modules are imported from, relative to the folder of the test.

    Raises InputError for one that cannot be imported.
    """
    options = trace.options
    named = [options.get("policy"), *(options.get("controllers") or ()), options.get("property")]
    found: dict[str, None] = {}
    for reference in named:
        if reference and ":" in reference:
            root = _root_of(reference.partition(":")[0])
            if root is not None:
                found[Path(os.path.relpath(root, folder.resolve())).as_posix()] = None
    return tuple(found)


def _root_of(name: str) -> Path | None:
    """The folder from which a module is imported; None where it is installed."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"{name} cannot be imported: {error}", expected="an importable module"
        ) from error
    if module.__file__ is None:
        return None
    file = Path(module.__file__).resolve()
    up = name.count(".") + (2 if file.name == "__init__.py" else 1)
    root = file.parents[up - 1]
    is_installed = root.name in ("site-packages", "dist-packages")
    is_standard = root.is_relative_to(Path(sys.base_prefix).resolve() / "lib")
    return None if is_installed or is_standard else root


def write(text: str, file: Path) -> None:
    """Write the test whole or not at all.

    Raises InputError for a file that is not one of these tests, or that cannot be written.
    """
    if file.suffix != ".py":
        raise InputError("no Python file", where=str(file), expected="a name such as test_bug.py")
    temporary = ""
    try:
        if file.exists() and not _is_ours(file):
            raise InputError(
                "there is another file already, which is left as it is",
                where=str(file),
                expected="a new name, or a test as `kspec replay --as-test` wrote it",
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".kspec-", suffix=".py")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True) if temporary else None
        raise InputError(f"cannot write: {error.strerror}", where=str(file)) from error


def _is_ours(file: Path) -> bool:
    first, _, rest = file.read_text(encoding="utf-8", errors="replace").partition("\n")
    return first == _first_line(rest)
