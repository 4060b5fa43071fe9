"""Upstream's cases of the scheduler's filter and score plugins (release 1.29).

Where 1.36 answers otherwise than 1.29 did, the adapter says so and cites the change:

* NodeResourcesFit: a request beyond all that a node offers is UnschedulableAndUnresolvable since
  kubernetes/kubernetes#131345 (1.34); 1.29 said Unschedulable.
* NodeResourcesBalancedAllocation: a pod that requests nothing is no longer scored, since
  kubernetes/kubernetes#129138; such a row is checked against the formula below that skip.
* TaintToleration: its reason no longer names the taint; the reason is not compared.
"""

from adapters import NotCovered, adapter
from adapters.plugins import PLUGINS
from kspec.errors import InputError
from kspec_models.objects import Node, Pod
from kspec_models.objects.record import freeze
from kspec_models.scheduler.framework import UNRESOLVABLE, UNSCHEDULABLE
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.node_affinity import NodeAffinity, parse_affinity
from kspec_models.scheduler.plugins.node_name import NodeName
from kspec_models.scheduler.plugins.node_ports import NodePorts
from kspec_models.scheduler.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation,
)
from kspec_models.scheduler.plugins.node_resources_fit import (
    DEFAULT_WEIGHTS,
    NodeResourcesFit,
    Weight,
    insufficient,
    least_allocated,
    most_allocated,
)
from kspec_models.scheduler.plugins.node_unschedulable import NodeUnschedulable
from kspec_models.scheduler.plugins.requested_to_capacity_ratio import (
    Point,
    RequestedToCapacityRatio,
    broken_linear,
)
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration


def ignored_of(args):
    names = args.get("ignoredResources") or []
    groups = args.get("ignoredResourceGroups") or []
    return frozenset((*names, *groups))


def weights_of(resources):
    return tuple(Weight(each["name"], each.get("weight", 0)) for each in resources)


def fit_of(args):
    strategy = args.get("scoringStrategy") or {}
    kind = strategy.get("type") or "LeastAllocated"
    if kind not in STRATEGIES:
        raise NotCovered(f"NodeResourcesFit: scoring strategy {kind} does not exist upstream")
    resources = strategy.get("resources")
    weights = weights_of(resources) if resources else DEFAULT_WEIGHTS
    return NodeResourcesFit(STRATEGIES[kind](strategy), weights, ignored_of(args))


def points_of(given):
    """The points of a shape; a row leaves out what is zero."""
    return [Point(each.get("utilization", 0), each.get("score", 0)) for each in given or []]


def shaped_of(strategy):
    shape = (strategy.get("requestedToCapacityRatio") or {}).get("shape")
    return RequestedToCapacityRatio(points_of(shape))


STRATEGIES = {
    "LeastAllocated": lambda strategy: least_allocated,
    "MostAllocated": lambda strategy: most_allocated,
    "RequestedToCapacityRatio": shaped_of,
}


def balanced_of(args):
    resources = args.get("resources")
    return NodeResourcesBalancedAllocation(weights_of(resources) if resources else DEFAULT_WEIGHTS)


FILTERS = {
    "NodeName": lambda args: NodeName(),
    "NodeUnschedulable": lambda args: NodeUnschedulable(),
    "NodeAffinity": lambda args: NodeAffinity(freeze(args.get("addedAffinity"))),
    "TaintToleration": lambda args: TaintToleration(),
    "NodePorts": lambda args: NodePorts(),
    "NodeResourcesFit": fit_of,
}
SCORERS = {
    "NodeAffinity": FILTERS["NodeAffinity"],
    "TaintToleration": FILTERS["TaintToleration"],
    "NodeResourcesFit": fit_of,
    "NodeResourcesBalancedAllocation": balanced_of,
}


def node_infos(given):
    """The NodeInfos of a case; with a single node all its pods are there."""
    nodes = [Node.from_json(node) for node in given["nodes"]]
    pods = [Pod.from_json(pod) for pod in given.get("pods") or []]
    if len(nodes) == 1:
        return [node_info(nodes[0], tuple(pods))]
    return [
        node_info(node, tuple(p for p in pods if p.spec.node_name == node.name)) for node in nodes
    ]


def refuse_disabled_features(given, pod):
    off = {name for name, on in (given.get("features") or {}).items() if not on}
    sidecars = any(c.restart_policy == "Always" for c in pod.spec.init_containers)
    if "SidecarContainers" in off and sidecars:
        raise NotCovered("sidecar containers cannot be turned off since 1.33")


