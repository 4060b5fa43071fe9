"""The arguments of the in-tree plugins, read and with their defaults.

After pkg/scheduler/apis/config/v1/defaults.go (SetDefaults_*Args) and
k8s.io/kube-scheduler/config/v1/types.go (decodeNestedObjects) at 1.36.

Of VolumeBindingArgs and DynamicResourcesArgs nothing has an effect here: bindings of claims end or
fail by what their controller does, and resource claims are not modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kspec_models.scheduler.configuration.argument_checks import CHECKS, STRATEGIES, Arguments
from kspec_models.scheduler.configuration.fields import ARGUMENTS, GROUP_VERSION
from kspec_models.scheduler.configuration.problems import Field
from kspec_models.scheduler.configuration.shape import decode
from kspec_models.scheduler.plugins.node_resources_fit import NAME as NODE_RESOURCES_FIT

_DEFAULT_RESOURCES: Final = ({"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1})


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
    CHECKS[plugin](field, defaulted)
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
