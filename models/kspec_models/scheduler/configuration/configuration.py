"""A scheduler's configuration: its profiles by name, and what holds for all of them.

After pkg/scheduler/apis/config/types.go, pkg/scheduler/scheduler.go (New, buildExtenders) and
cmd/kube-scheduler/app/options/configfile.go (strict decoding) at 1.36. A configuration is read
unchanged; v1 is the only version that 1.36 serves.

Accepted and without effect here: parallelism, leaderElection, clientConnection, profiling and
delayCacheUntilActive, since none of them says where a pod goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from kspec_models.scheduler.configuration.arguments import default_arguments, read_arguments
from kspec_models.scheduler.configuration.durations import parse_duration
from kspec_models.scheduler.configuration.expansion import expand
from kspec_models.scheduler.configuration.fields import ARGUMENTS, CONFIGURATION, EXTENDER
from kspec_models.scheduler.configuration.plugin_sets import Plugins, merged
from kspec_models.scheduler.configuration.problems import Field
from kspec_models.scheduler.configuration.setup import profile_of
from kspec_models.scheduler.configuration.shape import decode
from kspec_models.scheduler.configuration.source import Source, read_source
from kspec_models.scheduler.configuration.validation import (
    check_extender,
    check_extenders,
    check_profile,
    check_profiles,
    check_type,
    check_whole,
)
from kspec_models.scheduler.extender.options import DEFAULT_TIMEOUT, Options, Tls
from kspec_models.scheduler.framework import DEFAULT_SCHEDULER
from kspec_models.scheduler.plugins import node_resources_fit
from kspec_models.scheduler.profile import Profile


@attrs.frozen(eq=False)
class Configuration:
    """profiles: by schedulerName, in the order of the file. percentage_of_nodes_to_score: 0 for
    upstream's adaptive one; percentages: of the profiles that have one of their own.
    initial_backoff, max_backoff: seconds. extenders: in the order in which they are called.
    """

    profiles: Mapping[str, Any]
    percentage_of_nodes_to_score: int = 0
    percentages: Mapping[str, int] = attrs.field(factory=dict)
    initial_backoff: int = 1
    max_backoff: int = 10
    extenders: tuple[Options, ...] = ()


def parse_configuration(text: str, where: str) -> Configuration:
    """The configuration of a text in YAML or JSON; `where` names its file, also in errors.

    Raises InputError with file, line and field.
    """
    source = read_source(text, where)
    check_type(Field(source), source.data)
    return _configuration(source, decode(source, source.data, CONFIGURATION))


def configuration_of_extender(text: str, where: str) -> Configuration:
    """The default configuration with the one extender of a text; raises InputError as the above."""
    source = read_source(text, where)
    given = decode(source, source.data, EXTENDER)
    check_extender(Field(source), given)
    return extended_by(_extender(given), Path(where).stem)


def extended_by(extender: Options, name: str) -> Configuration:
    """The default configuration with an extender, under a name of its own."""
    arguments = _with_ignored({p: default_arguments(p) for p in ARGUMENTS}, (extender,))
    profile = _default_profile(name, arguments)
    return Configuration(
        {DEFAULT_SCHEDULER: _extended(profile, (extender,))}, extenders=(extender,)
    )


def _configuration(source: Source, given: dict[str, Any]) -> Configuration:
    field = Field(source)
    check_whole(field, given)
    profiles = [dict(profile) for profile in given.get("profiles", ())] or [{}]
    if len(profiles) == 1:
        profiles[0].setdefault("schedulerName", DEFAULT_SCHEDULER)
    for index, profile in enumerate(profiles):
        profile.setdefault("schedulerName", "")
        check_profile(field["profiles"][index], profile)
    names = [profile["schedulerName"] for profile in profiles]
    plugins = [merged(profile.get("plugins")) for profile in profiles]
    check_profiles(field["profiles"], names, plugins)
    check_extenders(field["extenders"], given.get("extenders", ()))
    extenders = _extenders(given.get("extenders", ()))
    stem = Path(source.where).stem
    made = [
        _profile(
            f"{stem}/{names[index]}" if len(names) > 1 else stem,
            field["profiles"][index],
            profile,
            plugins[index],
            extenders,
        )
        for index, profile in enumerate(profiles)
    ]
    own = {p["schedulerName"]: p["percentageOfNodesToScore"] for p in profiles if _has_own(p)}
    return Configuration(
        dict(zip(names, made, strict=True)),
        given.get("percentageOfNodesToScore", 0),
        own,
        given.get("podInitialBackoffSeconds", 1),
        given.get("podMaxBackoffSeconds", 10),
        extenders,
    )


def _has_own(profile: Mapping[str, Any]) -> bool:
    return "percentageOfNodesToScore" in profile


def _profile(
    name: str,
    field: Field,
    given: Mapping[str, Any],
    plugins: Plugins,
    extenders: tuple[Options, ...],
) -> Any:
    arguments = {plugin: default_arguments(plugin) for plugin in ARGUMENTS}
    for index, each in enumerate(given.get("pluginConfig", ())):
        here = field["pluginConfig"][index]["args"]
        arguments[each["name"]] = read_arguments(here, each["name"], each.get("args"))
    expanded = expand(plugins, field.source, field.path, given)
    profile = profile_of(name, expanded, _with_ignored(arguments, extenders), field)
    return _extended(profile, extenders)


def _with_ignored(arguments: dict[str, Any], extenders: tuple[Options, ...]) -> Mapping[str, Any]:
    """The arguments with the resources that extenders manage and the scheduler does not check."""
    ignored = tuple(name for extender in extenders for name in extender.ignored)
    if not ignored:
        return arguments
    fit = arguments[node_resources_fit.NAME]
    return {**arguments, node_resources_fit.NAME: {**fit, "ignoredResources": ignored}}


def _extended(profile: Profile, extenders: tuple[Options, ...]) -> Any:
    if not extenders:
        return profile
    from kspec_models.scheduler.extender.policy import Extended

    return Extended(profile, extenders)


def _extenders(given: Any) -> tuple[Options, ...]:
    """The extenders; those that are ignorable are called last."""
    found = [_extender(each) for each in given]
    return tuple(sorted(found, key=lambda options: options.ignorable))


def _extender(given: Mapping[str, Any]) -> Options:
    managed = given.get("managedResources", ())
    tls = given.get("tlsConfig")
    timeout = parse_duration(given.get("httpTimeout", "0s"))
    return Options(
        given["urlPrefix"],
        given.get("filterVerb", ""),
        given.get("prioritizeVerb", ""),
        given.get("preemptVerb", ""),
        given.get("bindVerb", ""),
        given.get("weight", 0),
        float(timeout) if timeout else DEFAULT_TIMEOUT,
        given.get("nodeCacheCapable", False),
        tuple(resource["name"] for resource in managed),
        tuple(r["name"] for r in managed if r.get("ignoredByScheduler", False)),
        given.get("ignorable", False),
        given.get("enableHTTPS", False),
        _tls(tls) if tls is not None else None,
    )


def _tls(given: Mapping[str, Any]) -> Tls:
    return Tls(
        given.get("insecure", False),
        *(given.get(name, "") for name in ("serverName", "certFile", "keyFile", "caFile")),
        *(given.get(name, "") for name in ("certData", "keyData", "caData")),
    )


def default_profile(name: str) -> Profile:
    """The profile of an empty configuration, under a name of its own."""
    return _default_profile(name, {plugin: default_arguments(plugin) for plugin in ARGUMENTS})


def _default_profile(name: str, arguments: Mapping[str, Any]) -> Profile:
    source = Source("default configuration", 1, {}, None)
    return profile_of(name, expand(merged(None), source, (), {}), arguments, Field(source))
