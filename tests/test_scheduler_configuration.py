"""KubeSchedulerConfiguration files: read unchanged, merged as upstream does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.configuration import default_profile, parse_configuration
from kspec_models.scheduler.configuration.durations import parse_duration
from kspec_models.scheduler.configuration.expansion import expand
from kspec_models.scheduler.configuration.fields import POINTS
from kspec_models.scheduler.configuration.plugin_sets import (
    DEFAULT_PLUGINS,
    Enabled,
    PluginSet,
    merge,
    merged,
)
from kspec_models.scheduler.configuration.source import Source
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.framework import UNRESOLVABLE, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.registry import PLUGINS

HEAD = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"


def read(body, head=HEAD):
    return parse_configuration(head + body, "scheduler.yaml")


def only(body):
    (profile,) = read(body).profiles.values()
    return profile


def filters(profile):
    return [plugin.name for plugin in profile.filters]


def scores(profile):
    return [(plugin.name, weight) for plugin, weight in profile.scorers]


def pod(cpu="1", memory="1Gi", **spec):
    resources = {"requests": {"cpu": cpu, "memory": memory} | spec.pop("extended", {})}
    return Pod.from_json(
        {
            "metadata": {"name": "p", "namespace": "d", "uid": "u"},
            "spec": {"containers": [{"resources": resources}]} | spec,
        }
    )


def node(name, pods=(), labels=None, **extended):
    allocatable = {"cpu": "4", "memory": "8Gi", "pods": "9"} | extended
    made = Node.from_json(
        {
            "metadata": {"name": name, "labels": labels or {}},
            "status": {"allocatable": allocatable},
        }
    )
    return node_info(made, tuple(pods))


def chosen(policy, made, *infos):
    return decide(policy, made, Context(infos)).node


DEFAULT_FILTERS = [
    *("NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts"),
    *("NodeResourcesFit", "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone"),
    *("PodTopologySpread", "InterPodAffinity"),
]
DEFAULT_SCORES = [
    *(("TaintToleration", 3), ("NodeAffinity", 2), ("NodeResourcesFit", 1)),
    *(("PodTopologySpread", 2), ("InterPodAffinity", 2)),
    *(("NodeResourcesBalancedAllocation", 1), ("ImageLocality", 1)),
]


def test_an_empty_configuration_is_the_default_profile():
    configuration = read("")
    (name,) = configuration.profiles
    profile = configuration.profiles[name]
    assert (name, filters(profile), scores(profile)) == (
        "default-scheduler",
        DEFAULT_FILTERS,
        DEFAULT_SCORES,
    )
    assert profile.post_filter.name == "DefaultPreemption"
    assert (configuration.initial_backoff, configuration.max_backoff) == (1, 10)
    assert (configuration.percentage_of_nodes_to_score, configuration.percentages) == (0, {})
    default = default_profile("x")
    assert (filters(default), scores(default)) == (DEFAULT_FILTERS, DEFAULT_SCORES)


WHOLE = """\
parallelism: 8
leaderElection:
  leaderElect: true
  leaseDuration: 30s
  renewDeadline: 20s
  retryPeriod: 1.5s
  resourceLock: leases
  resourceName: kube-scheduler
clientConnection:
  kubeconfig: /etc/kubernetes/scheduler.conf
  qps: 100
  burst: 200
enableProfiling: false
percentageOfNodesToScore: 70
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 30
delayCacheUntilActive: true
profiles:
- schedulerName: default-scheduler
- schedulerName: no-scoring-scheduler
  percentageOfNodesToScore: 20
  plugins:
    preScore:
      disabled:
      - name: '*'
    score:
      disabled:
      - name: '*'
"""


def test_several_profiles_and_everything_else_that_a_file_says():
    configuration = read(WHOLE)
    assert list(configuration.profiles) == ["default-scheduler", "no-scoring-scheduler"]
    scoring, other = configuration.profiles.values()
    assert scores(scoring) == DEFAULT_SCORES and scores(other) == []
    assert filters(scoring) == filters(other) == DEFAULT_FILTERS
    assert (configuration.initial_backoff, configuration.max_backoff) == (2, 30)
    assert configuration.percentage_of_nodes_to_score == 70
    assert configuration.percentages == {"no-scoring-scheduler": 20}


def test_json_is_read_as_yaml_is():
    text = '{"apiVersion": "kubescheduler.config.k8s.io/v1",\n"kind": "KubeSchedulerConfiguration",'
    configuration = parse_configuration(text + '"podMaxBackoffSeconds": 60}', "f.json")
    assert configuration.max_backoff == 60
    with pytest.raises(InputError, match=r"^f\.json:2: podMaxBackoffSeconds: "):
        parse_configuration(text + '"podMaxBackoffSeconds": "60"}', "f.json")


PACKING = """\
profiles:
- pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy:
        resources:
        - name: intel.com/foo
          weight: 3
        - name: intel.com/bar
          weight: 3
        requestedToCapacityRatio:
          shape:
          - utilization: 0
            score: {empty}
          - utilization: 100
            score: {full}
        type: RequestedToCapacityRatio
