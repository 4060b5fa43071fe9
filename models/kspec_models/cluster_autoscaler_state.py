"""What the cluster autoscaler remembers, what it reads, and the taint by which it condemns a node.

After cluster-autoscaler/core/scaledown/{planner,unneeded} and utils/taints of kubernetes/autoscaler
at 1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kspec.errors import InputError
from kspec_models.cluster_autoscaler_groups import COMPONENT
from kspec_models.cluster_autoscaler_simulation import is_unschedulable
from kspec_models.objects import Node, Pod, Taint, freeze
from kspec_models.requests import Patch
from kspec_models.store import Entry

PROVISION_SECONDS: Final = 900
TO_BE_DELETED: Final = "ToBeDeletedByClusterAutoscaler"
_LONG_AGO: Final = -1_000_000


class Times(NamedTuple):
    """Options in seconds, and the part of a node below which it is little used, in percent."""

    unneeded: int = 600
    delay_after_add: int = 600
    delay_after_failure: int = 180
    utilisation_threshold: int = 50


class AutoscalerMemory(NamedTuple):
    """upcoming: machines asked for that the cache does not show, since when. unneeded: nodes that
    nobody would miss, since when. deleting: tainted ones, since when. has_cleaned: taints of an
    earlier run are gone."""

    upcoming: tuple[tuple[str, int], ...] = ()
    unneeded: tuple[tuple[str, int], ...] = ()
    deleting: tuple[tuple[str, int], ...] = ()
    added_at: int = _LONG_AGO
    failed_at: int = _LONG_AGO
    has_cleaned: bool = False

    def relative(self, now: int) -> AutoscalerMemory:
        """With distances for times, those of long ago alike."""

        def near(items: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
            return tuple((name, max(since - now, -PROVISION_SECONDS)) for name, since in items)

        return AutoscalerMemory(
            near(self.upcoming),
            near(self.unneeded),
            near(self.deleting),
            max(self.added_at - now, -PROVISION_SECONDS),
            max(self.failed_at - now, -PROVISION_SECONDS),
            self.has_cleaned,
        )


class Seen(NamedTuple):
    """What one loop reads."""

    nodes: tuple[Entry, ...]
    pods: Mapping[str, tuple[Pod, ...]]
    pending: tuple[Pod, ...]
    now: int


def facts_of_node(node: Node) -> Any:
    return node.uid, node.spec, node.metadata.labels, node.status.allocatable


def facts_of_pod(pod: Pod) -> Any:
    is_over = pod.status.phase in ("Succeeded", "Failed")
    return pod.uid, pod.spec.node_name, is_unschedulable(pod), is_over, pod.is_terminating


def tainted(entry: Entry, is_condemned: bool) -> Patch:
    """The node with or without the taint that keeps pods off it while it goes."""
    kept = tuple(t for t in entry.value.spec.taints if t.key != TO_BE_DELETED)
    if is_condemned:
        kept = (*kept, Taint(key=TO_BE_DELETED, effect="NoSchedule"))
    body = freeze({"spec": {"taints": [taint.to_json() for taint in kept] or None}})
    return Patch("nodes", entry.value.name, body, resource_version=entry.resource_version)


def condemns(request: Patch) -> bool:
    taints = request.patch["spec"]["taints"] or ()
    return any(taint["key"] == TO_BE_DELETED for taint in taints)


_OPTIONS: Final = {
    "scaleDownUnneededTime": "unneeded",
    "scaleDownDelayAfterAdd": "delay_after_add",
    "scaleDownDelayAfterFailure": "delay_after_failure",
    "scaleDownUtilizationThresholdPercent": "utilisation_threshold",
}


def times_of(options: Mapping[str, Any]) -> Times:
    """The options of a world in seconds; raises InputError for what is none."""
    found: dict[str, int] = {}
    for name, value in options.items():
        if name == "nodeGroups":
            continue
        if name not in _OPTIONS or type(value) is not int or value < 0:
            expected = ", ".join(_OPTIONS)
            raise InputError(
                f"{name}: {value!r}",
                where=f"components.{COMPONENT}",
                expected=f"nodeGroups, or a whole number for one of {expected}",
            )
        found[_OPTIONS[name]] = value
    return Times(**found)
