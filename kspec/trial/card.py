"""The report card of a policy: sections of findings, and the charges it is convicted of.

A finding answers one question about the policy, never by a bare pass: Holds (every case was seen),
NoViolation (a random or finite sample was), Proved, Fails (with its charge), Unknown (and what
stopped us), NotPromised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

HOLDS = "Holds"
NO_VIOLATION = "NoViolation"
PROVED = "Proved"
FAILS = "Fails"
UNKNOWN = "Unknown"
NOT_PROMISED = "NotPromised"

VACUOUS = "Vacuous"
"""Of a cell in a table of verdicts: what it is about was never reached there."""

VERDICTS = (HOLDS, NO_VIOLATION, PROVED, FAILS, UNKNOWN, NOT_PROMISED)


@attrs.frozen
class Charge:
    """What a policy is convicted of, with the evidence.

    name: a slug, such as depends-on-list-order. text: one sentence with the witness. input: what
    provoked it, as YAML, or "". place: the line of the policy, FILE:LINE, or "". trace: the path
    of a trace that shows it, or "". actions: the length of that trace.
    """

    section: str
    name: str
    text: str
    input: str = ""
    place: str = ""
    trace: str = ""
    actions: int | None = None

    def to_json(self) -> dict[str, Any]:
        return attrs.asdict(self)


def _check_verdict(finding: Any, field: Any, verdict: str) -> None:
    if verdict not in VERDICTS:
        raise ValueError(f"verdict {verdict!r} of {finding.name} is none of {', '.join(VERDICTS)}")
    if (verdict == FAILS) != (finding.charge is not None):
        raise ValueError(f"{finding.name}: verdict Fails and a charge go together")


@attrs.frozen
class Finding:
    """The answer to one question about the policy; text says why, or on what it rests."""

    name: str
    verdict: str = attrs.field(validator=_check_verdict)
    text: str = ""
    charge: Charge | None = None

    def to_json(self) -> dict[str, Any]:
        document = {"name": self.name, "verdict": self.verdict, "text": self.text}
        return {**document, "charge": self.charge.to_json() if self.charge else None}


@attrs.frozen
class Section:
    """One part of the card.

    rows: a table, a mapping per row. seconds: what it took. must_decide: an Unknown here means that
    the trial is unfinished, and not that something is beyond it. text: what all findings rest on.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0
    must_decide: bool = False
    text: str = ""

    @property
    def charges(self) -> tuple[Charge, ...]:
        return tuple(f.charge for f in self.findings if f.charge is not None)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "text": self.text,
            "findings": [finding.to_json() for finding in self.findings],
            "rows": [dict(row) for row in self.rows],
            "seconds": round(self.seconds, 3),
        }


@attrs.frozen
class Card:
    """The report card of one policy."""

    policy: str
    sections: tuple[Section, ...] = ()

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Everything that the policy is convicted of, in the order of the sections."""
        return tuple(charge for section in self.sections for charge in section.charges)

    @property
    def has_failed(self) -> bool:
        return bool(self.charges)

    @property
    def is_unknown(self) -> bool:
        """Whether something was left open that was not decided against the policy either."""
        found = [f.verdict for section in self.sections for f in section.findings]
        return UNKNOWN in found

    @property
    def is_unfinished(self) -> bool:
        """Whether a section that has to decide left something open."""
        decisive = (section for section in self.sections if section.must_decide)
        return any(f.verdict == UNKNOWN for section in decisive for f in section.findings)

    @property
    def verdict(self) -> str:
        """Fails, Unknown, or the weakest of what holds."""
        if self.has_failed:
            return FAILS
        if self.is_unknown:
            return UNKNOWN
        found = {f.verdict for section in self.sections for f in section.findings}
        if not found or found == {NOT_PROMISED}:
            return UNKNOWN
        return NO_VIOLATION if NO_VIOLATION in found else HOLDS

    def to_json(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "verdict": self.verdict,
            "charges": [charge.to_json() for charge in self.charges],
            "sections": [section.to_json() for section in self.sections],
        }
