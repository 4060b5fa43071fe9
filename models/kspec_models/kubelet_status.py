"""What a kubelet reports: the PodStatus that follows from the runtime, and the patch that says it.

After pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase), pkg/kubelet/status/generate.go
and status_manager.go (mergePodStatus, TerminatePod) at 1.36. A terminal phase is never left, and
never reported while a container may still run; what is missing at the end counts as a failure.

Left out: fields that no modelled component reads (container ids and times, QoS class, podIPs,
resources in the status); ephemeral containers; the live GET before each patch: the patch names
only fields and conditions that kubelets own, so that its base cannot change its effect, and a base
that lags behind is repaired at the next event.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kspec.values import Memo
from kspec_models.objects import (
    Condition,
    ContainerStatus,
    FrozenMap,
    Pod,
    PodSpec,
    PodStatus,
    freeze,
)
from kspec_models.objects.meta import condition
from kspec_models.objects.record import Time
from kspec_models.runtime import (
    EXITED,
    INIT,
    KILLED,
    RUNNING,
    SIDECAR,
    STOPPING,
    RuntimeContainer,
    RuntimePod,
    containers_of,
)

OWNED_CONDITIONS: Final = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)
"""The pod conditions that a kubelet writes, in its order."""

TERMINAL_PHASES: Final = ("Succeeded", "Failed")

_HOST_IP: Final = "the node's address"
_POD_IP: Final = "the pod's address"


class Rejection(NamedTuple):
    """Why a pod was not admitted, as its status says it."""

    reason: str
    message: str


class Observed(NamedTuple):
    """All that a kubelet knows of a pod when it reports on it.

    pod: its sandbox, None before there is one. is_finished: no container of it runs any more.
    gates: readiness gates that are not true yet.
    """

    spec: PodSpec
    generation: int
    host_ip: str
    pod: RuntimePod | None
    is_finished: bool
    rejection: Rejection | None
    gates: tuple[str, ...]


class Report(NamedTuple):
    """The status that shall be, and the merge patch that makes it so; None if it is so already."""

    status: PodStatus
    patch: FrozenMap[Any] | None


def _owned(status: PodStatus) -> PodStatus:
    conditions = []
    for kind in OWNED_CONDITIONS:
        c = condition(status.conditions, kind)
        if c is not None:
            conditions.append(_condition(kind, c.status, c.reason, c.message, c))
    return PodStatus(
        observed_generation=status.observed_generation,
        phase=status.phase,
        reason=status.reason,
        message=status.message,
        host_ip=status.host_ip,
        pod_ip=status.pod_ip,
        start_time=status.start_time,
        conditions=tuple(conditions),
        init_container_statuses=status.init_container_statuses,
        container_statuses=status.container_statuses,
    )


owned: Memo[PodStatus, PodStatus] = Memo("kubelet's part of a pod status", _owned)
"""The part of a pod's status that its kubelet owns, in one form."""


def _condition(
    kind: str, status: str, reason: str = "", message: str = "", at: Condition | None = None
) -> Condition:
    time = at.last_transition_time if at is not None else None
    return Condition(
        type=kind, status=status, reason=reason, message=message, last_transition_time=time
    )


def _is_main(container: RuntimeContainer) -> bool:
    return container.role not in (INIT, SIDECAR)


def _runs(container: RuntimeContainer) -> bool:
    return container.state in (RUNNING, STOPPING)


def _has_run(container: RuntimeContainer) -> bool:
    return container.state == EXITED or container.last_exit_code is not None


def _is_incomplete(c: RuntimeContainer) -> bool:
    """An init container that has not succeeded, a sidecar that does not run."""
    if c.role == INIT:
        return c.state != EXITED or c.exit_code != 0
    return c.role == SIDECAR and not _runs(c)


def phase_of(containers: tuple[RuntimeContainer, ...]) -> str:
    """getPhase: what the states of the containers say of the pod as a whole."""
    mains = [c for c in containers if _is_main(c)]
    failed = [c for c in containers if c.role == INIT and c.state == EXITED and c.exit_code]
    if any(not c.policy.restarts(c.exit_code) for c in failed):
        return "Failed"
    if any(_is_incomplete(c) and not (c.role == SIDECAR and _has_run(c)) for c in containers):
        return "Pending"
    if any(not _runs(c) and not _has_run(c) for c in mains):
        return "Pending"
    if any(c.state != EXITED or c.policy.restarts(c.exit_code) for c in mains):
        return "Running"
    return "Succeeded" if all(c.exit_code == 0 for c in mains) else "Failed"


