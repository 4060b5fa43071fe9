"""What limit ranges promise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import sometimes, transition
from kspec_models.objects import Pod
from kspec_models.quantity import parse
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, values, written


@transition(
    reads=("pods",),
    source="https://kubernetes.io/docs/concepts/policy/limit-range/",
    faults=all_but(),
    companion="a-limit-range-sets-limits",
    mutants=("limit-ranges-refuse-nothing",),
)
def a_new_pod_keeps_within_its_limit_ranges(before: State, after: State) -> Verdict:
    """Each container of a new pod asks for no less and is allowed no more than its namespace says.

    With one API server whose admission shows every LimitRange.
    """
    if not len(newest(before, "limitranges")) or len(after.layout.servers) > 1:
        return HOLDS
    for change in written(after, "pods"):
        if change.previous is None and change.entry is not None:
            pod: Pod = change.entry.value
            problem = next(_beyond(before, pod), "")
            if problem:
                return fails(f"{pod.key}: {problem}", "beyond")
    return HOLDS


def _beyond(state: State, pod: Pod) -> Iterator[str]:
    for limits in values(state, "limitranges"):
        if limits.namespace != pod.namespace:
            continue
        for item in limits.spec.limits:
            if item.type == "Container":
                for c in (*pod.spec.containers, *pod.spec.init_containers):
                    yield from _outside(item.max, c.resources.limits, 1, c.name)
                    yield from _outside(item.min, c.resources.requests, -1, c.name)


def _outside(bounds: Any, amounts: Any, sign: int, name: str) -> Iterator[str]:
    for resource, bound in bounds.items():
        amount = amounts.get(resource)
        if amount is None or parse(amount).cmp(parse(bound)) == sign:
            yield f"{resource} of {name} is {amount}, beyond {bound}"


@sometimes(reads=("pods",), source="companion")
def a_limit_range_sets_limits(state: State) -> bool:
    """A new pod gets the limits of its namespace."""
    return any(
        change.previous is None
        and change.entry is not None
        and "kubernetes.io/limit-ranger" in change.entry.value.metadata.annotations
        for change in written(state, "pods")
    )


PROPERTIES = (a_new_pod_keeps_within_its_limit_ranges, a_limit_range_sets_limits)
