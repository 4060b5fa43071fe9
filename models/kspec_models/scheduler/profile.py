"""A policy made of plugins, as a profile of kube-scheduler is.

After pkg/scheduler/framework/runtime/framework.go (RunPreFilterPlugins, RunFilterPlugins,
RunPreScorePlugins, RunScorePlugins) and schedule_one.go at 1.36. Filters run in order and the first
rejection counts; each plugin's scores are normalised over the feasible nodes, weighted and added.

What a plain filter or score says depends on the pod's spec and the NodeInfo alone (see
`FilterPlugin`) and is memoised on both, so a cycle pays only for the nodes that changed. What
looks at the cluster, or compares nodes, is done in each cycle.

Plain filters come before those that look at the cluster, as they do in the default order; with
another order the same nodes are feasible, and another plugin may be named for a rejection.

Left out: that upstream runs Filter of several nodes, and Score of several plugins, side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.events import Hints
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    SKIP,
    SUCCESS,
    Context,
    CycleFilterPlugin,
    CycleScorePlugin,
    FilterPlugin,
    ScorePlugin,
    Status,
)
from kspec_models.scheduler.hints import hints_of
from kspec_models.scheduler.local import LOCAL_FILTERS, judge_local, not_named
from kspec_models.scheduler.nodeinfo import NodeInfo

if TYPE_CHECKING:
    from kspec_models.scheduler.vectorised import Vectorised

_NAMES = "names of PreFilter"


class _Verdict(NamedTuple):
    """own: the weighted scores that stand for themselves. relative: those to be normalised."""

    status: Status
    own: int = 0
    relative: tuple[int, ...] = ()


class Profile:
    """filters, scorers (plugin and weight): in order. post_filter: for a pod that fits nowhere.

    resources: what is read besides what the plugins name. extra: plugins at other extension points
    (Reserve, Permit, PreBind), in order.
    """

    def __init__(
        self,
        name: str,
        filters: tuple[FilterPlugin | CycleFilterPlugin, ...] = LOCAL_FILTERS,
        scorers: tuple[tuple[ScorePlugin | CycleScorePlugin, int], ...] = (),
        *,
        resources: tuple[str, ...] = (),
        post_filter: Any = None,
        extra: tuple[Any, ...] = (),
    ) -> None:
        self.name, self.filters, self.scorers = name, filters, scorers
        self.setup: Any = None
        self.post_filter, self.extra = post_filter, extra
        others = (*([post_filter] if post_filter else ()), *extra)
        plugins = (*filters, *(plugin for plugin, _ in scorers), *others)
        read = (resource for plugin in plugins for resource in getattr(plugin, "resources", ()))
        self.resources = tuple(dict.fromkeys((*resources, *read)))
        self.hints: Hints = hints_of((*filters, *others))
        self._own: tuple[Any, ...] = tuple((p, w) for p, w in scorers if _is_relative(p) is False)
        self._relative: tuple[Any, ...] = tuple((p, w) for p, w in scorers if _is_relative(p))
        self._compared: tuple[Any, ...] = tuple(
            (p, w) for p, w in scorers if _is_relative(p) is None
        )
        self._local = tuple(p for p in filters if not hasattr(p, "filter_with"))
        self._cluster: tuple[Any, ...] = tuple(p for p in filters if hasattr(p, "filter_with"))
        self._verdicts: Memo[tuple[PodSpec, NodeInfo], _Verdict] = Memo(
            f"verdicts of policy {name}", self._judge
        )

    @cached_property
    def vectorised(self) -> Vectorised | None:
        """The form that decides over columns of numbers; found when a world has many nodes."""
        from kspec_models.scheduler.vectorised import vectorised

        return vectorised(self)

    def _judge(self, key: tuple[PodSpec, NodeInfo]) -> _Verdict:
        spec, info = key
        status = judge_local(self._local, spec, info)
        if not status.ok:
            return _Verdict(status)
        return self._rate(spec, info)

    def _rate(self, spec: PodSpec, info: NodeInfo) -> _Verdict:
        own = sum(weight * plugin.score(spec, info) for plugin, weight in self._own)
        return _Verdict(SUCCESS, own, tuple(p.score(spec, info) for p, _ in self._relative))

    def _rated(self, spec: PodSpec, info: NodeInfo) -> _Verdict:
        """The scores of a node, of one too that only a policy around this one finds feasible."""
        verdict = self._verdicts((spec, info))
        return verdict if verdict.status.ok else self._rate(spec, info)

    def pre_filter(self, pod: Pod, context: Context) -> tuple[Status, Context]:
        """PreFilter of every plugin: a rejection of all nodes, or the context of this cycle."""
        states: dict[str, Any] = {}
        named: _Named | None = None
        for plugin in self._cluster:
            if _is_idle(plugin, pod, context):
                continue
            status, nodes, state = plugin.pre_filter(pod, context)
            if status.code == SKIP:
                continue
            if not status.ok:
                return status._replace(plugin=status.plugin or plugin.name), context
            states[plugin.name] = state
            if nodes is not None:
                named = _Named((plugin.name,), frozenset(nodes)).within(named)
        if named is not None:
            states[_NAMES] = named
        return SUCCESS, context._replace(states=states)

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        """Whether the node can take the pod; PreFilter is run here where it was not before."""
        if context.states is None:
            status, context = self.pre_filter(pod, context)
            if not status.ok:
                return status
        status = self._verdicts((pod.spec, node_info)).status
        if context.states and status.ok:
            return self.judge_by_cluster(context.states, pod, node_info)
        return status

    def judge_by_cluster(self, states: Mapping[str, Any], pod: Pod, info: NodeInfo) -> Status:
        """What the plugins that look at the cluster say of a node, with PreFilter's states."""
        named: _Named | None = states.get(_NAMES)
        if named is not None and info.name not in named.names:
            return named.refusal
        for plugin in self._cluster:
            if plugin.name in states:
                status: Status = plugin.filter_with(states[plugin.name], pod, info)
                if not status.ok:
                    return status
        return SUCCESS

    def with_pod(self, pod: Pod, context: Context, added: Pod, info: NodeInfo) -> Context:
        """The context as if `added` were on that node too (RunPreFilterExtensionAddPod)."""
        return self._changed(context, "add_pod", pod, added, info)

    def without_pod(self, pod: Pod, context: Context, removed: Pod, info: NodeInfo) -> Context:
        """The context as if `removed` were not on that node (RunPreFilterExtensionRemovePod)."""
        return self._changed(context, "remove_pod", pod, removed, info)

    def _changed(
        self, context: Context, extension: str, pod: Pod, other: Pod, info: NodeInfo
    ) -> Context:
        if not context.states:
            return context
        states = dict(context.states)
        for plugin in self._cluster:
            if plugin.name in states:
                change = getattr(plugin, extension)
                states[plugin.name] = change(states[plugin.name], pod, other, info)
        return context._replace(states=states)

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        found = [self._rated(pod.spec, info) for info in node_infos]
        totals = [verdict.own for verdict in found]
        for index, (plugin, weight) in enumerate(self._relative):
            scores = plugin.normalize([verdict.relative[index] for verdict in found])
            if any(scores):
                totals = [t + s * weight for t, s in zip(totals, scores, strict=True)]
        compared = self._compared_scores(pod, node_infos, context)
        return [a + b for a, b in zip(totals, compared, strict=True)] if compared else totals

    def compared_scores(self, pod: Pod, at: Sequence[int], context: Context) -> Sequence[int]:
        """The weighted scores of the plugins that compare nodes, of those at some positions; none
        where no such plugin has any."""
        if all(_is_idle(plugin, pod, context) for plugin, _ in self._compared):
            return ()
        nodes = context.nodes
        return self._compared_scores(pod, tuple(nodes[position] for position in at), context)

    def _compared_scores(
        self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context
    ) -> Sequence[int]:
        totals: Sequence[int] = ()
        for plugin, weight in self._compared:
            if _is_idle(plugin, pod, context):
                continue
            status, state = plugin.pre_score(pod, node_infos, context)
            if status.ok:
                raw = [plugin.score_with(state, pod, info) for info in node_infos]
                scores = plugin.normalize_with(state, raw, node_infos)
                before = totals or [0] * len(scores)
                totals = [t + s * weight for t, s in zip(before, scores, strict=True)]
        return totals

    @property
    def highest_score(self) -> int:
        """The score that no node can exceed."""
        return MAX_NODE_SCORE * sum(weight for _, weight in self.scorers)


class _Named(NamedTuple):
    """The plugins whose PreFilter names nodes, and the nodes that all of them name."""

    plugins: tuple[str, ...]
    names: frozenset[str]

    def within(self, other: _Named | None) -> _Named:
        if other is None:
            return self
        return _Named((*other.plugins, *self.plugins), other.names & self.names)

    @property
    def refusal(self) -> Status:
        return not_named(self.plugins)


def _is_idle(plugin: Any, pod: Pod, context: Context) -> bool:
    """Whether a plugin can tell from the table of all nodes that it has no say about the pod."""
    if context.table is None:
        return False
    is_idle = getattr(plugin, "is_idle", None)
    return is_idle is not None and bool(is_idle(pod, context))


def _is_relative(plugin: Any) -> bool | None:
    """Whether a plain scorer's scores mean something only together; None for one that compares."""
    return None if hasattr(plugin, "score_with") else bool(plugin.is_relative)
