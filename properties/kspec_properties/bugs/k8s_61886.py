"""A DaemonSet and a kubelet fought over pods to which admission had added a node selector.

The DaemonSet controller judged nodes by its own template and bound its pods itself. An admission
plugin narrowed the pods it made, the kubelet rejected them, and the controller deleted each failed
pod and made another. Today the scheduler places daemon pods, so that such a pod stays pending, and
failed ones are deleted with a backoff.
"""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.daemonset import DaemonSetController
from kspec_models.controllers.daemonset_nodes import target_node
from kspec_models.controllers.daemonset_steps import BackOff, Pass, Steps
from kspec_models.objects import Pod
from kspec_models.requests import Create
from kspec_models.world import World
from kspec_models.worlds_daemonset import daemon_set
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class BindsItself(DaemonSetController):
    """As it was before 1.12: pods that name their node, and failed ones deleted at once."""

    def steps(self, given: Pass) -> Steps[int | None]:
        steps = super().steps(given)
        command: Any = next(steps)
        while True:
            if isinstance(command, Create) and isinstance(command.object, Pod):
                command = Create(_bound(command.object))
            answer = 0 if isinstance(command, BackOff) else (yield command)
            try:
                command = steps.send(answer)
            except StopIteration as end:
                found: int | None = end.value
                return found


def _bound(pod: Pod) -> Pod:
    return pod.replace(spec=pod.spec.replace(node_name=target_node(pod), affinity=None))


_SELECT = {"spec": {"nodeSelector": {"pool": "other"}}}

BUG = Bug(
    id="k8s-61886",
    title="DaemonSet scheduling is broken in combination with admission plugins",
    url="https://github.com/kubernetes/kubernetes/issues/61886",
    property="no-fight",
    world=World(
        name="admission-adds-a-node-selector",
        nodes=1,
        objects=(daemon_set("agent"),),
        granularity="reconcile",
        controllers=("daemonset-controller",),
        components={
            "admission": {
                "rules": [{"name": "pod-node-selector", "resources": ["pods"], "patch": _SELECT}]
            }
        },
    ),
    estimate=4,
    change=replacing_controller("daemonset", lambda _: BindsItself()),
)
