"""The judges in their order: the properties, and for what they let live the cases and the proofs.

Each judge first hears the faithful model, with the lines that it executes written down: a change
of another line is the same run again, and is not asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from kspec.errors import InputError
from kspec_properties.mutation.cells import Cell, Expected, Explorer, all_cells
from kspec_properties.mutation.forked import Answer, in_child
from kspec_properties.mutation.importing import Sources, import_properties, install
from kspec_properties.mutation.sites import MODEL, Site
from kspec_properties.mutation.tracing import LineTrace

CPU_SECONDS = 60
CONFORMANCE, PROOF = "conformance", "proof"
ABSENT = "absent"
Lines = dict[str, list[int]]
_SURVIVED: tuple[str, str, str] = ("survived", "", "")


class Outcome(NamedTuple):
    """What became of a mutant.

    judge: "property", "exception", "vacuous", "timeout", "conformance", "proof", or "survived".
    by: the property, or what happened; where: the cell. is_reached: did any world execute it?
    """

    judge: str
    by: str = ""
    where: str = ""
    is_reached: bool = True


@attrs.frozen(kw_only=True)
class Baseline:
    """What the faithful model shows: its cells, and which lines each judge makes it execute."""

    cells: Mapping[Cell, Expected]
    lines: Mapping[str, Mapping[str, Iterable[int]]]
    """Executed lines by judge (the label of a cell, "conformance", "proof") and module; those of
    the import, "", count for every judge that is there."""

    def reaches(self, judge: str, site: Site) -> bool:
        """Does a judge execute the statement of a site? Without that it can notice nothing."""
        if not self.lines[judge]:
            return False
        span = range(site.first, site.last + 1)
        return any(
            line in span for name in (judge, "") for line in self.lines[name].get(site.module, ())
        )


class Judges:
    """Judges mutants of one version of the sources, under one seed."""

    def __init__(self, sources: Sources, seed: int, cpu_seconds: int = CPU_SECONDS) -> None:
        self.sources, self.seed, self.cpu_seconds = sources, seed, cpu_seconds

    # the faithful model

    def start(self) -> tuple[tuple[Cell, ...], Lines]:
        """All cells, and the lines that every judge executes because it imports the model."""

        def work() -> tuple[list[str], Lines]:
            trace = self._trace()
            trace.start()
            install(self.sources, None)
            explorer = Explorer(import_properties(self.sources, ""), self.seed)
            trace.stop()
            return list(explorer.worlds), trace.executed()

        names, lines = _sound(in_child(work, self.cpu_seconds), "its import")
        return all_cells(names), lines

    def hear(self, cell: Cell) -> tuple[Expected, Lines]:
        """What the faithful model shows in a cell, and the lines that it executes there."""

        def work() -> tuple[dict[str, Any], Lines]:
            install(self.sources, None)
            explorer = Explorer(import_properties(self.sources, ""), self.seed)
            trace = self._trace()
            trace.start()
            expected = explorer.expect(cell)
            trace.stop()
            return attrs.asdict(expected), trace.executed()

        data, lines = _sound(in_child(work, 20 * self.cpu_seconds), cell.label)
        return Expected.from_json(data), lines

    def hear_also(self, judge: str) -> Lines:
        """The lines that the cases or the proofs execute; none where these are absent."""

        def work() -> tuple[str, Lines]:
            install(self.sources, None)
            trace = self._trace()
            trace.start()
            verdict = BEYOND[judge](self.sources)
            trace.stop()
            return verdict, trace.executed()

        verdict, lines = _sound(in_child(work, 20 * self.cpu_seconds), judge)
        if verdict == ABSENT:
            return {}
        if verdict:
            raise InputError(f"{judge} refuses the unchanged model: {verdict}")
        return dict(lines)

    def _trace(self) -> LineTrace:
        modules = self.sources.modules.values()
        return LineTrace({m.path: m.name for m in modules if m.name.startswith(MODEL)})

    # mutants

    def judge(self, site: Site, baseline: Baseline) -> Outcome:
        """Ask one judge after the other until one notices the mutant."""
        cells = [cell for cell in baseline.cells if baseline.reaches(cell.label, site)]
        if cells:
            found = self._explored(site, baseline, cells)
            if found.judge != "survived":
                return found
        for name in BEYOND:
            if baseline.reaches(name, site):
                found = self._beyond(site, name)
                if found.judge != "survived":
                    return found._replace(is_reached=bool(cells))
        return Outcome(*_SURVIVED, is_reached=bool(cells))

    def _explored(self, site: Site, baseline: Baseline, cells: Iterable[Cell]) -> Outcome:
        at: list[Cell] = []

        def work() -> tuple[str, str, str]:
            install(self.sources, site)
            explorer = Explorer(import_properties(self.sources, site.module), self.seed)
            for cell in cells:
                at[:] = [cell]
                try:
                    found = explorer.judge(cell, baseline.cells[cell])
                except Exception as error:
                    found = "exception", f"{type(error).__name__}: {str(error)[:120]}"
                if found is not None:
                    return (*found, cell.label)
            return _SURVIVED

        answer = in_child(work, self.cpu_seconds)
        return Outcome(answer.trouble, answer.detail) if answer.trouble else Outcome(*answer.value)

    def _beyond(self, site: Site, name: str) -> Outcome:
        def judged() -> str:
            install(self.sources, site)
            return BEYOND[name](self.sources)

        answer = in_child(judged, self.cpu_seconds)
        if answer.trouble:
            return Outcome(name, f"{answer.trouble}: {answer.detail}")
        return Outcome(name, answer.value) if answer.value else Outcome(*_SURVIVED)


def conformance(sources: Sources) -> str:
    """Which case of upstream's fails; "" where all pass, ABSENT where there are none."""
    model = Path(sources.modules[MODEL].path)
    root = model.parents[2]
    if not (root / "tests" / "conformance").is_dir():
        return ABSENT
    if not (root.parent / "shared" / "upstream-cases").is_dir():
        return ABSENT
    import pytest

    failed: list[str] = []

    class Listener:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid.rpartition("::")[2])

    os.chdir(root)
    sys.path.insert(0, str(root))
    options = ["tests/conformance", "-x", "-q", "-p", "no:cacheprovider", "--no-header"]
    status = pytest.main(options, plugins=[Listener()])
    if failed:
        return failed[0]
    return "" if status == pytest.ExitCode.OK else f"pytest ended with {int(status)}"


def proofs(sources: Sources) -> str:
    """Which proof does not end as the specification says; "" where all do."""
    from kspec_properties.proofs.run import prove

    for result in prove():
        if not result.is_as_expected:
            return f"{result.claim.name} {result.proof.verdict}"
    return ""


BEYOND: dict[str, Callable[[Sources], str]] = {CONFORMANCE: conformance, PROOF: proofs}
"""The judges that are no properties, asked about survivors only."""


def _sound(answer: Answer, what: str) -> Any:
    """What a child answered about the faithful model, which may not fail."""
    if answer.trouble:
        raise InputError(f"the unchanged model, {what}: {answer.trouble}: {answer.detail}")
    return answer.value
