"""Plugins of a user's own within a policy, each under guard by itself.

The in-tree plugins are left as they are. What a plugin answers is checked where it can be told
apart: a profile that adds scores up would hide which of its plugins was out of range.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    PreFilterResult,
    PreScoreResult,
)
from kspec_models.scheduler.policies.numeric import Numeric
from kspec_models.scheduler.policies.rated import Rated
from kspec_models.scheduler.profile import Profile
from kspec_properties.trial.checks import Wrong, number, scores_of, status_of
from kspec_properties.trial.custody import Custody

_MODEL = "kspec_models."
_INT64 = 2**63


def with_guarded_parts(policy: Any, custody: Custody) -> Any:
    """The policy with its foreign plugins under guard; the same one where it has none."""
    if isinstance(policy, Numeric) and is_foreign(policy.numeric):
        return Numeric(GuardedNumeric(policy.numeric, custody))
    if type(policy) is not Profile:
        return policy
    plugins = (*policy.filters, *(plugin for plugin, _ in policy.scorers))
    if not any(map(is_foreign, plugins)):
        return policy
    return rebuilt(policy, lambda plugin: _guarded(plugin, custody))


def is_foreign(plugin: Any) -> bool:
    """Whether a plugin is not one of those that ship with the model."""
    return not type(plugin).__module__.startswith(_MODEL)


def rebuilt(profile: Profile, change: Callable[[Any], Any]) -> Profile:
    """A profile made anew, with an empty memory, of plugins that were changed by a function.

    A plugin that filters and scores stays one plugin.
    """
    made: list[tuple[Any, Any]] = []

    def changed(plugin: Any) -> Any:
        for before, after in made:
            if before is plugin:
                return after
        made.append((plugin, change(plugin)))
        return made[-1][1]

    new = Profile(
        profile.name,
        tuple(map(changed, profile.filters)),
        tuple((changed(plugin), weight) for plugin, weight in profile.scorers),
        resources=profile.resources,
        post_filter=profile.post_filter,
        extra=profile.extra,
    )
    for name, value in vars(profile).items():
        if name not in vars(new):
            setattr(new, name, value)
    return new


def _guarded(plugin: Any, custody: Custody) -> Any:
    return GuardedPlugin(plugin, custody) if is_foreign(plugin) else plugin


def renewed(policy: Any) -> Any:
    """A policy as it was made: another object, with no memory of calls; None where none can be.

    Taken before the first call, it is as it was then, whatever the policy keeps for itself.
    """
    try:
        if type(policy) is Profile:
            return rebuilt(policy, _copied)
        if isinstance(policy, Numeric):
            return Numeric(_copied(policy.numeric))
        if isinstance(policy, Rated):
            return Rated(_copied(policy.rating))
        return _copied(policy)
    except Exception:  # whatever stops a user's class from being copied
        return None


def has_memory(policy: Any) -> bool:
    """Whether a policy, or a plugin of it, is of a user's own and so may remember what it saw."""
    if type(policy) is Profile:
        return any(map(is_foreign, (*policy.filters, *(plugin for plugin, _ in policy.scorers))))
    if isinstance(policy, Rated):
        return is_foreign(policy.rating)
    return is_foreign(policy.numeric if isinstance(policy, Numeric) else policy)


def _copied(part: Any) -> Any:
    """A deep copy of what is a user's own; what it holds of the model is shared, and pure."""
    if not is_foreign(part):
        return part
    held = getattr(part, "__dict__", {}).values()
    return copy.deepcopy(part, {id(value): value for value in held if not is_foreign(value)})


def _result(kind: type) -> Callable[[Any], Any]:
    def check(answer: Any) -> Any:
        if not isinstance(answer, kind):
            raise Wrong("wrong-type", f"returns a {type(answer).__name__}, not a {kind.__name__}")
        return answer

    return check


class GuardedPlugin:
    """One plugin. Whatever is not called at an extension point is the plugin's own."""

    def __init__(self, plugin: Any, custody: Custody) -> None:
        self.plugin, self.custody = plugin, custody

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.__dict__["plugin"], name)
        if name not in _POINTS or not callable(found):
            return found
        point, check_of = _POINTS[name]

        def guarded(*arguments: Any) -> Any:
            return self.custody.call(point, found, arguments, check_of(self.plugin, arguments))

        return guarded


def _check_status(plugin: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    return status_of(plugin.name)


def _check_score(plugin: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    """One score: within 0..100 where it stands for itself, else any int64."""
    is_final = getattr(plugin, "is_relative", True) is False
    lowest, highest = (0, MAX_NODE_SCORE) if is_final else (-_INT64, _INT64 - 1)
    return lambda answer: number(answer, lowest, highest)


def _check_scores(plugin: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    given = arguments[-1] if len(arguments) == 1 else arguments[1]
    return scores_of(len(given), 0, MAX_NODE_SCORE)


def _check_pre_filter(plugin: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    return _result(PreFilterResult)


def _check_pre_score(plugin: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    return _result(PreScoreResult)


def _check_nothing(plugin: Any, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    return lambda answer: answer


_POINTS: dict[str, tuple[str, Callable[[Any, tuple[Any, ...]], Callable[[Any], Any]]]] = {
    "pre_filter": ("PreFilter", _check_pre_filter),
    "filter": ("Filter", _check_status),
    "filter_with": ("Filter", _check_status),
    "add_pod": ("AddPod", _check_nothing),
    "remove_pod": ("RemovePod", _check_nothing),
    "pre_score": ("PreScore", _check_pre_score),
    "score": ("Score", _check_score),
    "score_with": ("Score", _check_score),
    "normalize": ("NormalizeScore", _check_scores),
    "normalize_with": ("NormalizeScore", _check_scores),
}


class GuardedNumeric:
    """A numeric policy: yes or no from filter, and a score of 0..100."""

    numeric = True

    def __init__(self, policy: Any, custody: Custody) -> None:
        self.policy, self.custody, self.name = policy, custody, policy.name

    def filter(self, *numbers: Any) -> bool:
        found: bool = self.custody.call("Filter", self.policy.filter, numbers, _truth)
        return found

    def score(self, *numbers: Any) -> int:
        found: int = self.custody.call(
            "Score", self.policy.score, numbers, lambda n: number(n, 0, MAX_NODE_SCORE)
        )
        return found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.__dict__["policy"], name)


def _truth(answer: Any) -> bool:
    if not isinstance(answer, bool | int):
        raise Wrong("wrong-type", f"returns a {type(answer).__name__}, not true or false")
    return bool(answer)
