"""The binding model in TLC, the model checker of TLA+, from a jar given by path (tla2tools.jar).

One worker. TLC counts as generated the initial states and one state for each transition. Its time
is that of the whole Java process, so it includes starting Java and reading the model.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import attrs

from kspec.errors import InputError
from kspec.peers.binding import Size
from kspec.peers.tools import Counts, PeerFailed, run, template

JAVA = ("java", "-XX:+UseParallelGC")  # which TLC asks for
INITIAL = re.compile(
    r"^Finished computing initial states: ([\d,]+) distinct states? ", re.MULTILINE
)
FINAL = re.compile(
    r"^([\d,]+) states generated, ([\d,]+) distinct states found, 0 states left on queue\.$",
    re.MULTILINE,
)
COMPLETED = "Model checking completed. No error has been found."


def is_installed() -> bool:
    """Is there a Java to run the jar with?"""
    return shutil.which(JAVA[0]) is not None


def check_jar(jar: Path) -> None:
    """Raises InputError where there is no such file."""
    if not jar.is_file():
        raise InputError("no such file", where=str(jar), expected="the path of tla2tools.jar")


def search(size: Size, jar: Path, folder: Path) -> tuple[str, Counts]:
    """Check the model in this folder: what TLC calls itself, and its counts. Raises PeerFailed."""
    folder.joinpath("Binding.tla").write_text(template("Binding.tla"), encoding="utf-8")
    configuration = template("Binding.cfg", **attrs.asdict(size))
    folder.joinpath("Binding.cfg").write_text(configuration, encoding="utf-8")
    options = ["-workers", "1", "-deadlock", "-metadir", "states", "Binding"]
    scratch = f"-Djava.io.tmpdir={folder.resolve()}"  # where it puts the standard modules
    command: list[str | Path] = [*JAVA, scratch, "-cp", jar.resolve(), "tlc2.TLC", *options]
    text, seconds = run("tlc", command, folder)
    return version_in(text), parse(text, seconds)


def version_in(text: str) -> str:
    """The line in which TLC says which version it is."""
    found = re.search(r"^TLC2 Version .*$", text, re.MULTILINE)
    return found[0] if found else "TLC of an unknown version"


def parse(text: str, seconds: float) -> Counts:
    """The counts of a complete search without errors."""
    initial, final = INITIAL.search(text), FINAL.search(text)
    if COMPLETED not in text or initial is None or final is None:
        raise PeerFailed("tlc: no counts of a complete search without errors in what it says")
    generated, distinct, first = (
        int(digits.replace(",", "")) for digits in (final[1], final[2], initial[1])
    )
    return Counts(states=distinct, transitions=generated - first, seconds=seconds)
