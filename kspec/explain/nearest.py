"""The nearest passing trace: one that differs in a single action, or one delivery, and passes.

Tried in this order, each from the end of the trace, until one passes: a delivery that the actor of
a step had not had yet, before that step; two neighbours of different actors swapped; another
action in between; a fault left out; any other action but the last left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import attrs

from kspec.explain.hook import Explainer, Unseen
from kspec.explain.variation import Stride, Varied, Walk

MOST_DELIVERIES = 80
MOST_CHANGES = 120
"""How many variants are replayed at most, with deliveries, and with other changes."""


@attrs.frozen(kw_only=True)
class Nearest:
    """A passing trace beside the violation.

    change: "delivery", "swap", "insertion" or "omission". step: the number of the step that it is
    about. text: the sentence. actions: the whole variant, as the trace writes actions.
    """

    change: str
    step: int
    text: str
    actions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {**attrs.asdict(self), "actions": list(self.actions)}


@attrs.frozen(kw_only=True)
class StaleRead:
    """What an act had not been told, and nothing breaks if it is told: so it is a cause.

    step: the act. unseen: the last of the writes that it has to be told of.
    """

    step: Stride
    unseen: Unseen


def stale_read(
    walk: Walk, explainer: Explainer, *, is_last_only: bool = False
) -> tuple[StaleRead, Nearest] | None:
    """The latest act that read something stale that matters, with the trace in which it does not.

    One view of its actor after the other is brought up to date before the act; of the first one
    with which nothing breaks, as few writes are delivered as suffice.
    """
    acts = [stride for stride in reversed(walk.recorded) if explainer.is_act(stride.action)]
    for stride in acts[:1] if is_last_only else acts:
        if walk.replays >= MOST_DELIVERIES or walk.is_spent:
            return None
        views = explainer.unseen(stride.before, stride.action)
        walk.looked += sum(len(unseen.actions) for view in views for unseen in view)
        for view in views:
            if walk.is_spent:
                return None
            varied = _delivering(walk, stride, view[-1])
            if varied.passes:
                return _least(walk, stride, view, varied)
    return None


def _delivering(walk: Walk, stride: Stride, unseen: Unseen) -> Varied:
    return walk.vary(_with_delivery(walk, stride, unseen))


def _with_delivery(walk: Walk, stride: Stride, unseen: Unseen) -> tuple[Any, ...]:
    actions, place = walk.violation.actions, stride.number - 1
    return (*actions[:place], *unseen.actions, *actions[place:])


def _least(walk: Walk, stride: Stride, view: Any, varied: Varied) -> tuple[StaleRead, Nearest]:
    """varied: what becomes of the variant in which all of the view is delivered."""
    unseen = view[-1]
    for each in view[:-1]:
        fewer = _delivering(walk, stride, each)
        if fewer.passes:
            unseen, varied = each, fewer
            break
    encode = walk.system.encode
    first = encode(unseen.actions[0])
    more = len(unseen.actions) - 1
    rest = f" and {more} more of its deliveries" if more else ""
    nearest = Nearest(
        change="delivery",
        step=stride.number,
        text=f"if {first}{rest} comes before step {stride.number}, {varied.passing}",
        actions=tuple(map(encode, _with_delivery(walk, stride, unseen))),
    )
    return StaleRead(step=stride, unseen=unseen), nearest


def nearest_passing(walk: Walk) -> Nearest | None:
    """The nearest passing trace without a stale read; None where none of those tried passes."""
    for change, stride, what, actions, is_whole in islice(_changes(walk), MOST_CHANGES):
        if walk.is_spent:
            return None
        varied = walk.vary(actions)
        if varied.passes and (not is_whole or varied.executed == len(actions)):
            encoded = tuple(map(walk.system.encode, actions))
            text = f"{what}, {varied.passing}"
            return Nearest(change=change, step=stride.number, text=text, actions=encoded)
    return None


Change = tuple[str, Stride, str, tuple[Any, ...], bool]


def _changes(walk: Walk) -> Iterator[Change]:
    yield from _swaps(walk)
    yield from islice(_insertions(walk), MOST_CHANGES // 2)
    yield from _omissions(walk)


def _swaps(walk: Walk) -> Iterator[Change]:
    actions, actor = walk.violation.actions, walk.system.actor
    for place in reversed(range(1, len(actions))):
        first, second = actions[place - 1 : place + 1]
        if actor(first) != actor(second):
            swapped = (*actions[: place - 1], second, first, *actions[place + 1 :])
            text = f"if step {place + 1} comes before step {place}"
            yield "swap", walk.strides[place], text, swapped, True


def _insertions(walk: Walk) -> Iterator[Change]:
    system, actions = walk.system, walk.violation.actions
    for stride in reversed(walk.recorded):
        place, mine = stride.number - 1, system.actor(stride.action)
        enabled = [a for a in system.enabled(stride.before) if system.kind_of(a) == "system"]
        for action in sorted(enabled, key=lambda a: system.actor(a) != mine):
            if action != stride.action:
                inserted = (*actions[:place], action, *actions[place:])
                text = f"if {system.encode(action)} comes before step {stride.number}"
                yield "insertion", stride, text, inserted, False


def _omissions(walk: Walk) -> Iterator[Change]:
    system, actions = walk.system, walk.violation.actions
    places = [n for n in range(len(actions)) if walk.is_liveness or n < len(actions) - 1]
    faults = [n for n in places if system.kind_of(actions[n]) == "fault"]
    for place in dict.fromkeys((*reversed(faults), *reversed(places))):
        rest = actions[:place] + actions[place + 1 :]
        stride = walk.strides[place]
        what = system.encode(stride.action)
        text = f"without step {stride.number}, {what}, where it is"
        yield "omission", stride, text, rest, False
