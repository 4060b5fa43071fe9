"""kube-scheduler as a host: event handlers, one scheduling cycle at a time, concurrent bindings.

After pkg/scheduler/{scheduler,schedule_one,eventhandlers}.go at 1.36. A cycle takes a pod from the
queue, decides on a snapshot of the cache, and either assumes the pod and sends the binding, or
says in the pod's status why not and puts it back. The next cycle does not wait for the binding.

A binding that fails is forgotten and the pod is tried again after a backoff. That includes a lost
answer: the scheduler then believes the node has room, while the pod may be bound to it.

Left out: pod groups, events, PostBind (which only informs), and the node name that is nominated
while a binding takes time. A cycle is one step unless `splits_cycle` is set: then taking the pod
and deciding are two, between which events arrive, as they do upstream.
"""

from __future__ import annotations

from typing import Any

from kspec_models.host import CHOICE, START, Call, Notification, Outcome, View, Watch
from kspec_models.objects import Pod
from kspec_models.requests import Request, Response
from kspec_models.scheduler import attempt
from kspec_models.scheduler.binding import Binding, going
from kspec_models.scheduler.cycle import decide, equals
from kspec_models.scheduler.framework import DEFAULT_SCHEDULER, Context
from kspec_models.scheduler.handlers import Cycle, Handlers, Memory
from kspec_models.scheduler.line import QueuedPod
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.preempting import Preempting
from kspec_models.scheduler.profiles import profiles_of
from kspec_models.scheduler.queue import EMPTY_QUEUE
from kspec_models.scheduler.volume_binder import assumed

__all__ = ["Binding", "Scheduler"]