"""


def test_requested_to_capacity_ratio_packs_or_spreads_as_its_shape_says():
    foo = {"intel.com/foo": "2"}
    used = pod(extended=foo).with_metadata(uid="other")
    fuller = node("b", [used], **{"intel.com/foo": "8"})
    emptier = node("a", **{"intel.com/foo": "8"})
    for empty, full, expected in ((0, 10, "b"), (10, 0, "a")):
        body = PACKING.format(empty=empty, full=full)
        scoring = (
            "  plugins: {score: {disabled: [{name: '*'}], enabled: [{name: NodeResourcesFit}]}}"
        )
        policy = only(body + scoring)
        assert chosen(policy, pod(extended=foo), emptier, fuller) == expected


def test_most_allocated_packs_where_the_default_spreads():
    strategy = "{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 0}]}}"
    body = f"profiles: [{{pluginConfig: [{{name: NodeResourcesFit, args: {strategy}}}]}}]"
    # Balanced allocation and LeastAllocated outweigh each other only where memory counts as well.
    full = [pod("2").with_metadata(uid="1")]
    assert chosen(only(""), pod(), node("a"), node("b", full)) == "a"
    (fit,) = [p for p, _ in only(body).scorers if p.name == "NodeResourcesFit"]
    assert [tuple(weight) for weight in fit.weights] == [("cpu", 1)]
    assert fit.score(pod().spec, node("a")) == 25 and fit.score(pod().spec, node("b", full)) == 75


def test_arguments_reach_their_plugins():
    body = """\
profiles:
- pluginConfig:
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms:
          - matchExpressions:
            - {key: pool, operator: In, values: [batch]}
  - name: InterPodAffinity
    args: {hardPodAffinityWeight: 7, ignorePreferredTermsOfExistingPods: true}
  - name: PodTopologySpread
    args:
      defaultingType: List
      defaultConstraints:
      - {maxSkew: 1, topologyKey: rack, whenUnsatisfiable: DoNotSchedule}
  - name: DefaultPreemption
    args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: DefaultPreemptionArgs
      minCandidateNodesPercentage: 50
  - name: NodeResourcesFit
    args: {ignoredResources: [example.com/one], ignoredResourceGroups: [example.org]}
  - name: NodeResourcesBalancedAllocation
    args: {resources: [{name: cpu}, {name: example.com/one}]}
