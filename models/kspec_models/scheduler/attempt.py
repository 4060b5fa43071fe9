"""What follows a decision: the pod is assumed and bound, or put back, perhaps with a preemption.

After pkg/scheduler/schedule_one.go (schedulingCycle, bindingCycle, handleSchedulingFailure,
handleBindingCycleError) at 1.36. Reserve, Permit and PreBind are those of the policy's plugins;
Unreserve forgets what PreBind was about to write; nothing else is to undo, plugins being pure.

PreBind's writes go first, one by one, and the Binding last, with what Reserve annotated.

Left out: that VolumeBinding's PreBind waits for the volume controller before the pod is bound; the
kubelet would wait for it otherwise, so no pod runs earlier.
"""

from __future__ import annotations

from typing import Any

from kspec_models.host import Call, Outcome, View
from kspec_models.objects import FrozenMap, Pod
from kspec_models.requests import Bind, Request, Response
from kspec_models.scheduler import volume_binder
from kspec_models.scheduler.binding import (
    MAX_WAIT,
    WAIT,
    Annotations,
    Binding,
    Permit,
    Waiting,
)
from kspec_models.scheduler.cache import assumed_pod
from kspec_models.scheduler.condition import condition_patch
from kspec_models.scheduler.cycle import Decision, failure, post_filter, rejected
from kspec_models.scheduler.events import DELETE, POD, ClusterEvent
from kspec_models.scheduler.framework import (
    SUCCESS,
    UNSCHEDULABLE,
    Context,
    Nomination,
    Status,
)
from kspec_models.scheduler.handlers import Memory, is_terminal
from kspec_models.scheduler.line import QueuedPod
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.preempting import Preempting, evictions, goes_on, to_delete


def unschedulable(
    host: Any, memory: Memory, queued: QueuedPod, decision: Decision, context: Context, view: View
) -> Outcome:
    """A cycle found no node: PostFilter may nominate one, and the pod goes back to the queue."""
    pod = queued.pod
    policy = host.profiles.policy(pod)
    decision, nomination = post_filter(policy, pod, decision, context)
    nominated = _nominated(nomination)
    victims = to_delete(nomination)
    if victims:
        preempting = tuple(sorted({*memory.preempting, pod.uid}))
        memory = memory._replace(preempting=preempting)
    outcome = put_back(host, memory, queued, decision, view, nominated)
    if nomination is None or not victims:
        return outcome
    first, last = evictions(pod, nomination, outcome.memory.nominator, host.name, view.now)
    requests = (*outcome.requests, *first, *last)
    phase = Preempting(pod.key, pod.uid, last)
    return Outcome(_released(outcome.memory, phase, requests), requests, phase)


def _nominated(nomination: Nomination | None) -> str | None:
    if nomination is None:
        return ""
    return None if nomination.keeps else nomination.node


def put_back(
    host: Any,
    memory: Memory,
    queued: QueuedPod,
    decision: Decision,
    view: View,
    nominated: str | None = "",
) -> Outcome:
    """handleSchedulingFailure: back into the queue, unless the informer knows better.

    nominated: as of `condition_patch`.
    """
    queue, nominator = memory.queue, memory.nominator
    current = _cached_pod(view, queued.key)
    if current is None or current.spec.node_name:
        queue = queue.done(queued.pod.uid)
    else:
        queue = queue.add_unschedulable(
            queued, decision.rejectors, current, view.now, host.hints, memory.preempting
        )
        nominator = nominator.add(current, nominated)
    patch = condition_patch(queued.pod, decision, view.now, nominated)
    requests = (patch,) if patch is not None else ()
    return Outcome(memory._replace(queue=queue, nominator=nominator), requests)


