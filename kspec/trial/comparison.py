"""A comparison of policies: what is asked, what one run measures, and the rows over all seeds.

Everything is a percentage at a load: `gpu_allocation_percent` and `fragmentation_percent` of all
GPUs, `placed_percent` of the pods that arrived. The deviation is that of a sample (n - 1); a single
seed has none, which is written as 0.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import attrs

SCHEMA = "kspec.dev/compare/v1"
ALLOCATION = "gpu_allocation_percent"
FRAGMENTATION = "fragmentation_percent"
PLACED = "placed_percent"
METRICS = (ALLOCATION, FRAGMENTATION, PLACED)
TIE_BREAKS = ("lowest-name", "highest-name", "random")
DIGITS = 6
"""Decimals of a mean and a deviation, so that a document is the same on every machine."""


@attrs.frozen(kw_only=True)
class Asked:
    """What to compare, where, and how often.

    trace: a folder with a cluster's trace; nodes, pods: the files in it, where there are several.
    world: the files of a world, where there is no trace. seeds: 0 up to but without this number.
    is_plain: by the plain form of each policy, which is slow.
    """

    policies: tuple[str, ...]
    trace: Path | None = None
    nodes: str | None = None
    pods: str | None = None
    world: tuple[Path, ...] = ()
    seeds: int = 1
    tie_breaks: tuple[str, ...] = TIE_BREAKS
    is_plain: bool = False


class Job(NamedTuple):
    """One run. tie_breaks: the rules that it answers for; more than one, where none matters."""

    policy: str
    tie_breaks: tuple[str, ...]
    seed: int


class Sample(NamedTuple):
    """What one run measured: by metric, the value at each load.

    faults: what is wrong with the policy, one line each, the first few; fault_count: all of them.
    """

    job: Job
    values: Mapping[str, Mapping[int, float]]
    faults: tuple[str, ...] = ()
    fault_count: int = 0


class Policy(NamedTuple):
    """A policy of the comparison.

    tie_break: its own rule. is_tie_free: no rule makes a difference. note: for the reader, or "".
    """

    name: str
    tie_break: str
    is_tie_free: bool = False
    note: str = ""


class Comparison(Protocol):
    """The runs that answer a question, each a pure function of its job."""

    @property
    def policies(self) -> tuple[Policy, ...]: ...

    @property
    def source(self) -> str:
        """A line that says what the policies are compared on."""
        ...

    @property
    def jobs(self) -> tuple[Job, ...]: ...

    def measure(self, job: Job) -> Sample: ...


@attrs.frozen
class Row:
    """One policy under one rule for ties at one load. seeds: how many runs the mean is over."""

    policy: str
    tie_break: str
    load: int
    metric: str
    mean: float
    sd: float
    seeds: int


COLUMNS = tuple(field.name for field in attrs.fields(Row))


def rows_of(policies: Iterable[Policy], samples: Sequence[Sample]) -> tuple[Row, ...]:
    """Every mean: by policy as asked, its own rule for ties first, then by metric and load."""
    found: list[Row] = []
    for policy in policies:
        for tie_break in sorted(TIE_BREAKS, key=lambda rule: rule != policy.tie_break):
            runs = [
                sample.values
                for sample in sorted(samples, key=lambda sample: sample.job.seed)
                if sample.job.policy == policy.name and tie_break in sample.job.tie_breaks
            ]
            for metric in METRICS:
                found += _rows(policy.name, tie_break, metric, runs)
    return tuple(found)


def _rows(
    policy: str, tie_break: str, metric: str, runs: Sequence[Mapping[str, Mapping[int, float]]]
) -> Iterable[Row]:
    loads = sorted({load for values in runs for load in values.get(metric, ())})
    for load in loads:
        every = [values[metric][load] for values in runs if load in values.get(metric, ())]
        mean = round(statistics.fmean(every), DIGITS)
        sd = round(statistics.stdev(every), DIGITS) if len(every) > 1 else 0.0
        yield Row(policy, tie_break, load, metric, mean, sd, len(every))


def document(
    asked: Asked,
    comparison: Comparison,
    rows: Sequence[Row],
    faults: Sequence[Mapping[str, Any]],
    is_interrupted: bool,
) -> dict[str, Any]:
    """What `--json` writes; `kspec schema compare` prints its schema."""
    return {
        "schema": SCHEMA,
        "source": comparison.source,
        "seeds": asked.seeds,
        "interrupted": is_interrupted,
        "policies": [policy._asdict() for policy in comparison.policies],
        "faults": list(faults),
        "rows": [attrs.asdict(row) for row in rows],
    }


def faults_of(policies: Iterable[Policy], samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """What is wrong with each policy, over all its runs; () where nothing is."""
    found = []
    for policy in policies:
        runs = [sample for sample in samples if sample.job.policy == policy.name]
        count = sum(sample.fault_count for sample in runs)
        if count:
            first = min((s for s in runs if s.faults), key=lambda s: (s.job.seed, s.job.tie_breaks))
            found.append(
                {
                    "policy": policy.name,
                    "count": count,
                    "seed": first.job.seed,
                    "tie_break": first.job.tie_breaks[0],
                    "first": first.faults[0],
                }
            )
    return found


def to_csv(rows: Iterable[Row]) -> str:
    """The rows with the columns of the JSON document."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(attrs.astuple(row) for row in rows)
    return file.getvalue()
