"""The constraints of a pod, parsed, with what they ask of a node.

After pkg/scheduler/framework/plugins/podtopologyspread/common.go at 1.36.

`matchLabelKeys` is merged into the selector here, as the scheduler of 1.36 still does; that the
API server has merged it already since 1.34 changes nothing, for the same labels are asked twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Node
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import Labels
from kspec_models.scheduler.plugins import node_affinity, taint_toleration
from kspec_models.selectors import Selector, label_selector, selector_from_set

NAME: Final = "PodTopologySpread"
HOSTNAME: Final = "kubernetes.io/hostname"
ZONE: Final = "topology.kubernetes.io/zone"
DO_NOT_SCHEDULE: Final = "DoNotSchedule"
SCHEDULE_ANYWAY: Final = "ScheduleAnyway"
HONOR: Final = "Honor"
IGNORE: Final = "Ignore"


class Constraint(NamedTuple):
    """A topology spread constraint whose selector is parsed.

    min_domains: with fewer domains than that, the smallest count of a domain is taken to be 0.
    The policies say whether nodes that the pod's node affinity or tolerations rule out are left
    out of the counts (Honor) or not (Ignore).
    """

    max_skew: int
    topology_key: str
    selector: Selector
    min_domains: int = 1
    node_affinity_policy: str = HONOR
    node_taints_policy: str = IGNORE

    @property
    def is_by_node(self) -> bool:
        """Whether each node is a domain of its own, whose pods alone count when it is rated."""
        return self.topology_key == HOSTNAME

    def includes(self, spec: PodSpec, node: Node) -> bool:
        """Whether the pods of the node count, by the two node inclusion policies."""
        if (
            self.node_affinity_policy == HONOR
            and (spec.affinity or spec.node_selector)
            and not node_affinity.accepts(spec, node)
        ):
            return False
        if self.node_taints_policy == HONOR and node.spec.taints:
            return taint_toleration.accepts(spec, node)
        return True


class _Given(NamedTuple):
    constraints: tuple[Mapping[str, Any], ...]
    labels: Labels
    action: str


def _parse(given: _Given) -> tuple[Constraint, ...]:
    return tuple(
        _constraint(each, given.labels)
        for each in given.constraints
        if each.get("whenUnsatisfiable") == given.action
    )


def _constraint(given: Mapping[str, Any], labels: Labels) -> Constraint:
    min_domains = given.get("minDomains")
    return Constraint(
        given.get("maxSkew", 0),
        given.get("topologyKey", ""),
        _selector(given, labels),
        1 if min_domains is None else min_domains,
        given.get("nodeAffinityPolicy") or HONOR,
        given.get("nodeTaintsPolicy") or IGNORE,
    )


def _selector(given: Mapping[str, Any], labels: Labels) -> Selector:
    own = label_selector(given.get("labelSelector"))
    wanted = {key: labels[key] for key in given.get("matchLabelKeys") or () if key in labels}
    if not wanted or own.selects_nothing:
        return own
    return selector_from_set(wanted).add(*own.requirements)


_PARSED: Memo[_Given, tuple[Constraint, ...]] = Memo("topology spread constraints", _parse)


def constraints_of(
    given: tuple[Mapping[str, Any], ...], labels: Labels, action: str
) -> tuple[Constraint, ...]:
    """The constraints in frozen JSON whose whenUnsatisfiable is `action`, in order.

    labels: those of the pod, for matchLabelKeys. Raises SelectorError.
    """
    return _PARSED(_Given(given, labels, action))


def has_every_key(labels: Labels, constraints: Iterable[Constraint]) -> bool:
    """Whether a node with these labels has the topology keys of all constraints."""
    return all(constraint.topology_key in labels for constraint in constraints)
