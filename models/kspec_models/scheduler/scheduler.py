"""kube-scheduler as a host: event handlers, one scheduling cycle at a time, concurrent bindings.

After pkg/scheduler/{scheduler,schedule_one,eventhandlers}.go at 1.36. A cycle takes a pod from the
queue, decides on a snapshot of the cache, and either assumes the pod and sends the binding, or
says in the pod's status why not and puts it back. The next cycle does not wait for the binding.

A binding that fails is forgotten and the pod is tried again after a backoff. That includes a lost
answer: the scheduler then believes the node has room, while the pod may be bound to it.

Left out: preemption, Permit and PreBind, extenders, events, several profiles, and the node name
that is nominated while a binding takes time. A cycle is one step unless `splits_cycle` is set:
then taking the pod and deciding are two, between which events arrive, as they do upstream.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec_models.host import CHOICE, Call, Notification, Outcome, View, Watch
from kspec_models.objects import Pod
from kspec_models.requests import Bind, Patch, Request, Response
from kspec_models.scheduler.cache import assumed_pod
from kspec_models.scheduler.cycle import Decision, condition_patch, decide, equals, failure
from kspec_models.scheduler.framework import Context, Policy
from kspec_models.scheduler.handlers import (
    DEFAULT_SCHEDULER,
    Cycle,
    Handlers,
    Memory,
    is_terminal,
)
from kspec_models.scheduler.events import DELETE, POD, ClusterEvent
from kspec_models.scheduler.line import QueuedPod
from kspec_models.scheduler.nodeinfo import NodeInfo


class Binding(NamedTuple):
    """What the scheduler remembers of a binding under way: the pod as queued, and its node."""

    queued: QueuedPod
    node: str


class Scheduler:
    """A kube-scheduler with one profile.

    policy: decides where pods go. scheduler_name: the spec.schedulerName that it serves.
    pops_from_backoff: the feature SchedulerPopFromBackoffQ, on by default since 1.33.
    splits_recreated_pods: see `handlers`. splits_cycle: see the module.
    has_explicit_ties: the choice among nodes of the same score is part of what is taken, as
    `<pod> to <node>`; otherwise the lowest name is chosen.
    """

    def __init__(
        self,
        name: str,
        policy: Policy,
        scheduler_name: str = DEFAULT_SCHEDULER,
        *,
        pops_from_backoff: bool = True,
        splits_recreated_pods: bool = True,
        splits_cycle: bool = False,
        has_explicit_ties: bool = False,
    ) -> None:
        self.name, self.policy = name, policy
        self.hints = getattr(policy, "hints", None)
        self.handlers = Handlers(scheduler_name, self.hints, splits_recreated_pods)
        self.pops_from_backoff, self.splits_cycle = pops_from_backoff, splits_cycle
        self.has_explicit_ties = has_explicit_ties
        resources: tuple[str, ...] = getattr(policy, "resources", ())
        self.watches = (Watch("pods"), Watch("nodes"), *(Watch(name) for name in resources))

    def initial(self, node: Any) -> Memory:
        return Memory()

    def handle(self, memory: Memory, notification: Notification, view: View) -> Memory:
        return self.handlers.handle(memory, notification, view.now)

    def enabled(self, memory: Memory, now: int) -> tuple[str, ...]:
        """The key of the pod that the next cycle takes, or that the open cycle decides on."""
        if memory.cycle is not None:
            return (memory.cycle.queued.key,)
        head = memory.queue.flushed(now).head(self.pops_from_backoff)
        return (head.key,) if head is not None else ()

    def choices(self, memory: Memory, key: str, view: View) -> tuple[str, ...]:
        """What there is to choose in a cycle of a pod: the key with each node that ties."""
        if memory.cycle is not None:
            queued, nodes = memory.cycle
        else:
            _, queued = memory.queue.flushed(view.now).pop(key)
            nodes = memory.cache.snapshot()
            if self.splits_cycle or self._is_skipped(memory, queued.pod):
                return (key,)
        found = equals(self.policy, queued.pod, Context(nodes, view.caches))
        return tuple(f"{key}{CHOICE}{node}" for node in found) or (key,)

    def deadline(self, memory: Memory) -> int | None:
        return memory.queue.deadline

    def relative(self, memory: Memory, now: int) -> Any:
        """Ages in the place of timestamps, up to where an age no longer matters."""
        return (memory.cache, memory.queue.ages(now), memory.queue.in_flight, memory.cycle)

    def run(self, memory: Memory, key: str, view: View) -> Outcome:
        """One scheduling cycle, or one half of it."""
        key, _, to = key.partition(CHOICE)
        if memory.cycle is not None:
            queued, nodes = memory.cycle
            return self._decide(memory._replace(cycle=None), queued, nodes, view, to)
        queue, queued = memory.queue.flushed(view.now).pop(key)
        memory = memory._replace(queue=queue)
        if self._is_skipped(memory, queued.pod):
            return Outcome(memory._replace(queue=queue.done(queued.pod.uid)))
        nodes = memory.cache.snapshot()
        if self.splits_cycle:
            return Outcome(memory._replace(cycle=Cycle(queued, nodes)))
        return self._decide(memory, queued, nodes, view, to)

    def _is_skipped(self, memory: Memory, pod: Pod) -> bool:
        """skipPodSchedule: pods that are being deleted, or assumed already."""
        return pod.is_terminating or memory.cache.is_assumed(pod.uid)

    def _decide(
        self,
        memory: Memory,
        queued: QueuedPod,
        nodes: tuple[NodeInfo, ...],
        view: View,
        to: str,
    ) -> Outcome:
        pod = queued.pod
        decision = decide(self.policy, pod, Context(nodes, view.caches), to)
        if not decision.node:
            return self._fail(memory, queued, decision, view)
        cache = memory.cache.assume(pod, decision.node)
        if cache is None:
            problem = f"pod {pod.uid}({pod.key}) is in the cache, so can't be assumed"
            return self._fail(memory, queued, failure(problem), view)
        # Upstream calls Done before it binds: what happens from here on is an error, not a
        # rejection, so that no event could be missed.
        memory = memory._replace(cache=cache, queue=memory.queue.done(pod.uid))
        bind = Bind(pod.key, pod.uid, decision.node)
        return Outcome(memory, (bind,), Binding(queued, decision.node))

    def _fail(self, memory: Memory, queued: QueuedPod, decision: Decision, view: View) -> Outcome:
        """handleSchedulingFailure: back into the queue, unless the informer knows better."""
        queue = memory.queue
        current = _cached_pod(view, queued.key)
        if current is None or current.spec.node_name:
            queue = queue.done(queued.pod.uid)
        else:
            queue = queue.add_unschedulable(
                queued, decision.rejectors, current, view.now, self.hints
            )
        patch = condition_patch(queued.pod, decision, view.now)
        return Outcome(memory._replace(queue=queue), (patch,) if patch is not None else ())

    def answer(
        self, memory: Memory, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        if isinstance(request, Patch):
            return Outcome(memory, call.requests)  # upstream only logs what became of it
        queued, node = call.phase
        if response.ok:
            return Outcome(memory._replace(cache=memory.cache.finish_binding(queued.pod.uid)))
        return self._bind_failed(memory, queued, node, response, view)

    def _bind_failed(
        self, memory: Memory, queued: QueuedPod, node: str, response: Response, view: View
    ) -> Outcome:
        """handleBindingCycleError: forget the pod, retry those that its room may help."""
        cache = memory.cache.forget(queued.pod.uid, node)
        if cache is not None:
            memory = memory._replace(cache=cache)
            event = ClusterEvent(POD, DELETE, assumed_pod((queued.pod, node)))
            memory = memory.moved(event, view.now, self.hints)
        problem = response.message or response.reason
        decision = failure(f'running Bind plugin "DefaultBinder": {problem}')
        return self._fail(memory, queued, decision, view)


def _cached_pod(view: View, key: str) -> Pod | None:
    """The pod in the informer's cache, which upstream fills with pods that did not terminate."""
    pods = view.caches.get("pods")
    entry = pods.get(f"pods/{key}") if pods is not None else None
    if entry is None or is_terminal(entry.value):
        return None
    pod: Pod = entry.value
    return pod
