"""Policies from files and addresses: configurations of kube-scheduler, and extenders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from kspec.errors import InputError
from kspec_models.plain import read_plain
from kspec_models.scheduler.configuration import (
    Configuration,
    configuration_of_extender,
    extended_by,
    parse_configuration,
)
from kspec_models.scheduler.extender.options import Options
from kspec_models.scheduler.framework import DEFAULT_SCHEDULER
from kspec_models.scheduler.policies.several import SeveralProfiles
from kspec_models.scheduler.profiles import Setup

_SCHEMES: Final = ("http://", "https://")
_SUFFIXES: Final = (".yaml", ".yml", ".json")


def is_address(text: str) -> bool:
    """Whether the text is the address of an extender."""
    return text.startswith(_SCHEMES)


def is_file(text: str) -> bool:
    """Whether the text names a file that is there, or that should be; never one of Python."""
    is_there = Path(text).is_file() and not text.endswith(".py")
    return is_there or text.endswith(_SUFFIXES)


def configuration_of_file(text: str) -> Configuration:
    """The configuration of a file, or the default one with the extender of a file.

    Raises InputError with the file, and the line where there is one.
    """
    path = Path(text)
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(
            f"cannot be read: {reason}", where=text, expected="a KubeSchedulerConfiguration"
        ) from None
    if _is_extender(content, text):
        return configuration_of_extender(content, text)
    return parse_configuration(content, text)


def _is_extender(content: str, where: str) -> bool:
    document = next(read_plain(content, where), None)
    data: Any = document.value if document is not None else None
    return isinstance(data, dict) and "urlPrefix" in data and "kind" not in data


def configuration_of_address(url: str) -> Configuration:
    """The default profile with the extender at an address, which filters and rates."""
    return extended_by(Options(url, filter_verb="filter", prioritize_verb="prioritize"), url)


def policy_of_file(text: str) -> Any:
    """The policy of a file: its only profile, or all of them as one; raises InputError."""
    configuration = configuration_of_file(text)
    everywhere = configuration.percentage_of_nodes_to_score
    backoff = (configuration.initial_backoff, configuration.max_backoff)
    if len(configuration.profiles) == 1:
        ((name, profile),) = configuration.profiles.items()
        share = configuration.percentages.get(name, everywhere)
        profile.setup = Setup(name, share, backoff)
        return profile
    return SeveralProfiles(
        configuration.profiles,
        everywhere,
        configuration.percentages,
        backoff=backoff,
        name=Path(text).stem,
    )


def extender_at(url: str) -> Any:
    """The policy of the extender at an address."""
    return configuration_of_address(url).profiles[DEFAULT_SCHEDULER]
