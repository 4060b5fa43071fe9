"""What the arguments of the in-tree plugins may be.

After pkg/scheduler/apis/config/validation/validation_pluginargs.go at 1.36. Every check raises
InputError for the first problem, in upstream's words. The fields of gates that are off by default
(shape of VolumeBindingArgs) are refused, as upstream does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from kspec_models.scheduler.configuration.durations import parse_duration
from kspec_models.scheduler.configuration.problems import Field
from kspec_models.selectors import NODE_SELECTOR_OPERATORS, SelectorError, new_requirement
from kspec_models.validation import is_qualified_name

STRATEGIES: Final = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
_RATIO: Final = "requestedToCapacityRatio"

Arguments = Mapping[str, Any]


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


CHECKS: dict[str, Callable[[Field, Arguments], None]] = {
    "DefaultPreemption": _check_preemption,
    "DynamicResources": _check_dynamic_resources,
    "InterPodAffinity": _check_inter_pod_affinity,
    "NodeAffinity": _check_node_affinity,
    "NodeResourcesBalancedAllocation": _check_balanced,
    "NodeResourcesFit": _check_fit,
    "PodTopologySpread": _check_spread,
    "VolumeBinding": _check_volume_binding,
}
"""By plugin, the check of its arguments, which are defaulted."""
