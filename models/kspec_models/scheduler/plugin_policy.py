"""A policy made of in-tree plugins, as a scheduler profile is.

After pkg/scheduler/framework/runtime/framework.go (RunFilterPlugins, RunScorePlugins) and
schedule_one.go (findNodesThatFitPod) at 1.36. Filters run in order and the first rejection counts;
each plugin's scores are normalised over the feasible nodes, weighted and added.

What a filter or a score says depends on the pod's spec and the NodeInfo alone (see `FilterPlugin`)
and is memoised on both, so a cycle pays only for the nodes that changed. What compares nodes
(normalisation, spreading) is done in each cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kspec.values import Memo
from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    SUCCESS,
    UNRESOLVABLE,
    Context,
    FilterPlugin,
    ScorePlugin,
    Status,
)
from kspec_models.scheduler.hints import IN_TREE, Hints
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins import node_affinity
from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_name import NodeName
from kspec_models.scheduler.plugins.node_ports import NodePorts
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kspec_models.scheduler.plugins.node_unschedulable import NodeUnschedulable
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration

Spread = Callable[[Pod, Sequence[NodeInfo], Context], Sequence[int] | None]

DEFAULT_FILTERS: tuple[FilterPlugin, ...] = (
    NodeUnschedulable(),
    NodeName(),
    TaintToleration(),
    NodeAffinity(),
    NodePorts(),
    NodeResourcesFit(),
)
"""The filters of the default profile that are modelled, in its order."""

_AFFINITY = NodeAffinity()
_NOT_NAMED = Status(
    UNRESOLVABLE,
    (f"node(s) didn't satisfy plugin(s) [{node_affinity.NAME}]",),
    node_affinity.NAME,
)


class _Verdict(NamedTuple):
    """own: the weighted scores that stand for themselves. relative: those to be normalised."""

    status: Status
    own: int = 0
    relative: tuple[int, ...] = ()


class PluginPolicy:
    """filters: in order. scorers: plugin and weight. spread: a plugin that compares nodes."""

    resources = ("services", "replicasets")
    hints: Hints = IN_TREE

    def __init__(
        self,
        name: str,
        filters: tuple[FilterPlugin, ...] = DEFAULT_FILTERS,
        scorers: tuple[tuple[ScorePlugin, int], ...] = (),
        spread: tuple[Spread, int] | None = None,
    ) -> None:
        self.name = name
        self.filters, self.scorers, self.spread = filters, scorers, spread
        self._own = tuple(each for each in scorers if not each[0].is_relative)
        self._relative = tuple(each for each in scorers if each[0].is_relative)
        self._verdicts: Memo[tuple[PodSpec, NodeInfo], _Verdict] = Memo(
            f"verdicts of policy {name}", self._judge
        )

    def _judge(self, key: tuple[PodSpec, NodeInfo]) -> _Verdict:
        spec, info = key
        status = self._filter(spec, info)
        if not status.ok:
            return _Verdict(status)
        own = sum(weight * plugin.score(spec, info) for plugin, weight in self._own)
        return _Verdict(SUCCESS, own, tuple(p.score(spec, info) for p, _ in self._relative))

    def _filter(self, spec: PodSpec, info: NodeInfo) -> Status:
        if spec.affinity:
            status, names = _AFFINITY.pre_filter(spec)
            if status.is_rejected:
                return status
            if names is not None and info.name not in names:
                return _NOT_NAMED
        for plugin in self.filters:
            status = plugin.filter(spec, info)
            if not status.ok:
                return status
        return SUCCESS

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        return self._verdicts((pod.spec, node_info)).status

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        spec, verdicts = pod.spec, self._verdicts
        found = [verdicts((spec, info)) for info in node_infos]
        totals = [verdict.own for verdict in found]
        for index, (plugin, weight) in enumerate(self._relative):
            scores = plugin.normalize([verdict.relative[index] for verdict in found])
            if any(scores):
                totals = [t + s * weight for t, s in zip(totals, scores, strict=True)]
        if self.spread is not None:
            compare, weight = self.spread
            spread = compare(pod, node_infos, context)
            if spread is not None:
                totals = [t + s * weight for t, s in zip(totals, spread, strict=True)]
        return totals

    @property
    def highest_score(self) -> int:
        """The score that no node can exceed."""
        weights = [weight for _, weight in self.scorers]
        return MAX_NODE_SCORE * (sum(weights) + (self.spread[1] if self.spread else 0))
