"""Where the commands write: text for people, JSON for machines, and errors before the work."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from kspec.cli import silence
from kspec.errors import InputError

STANDARD_OUTPUT = "-"
WIDTH = 120
"""The width of what is not written to a terminal."""

json_option = click.option(
    "--json",
    "json_file",
    metavar="FILE",
    help="Write the whole result as JSON; '-' is standard output, and then nothing else is on it.",
)


def emit(text: str, json_file: str | None = None) -> None:
    """Text for people on standard output, unless that belongs to the JSON. A closed pipe is quiet."""
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
    try:
        Path(json_file).parent.mkdir(parents=True, exist_ok=True)
        Path(json_file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=json_file) from error


def must_be_writable(path: Path, is_folder: bool = False) -> None:
    """Raise InputError, before any work is done, where a result could not be written."""
    if path.exists() and path.is_dir() != is_folder:
        what = "a folder" if is_folder else "a file"
        raise InputError(f"cannot write: it is not {what}", where=str(path))
    existing = path if path.exists() else path.absolute().parent
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK) or (existing != path and not existing.is_dir()):
        raise InputError("cannot write: permission denied or not a folder", where=str(path))


def check_json(json_file: str | None) -> None:
    """Refuse a `--json` that cannot be written."""
    if json_file is not None and json_file != STANDARD_OUTPUT:
        must_be_writable(Path(json_file))


def look() -> tuple[int, bool]:
    """How wide standard output is, and whether it shows colours."""
    if not sys.stdout.isatty():
        return WIDTH, False
    return shutil.get_terminal_size((WIDTH, 25)).columns, "NO_COLOR" not in os.environ
