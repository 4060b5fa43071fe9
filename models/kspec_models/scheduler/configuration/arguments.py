"""The arguments of the in-tree plugins: their defaults, and what they may be.

After pkg/scheduler/apis/config/v1/defaults.go (SetDefaults_*Args) and
pkg/scheduler/apis/config/validation/validation_pluginargs.go at 1.36.

Of VolumeBindingArgs and DynamicResourcesArgs nothing has an effect here: bindings of claims end or
fail by what their controller does, and resource claims are not modelled. The fields of gates that
are off by default (shape of VolumeBindingArgs) are refused, as upstream does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from kspec_models.scheduler.configuration.durations import parse_duration
from kspec_models.scheduler.configuration.fields import ARGUMENTS, GROUP_VERSION
from kspec_models.scheduler.configuration.problems import Field
from kspec_models.scheduler.configuration.shape import decode
from kspec_models.scheduler.plugins.node_resources_fit import NAME as NODE_RESOURCES_FIT
from kspec_models.selectors import NODE_SELECTOR_OPERATORS, SelectorError, new_requirement
from kspec_models.validation import is_qualified_name

STRATEGIES: Final = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
_DEFAULT_RESOURCES: Final = ({"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1})
_RATIO: Final = "requestedToCapacityRatio"

Arguments = Mapping[str, Any]


def read_arguments(field: Field, plugin: str, given: Any) -> Arguments:
    """The arguments of a plugin, decoded, defaulted and validated; raises InputError.

    A plugin without arguments of its own takes any, and looks at none.
    """
    if plugin not in ARGUMENTS:
        return {}
    decoded = decode(field.source, {} if given is None else given, ARGUMENTS[plugin], field.path)
    kind, version = decoded.get("kind", f"{plugin}Args"), decoded.get("apiVersion", GROUP_VERSION)
    if (kind, version) != (f"{plugin}Args", GROUP_VERSION):
        problem = f"args for plugin {plugin} were not of type {plugin}Args of {GROUP_VERSION}"
        field.source.fail(field.path, f"{problem}, got {kind} of {version}")
    defaulted = _defaulted(plugin, decoded)
    _CHECKS[plugin](field, defaulted)
    return defaulted


def default_arguments(plugin: str) -> Arguments:
    """The arguments of a plugin that a configuration does not give any."""
    return _defaulted(plugin, {}) if plugin in ARGUMENTS else {}


def _defaulted(plugin: str, given: Arguments) -> Arguments:
    found = {**_DEFAULTS[plugin], **given}
    if "resources" in found:
        found["resources"] = _resources(found["resources"])
    if plugin == NODE_RESOURCES_FIT:
        # A strategy that is written without a type stays without: that is an error.
        strategy = given.get("scoringStrategy", {"type": STRATEGIES[0]})
        resources = _resources(strategy.get("resources", ()))
        found["scoringStrategy"] = {"type": "", **strategy, "resources": resources}
    return found


def _resources(given: Sequence[Arguments]) -> tuple[Arguments, ...]:
    """The default resources where there are none; a weight of 0 means 1."""
    named = given or _DEFAULT_RESOURCES
    return tuple({"name": r.get("name", ""), "weight": r.get("weight", 0) or 1} for r in named)


_DEFAULTS: dict[str, dict[str, Any]] = {
    "DefaultPreemption": {"minCandidateNodesPercentage": 10, "minCandidateNodesAbsolute": 100},
    "DynamicResources": {"filterTimeout": "10s", "bindingTimeout": "600s"},
    "InterPodAffinity": {"hardPodAffinityWeight": 1, "ignorePreferredTermsOfExistingPods": False},
    "NodeAffinity": {"addedAffinity": None},
    "NodeResourcesBalancedAllocation": {"resources": ()},
    "NodeResourcesFit": {"ignoredResources": (), "ignoredResourceGroups": ()},
    "PodTopologySpread": {"defaultConstraints": (), "defaultingType": "System"},
    "VolumeBinding": {"bindTimeoutSeconds": 600},
}


def _check_preemption(field: Field, given: Arguments) -> None:
    percentage, absolute = (
        given["minCandidateNodesPercentage"],
        given["minCandidateNodesAbsolute"],
    )
    if not 0 <= percentage <= 100:
        field["minCandidateNodesPercentage"].invalid(percentage, "not in valid range [0, 100]")
    if absolute < 0:
        field["minCandidateNodesAbsolute"].invalid(absolute, "not in valid range [0, inf)")
    if percentage == 0 and absolute == 0:
        reason = "cannot be zero at the same time as minCandidateNodesAbsolute"
        field["minCandidateNodesPercentage"].invalid(percentage, reason)


def _check_dynamic_resources(field: Field, given: Arguments) -> None:
    for name, least, reason in (
        ("filterTimeout", 0, "must be zero or positive"),
        ("bindingTimeout", 1, "must be at least 1 second"),
    ):
        if (parse_duration(given[name]) or Fraction(0)) < least:
            field[name].invalid(given[name], reason)


def _check_inter_pod_affinity(field: Field, given: Arguments) -> None:
    weight = given["hardPodAffinityWeight"]
    if not 0 <= weight <= 100:
        field["hardPodAffinityWeight"].invalid(weight, "not in valid range [0, 100]")


def _check_node_affinity(field: Field, given: Arguments) -> None:
    affinity, field = given["addedAffinity"] or {}, field["addedAffinity"]
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    terms = affinity.get(required, {}).get("nodeSelectorTerms", ())
    for index, term in enumerate(terms):
        _check_term(field[required]["nodeSelectorTerms"][index], term)
    for index, each in enumerate(affinity.get(preferred, ())):
        if each.get("weight", 0):
            _check_term(field[preferred][index]["preference"], each.get("preference", {}))


def _check_term(field: Field, term: Arguments) -> None:
    for index, given in enumerate(term.get("matchExpressions", ())):
        here, operator = field["matchExpressions"][index], given.get("operator", "")
        if operator not in NODE_SELECTOR_OPERATORS:
            here["operator"].unsupported(operator, tuple(NODE_SELECTOR_OPERATORS))
        try:
            named = NODE_SELECTOR_OPERATORS[operator]
            new_requirement(given.get("key", ""), named, given.get("values", ()))
        except SelectorError as error:
            here.invalid(given, str(error))
    for index, given in enumerate(term.get("matchFields", ())):
        here, operator = field["matchFields"][index], given.get("operator", "")
        if operator not in ("In", "NotIn"):
            here["operator"].unsupported(operator, ("In", "NotIn"))
        if len(given.get("values", ())) != 1:
            here["values"].invalid(given.get("values", ()), "must have one element")


def _check_balanced(field: Field, given: Arguments) -> None:
    seen: list[str] = []
    for index, (name, weight) in enumerate(_pairs(given["resources"])):
        if name in seen:
            field["resources"][index]["name"].duplicate(name)
        seen.append(name)
        if weight != 1:
            field["resources"][index]["weight"].invalid(weight, "must be 1")


def _check_fit(field: Field, given: Arguments) -> None:
    for index, name in enumerate(given["ignoredResources"]):
        _check_label_name(field["ignoredResources"][index], name)
    for index, group in enumerate(given["ignoredResourceGroups"]):
        here = field["ignoredResourceGroups"][index]
        if "/" in group:
            here.invalid(group, "resource group name can't contain '/'")
        _check_label_name(here, group)
    _check_strategy(field["scoringStrategy"], given["scoringStrategy"])


def _check_strategy(field: Field, given: Arguments) -> None:
    if given["type"] not in STRATEGIES:
        field["type"].unsupported(given["type"], STRATEGIES)
    for index, (name, weight) in enumerate(_pairs(given["resources"])):
        if not 0 < weight <= 100:
            reason = f"resource weight of {name} not in valid range (0, 100]"
            field["resources"][index]["weight"].invalid(weight, reason)
    ratio = given.get(_RATIO)
    if given["type"] == STRATEGIES[2]:
        if ratio is None:
            field[_RATIO].required("must be specified when type is RequestedToCapacityRatio")
        _check_shape(field[_RATIO]["shape"], ratio.get("shape", ()))
    elif ratio is not None:
        field[_RATIO].forbidden("must be nil when type is not RequestedToCapacityRatio")


def _check_shape(field: Field, shape: Sequence[Arguments]) -> None:
    if not shape:
        field.required("at least one point must be specified")
    at = [point.get("utilization", 0) for point in shape]
    for index in range(1, len(at)):
        if at[index - 1] >= at[index]:
            reason = "values must be sorted in increasing order"
            field[index]["utilization"].invalid(at[index], reason)
    for index, point in enumerate(shape):
        for name, most in (("utilization", 100), ("score", 10)):
            if not 0 <= point.get(name, 0) <= most:
                field[index][name].invalid(point[name], f"not in valid range [0, {most}]")


def _check_spread(field: Field, given: Arguments) -> None:
    defaulting, constraints = given["defaultingType"], given["defaultConstraints"]
    if defaulting not in ("System", "List"):
        field["defaultingType"].unsupported(defaulting, ("System", "List"))
    if defaulting == "System" and constraints:
        field["defaultingType"].invalid(defaulting, "when .defaultConstraints are not empty")
    seen: list[tuple[str, str]] = []
    for index, constraint in enumerate(constraints):
        here = field["defaultConstraints"][index]
        _check_constraint(here, constraint)
        pair = constraint["topologyKey"], constraint["whenUnsatisfiable"]
        if pair in seen:
            here.duplicate(f"{{{pair[0]}, {pair[1]}}}")
        seen.append(pair)


def _check_constraint(field: Field, given: Arguments) -> None:
    if given.get("maxSkew", 0) <= 0:
        field["maxSkew"].invalid(given.get("maxSkew", 0), "not in valid range (0, inf)")
    if not given.get("topologyKey"):
        field["topologyKey"].required("can not be empty")
    _check_label_name(field["topologyKey"], given["topologyKey"])
    action = given.get("whenUnsatisfiable", "")
    if not action:
        field["whenUnsatisfiable"].required("can not be empty")
    if action not in ("DoNotSchedule", "ScheduleAnyway"):
        field["whenUnsatisfiable"].unsupported(action, ("DoNotSchedule", "ScheduleAnyway"))
    if "labelSelector" in given:
        reason = "constraint must not define a selector, as they deduced for each pod"
        field["labelSelector"].forbidden(reason)


def _check_volume_binding(field: Field, given: Arguments) -> None:
    seconds = given["bindTimeoutSeconds"]
    if seconds < 0:
        reason = "invalid BindTimeoutSeconds, should not be a negative value"
        field["bindTimeoutSeconds"].invalid(seconds, reason)
    if "shape" in given:
        reason = "unexpected field `shape`, remove it or turn on the feature gate"
        field["shape"].invalid(given["shape"], f"{reason} StorageCapacityScoring")


def _check_label_name(field: Field, name: str) -> None:
    if errors := is_qualified_name(name):
        field.invalid(name, errors[0])


def _pairs(resources: Sequence[Arguments]) -> list[tuple[str, int]]:
    return [(resource["name"], resource["weight"]) for resource in resources]


_CHECKS: dict[str, Callable[[Field, Arguments], None]] = {
    "DefaultPreemption": _check_preemption,
    "DynamicResources": _check_dynamic_resources,
    "InterPodAffinity": _check_inter_pod_affinity,
    "NodeAffinity": _check_node_affinity,
    "NodeResourcesBalancedAllocation": _check_balanced,
    "NodeResourcesFit": _check_fit,
    "PodTopologySpread": _check_spread,
    "VolumeBinding": _check_volume_binding,
}
