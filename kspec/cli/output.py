"""Where the commands write: text for people, JSON for machines, and errors before the work."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import IO, Any

import click

from kspec.cli import silence
from kspec.errors import InputError

STANDARD_OUTPUT = "-"
_KEPT = "kspec standard output"
WIDTH = 140
"""The width of what is not written to a terminal."""

json_option = click.option(
    "--json",
    "json_file",
    metavar="FILE",
    help="Write the whole result as JSON; '-' is standard output, and then nothing else is on it.",
)


def emit(text: str, json_file: str | None = None) -> None:
    """Text for people on standard output, unless that is the JSON's; a closed pipe is quiet."""
    if json_file != STANDARD_OUTPUT:
        _write(text, sys.stdout)


def emit_kept(text: str) -> None:
    """A document on the standard output that `check_json` kept for it."""
    context = click.get_current_context(silent=True)
    kept: IO[str] | None = context.meta.get(_KEPT) if context else None
    _write(text, kept or sys.stdout)


def _write(text: str, stream: IO[str]) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        silence(stream)


def write_json(document: Any, json_file: str | None) -> None:
    """Write a JSON document to the file of `--json`, where there is one."""
    if json_file is None:
        return
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if json_file == STANDARD_OUTPUT:
        emit_kept(text)
        return
    with _opened(json_file, "w") as file:
        file.write(text)


def must_be_writable(path: Path) -> None:
    """Raise InputError, before any work is done, where a folder could not be written to."""
    if path.exists() and not path.is_dir():
        raise InputError("cannot write: it is not a folder", where=str(path))
    existing = path.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError("cannot write: permission denied or not a folder", where=str(path))


def check_json(json_file: str | None) -> None:
    """Refuse a `--json` that cannot be written, before any work is done.

    Where it is standard output, that is kept for the document: what else is printed, by a policy
    or a library, goes to standard error.
    """
    context = click.get_current_context(silent=True)
    if json_file == STANDARD_OUTPUT and context is not None:
        context.meta.setdefault(_KEPT, sys.stdout)
        context.with_resource(contextlib.redirect_stdout(sys.stderr))
    elif json_file is not None and json_file != STANDARD_OUTPUT:
        with _opened(json_file, "a"):
            pass


def _opened(json_file: str, mode: str) -> IO[str]:
    try:
        Path(json_file).parent.mkdir(parents=True, exist_ok=True)
        return open(json_file, mode, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=json_file) from error


def look() -> tuple[int, bool]:
    """How wide standard output is, and whether it shows colours."""
    if not sys.stdout.isatty():
        return WIDTH, False
    return shutil.get_terminal_size((WIDTH, 25)).columns, "NO_COLOR" not in os.environ
