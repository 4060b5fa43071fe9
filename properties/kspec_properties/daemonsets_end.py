"""Where DaemonSets come to in the end: a pod on each eligible node, and a status that is true."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable
from kspec_models.controllers.daemonset_nodes import fit, target_node
from kspec_models.controllers.daemonset_rollout import allows_surge
from kspec_models.controllers.pods import is_ready
from kspec_models.objects import DaemonSet, Node, Pod
from kspec_models.state import State
from kspec_models.store import Entry
from kspec_properties.daemonsets import DOCS, daemon_sets, living_on, owned
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, nodes
from kspec_properties.workloads import is_leaving, may_refuse


def _daemons_run(state: State) -> Verdict:
    for owner in daemon_sets(state):
        limit = 2 if allows_surge(owner) else 1
        for node in nodes(state):
            here = living_on(newest(state, "pods"), owner, node.name)
            should_run, should_continue = fit(node, owner)
            least = int(
                should_run and not may_refuse(state, owner.namespace, owner.spec.template.spec)
            )
            most = limit if should_continue else 0
            if not least <= len(here) <= most:
                return fails(f"{owner.key} has {len(here)} pods on {node.name}", "pods")
            late = [pod for pod in here if not _runs(state, pod)]
            if late:
                return fails(f"{late[0].key} is not ready on {node.name}", "ready")
    return HOLDS


def _runs(state: State, pod: Pod) -> bool:
    """Whether a pod is ready, or nobody promises that it will be."""
    node, spec = pod.spec.node_name, pod.spec
    is_probed = any(container.readiness_probe is not None for container in spec.containers)
    has_kubelet = f"kubelet/{node}" in state.layout.by_host
    return is_ready(pod) or not has_kubelet or is_probed or bool(spec.readiness_gates)


each_node_runs_its_daemon = eventually_stable(
    "each-node-runs-its-daemon",
    promise="In the end each eligible node runs one ready pod of a DaemonSet, and no other does.",
    conditions=(
        "Eligible by node selector, required node affinity and taints; a node with new taints of "
        "effect NoSchedule keeps its pod. Ready once it is bound, where no probe or readiness gate "
        "says otherwise; two pods while a surge waits for that. Once edits and faults have ended, "
        "without quotas and limit ranges, in namespaces that are not being deleted."
    ),
    source=DOCS,
    when=lambda state: any(True for _ in fresh(state, "daemonsets")),
    then=_daemons_run,
    reads=("pods", "nodes", "objects", "namespaces"),
    faults=all_but(),
    companion="a-daemon-pod-is-created",
    mutants=("daemonset-ignores-deletions",),
)


def _misreported(state: State, entry: Entry, *, leeway: bool) -> str:
    """What is wrong with a status, "" where it is true.

    leeway: a node with a pod that changed after the status was written may be counted as before.
    """
    owner: DaemonSet = entry.value
    wanted, current, misplaced, ready, unsure = 0, 0, 0, 0, 0
    for place in newest(state, "nodes").entries():
        node: Node = place.value
        here = [p for p in owned(newest(state, "pods"), owner) if target_node(p) == node.name]
        unsure += leeway and bool(here) and place.mod_revision > entry.mod_revision
        if fit(node, owner).should_run:
            wanted += 1
            current += bool(here)
            ready += len(here) == 1 and is_ready(here[0])
        else:
            misplaced += bool(here)
    status = owner.status
    told = [status.desired_number_scheduled, status.current_number_scheduled]
    told += [status.number_misscheduled, 0 if allows_surge(owner) else status.number_ready]
    due = [wanted, current, misplaced, 0 if allows_surge(owner) else ready]
    is_seen = status.observed_generation == owner.metadata.generation
    if is_seen and all(abs(a - b) <= unsure for a, b in zip(told, due, strict=True)):
        return ""
    return f"{owner.key} reports {told} at {status.observed_generation}, it is {due}"


def _statuses_are_true(state: State, *, leeway: bool) -> Verdict:
    for entry in newest(state, "daemonsets").entries():
        if not entry.value.is_terminating and not is_leaving(state, entry.value.namespace):
            wrong = _misreported(state, entry, leeway=leeway)
            if wrong:
                return fails(wrong, "status")
    return HOLDS


daemonsets_report_the_truth = eventually_stable(
    "daemonsets-report-the-truth",
    promise="In the end the status of a DaemonSet says where its pods are, and how many are ready.",
    conditions=(
        "Desired, current and misscheduled nodes and the generation; ready pods without surge, "
        "where the oldest of two counts. A node that keeps its pod may count as it did before it "
        "changed. Once edits and faults have ended, in namespaces that are not being deleted."
    ),
    source=DOCS,
    when=lambda state: any(True for _ in fresh(state, "daemonsets")),
    then=lambda state: _statuses_are_true(state, leeway=True),
    reads=("pods", "nodes", "objects", "namespaces"),
    faults=all_but(),
    companion="a-daemon-pod-is-created",
    mutants=("daemonset-status-is-not-written",),
)

daemonsets_follow_every_node = eventually_stable(
    "daemonsets-follow-every-node",
    promise="In the end the status of a DaemonSet is right, whatever nodes did.",
    conditions=(
        "Not kept: a node that is no longer to get a pod, but may keep the one it has, is not "
        "noticed (nor one that comes back before its pod is gone), as long as no pod counts as "
        "misscheduled already. The next change of the DaemonSet or of its pods puts it right."
    ),
    source="https://github.com/kubernetes/kubernetes/pull/132477",
    when=lambda state: any(True for _ in fresh(state, "daemonsets")),
    then=lambda state: _statuses_are_true(state, leeway=False),
    reads=("pods", "nodes", "objects", "namespaces"),
    companion="a-daemon-pod-is-created",
    known_false=True,
)


PROPERTIES = (
    each_node_runs_its_daemon,
    daemonsets_report_the_truth,
    daemonsets_follow_every_node,
)
