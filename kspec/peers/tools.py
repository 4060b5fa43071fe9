"""Other model checkers as programs: started, timed by the processor, and never taken on trust."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

import attrs

from kspec.errors import KspecError

TIMEOUT = 1_800
"""Seconds of the wall clock after which a tool is given up."""


class PeerFailed(KspecError):
    """A tool failed, was stopped, or said what cannot be read: it gives no figures."""


@attrs.frozen(kw_only=True)
class Counts:
    """What one exhaustive search found, and its seconds of processor time."""

    states: int
    transitions: int
    seconds: float


def run(tool: str, command: Sequence[str | Path], folder: Path) -> tuple[str, float]:
    """What a program prints, and the processor time that it took.

    Raises PeerFailed where it cannot be started, ends with a status other than 0, or takes longer
    than TIMEOUT.
    """
    before = _processor_time()
    try:
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PeerFailed(f"{tool}: given up after {TIMEOUT} s") from None
    except OSError as error:
        raise PeerFailed(f"{tool}: cannot be started: {error.strerror or error}") from None
    if done.returncode:
        said = done.stdout.strip().splitlines() or ["nothing"]
        raise PeerFailed(f"{tool}: ended with status {done.returncode}, saying: {said[-1]}")
    return done.stdout, _processor_time() - before


def _processor_time() -> float:
    """Seconds, user and system, of all programs that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def template(name: str, **values: object) -> str:
    """A text of this package with its $names filled in."""
    text = files("kspec.peers").joinpath("templates", name).read_text(encoding="utf-8")
    return Template(text).substitute(values)
