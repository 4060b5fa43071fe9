"""A profile from the names of its plugins and their arguments.

After pkg/scheduler/framework/runtime/framework.go (NewFramework) at 1.36.

A plugin's preFilter and filter belong together here: where only preFilter is enabled, it alone
has a say; where only filter is, the answer is the same for plugins that upstream lets compute what
preFilter would have left, and for the others, which fail every cycle upstream, the configuration
is refused. The same holds for preScore and score. Left out: pods that request nothing are not
rated by NodeResourcesBalancedAllocation, even where its preScore is disabled; gated pods wait even
where SchedulingGates is disabled, since the API server would not let them be bound; and
VolumeBinding reserves and binds volumes wherever it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.configuration.expansion import Expanded
from kspec_models.scheduler.configuration.problems import Field
from kspec_models.scheduler.framework import SUCCESS, Context, PreFilterResult, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.registry import PLUGINS, Arguments
from kspec_models.scheduler.profile import Profile


def profile_of(
    name: str, expanded: Expanded, arguments: Mapping[str, Arguments], field: Field
) -> Profile:
    """The profile; raises InputError at `field` for one that fails every cycle upstream."""
    points = expanded.points
    _check_pairs(points, field)
    made = _made(expanded, arguments)
    filters = [made[plugin] for plugin in points["filter"] if plugin in made]
    filters += _pre_filters(points, made)
    scorers = [(made[p], expanded.weights[p]) for p in points["score"] if _rates(made.get(p))]
    post_filters = [made[plugin] for plugin in points["postFilter"] if plugin in made]
    used = [*filters, *(plugin for plugin, _ in scorers), *post_filters]
    hooks = [p for point in ("reserve", "permit", "preBind") for p in points[point] if p in made]
    return Profile(
        name,
        tuple(filters),
        tuple(scorers),
        post_filter=post_filters[0] if post_filters else None,
        extra=tuple(made[p] for p in dict.fromkeys(hooks) if made[p] not in used),
    )


def _made(expanded: Expanded, arguments: Mapping[str, Arguments]) -> dict[str, Any]:
    """One instance of each plugin that is needed and that is made."""
    found = {}
    for plugin in expanded.needed:
        make = PLUGINS[plugin].make
        if make is not None:
            found[plugin] = make(arguments.get(plugin, {}))
    return found


def _check_pairs(points: Mapping[str, tuple[str, ...]], field: Field) -> None:
    for before, point in (("preFilter", "filter"), ("preScore", "score")):
        for plugin in points[point]:
            if point in PLUGINS[plugin].needs and plugin not in points[before]:
                problem = f"{plugin} is enabled at {point} and not at {before}"
                field["plugins"].invalid(plugin, f"{problem}: it would fail every cycle")


def _pre_filters(
    points: Mapping[str, tuple[str, ...]], made: Mapping[str, Any]
) -> list[PreFilterOnly]:
    alone = [p for p in points["preFilter"] if p in made and p not in points["filter"]]
    return [PreFilterOnly(made[p]) for p in alone if hasattr(made[p], "pre_filter")]


def _rates(plugin: Any) -> bool:
    return hasattr(plugin, "score") or hasattr(plugin, "score_with")


class PreFilterOnly:
    """A plugin whose Filter is disabled: its PreFilter may still refuse all nodes, or name some."""

    def __init__(self, plugin: Any) -> None:
        self.plugin, self.name = plugin, plugin.name
        self.resources = getattr(plugin, "resources", ())

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """What the plugin finds, without the state that its Filter would need."""
        if isinstance(self.plugin, NodeAffinity):
            status, nodes = self.plugin.pre_filter(pod.spec)
            return PreFilterResult(status, nodes)
        if not hasattr(self.plugin, "filter_with"):
            return PreFilterResult()
        found: PreFilterResult = self.plugin.pre_filter(pod, context)
        return found._replace(state=None)

    def filter_with(self, state: Any, pod: Pod, node_info: NodeInfo) -> Status:
        return SUCCESS

    def add_pod(self, state: Any, pod: Pod, added: Pod, node_info: NodeInfo) -> Any:
        return state

    def remove_pod(self, state: Any, pod: Pod, removed: Pod, node_info: NodeInfo) -> Any:
        return state
