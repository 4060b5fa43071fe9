"""Mutants of the DaemonSet controller."""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.daemonset import DaemonSetController
from kspec_models.controllers.daemonset_steps import Expect
from kspec_models.controllers.expectations import CountedExpectations
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View
from kspec_models.objects import DaemonSet, Node
from kspec_models.requests import Request, Response
from kspec_models.world import World
from kspec_models.worlds import delete
from kspec_models.worlds_daemonset import daemon_set, set_daemon_image, taint
from kspec_properties.mutants.mutant import ModelMutant, misreading, replacing_controller

_ONE_NODE = World(name="one-daemon", nodes=1, objects=(daemon_set("agent"),))
_ROLLOUT = World(
    name="daemon-rollout",
    nodes=2,
    objects=(daemon_set("agent"),),
    operations=(set_daemon_image("agent", "app:2"),),
    granularity="reconcile",
)


class ForgetsExpectations(DaemonSetController):
    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        forgotten = memory._replace(expectations=CountedExpectations())
        return super().reconcile(forgotten, key, view)


class IgnoresDeletions(DaemonSetController):
    def handle(self, memory: Any, event: Notification, view: View) -> Any:
        gone = event.new is None or event.new.value.is_terminating
        if event.resource == "pods" and gone:
            return memory, ()
        return super().handle(memory, event, view)


class TakesOneNodeMore(DaemonSetController):
    """Reads maxUnavailable one too large."""

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return super().reconcile(memory, key, misreading(view, "daemonsets", _with_one_more))


def _with_one_more(obj: DaemonSet) -> DaemonSet:
    strategy = obj.spec.update_strategy
    rolling = strategy.rolling_update
    if rolling is None or not isinstance(rolling.max_unavailable, int):
        return obj
    more = rolling.replace(max_unavailable=rolling.max_unavailable + 1)
    wrong = strategy.replace(rolling_update=more)
    return obj.replace(spec=obj.spec.replace(update_strategy=wrong))


class OverlooksTaints(DaemonSetController):
    """Reads nodes without their taints."""

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return super().reconcile(memory, key, misreading(view, "nodes", _without_taints))


def _without_taints(obj: Node) -> Node:
    return obj.replace(spec=obj.spec.replace(taints=()))


class ExpectsTooMuch(DaemonSetController):
    """Expects one creation more than it asks for."""

    def perform(self, memory: Any, daemon_set: Any, command: Any, view: View) -> Any:
        if isinstance(command, Expect) and command.creations:
            command = Expect(command.creations + 1, command.deletions)
        return super().perform(memory, daemon_set, command, view)


class WritesNoStatus(DaemonSetController):
    """Takes every status for written."""

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return self._unwritten(super().reconcile(memory, key, view), key, view)

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        worked = super().answer(memory, call, request, response, view)
        return self._unwritten(worked, call.key, view)

    def _unwritten(self, worked: Worked, key: str, view: View) -> Worked:
        for request in worked.requests:
            if getattr(request, "subresource", "") == "status":
                call = Call(key, (), worked.phase)
                return super().answer(worked.memory, call, request, Response(), view)
        return worked


MUTANTS = (
    ModelMutant(
        name="daemonset-forgets-expectations",
        description="the DaemonSet controller does not wait for its own writes to be seen",
        property="a-node-gets-no-second-daemon-pod",
        world=_ONE_NODE,
        change=replacing_controller("daemonset", lambda _: ForgetsExpectations()),
    ),
    ModelMutant(
        name="daemonset-takes-one-node-more",
        description="a rolling update of a DaemonSet reads maxUnavailable one too large",
        property="a-daemonset-update-keeps-within-max-unavailable",
        world=_ROLLOUT,
        change=replacing_controller("daemonset", lambda _: TakesOneNodeMore()),
    ),
    ModelMutant(
        name="daemonset-overlooks-taints",
        description="the DaemonSet controller does not look at the taints of nodes",
        property="a-daemon-pod-is-made-for-an-eligible-node",
        world=World(
            name="one-daemon-and-a-tainted-node",
            nodes=2,
            objects=(daemon_set("agent"),),
            operations=(taint("n1", "NoExecute"),),
            granularity="reconcile",
        ),
        change=replacing_controller("daemonset", lambda _: OverlooksTaints()),
    ),
    ModelMutant(
        name="daemonset-expects-too-much",
        description="the DaemonSet controller expects one creation more than it asks for",
        property="a-daemonset-expects-only-what-can-come",
        world=_ONE_NODE,
        change=replacing_controller("daemonset", lambda _: ExpectsTooMuch()),
    ),
    ModelMutant(
        name="daemonset-ignores-deletions",
        description="the DaemonSet controller does not notice that a pod is deleted",
        property="each-node-runs-its-daemon",
        world=World(
            name="one-daemon-loses-its-pod",
            nodes=1,
            objects=(daemon_set("agent"),),
            operations=(delete("Pod", "agent-1"),),
        ),
        change=replacing_controller("daemonset", lambda _: IgnoresDeletions()),
    ),
    ModelMutant(
        name="daemonset-status-is-not-written",
        description="the DaemonSet controller does not write the status of a DaemonSet",
        property="daemonsets-report-the-truth",
        world=_ONE_NODE,
        change=replacing_controller("daemonset", lambda _: WritesNoStatus()),
    ),
)