def assume(
    host: Any, memory: Memory, queued: QueuedPod, node: str, context: Context, view: View
) -> Outcome:
    """A cycle found a node: charge the pod to it, Reserve, Permit, and start to bind."""
    pod = queued.pod
    hooks = host.profiles.hooks[host.profiles.name_of(pod)]
    status = SUCCESS
    annotations: Annotations = ()
    if hooks.reserve:
        before = next(info for info in context.nodes if info.name == node)
        status, annotations = _reserve(hooks.reserve, pod, before, context)
    # What Reserve chose counts from now on, and not only once the binding is seen.
    cache = memory.cache.assume(_annotated(pod, annotations), node)
    if cache is None:
        problem = f"pod {pod.uid}({pod.key}) is in the cache, so can't be assumed"
        return put_back(host, memory, queued, failure(problem), view)
    memory = memory._replace(cache=cache, nominator=memory.nominator.delete(pod.uid))
    seconds = 0
    if status.ok and hooks.permit:
        status, seconds = _permit(host, memory, pod, node, view)
    if not status.ok and status.code != WAIT:
        return _refused(host, memory, queued, node, status, view)
    until = view.now + seconds
    waiting = Waiting(queued, node, until, status.code != WAIT, annotations, status.plugin)
    if not hooks.permit:
        return bind(host, memory, waiting, view)
    memory = memory._replace(waiting=(*memory.waiting, waiting))
    return Outcome(_allowed(host, memory, view))


def _annotated(pod: Pod, annotations: Annotations) -> Pod:
    if not annotations:
        return pod
    given = {**pod.metadata.annotations, **dict(annotations)}
    return pod.with_metadata(annotations=FrozenMap(given))


def _reserve(
    plugins: tuple[Any, ...], pod: Pod, info: NodeInfo, context: Context
) -> tuple[Status, Annotations]:
    """Reserve of every plugin: annotations that go with the binding, or a rejection."""
    given: dict[str, str] = {}
    for reserve in plugins:
        found = reserve(pod, info, context)
        if isinstance(found, Status):
            if not found.ok:
                return found, ()
        elif found:
            given.update(found)
    return SUCCESS, tuple(sorted(given.items()))


def _permit(host: Any, memory: Memory, pod: Pod, node: str, view: View) -> tuple[Status, int]:
    """Permit of every plugin: a rejection, or the shortest wait that one asks for, or Success."""
    waits: list[tuple[int, str]] = []
    context = host.context(memory, memory.cache.snapshot(), view)
    for permit in host.profiles.hooks[host.profiles.name_of(pod)].permit:
        found: Permit = permit(pod, node, context)
        if found.status.code == WAIT:
            waits.append((min(found.seconds, MAX_WAIT), found.status.plugin))
        elif not found.status.ok:
            return found.status, 0
    if not waits:
        return SUCCESS, 0
    seconds, plugin = min(waits, key=lambda wait: wait[0])
    return Status(WAIT, plugin=plugin), seconds


def _allowed(host: Any, memory: Memory, view: View) -> Memory:
    """Ask Permit again for every pod that waits."""
    asked = []
    for waiting in memory.waiting:
        status, _ = _permit(host, memory, waiting.queued.pod, waiting.node, view)
        asked.append(waiting._replace(is_allowed=waiting.is_allowed or status.ok))
    return memory._replace(waiting=tuple(asked))


def left_permit(host: Any, memory: Memory, waiting: Waiting, view: View) -> Outcome:
    """A pod leaves Permit: allowed to its binding, or rejected because its time is up."""
    rest = tuple(each for each in memory.waiting if each is not waiting)
    memory = memory._replace(waiting=rest)
    if waiting.is_allowed:
        return bind(host, memory, waiting, view)
    said = (f"rejected due to timeout after waiting at plugin {waiting.plugin}",)
    decision = rejected(waiting.node, Status(UNSCHEDULABLE, said, waiting.plugin))
    return binding_failed(host, memory, Binding(waiting.queued, waiting.node), decision, view)


def _refused(
    host: Any, memory: Memory, queued: QueuedPod, node: str, status: Status, view: View
) -> Outcome:
    """Reserve or Permit rejected the pod, or failed."""
    cache = memory.cache.forget(queued.pod.uid, node)
    memory = memory._replace(cache=cache or memory.cache)
    decision = rejected(node, status) if status.is_rejected else failure("; ".join(status.reasons))
    return put_back(host, memory, queued, decision, view)


