"""A DaemonSet expected the deletion of a pod that was gone, and nobody lowered the expectation.

The helper that deletes a pod took NotFound for success. If another controller deleted the pod first
and its event came between the list of pods and the expectation, no event was left to meet the
expectation, and the DaemonSet made no pod for five minutes, not even on a node that was back. In
the report pods lose their node, here they have failed: both are deleted by two controllers.

Upstream's handlers run beside its worker, at any instruction of it; here they run between its
requests. So the moment between the list and the expectation is made to be seen by a read.
"""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.daemonset import DaemonSetController
from kspec_models.controllers.daemonset_steps import Command, Expect, Lower, Pass, Steps
from kspec_models.requests import NOT_FOUND, Get, Response
from kspec_models.world import World
from kspec_models.worlds import node
from kspec_models.worlds_daemonset import daemon_set, running_daemon
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class SwallowsNotFound(DaemonSetController):
    """As it was until #91008: a pod that is not found was deleted, so an event is to come."""

    def steps(self, given: Pass) -> Steps[int | None]:
        steps = super().steps(given)
        answer: Any = None
        command: Command = next(steps)
        while True:
            is_lost = isinstance(answer, Response) and answer.reason == NOT_FOUND
            if isinstance(command, Expect) and command.deletions:
                yield Get("daemonsets", given.value.key)
            if isinstance(command, Lower) and command.deletions and is_lost:
                answer = None
            else:
                answer = yield command
            try:
                command = steps.send(answer)
            except StopIteration as end:
                found: int | None = end.value
                return found


_AGENT = daemon_set("agent")

BUG = Bug(
    id="k8s-91008",
    title="Do not swallow NotFound error for DeletePod in dsc.manage",
    url="https://github.com/kubernetes/kubernetes/pull/91008",
    property="a-daemonset-expects-only-what-can-come",
    world=World(
        name="two-controllers-delete-a-failed-daemon-pod",
        objects=(
            node("n1"),
            node("n2"),
            _AGENT,
            *(running_daemon(_AGENT, f"agent-{i}", f"n{i}", phase="Failed") for i in (1, 2)),
        ),
        granularity="request",
        keep_status=True,
        active_nodes=(),
        controllers=("daemonset-controller", "pod-garbage-collector-controller"),
        components={"kube-controller-manager": {"terminatedPodThreshold": 1}},
    ),
    estimate=6,
    change=replacing_controller("daemonset", lambda _: SwallowsNotFound()),
)
