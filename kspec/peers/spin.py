"""The binding model in Spin: Promela, the verifier that Spin generates, and its counts.

Exact (no bitstate, no hash compaction), exhaustive, without partial-order reduction: every state
and every transition. Follows the manual page of pan and spinroot.com/spin/Man/Pan.html.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import attrs

from kspec.peers.binding import Size
from kspec.peers.tools import Counts, PeerFailed, run, template

COMPILER = ("cc", "-O2", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-DNOBOUNDCHECK", "-DMEMLIM=8192")
INCOMPLETE = (
    "Search not completed",
    "max search depth too small",
    "memory limit",
    "reached -DMEMLIM",
    "out of memory",
    "aborting",
    "error:",
)
"""What pan says where its counts are not those of the whole space."""


def version() -> str | None:
    """What Spin calls itself, None where it or the C compiler that it needs is not installed."""
    if shutil.which("spin") is None or shutil.which(COMPILER[0]) is None:
        return None
    text, _ = run("spin", ["spin", "-V"], Path.cwd())
    return text.strip() if "Spin Version" in text else None  # other programs have that name too


def promela(size: Size) -> str:
    """The model's text; `c[k * P + p]` is c[k][p]."""
    pods, schedulers = range(size.pods), range(size.schedulers)
    lines = []
    for k in schedulers:
        lines += [f"SYNC({k}, {p})" for p in pods]
        lines += [f"BIND({k}, {p}, {m})" for p in pods for m in range(1, size.nodes + 1)]
    return template(
        "binding.pml",
        **attrs.asdict(size),
        on=" + ".join(f"(c[k * P + {p}] == m)" for p in pods),
        actions="\n".join(f"    :: {line}" for line in lines),
    )


def search(size: Size, folder: Path, times: int = 1) -> list[Counts]:
    """Generate and compile the verifier in this folder, and run it so many times.

    The time is that of the search alone. Raises PeerFailed.
    """
    folder.joinpath("binding.pml").write_text(promela(size), encoding="utf-8")
    run("spin -a", ["spin", "-a", "binding.pml"], folder)
    run("cc pan.c", [*COMPILER, "-o", "pan", "pan.c"], folder)
    most = (1 + size.nodes * 2**size.schedulers) ** size.pods
    slots = min(28, max(16, most.bit_length()))  # a hash table with room for all, and no more
    verifier = ["./pan", "-n", f"-w{slots}", "-m100000"]
    return [parse(*run("pan", verifier, folder)) for _ in range(times)]


def parse(text: str, seconds: float) -> Counts:
    """The counts of a complete search without errors.

    The initial state is stored without a transition to it, which pan counts all the same. Numbers
    above 8 digits are printed rounded, so they are refused.
    """
    for said in INCOMPLETE:
        if said in text:
            raise PeerFailed(f"pan: the search is not complete: it says {said!r}")
    stored = re.search(r"^ *(\d+) states, stored$", text, re.MULTILINE)
    transitions = re.search(r"^ *(\d+) transitions \(= stored\+matched\)$", text, re.MULTILINE)
    if stored is None or transitions is None or "errors: 0\n" not in text:
        raise PeerFailed("pan: no exact counts of a search without errors in what it says")
    return Counts(states=int(stored[1]), transitions=int(transitions[1]) - 1, seconds=seconds)
