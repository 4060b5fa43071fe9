"""Reading a cluster's trace: one CSV file of nodes and one of pods.

The form is that of Alibaba's cluster-trace-gpu-v2023 (openb_node_list_*.csv, openb_pod_list_*.csv)
and of all its variants. Which file is which is told from its columns. A row that cannot be used is
an error with its line; nothing is guessed.

A column that no placement reads (times, phase, quality of service) may hold anything or be absent.
Without the column memory_mib no pod asks for memory, without gpu_spec any model will do: some
published variants leave them out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from kspec.errors import InputError
from kspec_models.placement.room import WHOLE, Demand, Room

MEBIBYTE = 2**20
NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
POD_COLUMNS = ("name", "cpu_milli", "num_gpu", "gpu_milli")
OPTIONAL_POD_COLUMNS = (
    *("memory_mib", "gpu_spec", "qos", "pod_phase"),
    *("creation_time", "deletion_time", "scheduled_time"),
)
MOST_GPUS = 64
"""More on one node, or for one pod, is taken for a mistake in the file."""


class Trace(NamedTuple):
    """nodes: by name, in the order of names. pods: by name, in the order of the file."""

    nodes: tuple[tuple[str, Room], ...]
    pods: tuple[tuple[str, Demand], ...]

    @property
    def capacity(self) -> int:
        """All GPUs together, in thousandths of one."""
        return sum(room.total_milli for _, room in self.nodes)


class _Row(NamedTuple):
    values: Mapping[str, str]
    where: str

    def number(self, column: str, least: int = 0) -> int:
        text = (self.values.get(column) or "").strip()
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise InputError(
                f"column {column}: {text!r}",
                where=self.where,
                expected=f"a whole number of at least {least}",
            )
        return value

    def name(self, column: str) -> str:
        text = (self.values[column] or "").strip()
        if not text:
            raise InputError(f"column {column} is empty", where=self.where, expected="a name")
        return text


def read_trace(folder: Path, nodes: str | None = None, pods: str | None = None) -> Trace:
    """The trace in a folder; `nodes` and `pods` name files, where it holds several.

    Raises InputError, one line, for anything that cannot be used.
    """
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder), expected="a folder with a trace")
    kinds = {path: _kind(path) for path in sorted(folder.glob("*.csv"))}
    return Trace(
        read_nodes(_chosen(folder, kinds, "nodes", nodes)),
        read_pods(_chosen(folder, kinds, "pods", pods)),
    )


def _kind(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        columns = next(csv.reader(file), [])
    return {"sn": "nodes", "name": "pods"}.get(columns[0].strip() if columns else "", "")


def _chosen(folder: Path, kinds: Mapping[Path, str], kind: str, named: str | None) -> Path:
    if named is not None:
        path = folder / named
        if not path.is_file():
            raise InputError("no such file", where=str(path), expected=f"a CSV file of {kind}")
        return path
    found = [path for path, each in kinds.items() if each == kind]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(path.name for path in found) or "none"
    raise InputError(
        f"{len(found) or 'no'} CSV files of {kind} are there: {listed}",
        where=str(folder),
        expected=f"one, or --{kind} FILE" if found else f"a file openb_{kind[:-1]}_list_*.csv",
    )


def read_nodes(path: Path) -> tuple[tuple[str, Room], ...]:
    """The nodes of a file, sorted by name."""
    found: dict[str, Room] = {}
    for row in _rows(path, NODE_COLUMNS, ()):
        name = _unique(row, "sn", found)
        gpus, model = row.number("gpu"), (row.values["model"] or "").strip()
        if gpus > MOST_GPUS:
            raise InputError(f"{gpus} GPUs", where=row.where, expected=f"at most {MOST_GPUS}")
        if gpus and not model:
            raise InputError("GPUs of no model", where=row.where, expected="column model")
        memory = row.number("memory_mib") * MEBIBYTE
        found[name] = Room(row.number("cpu_milli"), memory, (WHOLE,) * gpus, model)
    return tuple(sorted(found.items()))


def read_pods(path: Path) -> tuple[tuple[str, Demand], ...]:
    """The pods of a file, in its order."""
    found: dict[str, Demand] = {}
    for row in _rows(path, POD_COLUMNS, OPTIONAL_POD_COLUMNS):
        found[_unique(row, "name", found)] = _demand(row)
    return tuple(found.items())


def _demand(row: _Row) -> Demand:
    memory = row.number("memory_mib") * MEBIBYTE if "memory_mib" in row.values else 0
    cpu, gpus = row.number("cpu_milli"), row.number("num_gpu")
    milli = row.number("gpu_milli", 1 if gpus else 0)
    if gpus == 0:
        return Demand(cpu, memory)
    if gpus > MOST_GPUS:
        raise InputError(f"{gpus} GPUs", where=row.where, expected=f"at most {MOST_GPUS}")
    spec = (row.values.get("gpu_spec") or "").split("|")
    models = tuple(sorted({model.strip() for model in spec if model.strip()}))
    return Demand(cpu, memory, gpus, milli if gpus == 1 and milli < WHOLE else WHOLE, models)


def _unique(row: _Row, column: str, found: Mapping[str, object]) -> str:
    name = row.name(column)
    if name in found:
        raise InputError(f"{name} is there twice", where=row.where, expected="a name once")
    return name


def _rows(path: Path, required: tuple[str, ...], optional: tuple[str, ...]) -> Iterator[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or ()]
            reader.fieldnames = columns
            _check_columns(columns, required, optional, f"{path}:1")
            is_empty = True
            for values in reader:
                is_empty = False
                where = f"{path}:{reader.line_num}"
                if None in values or None in values.values():
                    raise InputError(
                        "a row of another length", where=where, expected=f"{len(columns)} values"
                    )
                yield _Row(values, where)
            if is_empty:
                raise InputError("no row", where=str(path), expected="at least one")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None


def _check_columns(
    columns: list[str], required: tuple[str, ...], optional: tuple[str, ...], where: str
) -> None:
    missing = [column for column in required if column not in columns]
    if missing:
        raise InputError(
            f"no column {missing[0]}", where=where, expected=f"columns {', '.join(required)}"
        )
    for column in columns:
        if column not in (*required, *optional) or columns.count(column) > 1:
            known = ", ".join((*required, *optional))
            raise InputError(
                f"unknown or repeated column {column!r}", where=where, expected=f"of {known}"
            )
