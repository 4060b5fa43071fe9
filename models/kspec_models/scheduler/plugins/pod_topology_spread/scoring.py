"""Constraints of ScheduleAnyway: the fewer selected pods around a node, the better.

After pkg/scheduler/framework/plugins/podtopologyspread/scoring.go at 1.36. A raw score is the sum,
over the constraints, of the selected pods in the node's domain, weighted by the logarithm of how
many domains there are, and of maxSkew - 1, which waters differences down.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import MAX_NODE_SCORE
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.pod_topology_spread.common import (
    SCHEDULE_ANYWAY,
    Constraint,
    constraints_of,
)
from kspec_models.scheduler.plugins.pod_topology_spread.defaults import SYSTEM_CONSTRAINTS
from kspec_models.scheduler.plugins.pod_topology_spread.views import (
    Place,
    View,
    question_of,
    views_among,
    views_of,
)
from kspec_models.selectors import Selector


def raw_scores(
    pod: Pod, feasible: Sequence[NodeInfo], nodes: Sequence[NodeInfo], selector: Selector
) -> list[int | None]:
    """The raw scores by the system's default constraints; see `scores_by`."""
    defaults = constraints_of(SYSTEM_CONSTRAINTS, pod.metadata.labels, SCHEDULE_ANYWAY)
    constraints = tuple(constraint._replace(selector=selector) for constraint in defaults)
    return scores_by(constraints, pod, feasible, nodes, needs_every_key=False)


def scores_by(
    constraints: tuple[Constraint, ...],
    pod: Pod,
    feasible: Sequence[NodeInfo],
    nodes: Sequence[NodeInfo],
    *,
    needs_every_key: bool,
) -> list[int | None]:
    """Before normalisation, for each feasible node; low is good. None: the node is not rated.

    nodes: all nodes, whose pods count for the domains of the feasible ones. needs_every_key:
    leave out nodes that lack a topology key; otherwise such a node is rated by the others, and all
    that lack a key are in its domain "".
    """
    question = question_of(pod, constraints)
    around: Sequence[View] = views_of(nodes, question)
    rated = views = views_among(feasible, nodes, around, question)
    if needs_every_key:
        rated = [view for view in views if view.is_whole]
        around = [view for view in around if view.is_whole]
    # Nodes are many and places few: what costs is done once for each place.
    places: dict[Place, None] = dict.fromkeys([view.place for view in rated])
    totals = dict.fromkeys(places, 0.0)
    for index, constraint in enumerate(constraints):
        pods, domains = _pods_by_place(index, constraint, places, around, len(rated))
        weight, least = math.log(domains + 2), constraint.max_skew - 1
        for place in places:
            if place[index] is not None:
                totals[place] += pods[place[index]] * weight + least
    # Half up, as math.Round does for what is not negative.
    scores = {place: math.floor(total + 0.5) for place, total in totals.items()}
    return [scores.get(view.place) for view in views]


def _pods_by_place(
    index: int,
    constraint: Constraint,
    places: Iterable[Place],
    around: Sequence[View],
    rated: int,
) -> tuple[dict[Any, int], int]:
    """The selected pods in the domain of each place of the constraint; how many domains."""
    if constraint.is_by_node:
        return {place[index]: place[index] for place in places}, rated
    domains: dict[Any, int] = dict.fromkeys([place[index] or "" for place in places], 0)
    seen = Counter([view.seen[index] for view in around])
    for (value, pods, is_included), nodes in seen.items():
        if is_included and (value or "") in domains:
            domains[value or ""] += pods * nodes
    return domains, len(domains)


def normalized(scores: Sequence[int | None]) -> list[int]:
    """The lowest raw score becomes the highest; all are 100 where no raw score is above 0.

    A node that is not rated gets 0.
    """
    distinct = dict.fromkeys(scores)
    rated = [score for score in distinct if score is not None]
    lowest, highest = min(rated, default=0), max(rated, default=0)
    final = {
        score: MAX_NODE_SCORE * (highest + lowest - score) // highest if highest else MAX_NODE_SCORE
        for score in rated
    }
    return [0 if score is None else final[score] for score in scores]
