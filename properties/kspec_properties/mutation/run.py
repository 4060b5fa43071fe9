"""A whole run: the baseline, then mutant after mutant in a few processes, in a fixed order."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.pool import Pool
from typing import Any, TypeVar

from kspec_properties.mutation.cells import Cell
from kspec_properties.mutation.judges import BEYOND, Baseline, Judges, Outcome
from kspec_properties.mutation.sites import Site

WORKERS = 2
T = TypeVar("T")
Say = Callable[[str], None]

_judges: Judges
_baseline: Baseline
"""What the workers inherit when they are forked."""


def warm_up() -> None:
    """Import what every child needs, besides the model, before the first fork."""
    import kspec.explore
    import kspec.schema
    import kspec.smt  # noqa: F401


def hear(judges: Judges, say: Say, workers: int = WORKERS) -> Baseline:
    """The baseline: what every judge sees of the faithful model."""
    global _judges
    _judges = judges
    cells, imported = judges.start()
    lines, expected = {"": imported}, {}
    with _pool(workers) as pool:
        beyond = pool.map_async(_hear_also, BEYOND, chunksize=1)
        for cell, (seen, executed) in zip(cells, pool.imap(_hear, cells), strict=True):
            expected[cell], lines[cell.label] = seen, executed
            if seen.violated or seen.unfinished:
                left_out = ", ".join((*seen.violated, *seen.unfinished))
                say(f"unchanged model, {cell.label}: does not judge {left_out}")
        for name, executed in zip(BEYOND, beyond.get(), strict=True):
            lines[name] = executed
            if not executed:
                say(f"no {name}: it is not there")
    return Baseline(cells=expected, lines=lines)


def judge_all(
    judges: Judges, baseline: Baseline, chosen: Sequence[Site], workers: int = WORKERS
) -> Iterator[tuple[Site, Outcome]]:
    """The mutants with what became of them, in their order."""
    global _judges, _baseline
    _judges, _baseline = judges, baseline
    with _pool(workers) as pool:
        yield from zip(chosen, pool.imap(_judge, chosen), strict=True)


def _pool(workers: int) -> Pool:
    return multiprocessing.get_context("fork").Pool(workers, _ignore_interrupts)


def _ignore_interrupts() -> None:
    """Ctrl-C is for the process that started the run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hear(cell: Cell) -> Any:
    return _judges.hear(cell)


def _hear_also(name: str) -> Any:
    return _judges.hear_also(name)


def _judge(site: Site) -> Outcome:
    return _judges.judge(site, _baseline)
