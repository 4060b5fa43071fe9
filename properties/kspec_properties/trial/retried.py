"""What a policy promises of its retries: a pod that it would take is not left to the flush.

A pod that was rejected waits for an event that one of the rejecting plugins asks for, by its
queueing hints. Where the hints ask for too little the pod is retried only when it has waited for
five minutes, which upstream calls a safety net.

Judged on the scheduler's own memory, whenever that changes: no pod of the unschedulable pool has a
node that the hard constraints allow and that the policy's own filters accept now. Nothing is said
of pods with victims still to be deleted, nor while other pods are nominated: that a nomination
ends is no event.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import transition
from kspec_models.informing import Caches
from kspec_models.layout import HostSlot
from kspec_models.scheduler.cycle import find
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.handlers import Memory
from kspec_models.scheduler.line import QueuedPod
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.fitting import forbidden, is_judged, over_commitment, uses_volumes
from kspec_properties.policies import decided

NEVER_RETRIED = "never-retried"
REFERENCE = f"{__name__}:a_pod_that_fits_is_retried"
"""How a plan, and so a trace, names the property, which is of policies alone."""


@transition(
    reads=("schedulers",),
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/",
    faults=all_but(),
    companion="a-pod-is-assumed",
)
def a_pod_that_fits_is_retried(before: State, after: State) -> Verdict:
    """A rejected pod that the policy would take now does not stay in the unschedulable pool.

    The queueing hints of the policy must ask for every event that makes it change its mind.
    """
    for slot, old, new in decided(before, after):
        if not new.memory.queue.unschedulable or _is_unchanged(old.memory, new.memory):
            continue
        for queued in _left(new.memory):
            node = _accepted(slot, new.memory, queued, after)
            if node:
                text = f"{queued.key} fits {node} again, and {slot.host.name} leaves it among the "
                return fails(f"{text}unschedulable pods: no queueing hint asked", NEVER_RETRIED)
    return HOLDS


def _is_unchanged(old: Memory, new: Memory) -> bool:
    return old.cache is new.cache and old.queue.unschedulable is new.queue.unschedulable


def _left(memory: Memory) -> Iterator[QueuedPod]:
    """The pods that only an event or the flush retries."""
    if memory.nominator.by_uid or memory.cycle is not None:
        return
    for queued in memory.queue.unschedulable:
        if queued.pod.uid not in memory.preempting and not queued.pod.is_terminating:
            yield queued


def _accepted(slot: HostSlot, memory: Memory, queued: QueuedPod, after: State) -> str:
    """A node that the hard constraints and the policy's own filters accept now; "" for none."""
    pod, infos = queued.pod, memory.cache.snapshot()
    placed = [(info.node, info.pods) for info in infos if info.node is not None]
    if uses_volumes(pod) or not is_judged(pod, placed) or _may_be_refused_later(slot, queued):
        return ""
    fitting = [
        node.name
        for node, there in placed
        if not over_commitment(pod, node, there) and not forbidden(pod, node, there, placed)
    ]
    if not fitting:
        return ""
    host: Any = slot.host
    caches: Any = Caches(after.slots, slot.caches)
    context = Context(infos, caches)
    accepted = {info.name for info in find(host.profiles.policy(pod), pod, context).feasible}
    return next((name for name in fitting if name in accepted), "")


def _may_be_refused_later(slot: HostSlot, queued: QueuedPod) -> bool:
    """Whether a rejection may have come from Reserve or Permit, which cannot be asked here."""
    host: Any = slot.host
    hooks = host.profiles.hooks[host.profiles.name_of(queued.pod)]
    plugins = (getattr(hook, "__self__", None) for hook in (*hooks.reserve, *hooks.permit))
    return any(getattr(plugin, "name", "") in queued.rejectors for plugin in plugins)
