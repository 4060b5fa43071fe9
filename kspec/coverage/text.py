"""What was exercised, for people."""

from __future__ import annotations

from collections.abc import Iterator

from kspec.coverage.summary import Coverage, FileCoverage

SHOWN = 10
"""How many modules are listed: those with the most branches never taken."""


def lines(coverage: Coverage) -> Iterator[str]:
    """Actions, faults and antecedents in a line each, then the modules least exercised."""
    actions = ", ".join(f"{name} {count:,}" for name, count in coverage.actions.items())
    yield f"actions: {actions or 'none'}" + _but("enabled and never taken", coverage.never_taken)
    struck = {name: count for name, count in coverage.faults.items() if count}
    if coverage.faults:
        faults = ", ".join(f"{name} {count:,}" for name, count in struck.items())
        never = tuple(name for name in coverage.faults if name not in struck)
        yield f"faults: {faults or 'none struck'}" + _but("never struck", never)
    yield f"antecedents: {len(coverage.held)} held" + _but("never held", coverage.never_held)
    yield f"companions: {len(coverage.witnessed)} witnessed" + _but(
        "never witnessed", coverage.unwitnessed
    )
    covered, branches = coverage.branches
    if branches:
        yield f"branches: {covered:,} of {branches:,} ({covered / branches:.0%}); the least covered"
        least = sorted(coverage.files, key=lambda f: (f.covered - f.branches, f.file))
        for file in least[:SHOWN]:
            yield f"  {_of_file(file)}"


def _but(what: str, names: tuple[str, ...]) -> str:
    return f"; {what}: {', '.join(names)}" if names else ""


def _of_file(file: FileCoverage) -> str:
    text = f"{file.covered:>4} of {file.branches:>4}  {file.file}"
    named = ", ".join(file.never_entered[:3])
    more = f" and {len(file.never_entered) - 3} more" if len(file.never_entered) > 3 else ""
    return f"{text}; never entered: {named}{more}" if named else text
