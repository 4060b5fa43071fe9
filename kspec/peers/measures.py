"""`kspec bench --peers`: one small model in kspec, Spin and TLC, counts compared, times as ratios.

All times are processor time: of the search alone for kspec and Spin, of the whole Java process for
TLC. kspec's own measurements are each made in a process of their own.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from kspec.bench import Numbers, Spawn, require
from kspec.explore import bfs
from kspec.explore.exploration import Exploration
from kspec.peers import spin, tlc
from kspec.peers.binding import Size, binding
from kspec.peers.tools import Counts
from kspec.suite import Suite

PLAIN, SMALL, LARGE = Size(4), Size(5), Size(6)
"""What the ordinary search, the comparison, and the comparison under symmetry run on."""
RUNS = 5
"""How many runs the median is taken of, where one takes less than some seconds."""
STATES = {Size(5): 371_293, Size(6): 4_826_809}
TRANSITIONS = {Size(5): 2_472_330}
SYMMETRIC_STATES = {Size(5): 1_191}
"""What is known of these sizes from elsewhere."""

Row = tuple[str, float, str]


def _numbers(found: list[Exploration], times: list[float]) -> Numbers:
    """The counts of some runs, which must be equal, and the median of their times."""
    counts = [(one.states, one.transitions, one.depth) for one in found]
    require(all(one.exhausted for one in found), "a search of the binding model was stopped")
    require(len(set(counts)) == 1, f"the counts of the same search differ: {counts}")
    states, transitions, depth = counts[0]
    seconds = statistics.median(times)
    return {"states": states, "transitions": transitions, "depth": depth, "seconds": seconds}


def _timed(search: Callable[[], Exploration], runs: int) -> Numbers:
    found, times = [], []
    for _ in range(runs):
        began = time.process_time()
        found.append(search())
        times.append(time.process_time() - began)
    return _numbers(found, times)


def _packed(size: Size, runs: int, *, symmetric: bool = False) -> Numbers:
    from kspec.explore.packed.search import packed_bfs

    system = binding(size, symmetric=symmetric)
    return _timed(lambda: packed_bfs(system), runs)


MEASURES: Mapping[str, Callable[[Suite, int], Numbers]] = {
    "peers.plain": lambda suite, seed: _timed(lambda: bfs(binding(PLAIN)), 1),
    "peers.packed": lambda suite, seed: _packed(SMALL, RUNS),
    "peers.packed_large": lambda suite, seed: _packed(LARGE, 1),
    "peers.symmetric": lambda suite, seed: _packed(SMALL, 1, symmetric=True),
    "peers.symmetric_large": lambda suite, seed: _packed(LARGE, RUNS, symmetric=True),
}
"""The measurements of kspec itself; of SMALL where they do not say otherwise."""


@attrs.frozen
class Own:
    """What kspec found, checked."""

    plain: Numbers
    packed: Numbers
    large: Numbers
    symmetric: Numbers
    symmetric_large: Numbers


def own(seed: int, spawn: Spawn) -> Own:
    """kspec's own measurements. Raises WrongAnswer where counts are not what they must be."""
    found = Own(*(spawn(name, seed) for name in MEASURES))
    checks = (
        ("states", found.packed["states"], STATES.get(SMALL)),
        ("transitions", found.packed["transitions"], TRANSITIONS.get(SMALL)),
        ("states of the large size", found.large["states"], STATES.get(LARGE)),
        ("states up to symmetry", found.symmetric["states"], SYMMETRIC_STATES.get(SMALL)),
        ("levels of the large size", found.symmetric_large["depth"], found.large["depth"]),
        ("levels", found.symmetric["depth"], found.packed["depth"]),
    )
    for what, counted, known in checks:
        if known is not None:
            require(counted == known, f"kspec finds {counted:,} {what}, not {known:,}")
    return found


def _rows_of_own(found: Own) -> list[Row]:
    packed, large, plain = found.packed, found.large, found.plain
    return [
        ("peers.states", packed["states"], "states"),
        ("peers.transitions", packed["transitions"], "transitions"),
        ("peers.symmetric_states", found.symmetric["states"], "states"),
        ("peers.states_p6", large["states"], "states"),
        ("peers.symmetric_states_p6", found.symmetric_large["states"], "states"),
        ("peers.kspec.states_per_second", _rate(packed), "states/s"),
        ("peers.kspec.plain_states_per_second", _rate(plain), "states/s"),
        ("peers.kspec.states_per_second_p6", _rate(large), "states/s"),
        ("peers.symmetry_p6_seconds", round(found.symmetric_large["seconds"], 3), "s"),
    ]


def _rate(numbers: Numbers) -> int:
    return round(numbers["states"] / numbers["seconds"])


def _same(engine: str, theirs: Counts, ours: Numbers) -> None:
    for what, counted in (("states", theirs.states), ("transitions", theirs.transitions)):
        line = f"{engine} finds {counted:,} {what}, kspec {ours[what]:,}"
        require(counted == ours[what], line)


def beside_spin(found: Own) -> list[Row]:
    """Spin's figures, and kspec's in proportion. Raises WrongAnswer or PeerFailed."""
    with tempfile.TemporaryDirectory() as folder:
        small = spin.search(SMALL, Path(folder), RUNS)
    with tempfile.TemporaryDirectory() as folder:
        large = spin.search(LARGE, Path(folder))[0]
    for counts in small:
        _same("Spin", counts, found.packed)
    _same("Spin", large, found.large)
    rate = small[0].states / statistics.median(counts.seconds for counts in small)
    speedup = large.seconds / found.symmetric_large["seconds"]
    return [
        ("peers.spin.states_per_second", round(rate), "states/s"),
        ("peers.spin_p6_seconds", round(large.seconds, 3), "s"),
        ("peers.ratio_to_spin", round(_rate(found.packed) / rate, 2), "ratio"),
        ("peers.symmetry_speedup_over_spin", round(speedup, 1), "ratio"),
    ]


def beside_tlc(found: Own, jar: Path) -> tuple[list[Row], str]:
    """TLC's figures and version. Raises WrongAnswer or PeerFailed."""
    with tempfile.TemporaryDirectory() as folder:
        version, counts = tlc.search(SMALL, jar, Path(folder))
    _same("TLC", counts, found.packed)
    rate = counts.states / counts.seconds
    rows: list[Row] = [
        ("peers.tlc.states_per_second", round(rate), "states/s"),
        ("peers.ratio_to_tlc", round(_rate(found.packed) / rate, 2), "ratio"),
    ]
    return rows, version


def run(seed: int, spawn: Spawn, jar: Path | None) -> tuple[list[Row], list[str]]:
    """All measures, each with its name, value and unit; and notes: versions, what was left out.

    jar: TLC's, None to leave it out. Raises WrongAnswer where two engines count differently,
    PeerFailed where a tool that is installed fails.
    """
    found = own(seed, spawn)
    rows, notes = _rows_of_own(found), []
    version = spin.version()
    if version is None:
        notes.append("Spin is not installed (apt-get install spin gcc): its measures are left out")
    else:
        rows += beside_spin(found)
        notes.append(f"{version}; exact, no partial-order reduction")
    if jar is None:
        notes.append("TLC: no jar was given (--tlc-jar PATH): its measures are left out")
    elif not tlc.is_installed():
        notes.append("TLC: Java is not installed: its measures are left out")
    else:
        more, version = beside_tlc(found, jar)
        rows += more
        notes.append(f"{version}; time of the whole Java process, one worker")
    return rows, notes
