"""What runs at the start of a world that begins with a dump (`kubectl get -o yaml`).

The objects of a dump were admitted long ago. Their pods have sandboxes and containers in the
runtimes, as their statuses say, and their kubelets have reported all of it: at the start no status
is to be written. Virtual time begins at the newest time that the dump speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable

from kspec_models.endings import planned
from kspec_models.kubelet_status import TERMINAL_PHASES, Observed, owned, status_of, unmet_gates
from kspec_models.objects import ApiObject, ContainerStatus, Pod, with_condition
from kspec_models.resources import amounts_of_spec
from kspec_models.runtime import EXITED, RUNNING, Runtime, RuntimeContainer, RuntimePod


def clock_of(objects: Iterable[ApiObject]) -> int:
    """The newest virtual second that an object or one of its conditions was written at."""
    newest = 0
    for obj in objects:
        status = getattr(obj, "status", None)
        times = [obj.metadata.creation_timestamp, getattr(status, "start_time", None)]
        for condition in getattr(status, "conditions", ()):
            times += [condition.last_transition_time, condition.last_update_time]
        newest = max(newest, *(time for time in times if time is not None), 0)
    return newest


def sandbox_of(pod: Pod) -> RuntimePod | None:
    """The sandbox that the pod's status speaks of; None where nothing has run yet, or all is over.

    Its uid is the pod's, so the pod has one.
    """
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    has_run = any(s.last_state or (s.state and "waiting" not in s.state) for s in statuses)
    if not has_run or not pod.status.pod_ip or pod.status.phase in TERMINAL_PHASES:
        return None
    known = {status.name: status for status in statuses}
    return RuntimePod(
        pod.uid,
        pod.key,
        pod.status.pod_ip,
        amounts_of_spec(pod.spec).requests,
        tuple(_container(c, known.get(c.name)) for c in planned(pod)),
    )


def _container(first: RuntimeContainer, status: ContainerStatus | None) -> RuntimeContainer:
    if status is None:
        return first
    c = first._replace(restarts=status.restart_count)
    last = status.last_state.get("terminated")
    ended = status.state.get("terminated")
    if "running" in status.state:
        c = c._replace(state=RUNNING, is_ready=status.ready or not c.is_probed)
    elif ended is None and last is not None:  # it waits to be started again
        return c._replace(state=EXITED, exit_code=last.get("exitCode", 0))
    elif ended is not None:
        c = c._replace(state=EXITED, exit_code=ended.get("exitCode", 0))
    return c._replace(last_exit_code=last.get("exitCode", 0)) if last is not None else c


def reported(pod: Pod, host_ip: str, now: int) -> Pod:
    """The pod with the status that its kubelet, which sees its sandbox, would report."""
    sandbox = sandbox_of(pod)
    if sandbox is None:
        return pod
    seen = Observed(
        pod.spec, pod.metadata.generation, host_ip, sandbox, False, None, unmet_gates(pod)
    )
    status = status_of(seen, owned(pod.status), now)
    conditions = pod.status.conditions
    for condition in status.conditions:
        conditions = with_condition(conditions, condition)
    kept = status.replace(
        conditions=conditions,
        nominated_node_name=pod.status.nominated_node_name,
        resources=pod.status.resources,
        extra=pod.status.extra,
    )
    return pod.replace(status=kept)


def running(empty: Runtime, pods: Iterable[Pod], node: str) -> Runtime:
    """The runtime of a node, given all pods of the dump."""
    pods = tuple(pods)
    sandboxes = tuple(
        sandbox
        for pod in pods
        if pod.spec.node_name == node and (sandbox := sandbox_of(pod)) is not None
    )
    return empty.holding(sandboxes, tuple(pod.status.pod_ip for pod in pods))
