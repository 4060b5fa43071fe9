"""Collection and summary of the conformance run against upstream's own cases.

    pytest tests/conformance --cases DIR

The cases are data of the Kubernetes project and no part of this repository.
"""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from adapters import load_all

DEFAULT_CASES = Path("../shared/upstream-cases")
MALFORMED = "(malformed)"
OUTCOMES = ("passed", "failed", "not covered")
FIELDS = {"id": str, "kind": str, "input": dict, "expected": dict}

load_all()


def pytest_generate_tests(metafunc):
    if "case" not in metafunc.fixturenames:
        return
    cases = read_folder(*cases_folder(metafunc.config))
    metafunc.parametrize("case", [pytest.param(case, id=case["id"]) for case in cases])


def cases_folder(config):
    """The folder to read, and whether the user named it."""
    given = config.getoption("--cases", default=None)
    # Anchored here and not at pytest's rootdir, which depends on how it was called.
    repository = Path(__file__).resolve().parents[2]
    return (Path(given), True) if given else (repository / DEFAULT_CASES, False)


def read_folder(folder, is_named):
    """Every case in order; what cannot be read becomes an item that fails, and is never lost."""
    if not folder.is_dir():
        if is_named:
            return [malformed(str(folder), "no such folder")]
        return [{"id": "upstream-cases", "kind": "(absent)", "absent": str(DEFAULT_CASES)}]
    files = sorted(folder.glob("*.json"))
    cases = [case for file in files for case in read_file(file)]
    repeated = [key for key, n in Counter(case["id"] for case in cases).items() if n > 1]
    cases = [case for case in cases if case["id"] not in repeated]
    cases += [malformed(key, "this id occurs more than once") for key in repeated]
    return cases or [malformed(folder.name, "no case in any *.json file")]


def read_file(file):
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        return [malformed(file.name, f"not readable as JSON: {error}")]
    if not isinstance(rows, list) or not rows:
        return [malformed(file.name, "expected a list of at least one case")]
    return [checked(row, f"{file.name}[{index}]") for index, row in enumerate(rows)]


def checked(row, place):
    """The case, or a malformed one that says what is missing."""
    for field, type_ in FIELDS.items():
        if not isinstance(row, dict) or not isinstance(row.get(field), type_):
            return malformed(place, f"expected an object with {field!r} of type {type_.__name__}")
    return row


def malformed(place, problem):
    return {"id": place, "kind": MALFORMED, "problem": f"{place}: {problem}"}


def pytest_terminal_summary(terminalreporter):
    counts, reasons = defaultdict(Counter), defaultdict(Counter)
    for report in [r for reports in terminalreporter.stats.values() for r in reports]:
        properties = dict(getattr(report, "user_properties", ()))
        kind = properties.get("kspec_kind")
        if kind is None or (report.when != "call" and report.passed):
            continue
        reason = properties.get("kspec_not_covered")
        outcome = "passed" if report.passed else "not covered" if report.skipped else "failed"
        counts[kind][outcome] += 1
        if reason:
            reasons[kind][reason] += 1
    if counts:
        write_table(terminalreporter, counts, reasons)


def write_table(out, counts, reasons):
    out.section("conformance with upstream's cases")
    out.write_line(f"{'kind':<28}" + "".join(f"{outcome:>13}" for outcome in OUTCOMES))
    total = sum(counts.values(), Counter())
    for kind, row in [*sorted(counts.items()), ("total", total)]:
        out.write_line(f"{kind:<28}" + "".join(f"{row[outcome]:>13}" for outcome in OUTCOMES))
    for kind in sorted(reasons):
        for reason, count in sorted(reasons[kind].items()):
            out.write_line(f"not covered: {kind}: {reason} ({count})")
