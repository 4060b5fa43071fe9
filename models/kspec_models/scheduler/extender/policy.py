"""A profile with extenders: what its plugins leave is judged and rated by programs of any language.

After pkg/scheduler/schedule_one.go (findNodesThatPassExtenders, prioritizeNodes) and
pkg/scheduler/framework/preemption/preemption.go (callExtenders) at 1.36.

An extender judges all feasible nodes of the snapshot in one call, which is made when the first of
them is asked about. So sampling of nodes does not lessen what an extender is shown. In the dry
runs of a preemption only the plugins are asked, as upstream does.

An extender that is not ignorable and fails ends everything with a PolicyError. Upstream fails the
cycle and tries again, and passes over failures to prioritize; to have either told is what a policy
is put on trial for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kspec_models.objects import Pod
from kspec_models.scheduler.extender.exchange import MALFORMED
from kspec_models.scheduler.extender.extender import Extender
from kspec_models.scheduler.extender.options import Options
from kspec_models.scheduler.extender.wire import MAX_PRIORITY, FilterAnswer, MetaVictims
from kspec_models.scheduler.filtering import filter_with_nominated
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    SUCCESS,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.default_preemption.dry_run import Candidate
from kspec_models.scheduler.policies.errors import PolicyError
from kspec_models.scheduler.profile import Profile

EXTENDER: Final = "Extender"
"""ExtenderName: the plugin that is said to have rejected a pod. Any event retries such a pod."""

_SCALE: Final = MAX_NODE_SCORE // MAX_PRIORITY
_LEFT_OUT: Final = Status(UNRESOLVABLE, (), EXTENDER)


class Extended:
    """A profile and its extenders, in the order in which they are called."""

    def __init__(self, profile: Profile, options: Sequence[Options], name: str = "") -> None:
        self.profile, self.name = profile, name or profile.name
        self.extenders = tuple(Extender(each, self.name) for each in options)
        self.filters, self.scorers, self.extra = profile.filters, profile.scorers, profile.extra
        self.resources, self.hints = profile.resources, profile.hints
        self.post_filter = profile.post_filter
        self._cycle: tuple[Pod, Context, Mapping[str, Status]] | None = None

    def pre_filter(self, pod: Pod, context: Context) -> tuple[Status, Context]:
        """PreFilter of the plugins."""
        return self.profile.pre_filter(pod, context)

    def with_pod(self, pod: Pod, context: Context, added: Pod, info: NodeInfo) -> Context:
        """As `Profile.with_pod`."""
        return self.profile.with_pod(pod, context, added, info)

    def without_pod(self, pod: Pod, context: Context, removed: Pod, info: NodeInfo) -> Context:
        """As `Profile.without_pod`."""
        return self.profile.without_pod(pod, context, removed, info)

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        """What the plugins say of the node, and then the extenders.

        A node that is not as it is in the snapshot is supposed, and only the plugins are asked.
        """
        status = self.profile.filter(pod, node_info, context)
        if not status.ok or not self._concerned(pod):
            return status
        known = next((info for info in context.nodes if info.name == node_info.name), None)
        if known is None:
            return self._judge(pod, (node_info,)).get(node_info.name, SUCCESS)
        if known is not node_info:
            return status
        return self._of_cycle(pod, context).get(node_info.name, SUCCESS)

    def _concerned(self, pod: Pod) -> tuple[Extender, ...]:
        return tuple(extender for extender in self.extenders if extender.concerns(pod))

    def _of_cycle(self, pod: Pod, context: Context) -> Mapping[str, Status]:
        """The nodes that the extenders refuse, found out once for each cycle."""
        if self._cycle is not None and self._cycle[1] is context and self._cycle[0] == pod:
            return self._cycle[2]
        started = context
        if context.states is None:
            started = self.profile.pre_filter(pod, context)[1]
        feasible = [
            info
            for info in context.nodes
            if filter_with_nominated(self.profile, pod, info, started).ok
        ]
        refused = self._judge(pod, tuple(feasible))
        self._cycle = (pod, context, refused)
        return refused

    def _judge(self, pod: Pod, feasible: tuple[NodeInfo, ...]) -> Mapping[str, Status]:
        refused: dict[str, Status] = {}
        for extender in self._concerned(pod):
            if not feasible:
                break
            try:
                answer = extender.filter(pod, feasible)
            except PolicyError:
                if extender.options.ignorable:
                    continue
                raise
            for info in feasible:
                if info.name not in answer.nodes:
                    refused[info.name] = _refusal(info.name, answer)
            feasible = tuple(info for info in feasible if info.name in answer.nodes)
        return refused

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        """The plugins' scores, and ten times each extender's, weighted."""
        totals = list(self.profile.score(pod, node_infos, context))
        for extender in self._concerned(pod):
            try:
                scores = extender.prioritize(pod, node_infos)
            except PolicyError:
                if extender.options.ignorable:
                    continue
                raise
            factor = extender.options.weight * _SCALE
            totals = [
                total + scores.get(info.name, 0) * factor
                for total, info in zip(totals, node_infos, strict=True)
            ]
        return totals

    @property
    def highest_score(self) -> int:
        """The score that no node can exceed."""
        weights = (e.options.weight for e in self.extenders if e.options.prioritize_verb)
        return self.profile.highest_score + MAX_NODE_SCORE * sum(weights)

    def process_preemption(
        self, pod: Pod, candidates: Sequence[Candidate], context: Context
    ) -> Sequence[Candidate]:
        """The candidates that the extenders leave, with the victims that they name."""
        found = tuple(candidates)
        for extender in self._concerned(pod):
            if not extender.options.preempt_verb or not found:
                continue
            try:
                found = _processed(extender, pod, found, context)
            except PolicyError:
                if not extender.options.ignorable:
                    raise
        return found

    def binder(self, pod: Pod) -> Extender | None:
        """The extender that is to bind the pod; None where the scheduler does."""
        binders = (e for e in self._concerned(pod) if e.options.bind_verb)
        return next(binders, None)


def _refusal(node: str, answer: FilterAnswer) -> Status:
    if node in answer.unresolvable:
        return Status(UNRESOLVABLE, (answer.unresolvable[node],), EXTENDER)
    if node in answer.failed:
        return Status(UNSCHEDULABLE, (answer.failed[node],), EXTENDER)
    return _LEFT_OUT


def _processed(
    extender: Extender, pod: Pod, candidates: Sequence[Candidate], context: Context
) -> tuple[Candidate, ...]:
    victims = {each.node: (each.victims, each.violations) for each in candidates}
    answer = extender.process_preemption(pod, victims)
    known = {info.name: info for info in context.nodes}
    for node in answer:
        if node not in known:
            raise _wrong(extender, f"named the node {node!r}, which does not exist")
    named = [info for name, info in known.items() if name in answer]
    if extender.options.ignorable:
        named = [info for info in named if answer[info.name].uids]
    return tuple(_candidate(extender, info, answer[info.name], victims) for info in named)


def _candidate(
    extender: Extender,
    info: NodeInfo,
    named: MetaVictims,
    before: Mapping[str, tuple[tuple[Pod, ...], int]],
) -> Candidate:
    """A candidate of the answer; its victims as the dry run knew them, or as they run there."""
    if not named.uids:
        raise _wrong(extender, f"expected at least one victim pod on node {info.name!r}")
    pods: dict[str, Any] = {pod.uid: pod for pod in info.pods}
    pods |= {pod.uid: pod for pod in before.get(info.name, ((), 0))[0]}
    for uid in named.uids:
        if uid not in pods:
            raise _wrong(extender, f"claims to preempt pod {uid!r}, which is not on {info.name}")
    return Candidate(info.name, tuple(pods[uid] for uid in named.uids), named.violations)


def _wrong(extender: Extender, what: str) -> PolicyError:
    return extender.fail(extender.options.preempt_verb, "PostFilter", what, MALFORMED)
