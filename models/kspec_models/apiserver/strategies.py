"""The strategies of all kinds that have a module of their own, by resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kspec_models.apiserver import autoscaling, batch, defaults, node, quota, sets
from kspec_models.apiserver.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = {
    **sets.STRATEGIES,
    **batch.STRATEGIES,
    **autoscaling.STRATEGIES,
    **quota.STRATEGIES,
    **node.STRATEGIES,
}
DEFAULTS: Mapping[str, Callable[[Any], Any]] = {
    **defaults.DEFAULTS,
    **{resource: strategy.default for resource, strategy in STRATEGIES.items()},
}
PROBLEMS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    resource: strategy.problems for resource, strategy in STRATEGIES.items()
}
CHANGES: Mapping[str, Callable[[Any, Any], Iterator[str]]] = {
    resource: strategy.changes for resource, strategy in STRATEGIES.items()
}
WITH_GENERATION = (
    *("deployments", "replicasets", "pods", "endpointslices", "poddisruptionbudgets"),
    *(r for r, strategy in STRATEGIES.items() if strategy.has_generation),
)
WITH_STATUS = tuple(r for r, strategy in STRATEGIES.items() if strategy.has_status)
