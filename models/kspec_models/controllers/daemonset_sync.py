"""One pass of the DaemonSet controller over one key, in upstream's order.

After syncDaemonSet and updateDaemonSet in pkg/controller/daemon/daemon_controller.go at Kubernetes
1.36: the revisions first; then, if the expectations are met, the pods that are missing or too many,
the rolling update if nothing is expected after that, and old revisions; the status in any case.
"""

from __future__ import annotations

from collections.abc import Callable

from kspec_models.controllers import daemonset_history as revisions
from kspec_models.controllers.daemonset_history import History
from kspec_models.controllers.daemonset_manage import plan_manage
from kspec_models.controllers.daemonset_pods import Change, daemon_pods, sync_nodes
from kspec_models.controllers.daemonset_rollout import ROLLING_UPDATE, Rollout
from kspec_models.controllers.daemonset_status import update_status
from kspec_models.controllers.daemonset_steps import Now, Pass, Satisfied, Steps
from kspec_models.controllers.steps import WriteFailed


class Ended(Exception):
    """The pass failed; it may want to be called again earlier than its backoff says."""

    def __init__(self, requeue_after: int | None) -> None:
        super().__init__(requeue_after)
        self.requeue_after = requeue_after


Plan = Callable[[Rollout], Change]
"""What a rolling update changes now."""


def sync(given: Pass, plan: Plan) -> Steps[int | None]:
    """The pass; returns the seconds after which to look again. Raises WriteFailed and Ended."""
    daemon_set = given.value
    selects_everything = daemon_set.spec.selector is not None and not daemon_set.spec.selector
    if daemon_set.is_terminating or selects_everything:
        return None
    history = yield from revisions.construct(given)
    if not (yield Satisfied()):
        return (yield from update_status(given, history.revision, observed=False))
    waits: list[int] = []
    failure: WriteFailed | None = None
    try:
        yield from _update(given, plan, history, waits)
    except WriteFailed as error:
        failure = error
    try:
        wait = yield from update_status(given, history.revision, observed=True)
        waits += () if wait is None else (wait,)
    except WriteFailed as error:
        failure = failure or error
    requeue_after = min(waits, default=None)
    if failure is not None:
        raise Ended(requeue_after)
    return requeue_after


def _update(given: Pass, plan: Plan, history: History, waits: list[int]) -> Steps[None]:
    """updateDaemonSet; adds to `waits` when a failed pod may be deleted."""
    daemon_set, nodes, revision = given.value, given.nodes, history.revision
    pods = yield from daemon_pods(daemon_set)
    change, wait = yield from plan_manage(daemon_set, nodes, revision, pods)
    waits += () if wait is None else (wait,)
    yield from sync_nodes(daemon_set, revision, change)
    is_rolling = daemon_set.spec.update_strategy.type == ROLLING_UPDATE
    if is_rolling and (yield Satisfied()):
        pods = yield from daemon_pods(daemon_set)
        now = yield Now()
        change = plan(Rollout(daemon_set, nodes, revision, pods, now))
        yield from sync_nodes(daemon_set, revision, change)
    yield from revisions.clean_up(daemon_set, history.old)
