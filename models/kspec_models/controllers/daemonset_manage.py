"""Which pods a DaemonSet lacks or has too many of, node by node, whatever their revision.

After podsShouldBeOnNode, manage and getUnscheduledPodsWithoutNode in
pkg/controller/daemon/daemon_controller.go at Kubernetes 1.36.

Left out: the events that say that a daemon pod failed or succeeded.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec_models.controllers.daemonset_nodes import fit, has_revision
from kspec_models.controllers.daemonset_pods import ByNode, Change, by_age
from kspec_models.controllers.daemonset_rollout import allows_surge
from kspec_models.controllers.daemonset_steps import BackOff, Now, Steps
from kspec_models.controllers.pods import FAILED, SUCCEEDED, is_available, is_ready
from kspec_models.objects import DaemonSet, Node, Pod


class _Sorted(NamedTuple):
    """The living pods of a node: to keep, to delete, and seconds until a failed one may go."""

    running: tuple[Pod, ...]
    ended: tuple[Pod, ...]
    wait: int | None


def plan_manage(
    daemon_set: DaemonSet, nodes: tuple[Node, ...], revision: str, pods: ByNode
) -> Steps[tuple[Change, int | None]]:
    """The change, and the seconds after which a failed pod may be deleted."""
    create: list[str] = []
    delete: list[Pod] = []
    waits: list[int] = []
    for node in nodes:
        here = pods.get(node.name, ())
        should_run, should_continue = fit(node, daemon_set)
        if should_run and not here:
            create.append(node.name)
        elif should_continue:
            found = yield from _sort(here, node.name)
            waits += () if found.wait is None else (found.wait,)
            surplus = yield from _surplus(daemon_set, found.running, revision)
            delete += (*found.ended, *surplus)
            if should_run and not found.running and allows_surge(daemon_set):
                create.append(node.name)
        else:
            delete += (pod for pod in here if not pod.is_terminating)
    known = {node.name for node in nodes}
    for name in sorted(pods):
        if name not in known:  # a pod that is bound there is left to the pod garbage collector
            delete += (pod for pod in pods[name] if not pod.spec.node_name)
    change = Change(tuple(create), tuple(pod.key for pod in delete))
    return change, min(waits, default=None)


def _sort(pods: tuple[Pod, ...], node: str) -> Steps[_Sorted]:
    running: list[Pod] = []
    ended: list[Pod] = []
    wait = None
    for pod in pods:
        if pod.is_terminating:
            continue
        if pod.status.phase == FAILED:
            # Here a DaemonSet may fight a kubelet that rejects its pods.
            seconds = yield BackOff(node)
            if seconds:
                wait = seconds
            else:
                ended.append(pod)
        elif pod.status.phase == SUCCEEDED:
            ended.append(pod)
        else:
            running.append(pod)
    return _Sorted(tuple(running), tuple(ended), wait)


def _surplus(daemon_set: DaemonSet, pods: tuple[Pod, ...], revision: str) -> Steps[tuple[Pod, ...]]:
    """All but the oldest pod; with surge, all but the oldest new one and the oldest old one.

    Of these two the old one goes once it is not ready, or the new one is available.
    """
    if len(pods) <= 1:
        return ()
    pods = by_age(pods)
    if not allows_surge(daemon_set):
        return pods[1:]
    new = [pod for pod in pods if has_revision(pod, revision)]
    old = [pod for pod in pods if not has_revision(pod, revision)]
    kept = (*new[:1], *old[:1])
    surplus = [pod for pod in pods if pod not in kept]
    if new and old:
        now = yield Now()
        is_new_available = is_available(new[0], daemon_set.spec.min_ready_seconds, now)
        if not is_ready(old[0]) or is_new_available:
            surplus.append(old[0])
    return tuple(surplus)
