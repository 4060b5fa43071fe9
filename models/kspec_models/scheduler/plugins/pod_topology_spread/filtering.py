"""Constraints of DoNotSchedule: how many pods each domain has, and which nodes would skew that.

After pkg/scheduler/framework/plugins/podtopologyspread/filtering.go at 1.36. A node can take the
pod if, for each constraint, the count of its domain, with the pod itself where it is selected,
exceeds the lowest count of a domain by maxSkew at most.

Two counts differ from each other as they do upstream: PreFilter leaves terminating pods out and
counts none for an empty selector, AddPod and RemovePod look at the labels alone.

Upstream keeps two critical paths per constraint and patches them, which yields the lowest count
as long as all changes are on one node. Here the lowest count is found anew after each change, so
it is right whatever changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import SUCCESS, UNRESOLVABLE, UNSCHEDULABLE, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.pod_topology_spread.common import (
    NAME,
    Constraint,
    has_every_key,
)
from kspec_models.scheduler.plugins.pod_topology_spread.views import Seen, question_of, views_of

MAX_INT32 = 2**31 - 1
_MISSES_LABEL = Status(
    UNRESOLVABLE,
    ("node(s) didn't match pod topology spread constraints (missing required label)",),
    NAME,
)
_SKEWED = Status(UNSCHEDULABLE, ("node(s) didn't match pod topology spread constraints",), NAME)


class Spread(NamedTuple):
    """How the pods that one constraint selects are spread.

    counts: selected pods by domain (value of the topology key); not to be changed. is_own: whether
    the constraint selects the pod to be scheduled. limit: how many pods a domain may have at most
    that takes it.
    """

    constraint: Constraint
    counts: Mapping[str, int]
    is_own: bool
    limit: int

    @property
    def critical_paths(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """The two domains of the lowest counts, the lowest first; ("", MaxInt32) for none."""
        paths = sorted(self.counts.items(), key=lambda path: (path[1], path[0]))
        none = ("", MAX_INT32)
        first, second, *_ = (*paths, none, none)
        return first, second

    def changed(self, value: str, delta: int) -> Spread:
        """With `delta` more selected pods in the domain of that value."""
        counts = {**self.counts, value: self.counts.get(value, 0) + delta}
        return _spread(self.constraint, counts, self.is_own)


def _spread(constraint: Constraint, counts: Mapping[str, int], is_own: bool) -> Spread:
    # With fewer domains than minDomains, the lowest count is taken to be 0.
    lowest = min(counts.values()) if counts and len(counts) >= constraint.min_domains else 0
    return Spread(constraint, counts, is_own, constraint.max_skew + lowest - is_own)


State = tuple[Spread, ...]
"""What PreFilter found, by constraint."""


def spreads(pod: Pod, constraints: tuple[Constraint, ...], nodes: Sequence[NodeInfo]) -> State:
    """How the pods of all nodes are spread at present."""
    question = question_of(pod, constraints)
    whole = [view.seen for view in views_of(nodes, question) if view.is_whole]
    return tuple(
        _spread(
            constraint,
            _counts([seen[index] for seen in whole]),
            constraint.selector.matches(pod.metadata.labels),
        )
        for index, constraint in enumerate(constraints)
    )


def _counts(seen: Sequence[Seen]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (value, pods, is_included), nodes in Counter(seen).items():
        if is_included and value is not None:
            counts[value] = counts.get(value, 0) + pods * nodes
    return counts


def judge(state: State, info: NodeInfo) -> Status:
    """Whether the node can take the pod."""
    assert info.node is not None
    labels = info.node.metadata.labels
    for spread in state:
        value: Any = labels.get(spread.constraint.topology_key)
        if value is None:
            return _MISSES_LABEL
        if spread.counts.get(value, 0) > spread.limit:
            return _SKEWED
    return SUCCESS


def changed(state: State, pod: Pod, other: Pod, info: NodeInfo, delta: int) -> State:
    """The state with `delta` more pods like `other` on that node, for scheduling `pod`."""
    node = info.node
    if node is None or other.metadata.namespace != pod.metadata.namespace:
        return state
    labels = node.metadata.labels
    if not has_every_key(labels, (spread.constraint for spread in state)):
        return state
    return tuple(
        spread.changed(labels[spread.constraint.topology_key], delta)
        if spread.constraint.selector.matches(other.metadata.labels)
        and spread.constraint.includes(pod.spec, node)
        else spread
        for spread in state
    )
