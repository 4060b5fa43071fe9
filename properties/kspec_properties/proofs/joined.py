"""One answer for a claim that has several parts."""

from collections.abc import Iterable

from kspec.smt import Proof


def joined(name: str, parts: Iterable[Proof]) -> Proof:
    """The first refutation, else the first Unknown, else Proved.

    Parts are drawn until one is refuted; paths are those of all that were drawn, and all of them
    have to have an accepting path.
    """
    paths, accepting = 0, True
    reasons: dict[str, None] = {}
    unknown: Proof | None = None
    for part in parts:
        paths += part.paths
        accepting = accepting and part.accepting_path
        reasons[part.reason] = None
        if part.verdict == "Refuted":
            return Proof(name, "Refuted", part.reason, paths, part.counterexample, accepting)
        if part.verdict == "Unknown" and unknown is None:
            unknown = part
    if unknown is not None:
        return Proof(name, "Unknown", unknown.reason, paths, unknown.counterexample, accepting)
    return Proof(name, "Proved", "; ".join(reasons), paths, None, accepting)
