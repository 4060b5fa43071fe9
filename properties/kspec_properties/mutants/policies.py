"""Mutants of what a scheduler policy decides: where a pod may go, and who makes room for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Nomination
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.world import World
from kspec_models.worlds import node, pod, priority_class
from kspec_properties.mutants.mutant import ModelMutant, WrappedPolicy, with_policy

_TAINTED = {**node("n1"), "spec": {"taints": [{"key": "dedicated", "effect": "NoSchedule"}]}}
_HIGH = priority_class("high", 1000)


def _crowded(*bound: dict[str, Any], pending: dict[str, Any]) -> World:
    """One node whose pods leave no room for a pending one."""
    objects = (_HIGH, node("n1", memory="1Gi"), *bound, pending)
    return World(name="crowded", nodes=1, objects=objects)


def _bound(name: str, memory: str, **spec: Any) -> dict[str, Any]:
    return pod(name, memory=memory, nodeName="n1", **spec)


class IgnoresTaints(WrappedPolicy):
    """Filters as if no node had a taint."""

    def filter(self, pod: Pod, node_info: NodeInfo, context: Any) -> Any:
        assert node_info.node is not None
        clean = node_info.node.replace(spec=node_info.node.spec.replace(taints=()))
        return self.policy.filter(pod, node_info.with_node(clean), context)


class _Preempts(WrappedPolicy):
    def post_filter(self, pod: Pod, statuses: Any, context: Any) -> Nomination:
        for info in context.nodes:
            victims = tuple(self.victims(pod, info))
            if victims:
                return Nomination(info.name, victims)
        return Nomination()

    def victims(self, pod: Pod, info: NodeInfo) -> Iterator[Pod]:
        raise NotImplementedError


class PreemptsAnyPriority(_Preempts):
    """Evicts whoever is there, of whatever priority."""

    def victims(self, pod: Pod, info: NodeInfo) -> Iterator[Pod]:
        return (other for other in info.pods if not other.is_terminating)


class PreemptsEveryone(_Preempts):
    """Evicts every pod of lower priority, needed or not."""

    def victims(self, pod: Pod, info: NodeInfo) -> Iterator[Pod]:
        mine = pod.spec.priority or 0
        return (
            other
            for other in info.pods
            if (other.spec.priority or 0) < mine and not other.is_terminating
        )


class PreemptsInVain(PreemptsEveryone):
    """Evicts one pod of lower priority, whether or not that makes room."""

    def victims(self, pod: Pod, info: NodeInfo) -> Iterator[Pod]:
        return iter(tuple(super().victims(pod, info))[:1])


MUTANTS = (
    ModelMutant(
        name="filter-ignores-taints",
        description="TaintToleration refuses no node",
        property="a-pod-is-assumed-where-it-fits",
        world=World(name="tainted", nodes=1, objects=(_TAINTED, pod("a"))),
        change=with_policy(IgnoresTaints),
    ),
    ModelMutant(
        name="preempts-any-priority",
        description="DefaultPreemption evicts pods whatever their priority is",
        property="only-lower-priority-is-preempted",
        world=_crowded(
            _bound("a", "600Mi", priorityClassName="high"), pending=pod("b", memory="600Mi")
        ),
        change=with_policy(PreemptsAnyPriority),
    ),
    ModelMutant(
        name="preempts-everyone",
        description="DefaultPreemption reprieves no pod",
        property="victims-help",
        world=_crowded(
            _bound("a", "500Mi"),
            _bound("b", "500Mi"),
            pending=pod("c", memory="400Mi", priorityClassName="high"),
        ),
        change=with_policy(PreemptsEveryone),
    ),
    ModelMutant(
        name="preempts-in-vain",
        description="DefaultPreemption does not look whether the pod fits without its victims",
        property="victims-help",
        world=_crowded(
            _bound("a", "300Mi"),
            _bound("b", "600Mi", priorityClassName="high"),
            pending=pod("c", memory="900Mi", priorityClassName="high"),
        ),
        change=with_policy(PreemptsInVain),
    ),
)
