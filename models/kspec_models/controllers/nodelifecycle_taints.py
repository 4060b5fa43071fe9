"""The taints that follow from the conditions of a node, and how they are written.

After doNoScheduleTaintingPass of pkg/controller/nodelifecycle/node_lifecycle_controller.go,
SwapNodeControllerTaint of pkg/controller/util/node/controller_utils.go, AddOrUpdateTaintOnNode and
RemoveTaintOffNode of pkg/controller/controller_utils.go, and pkg/util/taints, at 1.36. The list of
taints has no merge key: a patch replaces it and carries the resourceVersion that was read, up to
five times. Upstream's first read may be answered by the API server's cache; here it is live, which
a conflict would make it anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kspec_models.controllers.steps import Steps
from kspec_models.objects import Node, Taint, Time, freeze
from kspec_models.requests import CONFLICT, Get, Patch

NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"
UPDATE_RETRIES: Final = 5
_KEYS: Final = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_OWN: Final = (*dict.fromkeys(_KEYS.values()), UNSCHEDULABLE)


def no_schedule_changes(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys of the NoSchedule taints that the node lacks, and of those that it has in vain."""
    wanted = [
        _KEYS[c.type, c.status] for c in node.status.conditions if (c.type, c.status) in _KEYS
    ]
    if node.spec.unschedulable:
        wanted.append(UNSCHEDULABLE)
    has = [t.key for t in node.spec.taints if t.effect == NO_SCHEDULE and t.key in _OWN]
    missing = tuple(dict.fromkeys(key for key in wanted if key not in has))
    return missing, tuple(key for key in has if key not in wanted)


def has_taint(node: Node, key: str, effect: str) -> bool:
    return any(t.key == key and t.effect == effect for t in node.spec.taints)


def swap(
    node: Node, add: Sequence[str], remove: Sequence[str], effect: str, now: int
) -> Steps[bool]:
    """SwapNodeControllerTaint: whether the taints are as they should be."""
    if add and not (yield from _rewrite(node.name, add, (), effect, now)):
        return False
    return (yield from take_off(node, remove, effect, now))


def take_off(node: Node, keys: Sequence[str], effect: str, now: int) -> Steps[bool]:
    """RemoveTaintOffNode: nothing is asked for where the node is known to have none of them."""
    if not any(has_taint(node, key, effect) for key in keys):
        return True
    return (yield from _rewrite(node.name, (), keys, effect, now))


def _rewrite(
    name: str, add: Sequence[str], remove: Sequence[str], effect: str, now: int
) -> Steps[bool]:
    """Read the node and replace its taints, again after each conflict."""
    for _ in range(UPDATE_RETRIES):
        response = yield Get("nodes", name)
        if not response.ok or response.entry is None:
            return False
        node: Node = response.entry.value
        taints = _changed(node.spec.taints, add, remove, effect, now)
        if taints == node.spec.taints:
            return True
        body = freeze({"spec": {"taints": [taint.to_json() for taint in taints] or None}})
        response = yield Patch(
            "nodes", name, body, resource_version=response.entry.resource_version
        )
        if response.reason != CONFLICT:
            return response.ok
    return False


def _changed(
    taints: tuple[Taint, ...], add: Sequence[str], remove: Sequence[str], effect: str, now: int
) -> tuple[Taint, ...]:
    new = {key: Taint(key=key, effect=effect, time_added=Time(now)) for key in add}
    kept = [t for t in taints if t.effect != effect or t.key not in remove]
    placed = [new.pop(t.key) if t.effect == effect and t.key in new else t for t in kept]
    return (*placed, *new.values())