class Scheduler:
    """A kube-scheduler.

    policy: decides where pods go; or `Profiles`, several of them by spec.schedulerName.
    scheduler_name: what a single policy serves.
    pops_from_backoff: the feature SchedulerPopFromBackoffQ, on by default since 1.33.
    splits_recreated_pods: see `handlers`. splits_cycle: see the module.
    has_explicit_ties: where a search starts and the choice among nodes of the same score are part
    of what is taken, as `<pod> from <node> to <node>`; otherwise the lowest name is chosen.
    watched: the resources that can occur in the world; None for all.
    may_preempt: whether pods of different priority can occur: then more of a pod matters.
    is_plain: decide node by node, even where a vectorised form decides alike and faster.
    """

    def __init__(
        self,
        name: str,
        policy: Any,
        scheduler_name: str = DEFAULT_SCHEDULER,
        *,
        pops_from_backoff: bool = True,
        splits_recreated_pods: bool = True,
        splits_cycle: bool = False,
        has_explicit_ties: bool = False,
        watched: tuple[str, ...] | None = None,
        may_preempt: bool = False,
        is_plain: bool = False,
    ) -> None:
        self.name, self.policy = name, policy
        self.profiles = profiles_of(policy, scheduler_name)
        self.hints = self.profiles.hints
        self.handlers = Handlers(self.profiles, splits_recreated_pods)
        self.pops_from_backoff, self.splits_cycle = pops_from_backoff, splits_cycle
        self.has_explicit_ties, self.may_preempt = has_explicit_ties, may_preempt
        self.watched, self.is_plain = watched, is_plain
        resources = [r for r in self.profiles.resources if watched is None or r in watched]
        others = [r for r in resources if r not in ("pods", "nodes")]
        self.watches = (Watch("pods"), Watch("nodes"), *(Watch(name) for name in others))

    def initial(self, node: Any) -> Memory:
        return Memory(queue=EMPTY_QUEUE._replace(limits=self.profiles.backoff))

    def handle(self, memory: Memory, notification: Notification, view: View) -> Memory:
        return self.handlers.handle(memory, notification, view.now)

    def enabled(self, memory: Memory, now: int) -> tuple[str, ...]:
        """The key of the pod that the next cycle takes, or that the open cycle decides on; then
        the pods at Permit that go on to be bound, or whose time is up."""
        others = going(memory.waiting, now) if memory.waiting else ()
        if memory.cycle is not None:
            return (memory.cycle.queued.key, *others)
        head = memory.queue.flushed(now).head(self.pops_from_backoff)
        return (head.key, *others) if head is not None else others

    def choices(self, memory: Memory, key: str, view: View) -> tuple[str, ...]:
        """What there is to choose in a cycle of a pod: the key with each start and node."""
        if any(waiting.key == key for waiting in memory.waiting):
            return (key,)
        if memory.cycle is not None:
            queued, nodes = memory.cycle
        else:
            _, queued = memory.queue.flushed(view.now).pop(key)
            nodes = memory.cache.snapshot()
            if self.splits_cycle or self.is_skipped(memory, queued.pod):
                return (key,)
        return tuple(self._choices(memory, queued.pod, nodes, view))

    def _choices(
        self, memory: Memory, pod: Pod, nodes: tuple[NodeInfo, ...], view: View
    ) -> list[str]:
        policy, context = self.profiles.policy(pod), self.context(memory, nodes, view)
        sample = self.profiles.sample(pod, len(nodes), memory.start)
        if not sample.enough:
            ties = equals(policy, pod, context, sample)
            return [f"{pod.key}{CHOICE}{node}" for node in ties] or [pod.key]
        found = []
        for start, info in enumerate(nodes):
            ties = equals(policy, pod, context, sample._replace(start=start))
            begun = f"{pod.key}{START}{info.name}"
            found += [f"{begun}{CHOICE}{node}" for node in ties] or [begun]
        return found

    def deadline(self, memory: Memory) -> int | None:
        times = [waiting.until for waiting in memory.waiting if not waiting.is_allowed]
        if memory.queue.deadline is not None:
            times.append(memory.queue.deadline)
        return min(times) if times else None

    def relative(self, memory: Memory, now: int) -> Any:
        """Ages in the place of timestamps, up to where an age no longer matters."""
        waiting = tuple((w.key, w.node, w.until - now, w.is_allowed) for w in memory.waiting)
        queue = (memory.queue.ages(now), memory.queue.in_flight)
        nominated = (memory.nominator, memory.preempting, memory.start, memory.assumed)
        return (memory.cache, *queue, memory.cycle, waiting, nominated)

    def context(self, memory: Memory, nodes: tuple[NodeInfo, ...], view: View) -> Context:
        """What a policy may look at in a cycle on these nodes."""
        nominated = memory.nominator.by_node() if memory.nominator.by_uid else {}
        order = memory.cache.order
        is_whole = nodes is order.infos and not self.is_plain
        caches = assumed(view.caches, memory.assumed) if memory.assumed else view.caches
        return Context(nodes, caches, None, nominated, order.table if is_whole else None)

    def run(self, memory: Memory, key: str, view: View) -> Outcome:
        """One scheduling cycle, or one half of it; or the end of a wait at Permit."""
        key, _, to = key.partition(CHOICE)
        key, _, start = key.partition(START)
        for waiting in memory.waiting:
            if waiting.key == key:
                return attempt.left_permit(self, memory, waiting, view)
        if memory.cycle is not None:
            queued, nodes = memory.cycle
            memory = memory._replace(cycle=None)
        else:
            queue, queued = memory.queue.flushed(view.now).pop(key)
            memory = memory._replace(queue=queue)
            if self.is_skipped(memory, queued.pod):
                return Outcome(memory._replace(queue=queue.done(queued.pod.uid)))
            nodes = memory.cache.snapshot()
            if self.splits_cycle:
                return Outcome(memory._replace(cycle=Cycle(queued, nodes)))
        if start:
            names = [info.name for info in nodes]
            memory = memory._replace(start=names.index(start))
        return self._decide(memory, queued, nodes, view, to)

    def is_skipped(self, memory: Memory, pod: Pod) -> bool:
        """skipPodSchedule: pods that are being deleted, or assumed already.

        And those of another scheduler: one that was made under the name of a pod whose binding then
        failed is put into the queue in its place.
        """
        is_assumed = memory.cache.is_assumed(pod.uid)
        return pod.is_terminating or is_assumed or not self.profiles.serves(pod)

    def _decide(
        self,
        memory: Memory,
        queued: QueuedPod,
        nodes: tuple[NodeInfo, ...],
        view: View,
        to: str,
    ) -> Outcome:
        pod, context = queued.pod, self.context(memory, nodes, view)
        policy = self.profiles.policy(pod)
        sample = self.profiles.sample(pod, len(nodes), memory.start)
        decision = decide(policy, pod, context, to, sample)
        if sample.enough:
            following = (sample.start + decision.looked) % len(nodes)
            memory = memory._replace(start=following)
        elif memory.start:
            memory = memory._replace(start=0)
        if not decision.node:
            return attempt.unschedulable(self, memory, queued, decision, context, view)
        return attempt.assume(self, memory, queued, decision.node, context, view)

    def answer(
        self, memory: Memory, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        """What became of a binding, of a preemption, or of a status that was written."""
        if isinstance(call.phase, Binding):
            return attempt.binding_answered(self, memory, call, response, view)
        if isinstance(call.phase, Preempting):
            return attempt.preemption_answered(memory, call, request, response, view)
        return Outcome(memory, call.requests)  # upstream only logs what became of it
