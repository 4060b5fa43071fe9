"""The curves of a comparison: what is allocated, and what is fragmented, against the arrived load.

Drawn by matplotlib, which is the optional extra `plot`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kspec.errors import InputError
from kspec.trial.comparison import ALLOCATION, FRAGMENTATION, PLACED, Policy, Row

FORMATS = (".png", ".svg")
TITLES = {
    ALLOCATION: "GPU allocation, % of all GPUs",
    FRAGMENTATION: "fragmentation, % of all GPUs",
    PLACED: "placed, % of the pods that arrived",
}
STYLES = {"lowest-name": "-", "highest-name": "--", "random": ":"}
CLOSE_UP = 80
"""The arrived load from which on allocation is drawn."""
HASH_SALT = "kspec"
"""Makes the names in an SVG, and so its bytes, the same every time."""


def check(path: Path) -> None:
    """Raise InputError, before any work, where nothing could be drawn into that file."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"{path.suffix or 'no ending'}: not a format that is drawn",
            where=str(path),
            expected="a file name that ends in " + " or ".join(FORMATS),
        )
    _pyplot()


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise InputError(
            "--plot needs matplotlib, which is not installed",
            expected="pip install 'kspec[plot]'",
        ) from None
    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = HASH_SALT
    import matplotlib.pyplot

    return matplotlib.pyplot


def draw(path: Path, policies: Sequence[Policy], rows: Sequence[Row]) -> None:
    """One panel for each metric but the placed share, which has its own where there is no GPU.

    One colour for each policy, one style of line for each rule for ties; the band is a deviation.
    """
    pyplot = _pyplot()
    found = {row.metric for row in rows}
    metrics = [metric for metric in (ALLOCATION, FRAGMENTATION) if metric in found] or [PLACED]
    figure, panels = pyplot.subplots(
        1, len(metrics), figsize=(7 * len(metrics), 5), squeeze=False, layout="constrained"
    )
    for panel, metric in zip(panels[0], metrics, strict=True):
        for number, policy in enumerate(policies):
            _curves(panel, f"C{number}", policy, [r for r in rows if r.metric == metric])
        panel.set_xlabel("arrived load, %")
        panel.set_ylabel(TITLES[metric])
        panel.grid(alpha=0.3)
        if metric == ALLOCATION and any(row.load > 100 for row in rows):
            _close_up(panel, [row for row in rows if row.metric == metric])
    panels[0][0].legend(fontsize="small")
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=str(path)) from error
    finally:
        pyplot.close(figure)


def _close_up(panel: Any, rows: Sequence[Row]) -> None:
    """Show where the curves part; before that all that arrives is allocated."""
    panel.set_xlim(CLOSE_UP, max(row.load for row in rows))
    shown = [row.mean for row in rows if row.load >= CLOSE_UP]
    panel.set_ylim(min(shown), max(shown) + 1)


def _curves(panel: Any, colour: str, policy: Policy, rows: Sequence[Row]) -> None:
    for tie_break, style in STYLES.items():
        own = [r for r in rows if r.policy == policy.name and r.tie_break == tie_break]
        loads, means = [r.load for r in own], [r.mean for r in own]
        if not own:
            continue
        label = policy.name if policy.is_tie_free else f"{policy.name}, {tie_break}"
        panel.plot(loads, means, style, color=colour, label=label, linewidth=1.2)
        low, high = [r.mean - r.sd for r in own], [r.mean + r.sd for r in own]
        panel.fill_between(loads, low, high, color=colour, alpha=0.12, linewidth=0)
        if policy.is_tie_free:
            return
