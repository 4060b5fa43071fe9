"""Which branches of the model's components a run executed, measured by coverage.py.

It slows a run down several times, so it is asked for by name; and it is an optional extra.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kspec.coverage.summary import FileCoverage
from kspec.errors import InputError


class Branches:
    """Measures what runs inside `measuring`, as often as it is entered, and reads it at the end.

    Raises InputError where coverage.py is not installed.
    """

    def __init__(self, components: tuple[str, ...]) -> None:
        self._components = components
        try:
            import coverage
        except ImportError as error:
            raise InputError(
                "--coverage needs coverage.py", expected='pip install "kspec[coverage]"'
            ) from error
        self._measure = coverage.Coverage(
            data_file=None,
            branch=True,
            source_pkgs=list(dict.fromkeys(name.partition(".")[0] for name in components)),
            config_file=False,
            messages=False,
        )

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Measure the body."""
        with warnings.catch_warnings():
            # what a module runs while it is imported is no branch of a component
            warnings.filterwarnings("ignore", ".*was previously imported, but not measured")
            self._measure.start()
        try:
            yield
        finally:
            self._measure.stop()

    def files(self) -> tuple[FileCoverage, ...]:
        """What was measured, by module."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*was previously imported, but not measured")
            found = _read(self._measure)
        return tuple(file for file in found if _module(file.file).startswith(self._components))


def _read(measure: Any) -> tuple[FileCoverage, ...]:
    """The report of coverage.py, by module; a package that nothing imported has no files."""
    from coverage.exceptions import CoverageException

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        try:
            measure.json_report(outfile=str(path))
        except CoverageException:
            return ()
        document = json.loads(path.read_text(encoding="utf-8"))
    files = (_file(name, found) for name, found in sorted(document["files"].items()))
    return tuple(found for found in files if found.branches or found.functions)


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _file(name: str, found: Any) -> FileCoverage:
    functions = {
        name: region
        for name, region in found.get("functions", {}).items()
        if name and not name.rpartition(".")[2].startswith("__")
    }
    return FileCoverage(
        file=_module_path(name),
        branches=found["summary"]["num_branches"],
        covered=found["summary"]["covered_branches"],
        missing=tuple((start, end) for start, end in found["missing_branches"]),
        functions=len(functions),
        never_entered=tuple(
            function
            for function, region in functions.items()
            if not region["summary"]["covered_lines"] and region["summary"]["num_statements"]
        ),
    )


def _module_path(name: str) -> str:
    """The path from the package on: the same wherever the package is installed."""
    parts = Path(name).with_suffix("").parts
    for start in range(len(parts) - 1, 0, -1):
        if not Path(*parts[:start], "__init__.py").exists():
            return "/".join(parts[start:]) + ".py"
    return name
