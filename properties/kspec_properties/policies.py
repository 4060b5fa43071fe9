"""What a scheduler policy promises of each decision, judged by what the scheduler saw.

A decision is judged when a pod is newly assumed, or when victims are sent away, against the
scheduler's own cache before it: what a cache could not know is no fault of a policy. The hard
constraints are those of `fitting`, written from the documentation and not from the plugins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import sometimes, transition
from kspec_models.host_state import HostState
from kspec_models.layout import HostSlot
from kspec_models.objects import Pod
from kspec_models.requests import Delete
from kspec_models.scheduler.handlers import Memory
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.preempting import Preempting
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.fitting import (
    Placed,
    forbidden,
    is_judged,
    over_commitment,
    uses_volumes,
)
from kspec_properties.reading import newest

_FRAMEWORK = "https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/"
_PREEMPTION = "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/"


_OVER = "which would hold"
"""How `misfit` begins where room is lacking."""


def decided(before: State, after: State) -> Iterator[tuple[HostSlot, HostState, HostState]]:
    """Each scheduler whose state the last step changed, before and after it."""
    for slot in after.touched:
        place = after.layout.slots[slot]
        if isinstance(place, HostSlot) and place.host.name.startswith("scheduler"):
            old, new = before.slots[slot], after.slots[slot]
            if old is not None and new is not None and old is not new:
                yield place, old, new


def _assumed(before: Memory, after: Memory) -> Iterator[Pod]:
    """The pods that the last step assumed."""
    if after.cache is before.cache or len(after.cache.pods) <= len(before.cache.pods):
        return
    for uid, known in after.cache.pods.sorted_items():
        if known.is_assumed and uid not in before.cache.pods:
            yield known.pod


Infos = tuple[NodeInfo, ...]


def _seen(memory: Memory) -> Infos:
    """The nodes as the cycle that has just ended saw them."""
    if memory.cycle is not None:
        return memory.cycle.nodes
    found: tuple[NodeInfo, ...] = memory.cache.snapshot()
    return found


def _named(infos: Infos, name: str) -> NodeInfo | None:
    return next((info for info in infos if info.name == name), None)


def _placed(infos: Infos, changed: NodeInfo) -> Placed:
    """Every node with its pods, one of them as it is in `changed`."""
    every = (changed if info.name == changed.name else info for info in infos)
    return tuple((info.node, info.pods) for info in every if info.node is not None)


def misfit(pod: Pod, info: NodeInfo | None, infos: Infos) -> str:
    """Why a pod may not go to a node as the scheduler saw it; "" where it may.

    infos: all nodes that it saw, in which `info` counts for the node of its name.
    """
    if info is None or info.node is None:
        return "which it did not know"
    over = over_commitment(pod, info.node, info.pods)
    if over:
        return f"{_OVER} {over}"
    reasons = forbidden(pod, info.node, info.pods, _placed(infos, info))
    return f"in spite of {', '.join(reasons)}" if reasons else ""


@transition(
    reads=("schedulers",),
    source=_FRAMEWORK,
    faults=all_but(),
    companion="a-pod-is-assumed",
    mutants=("filter-ignores-taints",),
)
def a_pod_is_assumed_where_it_fits(before: State, after: State) -> Verdict:
    """A scheduler picks only nodes that, as it saw them, have room and break no hard constraint.

    Judged against the scheduler's own cache, so neither lag nor another scheduler breaks it.
    """
    for place, old, new in decided(before, after):
        infos: Infos = ()
        for pod in _assumed(old.memory, new.memory):
            infos = infos or _seen(old.memory)
            found = _misplaced(place.host.name, pod, infos, old.memory)
            if found is not None:
                return found
    return HOLDS


def _misplaced(scheduler: str, pod: Pod, infos: Infos, memory: Memory) -> Verdict | None:
    """The verdict on a pod that was assumed where it may not go."""
    text = f"{scheduler} sends {pod.key} to {pod.spec.node_name}"
    info = _named(infos, pod.spec.node_name)
    why = misfit(pod, info, infos)
    if why:
        is_over = info is not None and why.startswith(_OVER)
        return fails(f"{text}, {why}", "over-commit" if is_over else "unfit-node")
    crowded = _crowded(info, pod, memory) if info is not None else None
    if crowded is not info and (why := misfit(pod, crowded, infos)):
        return fails(f"{text}, {why}, with the pods nominated there", "takes-nominated-room")
    return None


class Preemption(NamedTuple):
    """A preemption that the last step decided on: who, where, whom, as the scheduler saw it.

    info: the node, with the pods of at least the preemptor's priority that were nominated to it.
    leaving: the pods that went anyway, which may not have reached the cache. infos: all nodes.
    """

    scheduler: str
    preemptor: Pod
    node: str
    info: NodeInfo | None
    victims: tuple[Pod, ...]
    leaving: tuple[Pod, ...]
    infos: Infos


def preemptions(before: State, after: State) -> Iterator[Preemption]:
    """The preemptions that the last step decided on."""
    for place, old, new in decided(before, after):
        known = {sending.call.phase for sending in old.calls if _is_preempting(sending)}
        for sending in new.calls:
            if not _is_preempting(sending) or sending.call.phase in known:
                continue
            phase: Preempting = sending.call.phase
            nominated = new.memory.nominator.by_uid.get(phase.uid)
            if nominated is None:
                continue
            keys = [r.key for r in sending.call.requests if isinstance(r, Delete)]
            infos = _seen(old.memory)
            info = _named(infos, nominated.node)
            there = info.pods if info is not None else ()
            victims = tuple(pod for pod in there if pod.key in keys)
            leaving = tuple(pod for pod in there if _is_leaving(before, pod))
            if info is not None:
                info = _crowded(info, nominated.pod, old.memory)
            who = place.host.name, nominated.pod, nominated.node
            yield Preemption(*who, info, victims, leaving, infos)


def _crowded(info: NodeInfo, pod: Pod, memory: Memory) -> NodeInfo:
    """The node as if the pods ran there that are nominated to it, of at least that priority."""
    if not memory.nominator.by_uid:
        return info
    for other in memory.nominator.by_node().get(info.name, ()):
        if _priority(other) >= _priority(pod) and other.uid != pod.uid:
            info = info.with_pod(other)
    return info


def _is_preempting(sending: object) -> bool:
    return isinstance(sending.call.phase, Preempting)  # type: ignore[attr-defined]


def _is_leaving(state: State, pod: Pod) -> bool:
    """Whether a pod is being deleted, or is gone; that need not have reached the cache yet."""
    entry = newest(state, "pods").get(f"pods/{pod.key}")
    return entry is None or entry.value.uid != pod.uid or entry.value.is_terminating


def _priority(pod: Pod) -> int:
    return pod.spec.priority or 0


@transition(
    reads=("schedulers",),
    source=_PREEMPTION,
    faults=all_but(),
    companion="a-preemption-is-decided",
    mutants=("preempts-any-priority",),
)
def only_lower_priority_is_preempted(before: State, after: State) -> Verdict:
    """Every victim of a preemption has a lower priority than the pod that needs its room."""
    for each in preemptions(before, after):
        preemptor = each.preemptor
        for victim in each.victims:
            if _priority(victim) >= _priority(preemptor):
                text = f"{each.scheduler} evicts {victim.key} (priority {_priority(victim)}) for "
                text += f"{preemptor.key} (priority {_priority(preemptor)})"
                return fails(text, "priority-inversion")
    return HOLDS


@transition(
    reads=("schedulers",),
    source=_PREEMPTION,
    faults=all_but(),
    companion="a-preemption-is-decided",
    mutants=("preempts-in-vain", "preempts-everyone"),
)
def victims_help(before: State, after: State) -> Verdict:
    """Without its victims a nominated node has room for the pod, and with any one of them not.

    Judged on what the scheduler saw, which counts pods of at least the same priority that are
    nominated there. The second half is not about pods with affinity, which a pod that is put back
    may meet, nor where volumes or rules between pods count that are not judged here.
    """
    for each in preemptions(before, after):
        in_vain = _is_in_vain(each)
        found = in_vain if in_vain is not None else _is_needless(each)
        if found is not None:
            return found
    return HOLDS


def _without(info: NodeInfo | None, pods: tuple[Pod, ...]) -> NodeInfo | None:
    for pod in pods:
        info = info.without_pod(pod.uid) if info is not None else None
    return info


def _is_in_vain(each: Preemption) -> Verdict | None:
    left = _without(_without(each.info, each.leaving), each.victims)
    why = misfit(each.preemptor, left, each.infos)
    if not why:
        return None
    text = f"{each.scheduler} evicts for {each.preemptor.key}, which still may not go to "
    return fails(f"{text}{each.node}, {why}", "victims-do-not-help")


def _is_judged_whole(pod: Pod, infos: Infos) -> bool:
    """Whether `misfit` knows all that may keep the pod off a node."""
    placed = tuple((info.node, info.pods) for info in infos if info.node is not None)
    return not uses_volumes(pod) and is_judged(pod, placed)


def _is_needless(each: Preemption) -> Verdict | None:
    """A scheduler counts pods that are leaving until they are gone, and so are they here."""
    left, preemptor = _without(each.info, each.victims), each.preemptor
    if preemptor.spec.affinity or not _is_judged_whole(preemptor, each.infos):
        return None
    for victim in each.victims:
        beside = left.with_pod(victim) if left is not None else None
        if not misfit(preemptor, beside, each.infos):
            text = f"{each.scheduler} evicts {victim.key} from {each.node} for {preemptor.key}"
            return fails(f"{text}, which fits beside it", "needless-victim")
    return None


@sometimes(reads=("schedulers",), source="companion")
def a_pod_is_assumed(state: State) -> bool:
    """A scheduler has assumed a pod."""
    touched = [state.slots[slot] for slot in state.touched]
    memories = [host.memory for host in touched if isinstance(host, HostState)]
    caches = [memory.cache for memory in memories if isinstance(memory, Memory)]
    return any(known.is_assumed for cache in caches for known in cache.pods.values())


@sometimes(reads=("schedulers",), source="companion")
def a_preemption_is_decided(state: State) -> bool:
    """A scheduler has nominated a pod and evicts for it."""
    for slot in state.touched:
        host = state.slots[slot]
        if isinstance(host, HostState) and any(_is_preempting(s) for s in host.calls):
            return True
    return False


PROPERTIES = (
    a_pod_is_assumed_where_it_fits,
    only_lower_priority_is_preempted,
    victims_help,
    a_pod_is_assumed,
    a_preemption_is_decided,
)
"""The promises about single decisions."""
