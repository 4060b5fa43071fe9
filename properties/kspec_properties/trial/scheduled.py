"""Any policy in a comparison: each pod decided by the ordinary scheduling cycle, on NodeInfos.

Filters and scores are those of `kspec_models.scheduler.cycle`, by the vectorised form of a policy
where it has one; a pod is bound at once. A policy
that knows no GPUs gets the filter GpuShare before its own, and its pods the GPUs with the least
room that fits, or it could not be compared on a cluster that has them.

Left out: preemption and retries. A pod that fits nowhere when it arrives is not placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from kspec_models.objects import Pod
from kspec_models.placement.objects import GPU_INDEX, INDEX_SEPARATOR, index_text
from kspec_models.placement.room import Demand, Room, least_room
from kspec_models.placement.rooms import Arrays, Rooms, fits
from kspec_models.placement.workload import Arrival
from kspec_models.scheduler.cache import Order
from kspec_models.scheduler.cycle import WHOLE, find
from kspec_models.scheduler.framework import (
    DEFAULT_SCHEDULER,
    ERROR,
    SKIP,
    Context,
    Policy,
    Status,
)
from kspec_models.scheduler.gpu import GpuShare, room_of
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.profiles import hooks_of, profiles_of
from kspec_properties.trial.checks import scores_of
from kspec_properties.trial.guard import SECONDS, score_range
from kspec_properties.trial.guarded_plugins import has_memory
from kspec_properties.trial.instances import bind
from kspec_properties.trial.places import limited, own_files
from kspec_properties.trial.sources import Source


class Failed(Exception):
    """The policy ended a cycle with an error; the text says which."""


class ScheduledNodes:
    """The nodes of a source during one run, as `kspec_models.placement.cluster.Nodes`."""

    def __init__(self, source: Source, policy: Any, is_plain: bool = False) -> None:
        self._source, self._own = source, one_profile(policy)
        self._policy = with_gpus(self._own) if source.capacity else self._own
        self._is_plain = is_plain
        self._is_foreign, self._files = has_memory(policy), own_files(policy)
        self._reserve = hooks_of(self._policy).reserve
        self._order = Order(tuple(info.name for info in source.infos), source.infos)
        self._index = {info.name: number for number, info in enumerate(source.infos)}
        self._gpus = Arrays([room for _, room in source.nodes])
        self.rooms: list[Room] = [room for _, room in source.nodes]
        self._pod: Pod | None = None
        self._context = Context()

    def best(self, pod: Arrival) -> Sequence[int]:
        """Raises Hung where a user's own policy does not come back with an answer."""
        if not self._is_foreign:
            return self._best(pod)
        with limited(SECONDS, self._files):
            return self._best(pod)

    def _best(self, pod: Arrival) -> Sequence[int]:
        self._pod = self._source.pod(pod)
        order = self._order
        context = self._context = Context(order.infos, self._source.caches, table=order.table)
        quick = None if self._is_plain else self._best_at_once(pod.demand, context)
        if quick is not None:
            return quick
        found = find(self._policy, self._pod, context)
        self._context = found.context
        if found.refusal.code == ERROR:
            raise Failed("; ".join(found.refusal.reasons) or "an error without a reason")
        feasible = found.feasible
        if len(feasible) > 1:
            scores = self._policy.score(self._pod, feasible, found.context)
            if self._is_foreign:
                scores = scores_of(len(feasible), *score_range(self._own))(scores)
            highest = max(scores)
            feasible = tuple(i for i, s in zip(feasible, scores, strict=True) if s == highest)
        return [self._index[info.name] for info in feasible]

    def _best_at_once(self, demand: Demand, context: Context) -> Sequence[int] | None:
        """The same by the policy's vectorised form, where it has one that can tell."""
        form: Any = getattr(self._own, "vectorised", None)
        pod: Any = self._pod
        if form is None or context.table is None or pod.status.nominated_node_name:
            return None
        status, started = self._own.pre_filter(pod, context)  # type: ignore[attr-defined]
        if not status.ok:
            return None if status.code == ERROR else ()
        found = form.find(pod, context, started, WHOLE)
        if found is None:
            return None
        positions = self._with_gpus(demand, found.positions)
        if len(positions) > 1:
            scores = form.scores(pod, found._replace(positions=positions), context, started)
            positions = positions[scores == scores.max()]
        self._context = started
        best: Sequence[int] = positions
        return best

    def _with_gpus(self, demand: Demand, positions: Any) -> Any:
        if not demand.gpus:
            return positions
        names = self._gpus.model_names
        allowed = np.array([name in demand.models for name in names]) if demand.models else None
        return positions[
            fits(demand._replace(cpu=0, memory=0), Rooms(self._gpus, positions), allowed)
        ]

    def devices(self, pod: Arrival, node: int, rng: Random) -> tuple[int, ...]:
        if not pod.demand.gpus:
            return ()
        for reserve in self._reserve:
            given = reserve(self._pod, self._order.infos[node], self._context)
            if isinstance(given, Status):
                if not given.ok:
                    raise Failed("; ".join(given.reasons) or "Reserve refused")
            elif given and GPU_INDEX in given:
                return tuple(int(part) for part in given[GPU_INDEX].split(INDEX_SEPARATOR))
        return least_room(pod.demand, self.rooms[node])

    def place(self, pod: Arrival, node: int, devices: tuple[int, ...]) -> None:
        given = {GPU_INDEX: index_text(devices)} if devices else None
        arrived = self._pod or self._source.pod(pod)
        info = self._order.infos[node]
        info = info.with_pod(bind(arrived, info.name, given))
        self._order = self._order.changed(info.name, info)
        room = self.rooms[node] = room_of(info)
        self._gpus.put(node, room, devices)


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
