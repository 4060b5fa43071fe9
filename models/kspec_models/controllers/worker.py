"""The worker loop that every controller shares: one queue, one worker, retries with backoff.

After the processNextWorkItem of the controllers in pkg/controller: a key is taken, reconciled, and
forgotten on success or added again rate-limited on failure. One worker per controller; upstream
runs several, but never two on one key, and controllers here are compared by their writes, which
interleave with everything else in either case.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from kspec_models.host import Call, Notification, Outcome, View, Watch
from kspec_models.requests import Request, Response
from kspec_models.workqueue import WorkQueue


class Worked(NamedTuple):
    """What one pass over a key decided.

    memory: the controller's own memory. requests: writes in order. failed: retry with backoff once
    the requests are answered. requeue_after: virtual seconds after which to look again.
    """

    memory: Any
    requests: tuple[Request, ...] = ()
    phase: Any = None
    failed: bool = False
    requeue_after: int | None = None


class Controller(Protocol):
    """A reconcile over informer caches. Memory is a hashable value with a canonical encoding.

    `concerns(event) -> bool`, where a controller has it, is False of an event for which `handle`
    leaves any memory as it is and names no key, whatever the caches: it is then not called.
    `acts_unsynced = True` is that of a controller that does not wait until the informers of its
    process have synced, as some historical ones did not. `reads_node_leases = True` is that of one
    that judges nodes by their Leases: in its world every kubelet keeps one.
    """

    @property
    def name(self) -> str: ...

    @property
    def watches(self) -> tuple[Watch, ...]: ...

    def initial(self) -> Any: ...

    def handle(self, memory: Any, event: Notification, view: View) -> tuple[Any, tuple[str, ...]]:
        """An event handler: the new memory and the keys to enqueue."""
        ...

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        """One pass over one key: reads caches, returns writes as data."""
        ...

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """One write was answered. Return the requests that remain to be sent."""
        ...


class WorkerMemory(NamedTuple):
    """The work queue of one controller, and what the controller itself remembers."""

    queue: WorkQueue
    own: Any


class Worker:
    """The host of one controller. name: in a second process it has another one."""

    def __init__(self, controller: Controller, name: str = "") -> None:
        self.controller = controller
        self.name = name or controller.name
        self.watches = controller.watches
        self.concerns = getattr(controller, "concerns", None)
        self.acts_unsynced = getattr(controller, "acts_unsynced", False)

    def initial(self, node: Any) -> WorkerMemory:
        return WorkerMemory(WorkQueue(), self.controller.initial())

    def handle(self, memory: WorkerMemory, notification: Notification, view: View) -> WorkerMemory:
        own, keys = self.controller.handle(memory.own, notification, view)
        queue = memory.queue
        for key in keys:
            queue = queue.add(key)
        if queue is memory.queue and own is memory.own:
            return memory
        return WorkerMemory(queue, own)

    def enabled(self, memory: WorkerMemory, now: int) -> tuple[str, ...]:
        queue = memory.queue
        if queue.processing:
            return ()
        if queue.ready:
            return queue.ready[:1]
        return tuple(key for when, key in queue.waiting[:1] if when <= now)

    def run(self, memory: WorkerMemory, key: str, view: View) -> Outcome:
        queue = memory.queue.tick(view.now).take(key)
        worked = self.controller.reconcile(memory.own, key, view)
        return self._settle(queue, key, worked, view.now)

    def answer(
        self, memory: WorkerMemory, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        worked = self.controller.answer(memory.own, call, request, response, view)
        worked = worked._replace(failed=worked.failed or call.failed)
        return self._settle(memory.queue, call.key, worked, view.now)

    def _settle(self, queue: WorkQueue, key: str, worked: Worked, now: int) -> Outcome:
        if worked.requeue_after is not None:
            queue = queue.add_after(key, worked.requeue_after, now)
        if not worked.requests:
            queue = queue.add_rate_limited(key, now) if worked.failed else queue.forget(key)
            queue = queue.done(key)
        return Outcome(
            WorkerMemory(queue, worked.memory), worked.requests, worked.phase, worked.failed
        )

    def deadline(self, memory: WorkerMemory) -> int | None:
        return memory.queue.deadline

    def relative(self, memory: WorkerMemory, now: int) -> WorkerMemory:
        """The memory with its times as distances; a controller with times has a `relative` too."""
        own = getattr(self.controller, "relative", _as_it_is)(memory.own, now)
        return WorkerMemory(memory.queue.relative(now), own)


def _as_it_is(own: Any, now: int) -> Any:
    return own


def stop_on_error(memory: Any, call: Call, response: Response) -> Worked:
    """The usual answer: go on after success, give up the rest and retry the key after an error."""
    if response.ok:
        return Worked(memory, call.requests, call.phase)
    return Worked(memory, (), call.phase, failed=True)
