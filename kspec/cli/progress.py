"""Progress on standard error: a bar on a terminal, a line for each column elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from kspec.check import Listener
from kspec.explore import Exploration


class Lines(Listener):
    """A line when a column is done, and one for each violation the moment it is found."""

    def __init__(self) -> None:
        self._began = 0.0
        self._place = ""

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def begin(self, column: str, number: int, of: int) -> None:
        self._began, self._place = time.monotonic(), f"[{number}/{of}]"

    def found(self, prop: str, column: str, path: str) -> None:
        self.say(f"violation of {prop} (faults: {column}), not yet shrunk: {path}")

    def end(self, column: str, exploration: Exploration) -> None:
        seconds = time.monotonic() - self._began
        self.say(f"{self._place} faults {column}: {exploration.coverage}, {seconds:.1f} s")
        self.memory(exploration)

    def memory(self, exploration: Exploration) -> None:
        """What an exhaustive search took; here, because it is not the same every time."""
        if exploration.memory is not None:
            self.say(f"      {exploration.memory.in_words}")


class Bar(Lines):
    """One bar that fills with the columns, with the counts of the current one beside it."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def begin(self, column: str, number: int, of: int) -> None:
        super().begin(column, number, of)
        if self._task is None:
            self._task = self._progress.add_task("", total=of, counts="")
            self._progress.start()
        self._progress.update(
            self._task, description=f"faults {column}", completed=number - 1, counts=""
        )

    def progress(self, steps: int, states: int) -> None:
        self._counts(f"{steps:,} steps, {states:,} states")

    def shrinking(self, prop: str, column: str) -> None:
        self._counts(f"shrinking {prop}")

    def _counts(self, text: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, counts=text)

    def end(self, column: str, exploration: Exploration) -> None:
        self.memory(exploration)
        if self._task is not None:
            self._progress.advance(self._task)

    def close(self) -> None:
        self._progress.stop()


@contextmanager
def saying() -> Iterator[Callable[[str], None]]:
    """Says what is being done: in one place on a terminal, nowhere else."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status("") as status:
        yield lambda text: status.update(Text(text))


def listener() -> Listener:
    """The progress that fits standard error."""
    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines()
