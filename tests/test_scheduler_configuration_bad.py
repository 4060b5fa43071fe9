"""KubeSchedulerConfiguration files that are wrong: one line each, as upstream judges them."""

import pytest

from kspec.errors import InputError
from kspec_models.scheduler.configuration import parse_configuration

HEAD = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"


def read(body, head=HEAD):
    return parse_configuration(head + body, "scheduler.yaml")


def fit_args(text):
    return f"profiles: [{{pluginConfig: [{{name: NodeResourcesFit, args: {text}}}]}}]"


def args(plugin, text):
    return f"profiles: [{{pluginConfig: [{{name: {plugin}, args: {text}}}]}}]"


def ratio(shape):
    inner = f"{{type: RequestedToCapacityRatio, requestedToCapacityRatio: {{shape: {shape}}}}}"
    return fit_args(f"{{scoringStrategy: {inner}}}")


def constraint(text):
    return args("PodTopologySpread", f"{{defaultingType: List, defaultConstraints: [{text}]}}")


def plugins_at(point, text):
    return f"profiles: [{{plugins: {{{point}: {text}}}}}]"


BAD = {
    "profile: []": "profile: unknown field; expected profiles",
    "profiles: {}": "profiles: a map cannot be read; expected a list",
    "parallelism: 2.5": "the number 2.5 cannot be read; expected an integer of 32 bits",
    "parallelism: 0": "should be an integer value greater than zero",
    "parallelism: 1\nparallelism: 2": 'key "parallelism" already set in map',
    "percentageOfNodesToScore: 101": "Invalid value: 101: not in valid range [0-100]",
    "profiles: [{percentageOfNodesToScore: -1}]": "profiles[0].percentageOfNodesToScore: Invalid",
    "podInitialBackoffSeconds: 0": "must be greater than 0",
    "podInitialBackoffSeconds: 20": "podMaxBackoffSeconds: Invalid value: 10: must be greater than",
    "clientConnection: {burst: -1}": "clientConnection.burst: Invalid value: -1: must be non-neg",
    "leaderElection: {leaseDuration: 5s}": "must be greater than `RenewDeadline`",
    "leaderElection: {retryPeriod: 5}": 'cannot be read; expected a duration such as "5s"',
    "leaderElection: {resourceLock: endpoints}": 'resourceLock value must be "leases"',
    "profiles: [{schedulerName: a}, {schedulerName: a}]": 'Duplicate value: "a"',
    "profiles: [{schedulerName: a}, {}]": "profiles[1].schedulerName: Required value",
    "profiles: [{schedulerName: ''}]": "profiles[0].schedulerName: Required value",
    "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {queueSort: {disabled: "
    "[{name: '*'}], enabled: [{name: PrioritySort}]}}}]": "must be the same for all profiles",
    plugins_at("score", "{enabled: [{name: NodeResourceFit}]}"): (
        'score.enabled[0]: plugin "NodeResourceFit" does not exist; expected NodeResourcesFit'
    ),
    plugins_at("score", "{disabled: [{name: ImageLocalty}]}"): (
        'score.disabled[0]: plugin "ImageLocalty" does not exist; expected ImageLocality'
    ),
    plugins_at("score", "{enabled: [{name: NodeName}]}"): (
        'plugin "NodeName" does not extend ScorePlugin plugin'
    ),
    plugins_at("score", "{enabled: [{name: ImageLocality}, {name: ImageLocality}]}"): (
        'plugin "ImageLocality" already registered as "ScorePlugin"'
    ),
    plugins_at("score", "{enabled: [{name: ImageLocality, weight: -1}]}"): "the weight -1",
    plugins_at("score", "{enabled: [{name: ImageLocality, weight: x}]}"): (
        "score.enabled[0].weight: the text 'x' cannot be read"
    ),
    plugins_at("filter", "{enabled: [{name: EBSLimits}]}"): 'was invalid in version "v1"',
    plugins_at("permit", "{enabled: [{name: GangScheduling}]}"): "feature gate that is off",
    plugins_at("multiPoint", "{disabled: [{name: '*'}]}"): "only one queue sort plugin required",
    plugins_at("bind", "{disabled: [{name: '*'}]}"): "at least one bind plugin is needed",
    plugins_at("preFilter", "{disabled: [{name: NodePorts}]}"): "it would fail every cycle",
    args("NodeFit", "{}"): 'pluginConfig[0].name: plugin "NodeFit" does not exist',
    "profiles: [{pluginConfig: [{name: NodePorts}, {name: NodePorts}]}]": "Duplicate value",
    args("InterPodAffinity", "{hardPodAffinityWeight: 101}"): "101: not in valid range [0, 100]",
    args("InterPodAffinity", "{weight: 1}"): "args.weight: unknown field",
    args("InterPodAffinity", "{kind: NodeAffinityArgs}"): "were not of type InterPodAffinityArgs",
    args("InterPodAffinity", "[]"): "args: a list cannot be read; expected a map",
    args("DefaultPreemption", "{minCandidateNodesPercentage: 200}"): "not in valid range [0, 100]",
    args("DefaultPreemption", "{minCandidateNodesAbsolute: -1}"): "not in valid range [0, inf)",
    args(
        "DefaultPreemption", "{minCandidateNodesAbsolute: 0, minCandidateNodesPercentage: 0}"
    ): "cannot be zero at the same time",
    args("VolumeBinding", "{bindTimeoutSeconds: -1}"): "should not be a negative value",
    args("VolumeBinding", "{shape: [{utilization: 0, score: 0}]}"): "StorageCapacityScoring",
    args("DynamicResources", "{bindingTimeout: 1ms}"): "must be at least 1 second",
    args("NodeResourcesBalancedAllocation", "{resources: [{name: cpu, weight: 2}]}"): "must be 1",
    args(
        "NodeResourcesBalancedAllocation", "{resources: [{name: cpu}, {name: cpu}]}"
    ): 'args.resources[1].name: Duplicate value: "cpu"',
    args(
        "NodeAffinity",
        "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "{nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is}]}]}}}",
    ): 'operator: Unsupported value: "Is"',
    fit_args("{ignoredResources: ['a b']}"): "ignoredResources[0]: Invalid value",
    fit_args("{ignoredResourceGroups: [a/b]}"): "resource group name can't contain '/'",
    fit_args("{scoringStrategy: {type: Random}}"): 'Unsupported value: "Random": supported values',
    fit_args("{scoringStrategy: {}}"): 'type: Unsupported value: ""',
    fit_args("{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 101}]}}"): (
        "resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range"
    ),
    fit_args("{scoringStrategy: {type: RequestedToCapacityRatio}}"): "must be specified when type",
    fit_args("{scoringStrategy: {type: MostAllocated, requestedToCapacityRatio: {}}}"): (
        "Forbidden: must be nil when type is not RequestedToCapacityRatio"
    ),
    ratio("[]"): "at least one point must be specified",
    ratio("[{utilization: 9, score: 0}, {utilization: 9, score: 1}]"): "sorted in increasing order",
    ratio("[{utilization: 101, score: 0}]"): "101: not in valid range [0, 100]",
    ratio("[{utilization: 1, score: 11}]"): "11: not in valid range [0, 10]",
    args("PodTopologySpread", "{defaultingType: Mine}"): 'Unsupported value: "Mine"',
    args(
        "PodTopologySpread",
        "{defaultConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]}",
    ): "when .defaultConstraints are not empty",
    constraint("{maxSkew: 0}"): "not in valid range (0, inf)",
    constraint("{maxSkew: 1}"): "topologyKey: Required value: can not be empty",
    constraint("{maxSkew: 1, topologyKey: a}"): "whenUnsatisfiable: Required value",
    constraint("{maxSkew: 1, topologyKey: a, whenUnsatisfiable: Never}"): 'value: "Never"',
    constraint(
        "{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, labelSelector: {}}"
    ): ("constraint must not define a selector"),
    "extenders: [{filterVerb: f}]": "extenders[0].urlPrefix: Required value",
    "extenders: [{urlPrefix: 'http://a', prioritizeVerb: p}]": "must have a positive weight",
    "extenders: [{urlPrefix: 'http://a', bindVerb: b}, {urlPrefix: 'http://b', bindVerb: b}]": (
        "only one extender can implement bind"
    ),
    "extenders: [{urlPrefix: 'http://a', managedResources: [{name: cpu}]}]": (
        "is an invalid extended resource name"
    ),
    "extenders: [{urlPrefix: 'http://a', httpTimeout: soon}]": 'expected a duration such as "5s"',
    "extenders: [": "not YAML",
}


