"""What the cluster autoscaler works out: which pods no node takes, and what would take them.

After cluster-autoscaler/core/podlistprocessor (filter out schedulable), estimator/
binpacking_estimator.go, and simulator/{cluster,utilization/info}.go of kubernetes/autoscaler at
1.36. Whether a node takes a pod is asked of the scheduler's own filters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kspec_models.cluster_autoscaler_groups import NodeGroup
from kspec_models.objects import Node, Pod, condition, controller_of
from kspec_models.resources import amounts_of, parsed, requests_of_list

Machine = tuple[Node, tuple[Pod, ...]]
Fits = Callable[[Pod, tuple[Machine, ...]], tuple[str, ...]]
"""The names of the nodes, of those given with their pods, that can take a pod."""


def is_unschedulable(pod: Pod) -> bool:
    """Whether a scheduler found no node for the pod."""
    if pod.spec.node_name or pod.is_terminating or pod.status.phase not in ("", "Pending"):
        return False
    found = condition(pod.status.conditions, "PodScheduled")
    is_refused = found is not None and found.status == "False"
    return is_refused and found is not None and found.reason == "Unschedulable"


def is_of_daemon(pod: Pod) -> bool:
    """Whether a DaemonSet runs the pod, which therefore is no reason to keep its node."""
    owner = controller_of(pod)
    return owner is not None and owner.kind == "DaemonSet"


def is_empty(pods: tuple[Pod, ...]) -> bool:
    """Whether nobody would miss the node of these pods."""
    return all(is_of_daemon(p) or p.status.phase in ("Succeeded", "Failed") for p in pods)


def utilisation_percent(machine: Machine) -> int:
    """The larger of the parts of CPU and of memory that the pods of a node ask for."""
    node, pods = machine
    room = requests_of_list(parsed(node.status.allocatable))
    asked = [amounts_of(pod).requests for pod in pods]
    cpu = sum(r.milli_cpu for r in asked) * 100 // max(1, room.milli_cpu)
    memory = sum(r.memory for r in asked) * 100 // max(1, room.memory)
    return max(cpu, memory)


class Estimate(NamedTuple):
    """How many new machines of a group take how many of the pods."""

    group: NodeGroup
    machines: tuple[str, ...] = ()
    helped: int = 0


def _placed(pod: Pod, machines: list[Machine], fits: Fits) -> bool:
    """Put the pod on the first machine that takes it."""
    feasible = fits(pod, tuple(machines))
    for i, (node, pods) in enumerate(machines):
        if node.name in feasible:
            machines[i] = (node, (*pods, pod))
            return True
    return False


def unhelped(
    pods: tuple[Pod, ...], machines: tuple[Machine, ...], fits: Fits
) -> tuple[tuple[Pod, ...], tuple[Machine, ...]]:
    """The pods that would stay pending on the machines that there are, and those with the rest."""
    left, filled = [], list(machines)
    for pod in pods:
        if not _placed(pod, filled, fits):
            left.append(pod)
    return tuple(left), tuple(filled)


def estimate(
    group: NodeGroup,
    names: tuple[str, ...],
    pods: tuple[Pod, ...],
    machines: tuple[Machine, ...],
    fits: Fits,
) -> Estimate:
    """Bin packing: pods go to new machines in order, another one when none of the last takes it."""
    filled, free = list(machines), list(names)
    added: list[str] = []
    helped = 0
    for pod in pods:
        feasible = fits(pod, tuple(filled))
        if not any(name in feasible for name in added):
            if not free:
                continue
            new = group.machine(free[0])
            if new.name not in fits(pod, (*filled, (new, ()))):
                continue
            filled.append((new, ()))
            added.append(free.pop(0))
        fresh = [machine for machine in filled if machine[0].name in added]
        old = [machine for machine in filled if machine[0].name not in added]
        _placed_on(pod, fresh, old, fits)
        filled = [*old, *fresh]
        helped += 1
    return Estimate(group, tuple(added), helped)


def _placed_on(pod: Pod, fresh: list[Machine], old: list[Machine], fits: Fits) -> None:
    feasible = fits(pod, (*old, *fresh))
    for i, (node, pods) in enumerate(fresh):
        if node.name in feasible:
            fresh[i] = (node, (*pods, pod))
            return