def _final_phase(containers: tuple[RuntimeContainer, ...]) -> str:
    good = all(c.state == EXITED and c.exit_code == 0 for c in containers if _is_main(c))
    return "Succeeded" if good else "Failed"


def _container_status(container: RuntimeContainer, waiting: str) -> ContainerStatus:
    c = container
    if _runs(c):
        state: dict[str, Any] = {"running": {}}
    elif c.state == EXITED:
        state = {"terminated": _terminated(c.exit_code)}
    else:
        state = {"waiting": {"reason": waiting}}
    last = {} if c.last_exit_code is None else {"terminated": _terminated(c.last_exit_code)}
    is_done = c.role == INIT and c.state == EXITED and c.exit_code == 0
    return ContainerStatus(
        name=c.name,
        image=c.image,
        state=freeze(state),
        last_state=freeze(last),
        ready=is_done or (c.is_ready and c.role != INIT),
        started=_runs(c),
        restart_count=c.restarts,
    )


def _terminated(exit_code: int) -> dict[str, Any]:
    return {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}


def _settled(containers: tuple[RuntimeContainer, ...]) -> tuple[RuntimeContainer, ...]:
    """TerminatePod: containers of an initialized pod that never came to run count as killed."""
    if any(c.role == INIT and _is_incomplete(c) for c in containers):
        return containers
    return tuple(
        c if c.state == EXITED else c._replace(state=EXITED, exit_code=KILLED) for c in containers
    )


def _phase(seen: Observed, containers: tuple[RuntimeContainer, ...], base: PodStatus) -> str:
    if base.phase in TERMINAL_PHASES:
        return base.phase
    if seen.is_finished:
        return "Failed" if seen.rejection is not None else _final_phase(containers)
    phase = phase_of(containers)
    return (base.phase or "Pending") if phase in TERMINAL_PHASES else phase


def _initialized(containers: tuple[RuntimeContainer, ...], phase: str) -> tuple[str, str, str]:
    incomplete = [c.name for c in containers if _is_incomplete(c)]
    if phase == "Succeeded":
        return "True", "PodCompleted", ""
    if not incomplete or any(_runs(c) or _has_run(c) for c in containers if _is_main(c)):
        return "True", "", ""
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return "False", "ContainersNotInitialized", message


def _containers_ready(containers: tuple[RuntimeContainer, ...], phase: str) -> tuple[str, str, str]:
    unready = [c.name for c in containers if c.role != INIT and not c.is_ready]
    if phase in TERMINAL_PHASES:
        return "False", "PodCompleted" if phase == "Succeeded" else "PodFailed", ""
    if not unready:
        return "True", "", ""
    return "False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"


def _conditions(
    seen: Observed, containers: tuple[RuntimeContainer, ...], phase: str
) -> list[Condition]:
    has_sandbox = seen.pod is not None and seen.pod.is_up
    together = ready = _containers_ready(containers, phase)
    if together[0] == "True" and seen.gates:
        names = ", ".join(f'readiness gate "{gate}" is not True' for gate in seen.gates)
        ready = ("False", "ReadinessGatesNotReady", names)
    facts = (
        ("True" if has_sandbox else "False", "", ""),
        _initialized(containers, phase),
        ready,
        together,
        ("True", "", ""),
    )
    return [_condition(k, *fact) for k, fact in zip(OWNED_CONDITIONS, facts, strict=True)]


def _timed(new: list[Condition], base: PodStatus, now: int) -> tuple[Condition, ...]:
    timed = []
    for c in new:
        old = condition(base.conditions, c.type)
        at = old.last_transition_time if old is not None and old.status == c.status else None
        timed.append(c.replace(last_transition_time=Time(now) if at is None else at))
    return tuple(timed)


