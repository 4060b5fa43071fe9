"""One answer for a claim that has several parts."""

from kspec.smt import Proof

_WORST_FIRST = ("Refuted", "Unknown", "Proved")


def joined(name: str, *parts: Proof) -> Proof:
    """The first refutation, else the first Unknown, else Proved; the paths of all of them."""
    worst = min(parts, key=lambda part: _WORST_FIRST.index(part.verdict))
    paths = sum(part.paths for part in parts)
    reason = worst.reason
    if worst.verdict == "Proved":
        reason = "; ".join(dict.fromkeys(part.reason for part in parts))
    accepting = all(part.accepting_path for part in parts)
    return Proof(name, worst.verdict, reason, paths, worst.counterexample, accepting)
