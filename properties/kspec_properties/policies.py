"""What a scheduler policy promises of each decision, judged by what the scheduler saw.

A decision is judged when a pod is newly assumed, or when victims are sent away, against the
scheduler's own cache before it: what a cache could not know is no fault of a policy. The hard
constraints are those of `fitting`, written from the documentation and not from the plugins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from kspec_properties.fitting import Placed, forbidden, over_commitment
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


def _seen(memory: Memory) -> tuple[NodeInfo, ...]:
    """The nodes as the cycle that has just ended saw them."""
    if memory.cycle is not None:
        return memory.cycle.nodes
    found: tuple[NodeInfo, ...] = memory.cache.snapshot()
    return found


def _named(infos: Sequence[NodeInfo], name: str) -> NodeInfo | None:
    return next((info for info in infos if info.name == name), None)


def _placed(infos: Sequence[NodeInfo], changed: NodeInfo) -> Placed:
    """Every node with its pods, one of them as it is in `changed`."""
    every = (changed if info.name == changed.name else info for info in infos)
    return tuple((info.node, info.pods) for info in every if info.node is not None)


def misfit(pod: Pod, info: NodeInfo | None, infos: Sequence[NodeInfo]) -> str:
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
        infos: tuple[NodeInfo, ...] | None = None
        for pod in _assumed(old.memory, new.memory):
            infos, node = infos or _seen(old.memory), pod.spec.node_name
            info = _named(infos, node)
            why = misfit(pod, info, infos)
            if why:
                over = info is not None and why.startswith(_OVER)
                kind = "over-commit" if over else "unfit-node"
                return fails(f"{place.host.name} sends {pod.key} to {node}, {why}", kind)
    return HOLDS


class Preemption(NamedTuple):
    """A preemption that the last step decided on: who, where, whom, as the scheduler saw it.

    info: the node without the pods that were leaving it anyway, and with those of at least the
    preemptor's priority that were nominated to it. infos: all nodes.
    """

    scheduler: str
    preemptor: Pod
    node: str
    info: NodeInfo | None
    victims: tuple[Pod, ...]
    infos: tuple[NodeInfo, ...]


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
            for pod in there:
                if info is not None and _is_leaving(before, pod):
                    info = info.without_pod(pod.uid)
            for other in old.memory.nominator.by_node().get(nominated.node, ()):
                is_before = _priority(other) >= _priority(nominated.pod)
                if info is not None and is_before and other.uid != phase.uid:
                    info = info.with_pod(other)
            who = place.host.name, nominated.pod, nominated.node
            yield Preemption(*who, info, victims, infos)


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
    for scheduler, preemptor, _, _, victims, _ in preemptions(before, after):
        for victim in victims:
            if _priority(victim) >= _priority(preemptor):
                text = f"{scheduler} evicts {victim.key} (priority {_priority(victim)}) for "
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
    may meet.
    """
    for scheduler, preemptor, node, info, victims, infos in preemptions(before, after):
        left = info
        for victim in victims:
            left = left.without_pod(victim.uid) if left is not None else None
        why = misfit(preemptor, left, infos)
        if why:
            text = f"{scheduler} evicts for {preemptor.key}, which still may not go to {node}"
            return fails(f"{text}, {why}", "victims-do-not-help")
        for victim in victims:
            assert left is not None
            beside = left.with_pod(victim)
            if not misfit(preemptor, beside, infos) and not preemptor.spec.affinity:
                text = f"{scheduler} evicts {victim.key} from {node} for {preemptor.key}"
                return fails(f"{text}, which fits beside it", "needless-victim")
    return HOLDS


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