@adapter("filter")
def check_filter(case):
    given, expected = case["input"], case["expected"]
    if ("filter", given["plugin"]) in PLUGINS:
        PLUGINS["filter", given["plugin"]](given, expected)
        return
    if given["plugin"] not in FILTERS:
        raise NotCovered(f"plugin {given['plugin']} is not modelled")
    pod = Pod.from_json(given["pod"])
    refuse_disabled_features(given, pod)
    plugin = FILTERS[given["plugin"]](given.get("args") or {})
    if any(status["code"] == "Error" for status in expected["filter"] or []):
        raise NotCovered("a Filter without its PreFilter is an error of upstream's framework")
    infos = node_infos(given)
    check_prefilter(plugin, pod, given, expected)
    for info, status in zip(infos, expected["filter"] or [], strict=False):
        check_status(plugin, plugin.filter(pod.spec, info), status)
    if "insufficient" in expected:
        ignored = ignored_of(given.get("args") or {})
        check_insufficient(insufficient(pod.spec, infos[0], ignored), expected["insufficient"])


def check_prefilter(plugin, pod, given, expected):
    if "prefilter" not in expected or not hasattr(plugin, "pre_filter"):
        return
    if given["plugin"] == "NodeAffinity":
        if not given.get("runPreFilter", True):
            return
        status, names = plugin.pre_filter(pod.spec)
        assert list(names or []) == sorted(expected.get("prefilterNodes") or [])
    else:
        status = plugin.pre_filter(pod.spec)
    assert status.code == expected["prefilter"]["code"]
    assert list(status.reasons) == (expected["prefilter"].get("reasons") or [])


def check_status(plugin, status, expected):
    code = status.code
    if plugin.name == "NodeResourcesFit" and code == UNRESOLVABLE:
        code = UNSCHEDULABLE  # kubernetes/kubernetes#131345
    assert code == expected["code"]
    if plugin.name != "TaintToleration":
        assert list(status.reasons) == (expected.get("reasons") or [])


def check_insufficient(found, expected):
    rows = [(e.resource, e.reason, e.requested, e.used, e.capacity) for e in found]
    fields = ("resourceName", "reason", "requested", "used", "capacity")
    # A row leaves out what is zero.
    assert rows == [
        tuple(row.get(field, "" if field in fields[:2] else 0) for field in fields)
        for row in expected
    ]


@adapter("score")
def check_score(case):
    given, expected = case["input"], case["expected"]
    if ("score", given["plugin"]) in PLUGINS:
        PLUGINS["score", given["plugin"]](given, expected)
        return
    if given["plugin"] not in SCORERS:
        raise NotCovered(f"plugin {given['plugin']} is not modelled")
    args = given.get("args") or {}
    if "error" in expected:
        check_refused(given["plugin"], args, Pod.from_json(given["pod"]))
        return
    pod, plugin = Pod.from_json(given["pod"]), SCORERS[given["plugin"]](args)
    refuse_disabled_features(given, pod)
    infos = node_infos(given)
    # kubernetes/kubernetes#129138: 1.29 scored pods that request nothing as well.
    score = getattr(plugin, "score_of_any", plugin.score)
    scores = [score(pod.spec, info) for info in infos]
    if given.get("normalized"):
        scores = plugin.normalize(scores)
    assert dict(zip((i.name for i in infos), scores, strict=True)) == {
        row["name"]: row.get("score", 0) for row in expected["scores"]
    }


@adapter("broken_linear")
def check_broken_linear(case):
    given, expected = case["input"], case["expected"]
    points = points_of(given["points"])
    for at, wanted in zip(given["xs"], expected["ys"], strict=True):
        assert abs(broken_linear(points, at) - wanted) <= expected.get("tolerance", 0), at


@adapter("prefilter_state")
def check_prefilter_state(case):
    given, expected = case["input"], case["expected"]
    if ("prefilter_state", given["plugin"]) not in PLUGINS:
        raise NotCovered(f"plugin {given['plugin']} is not modelled")
    PLUGINS["prefilter_state", given["plugin"]](given, expected)


def check_refused(name, args, pod):
    """The row expects invalid arguments, or that the plugin has nothing to score."""
    try:
        plugin = SCORERS[name](args)
    except InputError:
        return
    if name == "NodeAffinity":
        assert not plugin.added.preferred and not parse_affinity(pod.spec.affinity).preferred
        return
    raise NotCovered(f"{name}: the row expects an error that is not modelled")