def _never_started(seen: Observed, base: PodStatus, now: int) -> PodStatus:
    """rejectPod: nothing but the phase and its reason; a pod that is over stays as it is."""
    if seen.rejection is None or base.phase in TERMINAL_PHASES:
        return base
    return base.replace(
        phase="Failed",
        reason=seen.rejection.reason,
        message=seen.rejection.message,
        start_time=Time(now) if base.start_time is None else base.start_time,
        observed_generation=seen.generation,
    )


def status_of(seen: Observed, base: PodStatus, now: int) -> PodStatus:
    """The status that a kubelet wants the API to show, given the one that it shows."""
    if seen.pod is None and (seen.rejection is not None or base.phase in TERMINAL_PHASES):
        return _never_started(seen, base, now)
    containers = seen.pod.containers if seen.pod is not None else containers_of(seen.spec)
    if seen.is_finished:
        containers = _settled(containers)
    phase = _phase(seen, containers, base)
    waiting = "PodInitializing" if seen.spec.init_containers else "ContainerCreating"
    statuses = tuple(_container_status(c, waiting) for c in containers)
    first = len(seen.spec.init_containers)
    told = seen.rejection if seen.is_finished and seen.rejection else base
    return PodStatus(
        observed_generation=seen.generation,
        phase=phase,
        reason=told.reason,
        message=told.message,
        host_ip=seen.host_ip,
        pod_ip=seen.pod.address if seen.pod is not None else base.pod_ip,
        start_time=Time(now) if base.start_time is None else base.start_time,
        conditions=_timed(_conditions(seen, containers, phase), base, now),
        init_container_statuses=statuses[:first],
        container_statuses=statuses[first:],
    )


def _patch(base: PodStatus, new: PodStatus) -> FrozenMap[Any] | None:
    before, after = base.to_json(), new.to_json()
    old = {c["type"]: c for c in before.pop("conditions", ())}
    conditions = []
    for c in after.pop("conditions", ()):
        known = old.get(c["type"], {})
        if c != known:
            conditions.append({**dict.fromkeys(k for k in known if k not in c), **c})
    changed = {k: v for k, v in after.items() if before.get(k) != v}
    changed.update(dict.fromkeys(k for k in before if k not in after))
    if conditions:
        changed["conditions"] = conditions
    return FrozenMap({"status": freeze(changed)}) if changed else None


def _report(key: tuple[Observed, PodStatus, int]) -> Report:
    seen, base, now = key
    status = status_of(seen, base, now)
    return Report(status, _patch(base, status) if status != base else None)


_plain_report: Memo[tuple[Observed, PodStatus, int], Report] = Memo("kubelet's reports", _report)


def _with_addresses(key: tuple[Observed, PodStatus, int]) -> Report:
    """The report, made for a pod without name and addresses, so that all pods share it."""
    seen, base, now = key
    if seen.pod is None or base.pod_ip not in ("", seen.pod.address):
        return _report(key)
    addresses = {"host_ip": seen.host_ip, "pod_ip": seen.pod.address}
    if base.host_ip not in ("", seen.host_ip):
        return _report(key)
    pod = RuntimePod("", "", _POD_IP, None, seen.pod.containers, seen.pod.is_stopping)
    shown = base.replace(
        host_ip=_HOST_IP if base.host_ip else "", pod_ip=_POD_IP if base.pod_ip else ""
    )
    status, patch = _plain_report((seen._replace(host_ip=_HOST_IP, pod=pod), shown, now))
    if patch is not None and not (base.host_ip and base.pod_ip):
        body = patch["status"]
        if not base.host_ip:
            body = body.set("hostIP", seen.host_ip)
        if not base.pod_ip:
            body = body.set("podIP", seen.pod.address)
        patch = FrozenMap({"status": body})
    return Report(status.replace(**addresses), patch)


def unmet_gates(pod: Pod) -> tuple[str, ...]:
    """The readiness gates of the pod whose condition is not True."""
    gates = tuple(str(gate["conditionType"]) for gate in pod.spec.readiness_gates)
    if not gates:
        return ()
    true = {c.type for c in pod.status.conditions if c.status == "True"}
    return tuple(gate for gate in gates if gate not in true)


report: Memo[tuple[Observed, PodStatus, int], Report] = Memo(
    "kubelet's reports by pod", _with_addresses
)
"""The report on (what is observed, the owned status that the API shows, virtual now)."""