"""
    policy = only(body)
    found = {plugin.name: plugin for plugin in policy.filters}
    assert decide(policy, pod(), Context((node("a"),))).rejectors == ("NodeAffinity",)
    assert chosen(policy, pod(), node("a", labels={"pool": "batch"})) == "a"
    affinity = found["InterPodAffinity"]
    assert affinity.hard_pod_affinity_weight == 7
    assert affinity.ignore_preferred_terms_of_existing_pods
    (default,) = found["PodTopologySpread"].defaults
    assert default["topologyKey"] == "rack"
    assert (policy.post_filter.percentage, policy.post_filter.absolute) == (50, 100)
    ignored = pod(extended={"example.com/one": "1", "example.org/two": "1"})
    other = pod(extended={"example.net/two": "1"})
    fit = found["NodeResourcesFit"]
    assert fit.filter(ignored.spec, node("a")).ok
    assert fit.filter(other.spec, node("a")).code == UNRESOLVABLE
    (balanced,) = [p for p, _ in policy.scorers if p.name == "NodeResourcesBalancedAllocation"]
    assert [tuple(weight) for weight in balanced.weights] == [("cpu", 1), ("example.com/one", 1)]


def test_a_plugin_runs_as_one_at_all_of_its_points():
    policy = only("")
    made = {plugin.name: plugin for plugin in policy.filters}
    for plugin, _ in policy.scorers:
        assert made.get(plugin.name, plugin) is plugin


CASES = {
    "appended after the default ones": ("A B", "C", "", "A B C"),
    "disabled and enabled again comes last": ("A B", "C B", "B", "A C B"),
    "all disabled and enabled in another order": ("A B", "B A", "*", "B A"),
    "enabled anew keeps its place": ("A B C", "C B", "", "A B C"),
    "enabled twice stays twice": ("A B C", "A B C B", "", "A B C B"),
    "only disabled": ("A B", "", "B", "A"),
}


@pytest.mark.parametrize("case", CASES)
def test_sets_are_merged_as_upstream_merges_them(case):
    default, enabled, disabled, expected = (text.split() for text in CASES[case])
    custom = PluginSet(tuple(Enabled(n, i + 1) for i, n in enumerate(enabled)), tuple(disabled))
    found = merge(PluginSet(tuple(map(Enabled, default))), custom)
    assert [plugin.name for plugin in found.enabled] == expected
    assert found.disabled == tuple(disabled)


def points(plugins):
    return expand(merged(plugins), Source("f", 1, {}, None), (), {"plugins": plugins})


def named(*names):
    return [{"name": name} for name in names]


def test_what_a_point_enables_overrides_multi_point_and_comes_first():
    found = points({"score": {"enabled": [{"name": "ImageLocality", "weight": 9}]}})
    assert found.points["score"][:2] == ("ImageLocality", "TaintToleration")
    assert found.weights["ImageLocality"] == 9 and found.weights["TaintToleration"] == 3
    assert len(found.points["score"]) == len(set(found.points["score"]))


def test_what_only_a_point_enables_comes_last():
    only_here = {"multiPoint": {"disabled": named("NodePorts")}}
    found = points(only_here | {"filter": {"enabled": named("NodePorts", "NodeAffinity")}})
    assert found.points["filter"][0] == "NodeAffinity"
    assert found.points["filter"][-1] == "NodePorts"


def test_multi_point_weights_count_where_score_gives_none():
    plugins = {
        "multiPoint": {"enabled": [{"name": "NodeResourcesFit", "weight": 5}]},
        "score": {"enabled": [{"name": "NodeAffinity", "weight": 0}]},
    }
    found = points(plugins)
    assert (found.weights["NodeResourcesFit"], found.weights["NodeAffinity"]) == (5, 1)
    order = [n for n in found.points["filter"] if n in ("NodePorts", "NodeResourcesFit")]
    assert order == ["NodePorts", "NodeResourcesFit"]


def test_a_star_at_a_point_leaves_only_what_the_point_enables():
    found = points({"filter": {"disabled": named("*"), "enabled": named("NodeName")}})
    assert found.points["filter"] == ("NodeName",)
    assert "NodeAffinity" in found.points["preFilter"]


NAMES = [plugin.name for plugin in DEFAULT_PLUGINS.enabled]
SOME = st.lists(st.sampled_from(NAMES), unique=True, max_size=4)
HOST = ("PrioritySort", "DefaultBinder")


@settings(max_examples=60, deadline=None)
@given(SOME, SOME, st.booleans(), st.dictionaries(st.sampled_from(POINTS[2:10]), SOME, max_size=3))
def test_a_plugin_runs_once_where_it_is_enabled_and_not_disabled(on, off, star, off_here):
    disabled = [name for name in off if name not in HOST]
    multi = {"enabled": named(*on, *(n for n in HOST if star and n not in on))}
    multi["disabled"] = named("*") if star else named(*disabled)
    found = points({"multiPoint": multi} | {p: {"disabled": named(*off_here[p])} for p in off_here})
    expected = set(on) | (set(HOST) if star else set(NAMES) - set(disabled))
    for point in POINTS:
        wanted = {name for name in expected if point in PLUGINS[name].points}
        wanted -= set(off_here.get(point, ()))
        assert sorted(found.points[point]) == sorted(wanted)


def test_a_disabled_filter_leaves_what_its_pre_filter_says():
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    policy = only("profiles: [{plugins: {filter: {disabled: [{name: NodeAffinity}]}}}]")
    assert chosen(policy, pod(affinity={"nodeAffinity": required}), node("a"), node("b")) == "b"
    assert chosen(policy, pod(nodeSelector={"no": "where"}), node("a"), node("b")) == "a"


def test_resources_that_an_extender_manages_alone_are_not_checked():
    managed = "[{name: example.com/one, ignoredByScheduler: true}, {name: example.com/two}]"
    body = f"extenders: [{{urlPrefix: 'http://x', filterVerb: f, managedResources: {managed}}}]"
    configuration = read(body)
    (extender,) = configuration.extenders
    assert extender.managed == ("example.com/one", "example.com/two")
    assert extender.http_timeout == 5
    (policy,) = configuration.profiles.values()
    (fit,) = [plugin for plugin in policy.profile.filters if plugin.name == "NodeResourcesFit"]
    assert fit.filter(pod(extended={"example.com/one": "1"}).spec, node("a")).ok
    assert not fit.filter(pod(extended={"example.com/two": "1"}).spec, node("a")).ok


def test_ignorable_extenders_are_called_last():
    made = "{urlPrefix: 'http://%s', filterVerb: f, ignorable: %s, httpTimeout: 100ms}"
    body = f"extenders: [{made % ('a', 'true')}, {made % ('b', 'false')}]"
    found = read(body).extenders
    assert [extender.url_prefix for extender in found] == ["http://b", "http://a"]
    assert found[0].http_timeout == 0.1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("1m30s", 90), ("1.5h", 5400), ("-2ms", -0.002), ("0", 0), ("300us", 0.0003)],
)
def test_durations_are_those_of_go(text, seconds):
    assert float(parse_duration(text)) == seconds
    assert parse_duration(text + " ") is None and parse_duration("5") is None
