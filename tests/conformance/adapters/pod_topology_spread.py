"""Upstream's cases of PodTopologySpread (release 1.29).

A gate that a row turns off has been locked on since (MinDomainsInPodTopologySpread in 1.30,
NodeInclusionPolicyInPodTopologySpread in 1.33) or is on by default and read nowhere else
(MatchLabelKeysInPodTopologySpread). With a gate off the plugin does not look at the fields that the
gate brings, so such a row is run without these fields, which the model then defaults as 1.29 did.

State of two constraints with one topologyKey: 1.29 kept it by key, mixing both up; it is kept by
constraint since kubernetes/kubernetes#129119 (1.33). Such a row is not covered.
"""

from collections import Counter

from adapters import NotCovered
from adapters.plugins import plugin_check
from kspec.errors import InputError
from kspec_models.kinds import lookup
from kspec_models.objects import Node, Pod, Unstructured
from kspec_models.scheduler.framework import ERROR, SKIP, SUCCESS_CODE, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.pod_topology_spread import NAME, PodTopologySpread
from kspec_models.selectors import NOTHING, label_selector
from kspec_models.store import Entry, Snapshot

FIELDS_OF_GATES = {
    "MinDomainsInPodTopologySpread": ("minDomains",),
    "NodeInclusionPolicyInPodTopologySpread": ("nodeAffinityPolicy", "nodeTaintsPolicy"),
    "MatchLabelKeysInPodTopologySpread": ("matchLabelKeys",),
}
"""What the plugin does not look at while the gate is off."""
API_VERSIONS = {"Service": "v1", "ReplicationController": "v1"}


def without_disabled_fields(given, constraints):
    features = given.get("features") or {}
    off = [fields for gate, fields in FIELDS_OF_GATES.items() if features.get(gate) is False]
    gone = [field for fields in off for field in fields]
    return [{k: v for k, v in each.items() if k not in gone} for each in constraints]


def pod_of(given, key="pod"):
    data = given[key]
    spec = data.get("spec") or {}
    constraints = without_disabled_fields(given, spec.get("topologySpreadConstraints") or [])
    return Pod.from_json({**data, "spec": {**spec, "topologySpreadConstraints": constraints}})


def plugin_of(given):
    args = given.get("args") or {}
    constraints = given.get("defaultConstraints") or args.get("defaultConstraints") or []
    # Upstream's tables that set no defaulting type run with an explicit list.
    defaulting = args.get("defaultingType") or "List"
    return PodTopologySpread(defaulting, without_disabled_fields(given, constraints))


def infos_of(given, nodes, pods):
    found = [Pod.from_json(pod).with_metadata(uid=str(i)) for i, pod in enumerate(pods or [])]
    nodes = [Node.from_json(node) for node in nodes or []]
    return [node_info(n, tuple(p for p in found if p.spec.node_name == n.name)) for n in nodes]


def caches_of(given):
    caches = {}
    for data in given.get("objs") or []:
        version = data.get("apiVersion") or API_VERSIONS.get(data["kind"], "apps/v1")
        kind = lookup(version, data["kind"])
        made = (kind.type or Unstructured).from_json(data)
        key = f"{kind.plural}/{made.namespace}/{made.name}"
        snapshot = caches.get(kind.plural, Snapshot())
        if key in snapshot:  # upstream's tables leave names out
            key = f"{key}#{len(snapshot)}"
        caches[kind.plural] = snapshot.patched(key, Entry(key, made, 1, 1, 1))
    return caches


def prepared(given, pods="pods"):
    infos = infos_of(given, given.get("nodes"), given.get(pods))
    failed = infos_of(given, given.get("failedNodes"), given.get(pods))
    return infos, Context(tuple(infos + failed), caches_of(given))


@plugin_check("filter", NAME)
def check_filter(given, expected):
    plugin, pod = plugin_of(given), pod_of(given)
    infos, context = prepared(given)
    status, _, state = plugin.pre_filter(pod, context)
    if expected.get("prefilter"):
        assert status.code == expected["prefilter"]["code"]
    wanted = expected.get("filter")
    if wanted is None:
        return
    if any(each["code"] == ERROR for each in wanted):
        raise NotCovered("a Filter without its PreFilter is an error of upstream's framework")
    assert status.code in (SUCCESS_CODE, SKIP)
    for info, each in zip(infos, wanted, strict=True):
        found = plugin.filter_with(state if status.ok else (), pod, info)
        assert found.code == each["code"], info.name
        assert list(found.reasons) == (each.get("reasons") or list(found.reasons))


