"""The nodes as the constraints of a pod see them: domains, and the selected pods of each node.

After countPodsMatchSelector of common.go, and what calPreFilterState of filtering.go and PreScore
of scoring.go find out for each node, in pkg/scheduler/framework/plugins/podtopologyspread at 1.36.

What a node looks like is found once for as long as it does not change.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import compress, count
from typing import Any, NamedTuple

import attrs

from kspec.values import Memo
from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.pod_topology_spread.common import HONOR, Constraint
from kspec_models.selectors import Selector


def matching_pods(info: NodeInfo, namespace: str, selector: Selector) -> int:
    """How many pods of the node are selected; terminating ones do not count.

    An empty selector counts none, as upstream, although it selects every pod.
    """
    if not info.pods or selector.is_empty:
        return 0
    return sum(
        pod.metadata.namespace == namespace
        and pod.metadata.deletion_timestamp is None
        and selector.matches(pod.metadata.labels)
        for pod in info.pods
    )


class Seen(NamedTuple):
    """A node by one constraint. value: the node's domain, None where it lacks the topology key.

    pods: the selected pods on it. is_included: whether these count for the domain.
    """

    value: str | None
    pods: int
    is_included: bool


Place = tuple[Any, ...]
"""By constraint: the node's domain, or its pods where it is a domain by itself, or None."""


class View(NamedTuple):
    """A node by all constraints of a pod.

    is_whole: it has every topology key. place: all that tells its score from another node's.
    """

    is_whole: bool
    seen: tuple[Seen, ...]
    place: Place


@attrs.frozen(cache_hash=True)
class Question:
    """What a pod asks of every node. spec: of the pod; None where the inclusion policies admit
    every node, so that pods with other specs share the answers."""

    namespace: str
    constraints: tuple[Constraint, ...]
    spec: PodSpec | None


def question_of(pod: Pod, constraints: tuple[Constraint, ...]) -> Question:
    """What a pod with these constraints asks; one and the same object whenever it is equal."""
    spec = pod.spec
    is_choosy = spec.affinity or spec.node_selector
    heeds_taints = any(constraint.node_taints_policy == HONOR for constraint in constraints)
    given = spec if is_choosy or heeds_taints else None
    return _QUESTIONS(Question(pod.metadata.namespace, constraints, given))


def _view(key: tuple[NodeInfo, Question]) -> View:
    info, question = key
    node = info.node
    assert node is not None
    labels, spec = node.metadata.labels, question.spec
    seen = tuple(
        Seen(
            labels.get(constraint.topology_key),
            matching_pods(info, question.namespace, constraint.selector),
            spec is None or constraint.includes(spec, node),
        )
        for constraint in question.constraints
    )
    place = tuple(
        each.pods if each.value is not None and constraint.is_by_node else each.value
        for constraint, each in zip(question.constraints, seen, strict=True)
    )
    return View(None not in place, seen, place)


_QUESTIONS: Memo[Question, Question] = Memo("questions of topology spread", lambda asked: asked)
_VIEWS: Memo[tuple[NodeInfo, Question], View] = Memo("topology spread of a node", _view)
_RECENT_LIMIT = 64


class _Recent:
    """The views of the nodes that each question was last asked about.

    From one cycle to the next few nodes change, and those that did not are the same objects. Like a
    memo table it starts afresh when full, and changes no answer.
    """

    def __init__(self) -> None:
        self.table: dict[Question, tuple[tuple[NodeInfo, ...], tuple[View, ...]]] = {}

    def __call__(self, nodes: Sequence[NodeInfo], question: Question) -> tuple[View, ...]:
        old, views = self.table.get(question, ((), ()))
        if len(old) != len(nodes):
            found = [_VIEWS((info, question)) for info in nodes]
        else:
            found = list(views)
            for index in compress(count(), map(operator.is_not, old, nodes)):
                found[index] = _VIEWS((nodes[index], question))
        if len(self.table) >= _RECENT_LIMIT:
            self.table.clear()
        self.table[question] = tuple(nodes), tuple(found)
        return tuple(found)


views_of = _Recent()
"""The nodes by a question that `question_of` made, in order."""


def views_among(
    some: Sequence[NodeInfo],
    nodes: Sequence[NodeInfo],
    views: Sequence[View],
    question: Question,
) -> Sequence[View]:
    """The views of some of the nodes; cheapest where these are in the same order."""
    if len(some) == len(nodes) and all(map(operator.is_, some, nodes)):
        return views
    wanted = iter(some)
    current, found = next(wanted, None), []
    for info, view in zip(nodes, views, strict=True):
        if info is current:
            found.append(view)
            current = next(wanted, None)
    return found if current is None else [_VIEWS((info, question)) for info in some]
