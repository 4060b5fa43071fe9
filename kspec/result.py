"""Answers: never a bare pass. A cell of the report is one property under one fault class."""

from __future__ import annotations

import enum

import attrs


class Answer(enum.StrEnum):
    """The verdict of a cell: only HOLDS means that the whole space was seen."""

    HOLDS = "Holds"
    HOLDS_WITHIN_BOUND = "HoldsWithinBound"
    NO_VIOLATION = "NoViolation"
    VACUOUS = "Vacuous"
    FAILS = "Fails"
    UNKNOWN = "Unknown"
    NOT_PROMISED = "NotPromised"


@attrs.frozen(kw_only=True)
class Result:
    """What is known of one property under one column of faults, and why.

    steps and states count what was explored for this cell; trace is the path of the trace file of
    a failure and actions its length; known_limit marks a failure of what is not promised.
    """

    property: str
    faults: str
    verdict: Answer
    reason: str
    steps: int = 0
    states: int = 0
    trace: str | None = None
    actions: int | None = None
    witness: str = ""
    known_limit: bool = False
