"""A rolling update of a DaemonSet did not count old pods that are not available.

Each update whose pods never become ready let the next one take one more available pod, until none
was left. Since #123233 an old pod that is not available counts towards maxUnavailable, as a new one
always did.
"""

from __future__ import annotations

from kspec_models.controllers.daemonset import DaemonSetController
from kspec_models.controllers.daemonset_pods import Change
from kspec_models.controllers.daemonset_rollout import Rollout, max_unavailable, on_node
from kspec_models.world import World
from kspec_models.worlds import node
from kspec_models.worlds_daemonset import daemon_set, running_daemon, set_daemon_image
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class OverlooksOldPods(DaemonSetController):
    """As it was until #123233: an old pod that is not available leaves the limit as it is."""

    def plan(self, rollout: Rollout) -> Change:
        found = (on_node(pods, rollout.revision) for pods in rollout.pods.values())
        lone = [here.old for here in found if here.old is not None and here.new is None]
        broken = sum(not rollout.is_available(pod) for pod in lone)
        return super().plan(_allowing(rollout, broken))


def _allowing(rollout: Rollout, more: int) -> Rollout:
    """The rolling update with its limit raised by so many nodes."""
    owner = rollout.daemon_set
    strategy = owner.spec.update_strategy
    assert strategy.rolling_update is not None
    limit = max_unavailable(owner, rollout.desired) + more
    wider = strategy.replace(rolling_update=strategy.rolling_update.replace(max_unavailable=limit))
    return rollout._replace(
        daemon_set=owner.replace(spec=owner.spec.replace(update_strategy=wider))
    )


def _daemon_set() -> dict[str, object]:
    """A DaemonSet whose pods go at once when they are deleted."""
    body = daemon_set("agent")
    body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0
    return body


_NEVER = [{"conditionType": "example.com/nobody-sets-it"}]
_PATCH = {"spec": {"template": {"spec": {"readinessGates": _NEVER}}}}
_UNREADY = {
    "patch": {"kind": "DaemonSet", "name": "agent", "namespace": "default", "patch": _PATCH}
}
_AGENT = _daemon_set()

BUG = Bug(
    id="k8s-123232",
    title="Daemonset RollingUpdate does not correctly count old non-ready pods towards "
    "MaxUnavailable budget",
    url="https://github.com/kubernetes/kubernetes/issues/123232",
    property="a-daemonset-update-keeps-within-max-unavailable",
    world=World(
        name="three-updates-that-never-become-ready",
        objects=(
            *(node(f"n{i}") for i in (1, 2, 3)),
            _AGENT,
            *(running_daemon(_AGENT, f"agent-{i}", f"n{i}") for i in (1, 2, 3)),
        ),
        operations=(
            _UNREADY,
            set_daemon_image("agent", "app:2"),
            set_daemon_image("agent", "app:3"),
        ),
        granularity="reconcile",
        keep_status=True,
        controllers=("daemonset-controller",),
    ),
    estimate=7,
    change=replacing_controller("daemonset", lambda _: OverlooksOldPods()),
)