def bind(host: Any, memory: Memory, waiting: Waiting, view: View) -> Outcome:
    """PreBind's requests, then the Binding."""
    pod, node = waiting.queued.pod, waiting.node
    # Upstream calls Done before it binds: what happens from here on is an error, not a rejection,
    # so that no event could be missed.
    memory = memory._replace(queue=memory.queue.done(pod.uid))
    hooks = host.profiles.hooks[host.profiles.name_of(pod)]
    before: tuple[Request, ...] = ()
    if hooks.pre_bind:
        info = memory.cache.node_infos.get(node)
        if info is not None and info.node is not None:
            context = host.context(memory, memory.cache.snapshot(), view)
            before = tuple(r for p in hooks.pre_bind for r in p(pod, info, context))
            written = volume_binder.assume(pod.uid, before)
            memory = memory._replace(assumed=(*memory.assumed, *written))
    binder = getattr(host.profiles.policy(pod), "binder", None)
    extender = binder(pod) if binder is not None else None
    if extender is not None:
        extender.bind(pod, node)  # the write that it makes is the request that follows
    request = Bind(pod.key, pod.uid, node, waiting.annotations)
    return Outcome(memory, (*before, request), Binding(waiting.queued, node))


def binding_answered(
    host: Any, memory: Memory, call: Call, response: Response, view: View
) -> Outcome:
    """PreBind or Bind was answered."""
    if not response.ok:
        problem = response.message or response.reason
        plugin = "PreBind" if call.requests else "Bind"
        decision = failure(f'running {plugin} plugin "{_binder(call)}": {problem}')
        return binding_failed(host, memory, call.phase, decision, view)
    if call.requests:
        return Outcome(memory, call.requests, call.phase)
    done = memory.cache.finish_binding(call.phase.queued.pod.uid)
    return Outcome(memory._replace(cache=done))


def _binder(call: Call) -> str:
    return "VolumeBinding" if call.requests else "DefaultBinder"


def binding_failed(
    host: Any, memory: Memory, binding: Binding, decision: Decision, view: View
) -> Outcome:
    """handleBindingCycleError: forget the pod, retry those that its room may help.

    A rejected pod itself is not helped by its own room.
    """
    queued, node = binding
    if memory.assumed:
        kept = volume_binder.reverted(memory.assumed, queued.pod.uid)
        memory = memory._replace(assumed=kept)
    cache = memory.cache.forget(queued.pod.uid, node)
    if cache is None:
        return put_back(host, memory, queued, decision, view)
    memory = memory._replace(cache=cache)
    event = ClusterEvent(POD, DELETE, assumed_pod((queued.pod, node)))
    if not decision.rejectors:
        memory = memory.moved(event, view.now, host.hints)
        return put_back(host, memory, queued, decision, view)
    outcome = put_back(host, memory, queued, decision, view)
    spared = (*memory.preempting, queued.pod.uid)
    queue = outcome.memory.queue.move(event, view.now, host.hints, spared)
    return outcome._replace(memory=outcome.memory._replace(queue=queue))


def preemption_answered(
    memory: Memory, call: Call, request: Request, response: Response, view: View
) -> Outcome:
    """A request of a preemption was answered."""
    phase: Preempting = call.phase
    if goes_on(phase, request, response):
        return Outcome(_released(memory, phase, call.requests), call.requests, phase)
    preempting = tuple(uid for uid in memory.preempting if uid != phase.uid)
    queue = memory.queue.activated(phase.key)
    return Outcome(memory._replace(preempting=preempting, queue=queue))


def _released(memory: Memory, phase: Preempting, requests: tuple[Request, ...]) -> Memory:
    """The memory, in which the pod may be retried once only its last victim is left."""
    if len(requests) > len(phase.last) or phase.uid not in memory.preempting:
        return memory
    rest = tuple(uid for uid in memory.preempting if uid != phase.uid)
    return memory._replace(preempting=rest)


def _cached_pod(view: View, key: str) -> Pod | None:
    """The pod in the informer's cache, which upstream fills with pods that did not terminate."""
    pods = view.caches.get("pods")
    entry = pods.get(f"pods/{key}") if pods is not None else None
    if entry is None or is_terminal(entry.value):
        return None
    pod: Pod = entry.value
    return pod
