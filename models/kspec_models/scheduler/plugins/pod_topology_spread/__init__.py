"""PodTopologySpread: pods are spread over domains, which are the values of a label of the nodes.

After pkg/scheduler/framework/plugins/podtopologyspread at 1.36: constraints of DoNotSchedule
filter, those of ScheduleAnyway score, and a pod that brings none is spread by default constraints,
over the pods of its services and controller.

Left out: signatures of pods (SignPod), which only save upstream work. What a constraint may hold
is for the API server to check; one whose selector cannot be parsed is an error of the cycle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import (
    ERROR,
    SKIP,
    Context,
    PreFilterResult,
    PreScoreResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.pod_topology_spread.common import (
    DO_NOT_SCHEDULE,
    HOSTNAME,
    NAME,
    SCHEDULE_ANYWAY,
    ZONE,
    Constraint,
    constraints_of,
)
from kspec_models.scheduler.plugins.pod_topology_spread.defaults import (
    RESOURCES,
    SYSTEM,
    checked_constraints,
    default_constraints,
    default_selector,
)
from kspec_models.scheduler.plugins.pod_topology_spread.events import EVENTS
from kspec_models.scheduler.plugins.pod_topology_spread.filtering import (
    State,
    changed,
    judge,
    spreads,
)
from kspec_models.scheduler.plugins.pod_topology_spread.scoring import (
    normalized,
    raw_scores,
    scores_by,
)
from kspec_models.selectors import SelectorError

__all__ = [
    "EVENTS",
    "HOSTNAME",
    "NAME",
    "ZONE",
    "PodTopologySpread",
    "default_selector",
    "normalized",
    "raw_scores",
]

_SKIP_FILTER = PreFilterResult(Status(SKIP))
_SKIP_SCORE = PreScoreResult(Status(SKIP))


class PodTopologySpread:
    """defaulting, default_constraints: the plugin's arguments defaultingType (System or List) and
    defaultConstraints (as JSON; for List only). Raises InputError where upstream refuses them."""

    name = NAME
    resources = RESOURCES

    def __init__(
        self, defaulting: str = SYSTEM, default_constraints: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.defaults = checked_constraints(defaulting, default_constraints)
        self.is_system_defaulted = defaulting == SYSTEM
        self._defaults_by_action = {
            action: tuple(d for d in self.defaults if d["whenUnsatisfiable"] == action)
            for action in (DO_NOT_SCHEDULE, SCHEDULE_ANYWAY)
        }

    def constraints(self, pod: Pod, context: Context, action: str) -> tuple[Constraint, ...]:
        """The constraints of that action: the pod's own, or the defaults if it brings none at all.

        Raises SelectorError.
        """
        given = pod.spec.topology_spread_constraints
        if given:
            return constraints_of(given, pod.metadata.labels, action)
        defaults = self._defaults_by_action[action]
        return default_constraints(pod, context, defaults, action) if defaults else ()

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """Counts the selected pods of each domain; skipped without constraint of DoNotSchedule."""
        try:
            constraints = self.constraints(pod, context, DO_NOT_SCHEDULE)
        except SelectorError as error:
            return PreFilterResult(Status(ERROR, (str(error),), NAME))
        if not constraints:
            return _SKIP_FILTER
        return PreFilterResult(state=spreads(pod, constraints, context.nodes))

    def filter_with(self, state: State, pod: Pod, node_info: NodeInfo) -> Status:
        return judge(state, node_info)

    def add_pod(self, state: State, pod: Pod, added: Pod, node_info: NodeInfo) -> State:
        return changed(state, pod, added, node_info, 1)

    def remove_pod(self, state: State, pod: Pod, removed: Pod, node_info: NodeInfo) -> State:
        return changed(state, pod, removed, node_info, -1)

    def is_idle(self, pod: Pod, context: Context) -> bool:
        """Whether the pod has no constraint and gets none; asked where nodes are tabled."""
        return not pod.spec.topology_spread_constraints and default_selector(pod, context).is_empty

    def pre_score(self, pod: Pod, feasible: Sequence[NodeInfo], context: Context) -> PreScoreResult:
        """The raw score of each feasible node; skipped without constraint of ScheduleAnyway."""
        try:
            constraints = self.constraints(pod, context, SCHEDULE_ANYWAY)
        except SelectorError as error:
            return PreScoreResult(Status(ERROR, (str(error),), NAME))
        if not constraints:
            return _SKIP_SCORE
        needs_every_key = bool(pod.spec.topology_spread_constraints) or not self.is_system_defaulted
        raw = scores_by(constraints, pod, feasible, context.nodes, needs_every_key=needs_every_key)
        return PreScoreResult(state=dict(zip((i.name for i in feasible), raw, strict=True)))

    def score_with(self, state: Mapping[str, int | None], pod: Pod, node_info: NodeInfo) -> int:
        """The raw score of one node; 0 for one that is not rated."""
        return state[node_info.name] or 0

    def normalize_with(
        self,
        state: Mapping[str, int | None],
        scores: Sequence[int],
        node_infos: Sequence[NodeInfo],
    ) -> Sequence[int]:
        """See `normalized`."""
        return normalized([state[info.name] for info in node_infos])
