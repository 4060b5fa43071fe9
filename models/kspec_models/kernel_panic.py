"""Kernel panics: a node that is asked for all its CPU stops answering, until its pods are gone.

Part of the environment, after the outage of Moonlight (January 2019), where the kernel of a node
that runs too much stops. What its pods use is what the Loads of the world say. A node whose ready
pods use `percent` of its CPU or more reports that it is not ready; once they use less, as pods that
are being deleted use nothing, it reports ready again. It runs where a world names it:

    kernelPanic: {percent: 98}

Left out: the reboot itself. What runs on the node ends by the eviction of its pods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from kspec.errors import InputError
from kspec_models.controllers.worker import Worked, stop_on_error
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.metrics import RESOURCE, milli, used_by_pods
from kspec_models.objects import Condition, Node, Pod, Time, condition, with_condition
from kspec_models.requests import Request, Response, Update
from kspec_models.resources import CPU
from kspec_models.store import Entry

PERCENT = 98
REASON = "KernelPanic"


def has_panicked(node: Node) -> bool:
    """Whether the node is down because its kernel stopped."""
    ready = condition(node.status.conditions, "Ready")
    return ready is not None and ready.status != "True" and ready.reason == REASON


@attrs.frozen
class KernelPanic:
    """The kernels of all nodes, as a controller whose keys are nodes."""

    percent: int = PERCENT
    name: str = "kernel-panic"
    watches: tuple[Watch, ...] = (Watch("nodes"), Watch("pods"), Watch("loads"))

    def initial(self) -> None:
        return None

    def concerns(self, event: Notification) -> bool:
        """Whether an event changes what runs on a node, or what that uses."""
        if event.old is None or event.new is None or event.resource != "pods":
            return True
        return _facts(event.old.value) != _facts(event.new.value)

    def handle(self, memory: None, event: Notification, view: View) -> tuple[None, tuple[str, ...]]:
        if not self.concerns(event):
            return memory, ()
        if event.resource == "nodes":
            return memory, (event.key,)
        if event.resource == "pods":
            entries = [entry for entry in (event.old, event.new) if entry is not None]
            names = dict.fromkeys(entry.value.spec.node_name for entry in entries)
            return memory, tuple(name for name in names if name)
        return memory, tuple(entry.value.name for entry in view.caches["nodes"].entries())

    def reconcile(self, memory: None, key: str, view: View) -> Worked:
        """Stop the kernel of a node that has too little left, or let it come back."""
        entry = view.caches["nodes"].get(f"nodes/{key}")
        if entry is None:
            return Worked(memory)
        node: Node = entry.value
        used = self._used(node, view) * 100
        is_too_much = used >= self.percent * milli(node.status.capacity.get(CPU, "0"))
        ready = condition(node.status.conditions, "Ready")
        if is_too_much and ready is not None and ready.status == "True":
            return Worked(memory, (_report(entry, "False", REASON, view.now),))
        if not is_too_much and has_panicked(node):
            return Worked(memory, (_report(entry, "True", "KubeletReady", view.now),))
        return Worked(memory)

    def _used(self, node: Node, view: View) -> int:
        """What the pods of a node use of its CPU, in thousandths."""
        pods = [e.value for e in view.caches["pods"].indexed(f"node/{node.name}")]
        alive = [pod for pod in pods if not pod.is_terminating]
        loads = [entry.value for entry in view.caches["loads"].entries()]
        total = 0
        for namespace in dict.fromkeys(pod.namespace for pod in alive):
            mine = [pod for pod in alive if pod.namespace == namespace]
            found = used_by_pods(loads, mine, RESOURCE, CPU, view.now)
            total += sum(sum(used.containers.values()) for used in found.values())
        return total

    def answer(
        self, memory: None, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return stop_on_error(memory, call, response)


def _report(entry: Entry, status: str, reason: str, now: int) -> Update:
    node: Node = entry.value
    ready = Condition(type="Ready", status=status, reason=reason, last_transition_time=Time(now))
    conditions = with_condition(node.status.conditions, ready)
    changed = node.replace(status=node.status.replace(conditions=conditions))
    return Update(changed, entry.resource_version, "status")


def _facts(pod: Pod) -> tuple[Any, ...]:
    ready = condition(pod.status.conditions, "Ready")
    is_ready = ready is not None and ready.status == "True"
    return pod.spec.node_name, pod.status.phase, pod.is_terminating, is_ready


def kernel_panic_of(options: Mapping[str, Any]) -> KernelPanic:
    """The kernels of a world; raises InputError for an option that is none."""
    percent = options.get("percent", PERCENT)
    if set(options) - {"percent"} or type(percent) is not int or not 1 <= percent <= 100:
        raise InputError(
            f"components.kernelPanic is {dict(options)!r}", expected="percent, from 1 to 100"
        )
    return KernelPanic(percent)
