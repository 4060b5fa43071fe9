"""The kill rates as text and as JSON: by module, by operator, and every survivor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kspec_properties.mutation.equivalent import reason
from kspec_properties.mutation.judges import Outcome
from kspec_properties.mutation.sites import Site

SCHEMA = "kspec.dev/mutation/v1"
BY_PROPERTIES = ("property", "exception", "vacuous", "timeout")
"""What counts for the rate of the properties: exploring the worlds with them noticed it."""
COLUMNS = (*BY_PROPERTIES, "conformance", "proof", "equivalent", "survived")
_WIDTH = 100

Judged = tuple[Site, Outcome]


def verdict(site: Site, outcome: Outcome) -> str:
    """The column of the tables."""
    return "equivalent" if outcome.judge == "survived" and reason(site) else outcome.judge


def rates(judged: Sequence[Judged]) -> tuple[float, float]:
    """The share killed by the properties, and by any judge, of all that are not equivalent."""
    counts = Counter(verdict(*pair) for pair in judged)
    total = counts.total() - counts["equivalent"]
    if not total:
        return 0.0, 0.0
    killed = sum(counts[name] for name in BY_PROPERTIES)
    return killed / total, (killed + counts["conformance"] + counts["proof"]) / total


def progress(number: int, total: int, site: Site, outcome: Outcome) -> str:
    """One line of a run."""
    words = [verdict(site, outcome), outcome.by, f"({outcome.where})" if outcome.where else ""]
    if outcome.judge == "survived" and not outcome.is_reached:
        words.append("(no world executes it)")
    said = " ".join(word for word in words if word)
    return f"[{number}/{total}] {site.place} {site.operator}: {said}"


def lines(judged: Sequence[Judged], possible: int, seed: int) -> Iterator[str]:
    """The whole report."""
    yield from _table("module", judged, lambda site: site.file)
    yield ""
    yield from _table("operator", judged, lambda site: site.operator)
    yield ""
    yield from _killers(judged)
    properties, every = rates(judged)
    reached = [pair for pair in judged if pair[1].is_reached]
    yield (
        f"{len(judged)} mutants of {possible:,} possible ones, seed {seed}: killed by the "
        f"properties {properties:.1%}, by any judge {every:.1%}"
    )
    yield (
        f"of the {len(reached)} that some world executes: killed by the properties "
        f"{rates(reached)[0]:.1%}"
    )
    yield ""
    yield from _survivors(judged)


def _table(title: str, judged: Sequence[Judged], group_of: Callable[[Site], str]) -> Iterator[str]:
    groups: dict[str, Counter[str]] = {}
    for site, outcome in judged:
        groups.setdefault(group_of(site), Counter())[verdict(site, outcome)] += 1
    width = max((len(name) for name in groups), default=0) + 2
    yield f"{title:<{width}}{'mutants':>8}" + "".join(f"{name:>12}" for name in COLUMNS)
    total: Counter[str] = sum(groups.values(), Counter())
    for name, counts in [*sorted(groups.items()), ("total", total)]:
        row = "".join(f"{counts[column] or '.':>12}" for column in COLUMNS)
        yield f"{name:<{width}}{counts.total():>8}{row}"


def _killers(judged: Sequence[Judged]) -> Iterator[str]:
    found = Counter(outcome.by for _, outcome in judged if outcome.judge == "property")
    for name, count in found.most_common():
        yield f"{count:>4} killed by {name}"
    if found:
        yield ""


def _survivors(judged: Sequence[Judged]) -> Iterator[str]:
    """Each that lives, those that were executed first: these are what the properties miss."""
    left = [(s, o) for s, o in judged if verdict(s, o) == "survived"]
    beyond = [(s, o) for s, o in judged if o.judge in ("conformance", "proof")]
    groups = (
        ("survivors, executed by a world", [p for p in left if p[1].is_reached]),
        ("survivors that no world executes", [p for p in left if not p[1].is_reached]),
        ("killed only beyond the properties", beyond),
        ("equivalent", [(s, o) for s, o in judged if verdict(s, o) == "equivalent"]),
    )
    for title, pairs in groups:
        yield f"{title}: {len(pairs)}"
        for site, outcome in pairs:
            note = outcome.judge if outcome.judge != "survived" else ""
            why = reason(site) if title == "equivalent" else f"{note} {outcome.by}".strip()
            yield f"  {site.place} {site.operator}{': ' + why if why else ''}"
            yield f"    {site.source[:_WIDTH]}"
            yield f"    - {site.before[:_WIDTH]}"
            yield f"    + {site.after[:_WIDTH]}"


def to_json(judged: Sequence[Judged], possible: int, seed: int) -> dict[str, Any]:
    """The report for machines."""
    properties, every = rates(judged)
    return {
        "schema": SCHEMA,
        "seed": seed,
        "sample": len(judged),
        "possible": possible,
        "killRateOfProperties": round(properties, 4),
        "killRate": round(every, 4),
        "mutants": [
            {
                "number": site.number,
                "file": site.file,
                "line": site.line,
                "operator": site.operator,
                "source": site.source,
                "before": site.before,
                "after": site.after,
                "verdict": verdict(site, outcome),
                "by": outcome.by,
                "where": outcome.where,
                "reached": outcome.is_reached,
                "reason": reason(site) if verdict(site, outcome) == "equivalent" else "",
            }
            for site, outcome in judged
        ],
    }
