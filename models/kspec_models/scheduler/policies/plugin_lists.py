"""A list of plugins as a policy.

The list adds to the default filters and preemption and takes the place of the default scores:
- a plugin that filters runs after the default filters; one with the name of a default filter takes
  its place, and its place in the order;
- a plugin that scores counts with weight 1, or with that of the pair (plugin, weight);
- a plugin with `post_filter` takes the place of preemption; one with `reserve`, `permit` or
  `pre_bind` runs there.
A class stands for an instance of it. Who wants no default filter builds a `Profile`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kspec.errors import InputError
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile

_FILTERS = ("filter", "filter_with")
_SCORES = ("score", "score_with")
_HOOKS = ("reserve", "permit", "pre_bind")
_COMPANIONS = {
    "filter_with": ("pre_filter", "add_pod", "remove_pod"),
    "score_with": ("pre_score", "normalize_with"),
    "score": ("is_relative", "normalize"),
}
"""What a plugin with that method has as well."""

_REMEDIES = {
    "is_relative": "is_relative = False, or True where scores mean something only together",
    "normalize": "normalize(scores), which returns scores of 0..100",
}


def policy_of_plugins(given: Sequence[Any], name: str) -> Profile:
    """The policy of a list of plugins, under that name; raises InputError for what is no plugin."""
    pairs = [_plugin(item, index, name) for index, item in enumerate(given)]
    if not pairs:
        raise InputError(f"policy {name}: an empty list", expected="a list of plugins")
    plugins = [plugin for plugin, _ in pairs]
    default = default_policy()
    filtering = {plugin.name: plugin for plugin in plugins if _has(plugin, _FILTERS)}
    filters = [filtering.pop(plugin.name, plugin) for plugin in default.filters]
    post_filters = [plugin for plugin in plugins if _has(plugin, ("post_filter",))]
    return Profile(
        name,
        (*filters, *filtering.values()),
        tuple((plugin, weight) for plugin, weight in pairs if _has(plugin, _SCORES)),
        post_filter=post_filters[-1] if post_filters else default.post_filter,
        extra=(*default.extra, *(plugin for plugin in plugins if _is_hook_only(plugin))),
    )


def _is_hook_only(plugin: Any) -> bool:
    return _has(plugin, _HOOKS) and not _has(plugin, (*_FILTERS, *_SCORES))


def _plugin(item: Any, index: int, policy: str) -> tuple[Any, int]:
    where = f"policy {policy}: plugin {index}"
    plugin, weight = item if isinstance(item, tuple) and len(item) == 2 else (item, 1)
    if isinstance(plugin, type):
        try:
            plugin = plugin()
        except Exception as error:
            raise InputError(
                f"{plugin.__name__} cannot be made without arguments: {error}", where=where
            ) from None
    if not isinstance(getattr(plugin, "name", None), str):
        raise InputError(
            f"{type(plugin).__name__} has no name", where=where, expected='name = "..." in it'
        )
    if not _has(plugin, (*_FILTERS, *_SCORES, *_HOOKS, "post_filter")):
        expected = ", ".join((*_FILTERS, *_SCORES, *_HOOKS, "post_filter"))
        raise InputError(
            f"{plugin.name} is no plugin", where=where, expected=f"one of the methods {expected}"
        )
    if not isinstance(weight, int) or isinstance(weight, bool) or weight < 1:
        raise InputError(
            f"{plugin.name} has the weight {weight!r}", where=where, expected="an integer above 0"
        )
    for method, others in _COMPANIONS.items():
        for other in others if hasattr(plugin, method) else ():
            if not hasattr(plugin, other):
                problem = f"{plugin.name} has {method} and no {other}"
                raise InputError(problem, where=where, expected=_REMEDIES.get(other, other))
    return plugin, weight


def _has(plugin: Any, methods: Sequence[str]) -> bool:
    return any(callable(getattr(plugin, method, None)) for method in methods)
