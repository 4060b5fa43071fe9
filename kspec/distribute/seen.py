"""What the pieces of one stage have shown, put together in the order of the serial search."""

from __future__ import annotations

from kspec.distribute.expanding import Chunk, Kept
from kspec.explore.exhaustive.judging import Finding, Judging


class Seen:
    """Gathers; the order in which pieces are done does not show in it."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._witnessed: dict[str, tuple[int, str]] = {}
        self.start_again()

    def start_again(self) -> None:
        """The stage is done once more: its counts begin anew, and what was found stays found."""
        self.transitions = 0
        self.quiescent: list[int] = []
        self.was_cut = False

    def chunk(self, chunk: Chunk) -> None:
        """Take in states that were expanded."""
        self.transitions += chunk.transitions
        self._findings += chunk.findings
        self.quiescent += chunk.quiescent
        self.was_cut |= chunk.was_cut

    def kept(self, kept: Kept) -> None:
        """Take in new states that were judged."""
        self._findings += kept.findings
        for key, name, witness in kept.witnessed:
            if name not in self._witnessed or key < self._witnessed[name][0]:
                self._witnessed[name] = key, witness

    def tell(self, judging: Judging) -> list[Finding]:
        """Tell the search's judging all of it; the first violation of each property not known."""
        for name, (_, witness) in sorted(self._witnessed.items(), key=lambda item: item[1][0]):
            judging.states.witnessed.setdefault(name, witness)
            judging.states.drop(name)
        first = list[Finding]()
        for finding in sorted(self._findings, key=lambda f: (f.source, f.choice)):
            if finding.property not in judging.violated:
                judging.violate(finding.property)
                first.append(finding)
        return first
