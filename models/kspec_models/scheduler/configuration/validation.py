"""What a KubeSchedulerConfiguration may say besides the arguments of its plugins.

After pkg/scheduler/apis/config/validation/validation.go and
k8s.io/component-base/config/validation at 1.36. Every function raises InputError for the first
problem, with its line.

Left out: conditions on fields whose values nothing here reads beyond their validity, such as names
of the leader's lock. Stricter than upstream: a name in `disabled` and in `pluginConfig` must be
that of a plugin, and an extender needs an address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from kspec_models.resources import is_extended
from kspec_models.scheduler.configuration.durations import parse_duration
from kspec_models.scheduler.configuration.fields import (
    GROUP_VERSION,
    KIND,
    POD_GROUP_POINTS,
    POINTS,
)
from kspec_models.scheduler.configuration.plugin_sets import ALL, MULTI_POINT, Plugins
from kspec_models.scheduler.configuration.problems import Field
from kspec_models.scheduler.plugins.registry import GATED, PLUGINS, REMOVED, nearest
from kspec_models.validation import is_qualified_name

Given = Mapping[str, Any]


def check_type(field: Field, given: Given) -> None:
    """apiVersion and kind are those of a configuration of 1.36."""
    version, kind = given.get("apiVersion"), given.get("kind")
    if (version, kind) != (GROUP_VERSION, KIND):
        name = "apiVersion" if kind == KIND else "kind"
        problem = f'no kind "{kind}" is registered for version "{version}"'
        field.source.fail((*field.path, name), problem, f"{KIND} of {GROUP_VERSION}")


def check_whole(field: Field, given: Given) -> None:
    """The fields outside profiles and extenders."""
    _check_client(field["clientConnection"], given.get("clientConnection", {}))
    _check_election(field["leaderElection"], given.get("leaderElection", {}))
    parallelism = given.get("parallelism", 16)
    if parallelism <= 0:
        reason = "should be an integer value greater than zero"
        field["parallelism"].invalid(parallelism, reason)
    check_percentages(field, given)
    initial = given.get("podInitialBackoffSeconds", 1)
    if initial <= 0:
        field["podInitialBackoffSeconds"].invalid(initial, "must be greater than 0")
    most = given.get("podMaxBackoffSeconds", 10)
    if most < initial:
        reason = "must be greater than or equal to PodInitialBackoffSeconds"
        field["podMaxBackoffSeconds"].invalid(most, reason)


def check_percentages(field: Field, given: Given) -> None:
    """percentageOfNodesToScore of the configuration or of a profile."""
    for name in ("percentageOfNodesToScore", "percentageOfPlacementsToScore"):
        if not 0 <= given.get(name, 0) <= 100:
            field[name].invalid(given[name], "not in valid range [0-100]")


def _check_client(field: Field, given: Given) -> None:
    if given.get("burst", 0) < 0:
        field["burst"].invalid(given["burst"], "must be non-negative")


def _check_election(field: Field, given: Given) -> None:
    if not given.get("leaderElect", True):
        return
    defaults = {"leaseDuration": "15s", "renewDeadline": "10s", "retryPeriod": "2s"}
    seconds: dict[str, Fraction] = {}
    for name, default in defaults.items():
        found = parse_duration(given.get(name, default)) or Fraction(0)
        # Zero is what is left out.
        seconds[name] = found or parse_duration(default) or Fraction(0)
        if seconds[name] < 0:
            field[name].invalid(given[name], "must be greater than zero")
    if seconds["leaseDuration"] <= seconds["renewDeadline"]:
        lease = given.get("leaseDuration", defaults["leaseDuration"])
        field["leaseDuration"].invalid(lease, "must be greater than `RenewDeadline`")
    lock = given.get("resourceLock") or "leases"
    if lock != "leases":
        field["resourceLock"].invalid(lock, 'resourceLock value must be "leases"')


def check_profile(field: Field, given: Given) -> None:
    """The names of a profile's plugins; those that are enabled are known when it is set up."""
    if not given["schedulerName"]:
        field["schedulerName"].required()
    check_percentages(field, given)
    plugins = given.get("plugins", {})
    for point in (*POINTS, MULTI_POINT, *POD_GROUP_POINTS):
        here, plugin_set = field["plugins"][point], plugins.get(point, {})
        for index, plugin in enumerate(plugin_set.get("enabled", ())):
            name = plugin.get("name", "")
            if point != MULTI_POINT:
                _check_not_removed(here["enabled"][index], name)
            if point in POD_GROUP_POINTS:
                here["enabled"][index].forbidden("pod groups need a gate that is off by default")
        for index, plugin in enumerate(plugin_set.get("disabled", ())):
            _check_known(here["disabled"][index], plugin.get("name", ""), (ALL, *REMOVED))
    seen: list[str] = []
    for index, each in enumerate(given.get("pluginConfig", ())):
        here, name = field["pluginConfig"][index], each.get("name", "")
        if name in seen:
            here.duplicate(name)
        seen.append(name)
        _check_not_removed(here, name)
        _check_known(here["name"], name)


