"""The plugins of a profile: the default ones, merged with what a configuration says.

After pkg/scheduler/apis/config/v1/default_plugins.go (getDefaultPlugins, mergePlugins) at 1.36,
with the feature gates that are on by default there: DynamicResourceAllocation and
NodeDeclaredFeatures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kspec_models.scheduler.configuration.fields import POINTS

ALL: Final = "*"
MULTI_POINT: Final = "multiPoint"


class Enabled(NamedTuple):
    """A plugin that is enabled, and its weight in Score; 0 where none is given."""

    name: str
    weight: int = 0


class PluginSet(NamedTuple):
    """What is enabled and disabled at one extension point, in order."""

    enabled: tuple[Enabled, ...] = ()
    disabled: tuple[str, ...] = ()


DEFAULT_PLUGINS: Final = PluginSet(
    (
        Enabled("SchedulingGates"),
        Enabled("PrioritySort"),
        Enabled("NodeUnschedulable"),
        Enabled("NodeName"),
        Enabled("TaintToleration", 3),
        Enabled("NodeAffinity", 2),
        Enabled("NodePorts"),
        Enabled("NodeResourcesFit", 1),
        Enabled("VolumeRestrictions"),
        Enabled("NodeVolumeLimits"),
        Enabled("VolumeBinding"),
        Enabled("VolumeZone"),
        Enabled("PodTopologySpread", 2),
        Enabled("InterPodAffinity", 2),
        Enabled("DynamicResources", 2),
        Enabled("DefaultPreemption"),
        Enabled("NodeResourcesBalancedAllocation", 1),
        Enabled("ImageLocality", 1),
        Enabled("DefaultBinder"),
        Enabled("NodeDeclaredFeatures"),
    )
)
"""The default plugins, all of them enabled at every extension point that they implement."""

Plugins = Mapping[str, PluginSet]
"""By extension point, multiPoint included."""


def merged(custom: Mapping[str, Any] | None) -> Plugins:
    """The plugins of a profile as a configuration gives them, over the default ones."""
    custom = custom or {}
    found = {point: merge(PluginSet(), _read(custom.get(point))) for point in POINTS}
    found[MULTI_POINT] = merge(DEFAULT_PLUGINS, _read(custom.get(MULTI_POINT)))
    return found


def _read(given: Mapping[str, Any] | None) -> PluginSet:
    given = given or {}
    enabled = tuple(
        Enabled(p.get("name", ""), p.get("weight", 0)) for p in given.get("enabled", ())
    )
    return PluginSet(enabled, tuple(p.get("name", "") for p in given.get("disabled", ())))


def merge(default: PluginSet, custom: PluginSet) -> PluginSet:
    """mergePluginSet: a default plugin that is enabled anew keeps its place and takes the weight.

    A name that is enabled twice stays twice: to set up the profile finds that out.
    """
    disabled = (*custom.disabled, *default.disabled)
    last = {plugin.name: index for index, plugin in enumerate(custom.enabled)}
    kept: list[Enabled] = []
    replaced: list[int] = []
    for plugin in default.enabled if ALL not in disabled else ():
        if plugin.name in disabled:
            continue
        if plugin.name in last:
            replaced.append(last[plugin.name])
            plugin = custom.enabled[last[plugin.name]]
        kept.append(plugin)
    added = [plugin for i, plugin in enumerate(custom.enabled) if i not in replaced]
    return PluginSet((*kept, *added), disabled)
