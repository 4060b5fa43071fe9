"""A world's descheduler, read from its options in the form of a DeschedulerPolicy.

After pkg/api/v1alpha2/types.go of sigs.k8s.io/descheduler at 0.35. What the model does not follow
is refused, so that no policy is silently another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec.errors import InputError
from kspec_models.descheduler import DUPLICATES, INTERVAL_SECONDS, SPREAD, Descheduler, Profile
from kspec_models.descheduler_evictor import Limits
from kspec_models.descheduler_spread import DO_NOT_SCHEDULE, SCHEDULE_ANYWAY, SpreadArgs

_WHERE = "components.descheduler"
_LIMITS = (
    "maxNoOfPodsToEvictPerNode",
    "maxNoOfPodsToEvictPerNamespace",
    "maxNoOfPodsToEvictTotal",
)
_EVICTOR = {
    "nodeFit": ("node_fit", bool),
    "evictSystemCriticalPods": ("evict_system_critical_pods", bool),
    "evictLocalStoragePods": ("evict_local_storage_pods", bool),
    "evictDaemonSetPods": ("evict_daemon_set_pods", bool),
    "ignorePvcPods": ("ignore_pvc_pods", bool),
    "minReplicas": ("min_replicas", int),
}
_PLUGINS = (DUPLICATES, SPREAD)


def descheduler_of(options: Mapping[str, Any]) -> Descheduler:
    """The descheduler of a world; raises InputError for what is no policy or is not followed."""
    known = ("deschedulingIntervalSeconds", "profiles", *_LIMITS)
    _check(options, known, _WHERE)
    interval = options.get("deschedulingIntervalSeconds", INTERVAL_SECONDS)
    if type(interval) is not int or interval < 1:
        raise _wrong("deschedulingIntervalSeconds", interval, "whole seconds from 1 on")
    per_node, per_namespace, total = (_limit(options, name) for name in _LIMITS)
    limits = Limits(per_node=per_node, per_namespace=per_namespace, total=total)
    profiles = options.get("profiles", ({"plugins": {"balance": {"enabled": list(_PLUGINS)}}},))
    if not isinstance(profiles, list | tuple) or not profiles:
        raise _wrong("profiles", profiles, "a list of profiles")
    return Descheduler(tuple(_profile(p, limits) for p in profiles), interval)


def _limit(options: Mapping[str, Any], name: str) -> int | None:
    limit = options.get(name)
    if limit is not None and (type(limit) is not int or limit < 0):
        raise _wrong(name, limit, "a whole number from 0 on")
    return limit


def _profile(profile: Any, limits: Limits) -> Profile:
    where = f"{_WHERE}.profiles"
    if not isinstance(profile, Mapping):
        raise InputError(f"got {profile!r}", where=where, expected="a profile")
    _check(profile, ("name", "pluginConfig", "plugins"), where)
    spread = SpreadArgs()
    for config in profile.get("pluginConfig", ()):
        name, args = config.get("name"), config.get("args") or {}
        if name == "DefaultEvictor":
            limits = limits._replace(**_evictor(args))
        elif name == SPREAD:
            spread = _spread(args)
        elif name != DUPLICATES or args:
            raise InputError(
                f"pluginConfig of {name!r} is not followed",
                where=where,
                expected=f"DefaultEvictor or {SPREAD}",
            )
    enabled: list[str] = []
    plugins = profile.get("plugins") or {}
    for point in plugins.values():
        enabled += point.get("enabled") or ()
    for plugin in enabled:
        if plugin not in (*_PLUGINS, "DefaultEvictor"):
            raise InputError(
                f"plugin {plugin!r} is not modelled", where=where, expected=" or ".join(_PLUGINS)
            )
    return Profile(tuple(p for p in enabled if p in _PLUGINS), limits, spread)


def _evictor(args: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in args.items():
        field, kind = _EVICTOR.get(name, ("", object))
        if not field or type(value) is not kind:
            raise InputError(
                f"argument {name} of DefaultEvictor is {value!r}",
                where=_WHERE,
                expected="one of " + ", ".join(_EVICTOR),
            )
        found[field] = value
    return found


def _spread(args: Mapping[str, Any]) -> SpreadArgs:
    _check(args, ("constraints", "topologyBalanceNodeFit"), f"{_WHERE}: {SPREAD}")
    constraints = args.get("constraints", (DO_NOT_SCHEDULE,))
    for each in constraints:
        if each not in (DO_NOT_SCHEDULE, SCHEDULE_ANYWAY):
            raise _wrong("constraints", each, f"{DO_NOT_SCHEDULE} or {SCHEDULE_ANYWAY}")
    return SpreadArgs(tuple(constraints), bool(args.get("topologyBalanceNodeFit", True)))


def _check(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in known:
            expected = "one of " + ", ".join(known)
            raise InputError(f"there is no {name!r}", where=where, expected=expected)


def _wrong(name: str, value: Any, expected: str) -> InputError:
    return InputError(f"{name} is {value!r}", where=_WHERE, expected=expected)