def _check_not_removed(field: Field, name: str) -> None:
    if name in REMOVED:
        reason = (
            f'was invalid in version "v1" (KubeSchedulerConfiguration is version "{GROUP_VERSION}")'
        )
        field.invalid(name, reason)


def _check_known(field: Field, name: str, also: Sequence[str] = ()) -> None:
    if name not in PLUGINS and name not in GATED and name not in also:
        field.source.fail(field.path, f'plugin "{name}" does not exist', nearest(name))


def check_profiles(field: Field, names: Sequence[str], plugins: Sequence[Plugins]) -> None:
    """What profiles have to do with each other: unique names, and one order of the queue."""
    for index, name in enumerate(names):
        if name in names[:index]:
            field[index]["schedulerName"].duplicate(name)
    queue_sort = [found["queueSort"] for found in plugins]
    if len(queue_sort[0].enabled) > 1:
        reason = "only one queue sort plugin can be enabled"
        field[0]["plugins"]["queueSort"]["enabled"].invalid(len(queue_sort[0].enabled), reason)
    for index, found in enumerate(queue_sort):
        if found != queue_sort[0]:
            shown = [plugin.name for plugin in found.enabled]
            reason = "must be the same for all profiles"
            field[index]["plugins"]["queueSort"].invalid(shown, reason)


def check_extenders(field: Field, extenders: Sequence[Given]) -> None:
    """What extenders may be; one at most binds."""
    managed: list[str] = []
    for index, given in enumerate(extenders):
        check_extender(field[index], given, managed)
        managed += [resource.get("name", "") for resource in given.get("managedResources", ())]
    binders = sum(bool(given.get("bindVerb")) for given in extenders)
    if binders > 1:
        found = f"found {binders} extenders implementing bind"
        field.invalid(found, "only one extender can implement bind")


def check_extender(field: Field, given: Given, managed: Sequence[str] = ()) -> None:
    """Address, weight and managed resources of one extender; managed: those of others."""
    if not given.get("urlPrefix"):
        field["urlPrefix"].required("the address that the extender is called at")
    if given.get("prioritizeVerb") and given.get("weight", 0) <= 0:
        reason = "must have a positive weight applied to it"
        field["weight"].invalid(given.get("weight", 0), reason)
    seen = list(managed)
    for index, resource in enumerate(given.get("managedResources", ())):
        name = resource.get("name", "")
        _check_managed(field["managedResources"][index]["name"], name, seen)
        seen.append(name)


def _check_managed(field: Field, name: str, seen: Sequence[str]) -> None:
    if errors := is_qualified_name(name):
        field.invalid(name, errors[0])
    if not is_extended(name):
        field.invalid(name, "is an invalid extended resource name")
    if name in seen:
        field.invalid(name, "duplicate extender managed resource name")
