"""Defaults and validation of ResourceQuota and LimitRange."""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.apiserver.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    "resourcequotas": Strategy(),
}
