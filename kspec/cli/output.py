"""Where the commands write: text for people, JSON for machines, and errors before the work."""

from __future__ import annotations

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
    if json_file == STANDARD_OUTPUT:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def write_json(document: Any, json_file: str | None) -> None:
    """Write a JSON document to the file of `--json`, where there is one."""
    if json_file is None:
        return
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if json_file == STANDARD_OUTPUT:
        emit(text)
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
    """Refuse a `--json` that cannot be written, before any work is done."""
    if json_file is not None and json_file != STANDARD_OUTPUT:
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
