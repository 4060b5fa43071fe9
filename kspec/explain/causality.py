"""The causal chain of a violation, in five lines at most.

Every line is a fact of the trace or was tried: a read is called stale if the write was there and
had not been delivered, and it is called a cause if nothing breaks once it is delivered; a fault
made the violation possible if nothing breaks without it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attrs

from kspec.explain.cause import Cause, abstract
from kspec.explain.hook import Explainer, Stuck, explainer_of
from kspec.explain.nearest import Nearest, StaleRead, nearest_passing, stale_read
from kspec.explain.variation import Stride, Varied, Walk
from kspec.explore.exploration import Violation
from kspec.property import Property
from kspec.system import AnySystem

MOST_LINES = 5
MOST_NAMED = 3


@attrs.frozen(kw_only=True)
class Explanation:
    """Why a violation came about.

    lines: at most five, for people. cause: what failures of one bug share. nearest: a passing
    trace that differs in one action, where one was found. replays: how many variants were tried.
    """

    lines: tuple[str, ...]
    cause: Cause
    nearest: Nearest | None
    replays: int

    def to_json(self) -> dict[str, Any]:
        return {
            "lines": list(self.lines),
            "cause": self.cause.to_json(),
            "nearest": self.nearest.to_json() if self.nearest is not None else None,
            "replays": self.replays,
        }


def explain(
    system: AnySystem, prop: Property, violation: Violation, *, most_steps: int | None = None
) -> Explanation:
    """Explain a violation, best one that is as small as it gets; deterministic.

    most_steps: after so many steps of variants no further one is tried.
    """
    walk, explainer = Walk(system, prop, violation, most_steps), explainer_of(system)
    omitted = {s.number: varied for s in walk.recorded if (varied := _without(walk, s)).passes}
    causing = tuple(s for s in walk.recorded if s.number in omitted)
    is_plain = not causing and walk.vary(()).breaks
    read, nearest = _variants(walk, explainer, is_plain)
    stuck = explainer.stuck(walk.end, violation.witness) if walk.is_liveness else None
    lines = [
        *(_ending(walk, explainer, stuck) if stuck is not None else _breaking(walk, explainer)),
        *_reading(walk, explainer, read),
        *(_fault(system, explainer, fault, omitted[fault.number]) for fault in causing),
    ]
    is_said = nearest is None or nearest.step in {fault.number for fault in causing}
    last = "" if nearest is None or is_said else f"{nearest.text[0].upper()}{nearest.text[1:]}."
    if is_plain and read is None:
        last = "First come, first served, without any fault, it breaks as well."
    lines = [*lines[: MOST_LINES - 1], last] if last else lines[:MOST_LINES]
    return Explanation(
        lines=tuple(lines),
        cause=_cause(walk, explainer, read, causing, stuck),
        nearest=nearest,
        replays=walk.replays,
    )


def _variants(
    walk: Walk, explainer: Explainer, is_plain: bool
) -> tuple[StaleRead | None, Nearest | None]:
    """What was read stale, and the nearest passing trace.

    Not looked for where a cycle is given, which has no variants. What breaks even first come, first
    served (`is_plain`) passes nearby by accident, unless it is the last act that reads afresh.
    """
    if walk.violation.cycle:
        return None, None
    found = stale_read(walk, explainer, is_last_only=is_plain)
    return found or (None, None if is_plain else nearest_passing(walk))


def _cause(
    walk: Walk,
    explainer: Explainer,
    read: StaleRead | None,
    causing: tuple[Stride, ...],
    stuck: Stuck | None,
) -> Cause:
    decisive = read.step if read is not None else walk.strides[-1] if walk.strides else None
    is_told = decisive is not None and (read is not None or not walk.is_liveness)
    return Cause(
        kind="liveness" if walk.is_liveness else "safety",
        actor=explainer.role(decisive.action) if decisive and is_told else "",
        verb=explainer.verb(decisive.action) if decisive and is_told else "",
        unseen=_sort(walk, explainer, read),
        faults=tuple(sorted({walk.system.fault_class(fault.action) for fault in causing})),
        stuck=tuple(stuck.marks) if stuck is not None else (),
        witness=_kind(walk, explainer),
    )


def _kind(walk: Walk, explainer: Explainer) -> str:
    """The kind of the witness, or its text without the names of a world."""
    witness = walk.violation.witness
    names = explainer.subjects(walk.end, witness)
    return walk.violation.kind or abstract(witness, names) or walk.prop.name


def _without(walk: Walk, stride: Stride) -> Varied:
    """What becomes of it without this fault; what is no fault is not tried."""
    if not walk.system.fault_class(stride.action):
        return Varied(False, 0)
    place, actions = stride.number - 1, walk.violation.actions
    return walk.vary(actions[:place] + actions[place + 1 :])


def _breaking(walk: Walk, explainer: Explainer) -> list[str]:
    """The step that breaks it, and what it did."""
    if not walk.strides:
        return ["It is broken in the first state already, before any action."]
    last = walk.strides[-1]
    changes = walk.system.describe(last.before, last.after)
    effect = explainer.effect(changes, walk.violation.witness)
    what = f": {effect}" if effect else ""
    return [f"Step {last.number} breaks it, {walk.system.encode(last.action)}{what}."]


def _ending(walk: Walk, explainer: Explainer, stuck: Stuck) -> list[str]:
    """What is never done, and why nobody is going to do it."""
    what = (walk.violation.witness or walk.prop.promise).rstrip(".")
    lines = [f"It stays so for ever: {what}."]
    taken = dict.fromkeys(
        walk.system.encode(s.action) for s in walk.cycle if walk.system.kind_of(s.action) != "clock"
    )
    if taken:
        more = ", ..." if len(taken) > MOST_NAMED else ""
        lines.append(f"What goes round: {', '.join([*taken][:MOST_NAMED])}{more}.")
    lines += stuck.reasons[:2]
    subjects = explainer.subjects(walk.end, walk.violation.witness)
    last = next(
        (s for s in reversed(walk.strides) if _is_about(walk, explainer, subjects, s)), None
    )
    if last is not None:
        lines.append(
            f"The last that is done about it is step {last.number}, "
            f"{walk.system.encode(last.action)}."
        )
    return lines


def _is_about(walk: Walk, explainer: Explainer, subjects: Sequence[str], stride: Stride) -> bool:
    """Does a step act on, or write, one of these objects?"""
    texts = [name for name, _ in explainer.writes(stride.after)]
    if explainer.is_act(stride.action) or walk.system.kind_of(stride.action) != "system":
        texts.append(walk.system.encode(stride.action))
    words = {word.partition("@")[0] for text in texts for word in re.split(r"[\s(),]+", text)}
    return any(subject in words for subject in subjects)


def _reading(walk: Walk, explainer: Explainer, read: StaleRead | None) -> list[str]:
    if read is None:
        return []
    unseen, step = read.unseen, read.step
    writer = _writer(walk, explainer, unseen.write)
    by = ""
    if writer is not None:
        by = f", which step {writer.number}, {walk.system.encode(writer.action)}, had written"
    return [
        f"In step {step.number} {unseen.reader} acted without having seen {unseen.write}{by}; "
        f"it knew {unseen.seen}."
    ]


def _writer(walk: Walk, explainer: Explainer, write: str) -> Stride | None:
    for stride in walk.strides:
        if any(name == write for name, _ in explainer.writes(stride.after)):
            return stride
    return None


def _sort(walk: Walk, explainer: Explainer, read: StaleRead | None) -> str:
    """The unseen write without the names of a world."""
    if read is None:
        return ""
    writer = _writer(walk, explainer, read.unseen.write)
    if writer is None:
        return read.unseen.source
    sort = dict(explainer.writes(writer.after))[read.unseen.write]
    return f"{sort} by {explainer.role(writer.action)}"


def _fault(system: AnySystem, explainer: Explainer, fault: Stride, without: Varied) -> str:
    done = explainer.fault(fault.action, fault.before, fault.after)
    what = f"The fault in step {fault.number}, {system.encode(fault.action)}"
    return f"{what}, made it possible: {done}; without it {without.passing}."
