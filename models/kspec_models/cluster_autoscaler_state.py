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
from kspec_models.host import View
from kspec_models.objects import Node, Pod, Taint, freeze
from kspec_models.requests import Patch
from kspec_models.store import Entry

SCAN_SECONDS: Final = 10
PROVISION_SECONDS: Final = 900
DELETE_DELAY_SECONDS: Final = 5
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


def seen_of(view: View) -> Seen:
    """What a loop reads, from the caches as they are."""
    every, nodes = view.caches["pods"], tuple(view.caches["nodes"].entries())
    pods = {
        e.value.name: tuple(p.value for p in every.indexed(f"node/{e.value.name}")) for e in nodes
    }
    found = (entry.value for entry in every.entries())
    return Seen(nodes, pods, tuple(p for p in found if is_unschedulable(p)), view.now)


def cools_until(memory: AutoscalerMemory, times: Times) -> int:
    """When machines may be removed again, after one joined or something failed."""
    added, failed = memory.added_at, memory.failed_at
    return max(added + times.delay_after_add, failed + times.delay_after_failure)


def next_wait(memory: AutoscalerMemory, times: Times, now: int) -> int | None:
    """Seconds until a loop may find something to do by itself; None if it never will."""
    cool = cools_until(memory, times)
    waits = [max(since + times.unneeded, cool) - now for _, since in memory.unneeded]
    waits += [since + DELETE_DELAY_SECONDS - now for _, since in memory.deleting]
    waits += [since + PROVISION_SECONDS - now for _, since in memory.upcoming]
    waits += [SCAN_SECONDS] if memory.failed_at == now else []
    return max(1, min(waits)) if waits else None


def is_condemned(node: Node) -> bool:
    """Whether the node carries the taint that keeps pods off it while it goes."""
    return any(taint.key == TO_BE_DELETED for taint in node.spec.taints)


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
