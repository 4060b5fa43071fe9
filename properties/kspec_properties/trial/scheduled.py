"""Any policy in a comparison: each pod decided by the ordinary scheduling cycle, on NodeInfos.

Filters and scores are those of `kspec_models.scheduler.cycle`; a pod is bound at once. A policy
that knows no GPUs gets the filter GpuShare before its own, and its pods the GPUs with the least
room that fits, or it could not be compared on a cluster that has them.

Left out: preemption and retries. A pod that fits nowhere when it arrives is not placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from kspec_models.objects import Pod
from kspec_models.placement.objects import GPU_INDEX, INDEX_SEPARATOR, index_text
from kspec_models.placement.room import Room, least_room
from kspec_models.placement.workload import Arrival
from kspec_models.scheduler.cycle import find
from kspec_models.scheduler.framework import ERROR, SKIP, Context, Policy, Status
from kspec_models.scheduler.gpu import GpuShare, room_of
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.profiles import DEFAULT_SCHEDULER, hooks_of, profiles_of
from kspec_properties.trial.instances import bind
from kspec_properties.trial.sources import Source


class Failed(Exception):
    """The policy ended a cycle with an error; the text says which."""


class ScheduledNodes:
    """The nodes of a source during one run, as `kspec_models.placement.cluster.Nodes`."""

    def __init__(self, source: Source, policy: Any) -> None:
        self._source = source
        self._policy = with_gpus(one_profile(policy)) if source.capacity else one_profile(policy)
        self._reserve = hooks_of(self._policy).reserve
        self._infos = list(source.infos)
        self._index = {info.name: number for number, info in enumerate(source.infos)}
        self.rooms: list[Room] = [room for _, room in source.nodes]
        self._pod: Pod | None = None
        self._context = Context()

    def best(self, pod: Arrival) -> Sequence[int]:
        self._pod = self._source.pod(pod)
        context = Context(tuple(self._infos), self._source.caches)
        found = find(self._policy, self._pod, context)
        self._context = found.context
        if found.refusal.code == ERROR:
            raise Failed("; ".join(found.refusal.reasons) or "an error without a reason")
        feasible = found.feasible
        if len(feasible) > 1:
            scores = self._policy.score(self._pod, feasible, found.context)
            highest = max(scores)
            feasible = tuple(i for i, s in zip(feasible, scores, strict=True) if s == highest)
        return [self._index[info.name] for info in feasible]

    def devices(self, pod: Arrival, node: int, rng: Random) -> tuple[int, ...]:
        if not pod.demand.gpus:
            return ()
        for reserve in self._reserve:
            given = reserve(self._pod, self._infos[node], self._context)
            if isinstance(given, Status):
                if not given.ok:
                    raise Failed("; ".join(given.reasons) or "Reserve refused")
            elif given and GPU_INDEX in given:
                return tuple(int(part) for part in given[GPU_INDEX].split(INDEX_SEPARATOR))
        return least_room(pod.demand, self.rooms[node])

    def place(self, pod: Arrival, node: int, devices: tuple[int, ...]) -> None:
        given = {GPU_INDEX: index_text(devices)} if devices else None
        arrived = self._pod or self._source.pod(pod)
        self._infos[node] = self._infos[node].with_pod(bind(arrived, self._infos[node].name, given))
        self.rooms[node] = room_of(self._infos[node])


def one_profile(policy: Any) -> Policy:
    """The policy itself, or the first profile of a configuration with several."""
    by_name = profiles_of(policy).by_name
    return by_name.get(DEFAULT_SCHEDULER) or next(iter(by_name.values()))


def with_gpus(policy: Any) -> Policy:
    """The policy, with GpuShare as its first filter unless it has that already."""
    if any(plugin.name == GpuShare.name for plugin in getattr(policy, "filters", ())):
        return policy  # type: ignore[no-any-return]
    return _Sharing(policy)


class _Sharing:
    """A policy behind the filter GpuShare."""

    def __init__(self, policy: Any) -> None:
        self._policy, self._gpus, self.name = policy, GpuShare(), policy.name
        self.filters = getattr(policy, "filters", ())
        self.scorers, self.extra = getattr(policy, "scorers", ()), getattr(policy, "extra", ())

    def pre_filter(self, pod: Pod, context: Context) -> tuple[Status, Context]:
        own = getattr(self._policy, "pre_filter", None)
        status, context = own(pod, context) if own is not None else (Status(), context)
        if not status.ok:
            return status, context
        found = self._gpus.pre_filter(pod, context)
        if found.status.code == SKIP or not found.status.ok:
            is_skipped = found.status.code == SKIP
            return (Status() if is_skipped else found.status), context
        states = {**(context.states or {}), GpuShare.name: found.state}
        return Status(), context._replace(states=states)

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        state = (context.states or {}).get(GpuShare.name)
        if state is not None:
            status = self._gpus.filter_with(state, pod, node_info)
            if not status.ok:
                return status
        found: Status = self._policy.filter(pod, node_info, context)
        return found

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        found: Sequence[int] = self._policy.score(pod, node_infos, context)
        return found
