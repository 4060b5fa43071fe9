"""Which plugins run at each extension point, in order, and the weights of their scores.

After pkg/scheduler/framework/runtime/framework.go (NewFramework, updatePluginList,
expandMultiPointPlugins, getScoreWeights) at 1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kspec_models.scheduler.configuration.fields import POINTS
from kspec_models.scheduler.configuration.plugin_sets import ALL, MULTI_POINT, Plugins, PluginSet
from kspec_models.scheduler.configuration.source import Path, Source
from kspec_models.scheduler.plugins.registry import GATED, PLUGINS, nearest

TYPE_NAMES: Final = {point: f"{point[0].upper()}{point[1:]}Plugin" for point in POINTS}
"""By extension point, the name that upstream's messages give it."""


class Expanded(NamedTuple):
    """points: by extension point, the names of its plugins, in order. weights: of the scorers."""

    points: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, int]

    @property
    def needed(self) -> tuple[str, ...]:
        """Every plugin that runs anywhere, each once."""
        return tuple(dict.fromkeys(name for names in self.points.values() for name in names))


class _Refusal(Exception):
    """What is wrong with a plugin, by extension point and name."""

    def __init__(self, point: str, name: str, problem: str, expected: str = "") -> None:
        super().__init__(problem)
        self.point, self.name, self.problem, self.expected = point, name, problem, expected


def expand(plugins: Plugins, source: Source, path: Path, given: Mapping[str, Any]) -> Expanded:
    """The plugins of a profile; raises InputError at the place of one that cannot be there.

    path, given: where the profile stands in the source, and what it says.
    """
    try:
        return _expanded(plugins)
    except _Refusal as refusal:
        where = _place(refusal, given)
        source.fail((*path, *where), refusal.problem, refusal.expected)


def _place(refusal: _Refusal, given: Mapping[str, Any]) -> Path:
    written = (given.get("plugins") or {}).get(refusal.point) or {}
    for index, plugin in enumerate(written.get("enabled", ())):
        if plugin.get("name", "") == refusal.name:
            return ("plugins", refusal.point, "enabled", index)
    return ("plugins", refusal.point) if written else ()


def _expanded(plugins: Plugins) -> Expanded:
    for point in (*POINTS, MULTI_POINT):
        for plugin in plugins[point].enabled:
            _check_known(point, plugin.name)
            if plugin.weight < 0:
                problem = f"the weight {plugin.weight} would turn the plugin's preference around"
                raise _Refusal(point, plugin.name, problem)
    multi = tuple(plugin.name for plugin in plugins[MULTI_POINT].enabled)
    points = {point: _names(point, plugins[point], multi) for point in POINTS}
    _check_host(points)
    return Expanded(points, _weights(plugins))


def _check_known(point: str, name: str) -> None:
    if name in GATED:
        raise _Refusal(point, name, f"plugin {name} needs a feature gate that is off by default")
    if name not in PLUGINS:
        raise _Refusal(point, name, f'plugin "{name}" does not exist', nearest(name))
    if point != MULTI_POINT and point not in PLUGINS[name].points:
        problem = f'plugin "{name}" does not extend {TYPE_NAMES[point]} plugin'
        raise _Refusal(point, name, problem)


def _names(point: str, own: PluginSet, multi: tuple[str, ...]) -> tuple[str, ...]:
    """What overrides a multiPoint plugin comes first, then those, then what is enabled here only.

    A plugin that this point enables is taken out of the multiPoint ones, even where it is disabled
    here: then it counts as the point's own.
    """
    names = [plugin.name for plugin in own.enabled]
    _check_once(point, point, names)
    if ALL in own.disabled or not multi:
        return tuple(names)
    here = [name for name in multi if point in PLUGINS[name].points and name not in own.disabled]
    expanded = [name for name in here if name not in names]
    _check_once(MULTI_POINT, point, expanded)
    overriding = [name for name in names if name in here]
    return (*overriding, *expanded, *(name for name in names if name not in overriding))


def _check_once(listed: str, point: str, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            problem = f'plugin "{name}" already registered as "{TYPE_NAMES[point]}"'
            raise _Refusal(listed, name, problem)


def _check_host(points: Mapping[str, tuple[str, ...]]) -> None:
    sorts = len(points["queueSort"])
    if sorts != 1:
        raise _Refusal("queueSort", "", f"only one queue sort plugin required, but got {sorts}")
    if not points["bind"]:
        raise _Refusal("bind", "", "at least one bind plugin is needed")


def _weights(plugins: Plugins) -> dict[str, int]:
    """The weight that Score itself gives comes before that of multiPoint; none means 1."""
    found: dict[str, int] = {}
    for name, weight in (*plugins["score"].enabled, *plugins[MULTI_POINT].enabled):
        if "score" in PLUGINS[name].points:
            found.setdefault(name, weight or 1)
    return found
