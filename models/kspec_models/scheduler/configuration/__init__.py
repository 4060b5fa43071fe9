"""KubeSchedulerConfiguration files: read, validated as upstream does, and made into profiles."""

from __future__ import annotations

from kspec_models.scheduler.configuration.configuration import (
    Configuration,
    configuration_of_extender,
    default_profile,
    extended_by,
    parse_configuration,
)

__all__ = [
    "Configuration",
    "configuration_of_extender",
    "default_profile",
    "extended_by",
    "parse_configuration",
]
