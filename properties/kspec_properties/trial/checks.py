"""What a policy may answer at each extension point; anything else is `Wrong`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import (
    ERROR,
    SKIP,
    SUCCESS,
    SUCCESS_CODE,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    Status,
)

CODES = (SUCCESS_CODE, ERROR, UNSCHEDULABLE, UNRESOLVABLE, SKIP)
Check = Callable[[Any], Any]
"""Takes an answer and returns it, perhaps in its proper type; raises Wrong."""


class Wrong(Exception):
    """An answer that cannot be used: the slug of the charge, and the clause that says what."""

    def __init__(self, charge: str, what: str) -> None:
        super().__init__(what)
        self.charge, self.what = charge, what


def named(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def status_of(name: str) -> Check:
    """Checks what Filter returns; true and false count as Success and Unschedulable."""

    def check(answer: Any) -> Status:
        if isinstance(answer, bool):
            refused = Status(UNSCHEDULABLE, (f"node(s) refused by policy {name}",), name)
            return SUCCESS if answer else refused
        if not isinstance(answer, Status):
            raise Wrong("wrong-type", f"returns {named(answer)}, not a Status")
        if answer.code not in CODES:
            raise Wrong("wrong-type", f"returns a Status of the code {answer.code!r}")
        return answer

    return check


def number(value: Any, lowest: int, highest: int) -> int:
    """A score as an int; raises Wrong for what is no whole number from lowest to highest."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Wrong("not-a-number", f"returns the score {value}")
        if not value.is_integer():
            raise Wrong("not-an-integer", f"returns the score {value}, not a whole number")
        value = int(value)
    try:
        found = operator.index(value)
    except TypeError:
        raise Wrong("wrong-type", f"returns {named(value)} as a score, not an int") from None
    if not lowest <= found <= highest:
        wanted = f"expected {lowest}..{highest}"
        raise Wrong("score-out-of-range", f"returns the score {found}; {wanted}")
    return found


def scores_of(count: int, lowest: int, highest: int) -> Check:
    """Checks what Score returns: a sequence of `count` ints."""

    def check(answer: Any) -> Sequence[int]:
        is_text = isinstance(answer, str | bytes | Mapping)
        if is_text or not hasattr(answer, "__len__") or not hasattr(answer, "__getitem__"):
            raise Wrong("wrong-type", f"returns {named(answer)}, not a sequence of scores")
        if len(answer) != count:
            raise Wrong("wrong-type", f"returns {len(answer)} scores for {count} nodes")
        return [number(value, lowest, highest) for value in answer]

    return check


def nomination_of(context: Context) -> Check:
    """Checks what PostFilter returns: a node that exists, or none, and victims that run there."""

    def check(answer: Any) -> Any:
        node, victims = getattr(answer, "node", None), getattr(answer, "victims", None)
        if not isinstance(node, str) or not isinstance(victims, tuple):
            raise Wrong("wrong-type", f"returns {named(answer)}, not a Nomination")
        if not node:
            return answer
        info = next((info for info in context.nodes if info.name == node), None)
        if info is None:
            raise Wrong("unknown-node", f"nominates node {node!r}, which does not exist")
        known = {pod.uid for pod in info.pods}
        for victim in victims:
            if not isinstance(victim, Pod) or victim.uid not in known:
                key = getattr(victim, "key", victim)
                raise Wrong("unknown-victim", f"names the victim {key}, which is not on {node}")
        return answer

    return check


def prepared(answer: Any) -> Any:
    is_pair = isinstance(answer, tuple) and len(answer) == 2
    if not is_pair or not isinstance(answer[0], Status) or not isinstance(answer[1], Context):
        raise Wrong("wrong-type", f"returns {named(answer)}, not a Status and a Context")
    return answer


def context_of(answer: Any) -> Any:
    if not isinstance(answer, Context):
        raise Wrong("wrong-type", f"returns {named(answer)}, not a Context")
    return answer


def annotations_of(answer: Any) -> Any:
    if isinstance(answer, Status) or answer is None:
        return answer
    is_text = isinstance(answer, Mapping) and all(
        isinstance(text, str) for item in answer.items() for text in item
    )
    if not is_text:
        raise Wrong("wrong-type", f"returns {named(answer)}, not annotations")
    return answer