@pytest.mark.parametrize("body", BAD)
def test_bad_input_gets_one_line_with_file_line_and_field(body):
    with pytest.raises(InputError) as caught:
        read(body)
    text = str(caught.value)
    assert BAD[body] in text and "\n" not in text
    assert text.startswith("scheduler.yaml:") and caught.value.exit_status == 2


def test_the_line_is_that_of_the_value():
    body = "profiles:\n- plugins:\n    score:\n      enabled:\n      - name: NodeAffinity\n"
    with pytest.raises(InputError, match=r"^scheduler\.yaml:8: .*enabled\[1\]: plugin"):
        read(body + "      - name: NodeAffinitee\n")
    with pytest.raises(
        InputError, match=r"^scheduler\.yaml:8: .*enabled\[1\]\.wait: unknown field"
    ):
        read(body + "      - {name: ImageLocality, wait: 3}\n")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEAD.replace("/v1", "/v1beta3"), "KubeSchedulerConfiguration of kubescheduler.config"),
        (
            HEAD.replace("Configuration\n", "Config\n"),
            'no kind "KubeSchedulerConfig" is registered',
        ),
        ("", "no kind"),
        (f"{HEAD}---\n{HEAD}", "holds 2 documents"),
        ("- a\n", "is no map"),
        ("# nothing\n", "holds no document"),
    ],
)
def test_only_a_configuration_of_version_1_is_read(head, expected):
    with pytest.raises(InputError, match=expected):
        read("" if head.startswith(("-", "#")) else "parallelism: 1\n", head)
