"""Progress of a comparison on standard error: a bar on a terminal, a line for each policy else."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kspec.trial.comparison import Comparison, Sample


@contextmanager
def progress(comparison: Comparison) -> Iterator[Callable[[Sample], None]]:
    """What to call with every sample."""
    for policy in comparison.policies:
        if policy.note:
            print(f"{policy.name}: {policy.note}", file=sys.stderr, flush=True)
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(comparison).done
        return
    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("runs", total=len(comparison.jobs))
        yield lambda sample: bar.update(task, advance=1, description=sample.job.policy)


class _Lines:
    """A line when the last run of a policy is done."""

    def __init__(self, comparison: Comparison) -> None:
        self._left = Counter(job.policy for job in comparison.jobs)
        self._began = time.monotonic()

    def done(self, sample: Sample) -> None:
        policy = sample.job.policy
        self._left[policy] -= 1
        if not self._left[policy]:
            seconds = time.monotonic() - self._began
            print(f"{policy}: done after {seconds:.1f} s", file=sys.stderr, flush=True)