@plugin_check("score", NAME)
def check_score(given, expected):
    try:
        plugin = plugin_of(given)
    except InputError:
        assert "error" in expected
        return
    pod, (infos, context) = pod_of(given), prepared(given)
    status, state = plugin.pre_score(pod, infos, context)
    if "error" in expected:
        assert not status.ok
        return
    assert status.ok
    scores = [plugin.score_with(state, pod, info) for info in infos]
    if given.get("normalized"):
        scores = plugin.normalize_with(state, scores, infos)
    wanted = {row["name"]: row.get("score", 0) for row in expected["scores"]}
    assert dict(zip((info.name for info in infos), scores, strict=True)) == wanted


@plugin_check("prefilter_state", NAME)
def check_state(given, expected):
    plugin = plugin_of(given)
    is_changed = "preemptor" in given
    pod = pod_of(given, "preemptor" if is_changed else "pod")
    infos, context = prepared(given, "existingPods" if is_changed else "pods")
    status, _, state = plugin.pre_filter(pod, context)
    if expected.get("prefilter"):
        assert status.code == expected["prefilter"]["code"]
    wanted = expected.get("state")
    if wanted is None:
        assert status.code in (SKIP, ERROR)
        return
    assert status.ok
    if is_changed:
        info = infos[given.get("nodeIdx", 0)]
        if given.get("addedPod") is not None:
            state = plugin.add_pod(state, pod, Pod.from_json(given["addedPod"]), info)
        else:
            state = plugin.remove_pod(state, pod, removed_pod(given), info)
    is_counted = (given.get("features") or {}).get("MinDomainsInPodTopologySpread", False)
    check_spreads(state, wanted, is_counted)


def removed_pod(given):
    """As upstream's test: the pod of that index, `deletedPod` where there is none."""
    index, existing = given.get("deletedPodIdx", 0), given.get("existingPods") or []
    return Pod.from_json(existing[index] if 0 <= index < len(existing) else given["deletedPod"])


def check_spreads(state, wanted, is_counted):
    constraints = [spread.constraint for spread in state]
    assert list(map(constraint_row, constraints)) == list(map(wanted_row, wanted["constraints"]))
    keys = [constraint.topology_key for constraint in constraints]
    if any(count > 1 for count in Counter(keys).values()):
        raise NotCovered("state is kept by constraint since kubernetes/kubernetes#129119 (1.33)")
    paths = wanted.get("tpKeyToCriticalPaths") or {}
    # Which of two equal domains comes first is left open by upstream, whose tests sort out counts.
    assert {k: [n for _, n in s.critical_paths] for k, s in zip(keys, state, strict=True)} == {
        key: [path.get("matchNum", 0) for path in sorted_paths(found)]
        for key, found in paths.items()
    }
    pairs = {
        (row["key"].get("key", ""), row["key"].get("value", "")): row.get("value", 0)
        for row in wanted.get("tpPairToMatchNum") or []
    }
    assert pairs == {
        (key, value): count
        for key, spread in zip(keys, state, strict=True)
        for value, count in spread.counts.items()
    }
    domains = wanted.get("tpKeyToDomainsNum")
    if is_counted or domains is not None:
        nonzero = {k: len(s.counts) for k, s in zip(keys, state, strict=True) if s.counts}
        assert nonzero == {key: count for key, count in (domains or {}).items() if count}


def sorted_paths(paths):
    return sorted(paths, key=lambda path: path.get("matchNum", 0))


def constraint_row(constraint):
    return constraint._replace(selector=normal(constraint.selector))


def wanted_row(row):
    selector = (row.get("selector") or {}).get("selector")
    return (
        row.get("maxSkew", 0),
        row.get("topologyKey", ""),
        normal(NOTHING if selector is None else label_selector(selector)),
        row.get("minDomains", 0),
        row.get("nodeAffinityPolicy", ""),
        row.get("nodeTaintsPolicy", ""),
    )


def normal(selector):
    """A selector as what it means: `in` one value is equality, order does not matter."""
    if selector.selects_nothing:
        return None
    rows = [(r.key, r.operator, sorted(r.values)) for r in selector.requirements]
    equal = ("=", "==", "in")
    return sorted((k, "in" if operator in equal else operator, v) for k, operator, v in rows)
