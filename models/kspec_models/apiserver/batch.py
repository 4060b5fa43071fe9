"""Defaults and validation of Job and CronJob."""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.apiserver.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    "jobs": Strategy(),
    "cronjobs": Strategy(),
}
