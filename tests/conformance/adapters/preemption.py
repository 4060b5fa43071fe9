"""Upstream's cases of preemption (release 1.29), with the plugins that a row names.

Where the row and 1.36 differ in what they are given, the adapter gives what the row means:

* A row without any status of nodes takes all as Unschedulable; in one that has some, a node
  without is UnschedulableAndUnresolvable (kubernetes/kubernetes#125197, also of 1.29.6).
* With the gate PodDisruptionConditions off, every pod that terminates counted as preempted. The
  gate is gone since kubernetes/kubernetes#129501; the adapter marks such pods as preempted.
* A pod that a node refuses although nothing runs there is UnschedulableAndUnresolvable since
  kubernetes/kubernetes#131345 (1.34); only the code differs, and no row compares it.

Start times are given in nanoseconds, of which only the order counts; a model's second stands for
each. The offset at which upstream starts its search is drawn from Go's math/rand, seeded with 4.
"""

import importlib

from adapters import NotCovered, adapter
from kspec_models.objects import Node, Pod, PodDisruptionBudget
from kspec_models.objects.record import encode_time
from kspec_models.scheduler.framework import (
    SUCCESS,
    SUCCESS_CODE,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    PluginError,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins import default_preemption
from kspec_models.scheduler.plugins.default_preemption import DefaultPreemption
from kspec_models.scheduler.profile import Profile
from kspec_models.store import Entry, Snapshot

OFFSETS = (522636829, 219283156, 740241013, 2035270175, 715436937, 1003031197, 1781143924)
"""Int31() of rand.New(rand.NewSource(4)), in turn; an offset is one of them modulo the nodes."""

MODULES = {
    "InterPodAffinity": "inter_pod_affinity",
    "NodeAffinity": "node_affinity",
    "NodeName": "node_name",
    "NodePorts": "node_ports",
    "NodeResourcesFit": "node_resources_fit",
    "NodeUnschedulable": "node_unschedulable",
    "PodTopologySpread": "pod_topology_spread",
    "TaintToleration": "taint_toleration",
    "VolumeRestrictions": "volume_restrictions",
    "VolumeZone": "volume_zone",
}
OF_EXTENDERS = ("extender", "extenders")


class Double:
    """A filter of upstream's tests (pkg/scheduler/testing/framework/fake_plugins.go)."""

    def __init__(self, name, fits):
        self.name, self.fits = name, fits

    def filter_with(self, state, pod, info):
        return SUCCESS if self.fits(pod, info) else Status(UNSCHEDULABLE, ("fake",), self.name)

    def pre_filter(self, pod, context):
        return PreFilterResult()

    def add_pod(self, state, pod, added, info):
        return state

    def remove_pod(self, state, pod, removed, info):
        return state


class FailingOnError(Double):
    """TestPlugin of TestPostFilter: fails to add or remove pods on nodes with the label error."""

    def __init__(self):
        super().__init__("test-plugin", lambda pod, info: True)

    def add_pod(self, state, pod, added, info):
        return self.change("add", pod, info)

    def remove_pod(self, state, pod, removed, info):
        return self.change("remove", pod, info)

    def change(self, verb, pod, info):
        if info.node.metadata.labels.get("error") == "true":
            problem = f"failed to {verb} pod: {pod.name}"
            raise PluginError(f"{verb.capitalize()}Pod", self.name, problem)


DOUBLES = {
    "TrueFilter": lambda pod, info: True,
    "FalseFilter": lambda pod, info: False,
    "MatchFilter": lambda pod, info: pod.name == info.name,
}


class Counting:
    """A profile behind upstream's FakeFilter, which comes first, counts, and returns one code."""

    def __init__(self, profile, code):
        self.profile, self.code, self.calls = profile, code or SUCCESS_CODE, 0
        self.name, self.score = profile.name, profile.score
        self.pre_filter, self.with_pod = profile.pre_filter, profile.with_pod
        self.without_pod = profile.without_pod

    def filter(self, pod, info, context):
        self.calls += 1
        if self.code != SUCCESS_CODE:
            return Status(self.code, (f"injecting failure for pod {pod.name}",), "FakeFilter")
        return self.profile.filter(pod, info, context)


def plugin_of(name):
    if name in DOUBLES:
        return Double(name, DOUBLES[name])
    if name not in MODULES:
        raise NotCovered(f"plugin {name} is not modelled")
    path = f"kspec_models.scheduler.plugins.{MODULES[name]}"
    try:
        plugin = getattr(importlib.import_module(path), name)()
    except (ImportError, AttributeError):
        raise NotCovered(f"plugin {name} is not modelled") from None
    if not (hasattr(plugin, "filter") or hasattr(plugin, "filter_with")):
        raise NotCovered(f"plugin {name} does not filter yet")
    return plugin


def profile_of(given, *extra):
    plugins = [plugin_of(name) for name in given.get("plugins") or () if name != "FakeFilter"]
    return Profile("row", (*plugins, *extra))


def context_of(given, pods, *others):
    """The snapshot and the informer's caches of a row; `others` are pods that run nowhere."""
    nodes = sorted((Node.from_json(node) for node in given["nodes"]), key=lambda node: node.name)
    infos = tuple(
        node_info(node, tuple(p for p in pods if p.spec.node_name == node.name)) for node in nodes
    )
    budgets = [PodDisruptionBudget.from_json(each) for each in given.get("pdbs") or ()]
    # The budgets of a row have no names; the cache files each under a key of its own.
    named = [(f"poddisruptionbudgets/{i}", budget) for i, budget in enumerate(budgets)]
    caches = {
        "pods": snapshot((f"pods/{pod.key}", pod) for pod in (*pods, *others)),
        "poddisruptionbudgets": snapshot(named),
    }
    return Context(infos, caches)


def snapshot(objects):
    found = Snapshot()
    for key, obj in objects:
        found = found.patched(key, Entry(key, obj, 1, 1, 1))
    return found


def pods_of(rows):
    """The pods of a row, with start times a second apart in the same order."""
    started = sorted({text for row in rows if (text := start_of(row))}, key=moment)
    seconds = {text: encode_time(index) for index, text in enumerate(started)}
    return tuple(Pod.from_json(with_start(row, seconds)) for row in rows)


def start_of(row):
    return (row.get("status") or {}).get("startTime")


def moment(text):
    """Sorts RFC 3339 times of UTC, with any number of digits behind the second."""
    whole, _, part = text.removesuffix("Z").partition(".")
    return whole, part.ljust(9, "0")


def with_start(row, seconds):
    if not start_of(row):
        return row
    return row | {"status": row["status"] | {"startTime": seconds[start_of(row)]}}


def arguments_of(given):
    args = given.get("args") or {}
    if not args:
        return DefaultPreemption()
    return DefaultPreemption(
        args.get("minCandidateNodesPercentage", 0), args.get("minCandidateNodesAbsolute", 0)
    )


def searched(policy, pod, context, plugin, offset):
    """The candidates of a dry run on all nodes, as the tables call it."""
    status, started = policy.pre_filter(pod, context)
    assert status.ok, status
    budgets = [entry.value for entry in context.caches["poddisruptionbudgets"].entries()]
    count = len(context.nodes)
    candidates, _ = default_preemption.dry_run(
        policy,
        pod,
        context.nodes,
        started,
        budgets,
        offset=offset % count,
        enough=plugin.number_of_candidates(count),
    )
    return candidates


def names(pods):
    return sorted(pod.name for pod in pods)


@adapter("preempt_dryrun")
def check_dry_run(case):
    given, expected = case["input"], case["expected"]
    preemptors, running = pods_of(given["pods"]), pods_of(given.get("initPods") or ())
    context, plugin = context_of(given, running, *preemptors), arguments_of(given)
    policy = Counting(profile_of(given), given.get("fakeFilterCode"))
    cycles, counts = [], []
    for pod, offset in zip(preemptors, OFFSETS, strict=False):
        policy.calls = 0
        candidates = searched(policy, pod, context, plugin, offset)
        counts.append(policy.calls)
        cycles.append(
            [
                {"node": c.node, "victims": names(c.victims), "numPDBViolations": c.violations}
                for c in sorted(candidates, key=lambda candidate: candidate.node)
            ]
        )
    assert cycles == [[filled(row) for row in cycle or ()] for cycle in expected["cycles"]]
    assert counts == expected["numFilterCalled"]


def filled(row):
    """A row leaves out what is zero."""
    return {"victims": [], "numPDBViolations": 0} | row


@adapter("preempt_select")
def check_selection(case):
    given = case["input"]
    pod, running = Pod.from_json(given["pod"]), pods_of(given.get("pods") or ())
    context, plugin = context_of(given, running, pod), arguments_of(given)
    candidates = searched(profile_of(given), pod, context, plugin, OFFSETS[0])
    best = default_preemption.best_candidates(candidates)
    assert best
    assert {candidate.node for candidate in best} <= set(case["expected"]["anyOf"])


@adapter("preempt_eligible")
def check_eligible(case):
    given = case["input"]
    rows = [marked(row, given.get("features") or {}) for row in given.get("pods") or ()]
    pod, running = Pod.from_json(given["pod"]), pods_of(rows)
    status = given.get("nominatedNodeStatus")
    found, _ = default_preemption.eligible(
        pod, context_of(given, running, pod), status_of(status) if status else None
    )
    assert found == case["expected"]["eligible"]


def marked(row, features):
    """Without PodDisruptionConditions nothing told why a pod terminates."""
    if features.get("enablePodDisruptionConditions", True):
        return row
    target = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    return row | {"status": {**(row.get("status") or {}), "conditions": [target]}}


def status_of(row):
    return Status(row["code"], tuple(row.get("reasons") or ()))


@adapter("preempt_candidates")
def check_nodes_that_may_help(case):
    given = case["input"]
    infos = [node_info(Node.from_json({"metadata": {"name": name}})) for name in given["nodes"]]
    found = default_preemption.nodes_where_preemption_might_help(
        infos, statuses_of(given.get("nodesStatuses"))
    )
    assert sorted(info.name for info in found) == sorted(case["expected"]["nodes"] or ())


def statuses_of(rows):
    return {node: status_of(row) for node, row in (rows or {}).items()}


@adapter("preempt_full")
def check_preemption(case):
    given, expected = case["input"], case["expected"]
    if any(given.get(field) for field in OF_EXTENDERS):
        raise NotCovered("the row's extenders are functions of upstream's test")
    pod, running = Pod.from_json(given["pod"]), pods_of(given.get("pods") or ())
    policy = profile_of(given, FailingOnError())
    context = context_of(given, running, pod)
    nomination = arguments_of(given).post_filter(
        policy,
        pod,
        statuses_of(given.get("filteredNodesStatuses")),
        context,
        absent=Status(UNRESOLVABLE if "filteredNodesStatuses" in given else UNSCHEDULABLE),
        offset=OFFSETS[0],
    )
    assert nomination.node == expected["nominatedNode"]
    if "victims" in expected:
        assert names(nomination.victims) == sorted(expected["victims"] or ())
    if "status" in expected:
        assert nomination.status.code == expected["status"]["code"]
        assert list(nomination.status.reasons) == (expected["status"].get("reasons") or [])
