"""Defaults and validation of DaemonSet.

After pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go and
pkg/registry/apps/daemonset/strategy.go at 1.36, in the order of ValidateDaemonSetSpec.

Left out: volumes that may not be shared, which no component reads, and the deprecated template
generation, on which nothing depends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kspec_models.apiserver import defaults
from kspec_models.apiserver.strategy import Strategy
from kspec_models.apiserver.validate_common import (
    immutable,
    int_or_percent,
    is_zero,
    not_negative,
    selector_problems,
    template_problems,
)
from kspec_models.objects import DaemonSet
from kspec_models.objects.record import IntOrString
from kspec_models.objects.sets import DaemonSetUpdateStrategy, RollingUpdateDaemonSet

ROLLING_UPDATE, ON_DELETE = "RollingUpdate", "OnDelete"


def default(obj: DaemonSet) -> DaemonSet:
    """SetDefaults_DaemonSet: one node at a time, and no surge."""
    spec = obj.spec
    strategy = spec.update_strategy
    strategy = strategy.replace(type=strategy.type or ROLLING_UPDATE)
    if strategy.type == ROLLING_UPDATE:
        rolling = strategy.rolling_update or RollingUpdateDaemonSet()
        strategy = strategy.replace(
            rolling_update=rolling.replace(
                max_unavailable=1 if rolling.max_unavailable is None else rolling.max_unavailable,
                max_surge=0 if rolling.max_surge is None else rolling.max_surge,
            )
        )
    limit = spec.revision_history_limit
    return obj.replace(
        spec=spec.replace(
            update_strategy=strategy,
            revision_history_limit=10 if limit is None else limit,
            template=spec.template.replace(spec=defaults.pod_spec(spec.template.spec)),
        )
    )


def problems(obj: DaemonSet) -> Iterator[str]:
    """What ValidateDaemonSet refuses."""
    spec = obj.spec
    for problem in selector_problems(spec.selector, spec.template):
        yield problem.replace("is invalid for deployment", "is invalid for daemonset")
    yield from template_problems(spec.template)
    if spec.template.spec.active_deadline_seconds is not None:
        yield (
            "spec.template.spec.activeDeadlineSeconds: Forbidden: "
            "activeDeadlineSeconds in DaemonSet is not Supported"
        )
    yield from not_negative(spec.min_ready_seconds, "spec.minReadySeconds")
    yield from _strategy_problems(spec.update_strategy)
    yield from not_negative(spec.revision_history_limit, "spec.revisionHistoryLimit")


def _strategy_problems(strategy: DaemonSetUpdateStrategy) -> Iterator[str]:
    """Exactly one of maxUnavailable and maxSurge is not 0, and neither is above 100%."""
    path = "spec.updateStrategy.rollingUpdate"
    rolling = strategy.rolling_update
    if strategy.type not in (ROLLING_UPDATE, ON_DELETE):
        yield (
            f'spec.updateStrategy: Unsupported value: "{strategy.type}": '
            f'supported values: "{ON_DELETE}", "{ROLLING_UPDATE}"'
        )
        return
    if strategy.type == ON_DELETE:
        return
    if rolling is None:
        yield f"{path}: Required value"
        return
    limits = {"maxUnavailable": rolling.max_unavailable, "maxSurge": rolling.max_surge}
    for name, value in limits.items():
        yield from int_or_percent(value, f"{path}.{name}")
    for name, value in limits.items():
        yield from _not_above_100_percent(value, f"{path}.{name}")
    has_unavailable, has_surge = (not is_zero(value) for value in limits.values())
    if has_unavailable and has_surge:
        yield (
            f"{path}.maxSurge: Invalid value: {_shown(rolling.max_surge)}: "
            "may not be set when maxUnavailable is non-zero"
        )
    elif not has_unavailable and not has_surge:
        yield f"{path}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"


def _not_above_100_percent(value: IntOrString | None, path: str) -> Iterator[str]:
    if isinstance(value, str) and value[:-1].isdigit() and int(value[:-1]) > 100:
        yield f'{path}: Invalid value: "{value}": must not be greater than 100%'


def _shown(value: IntOrString | None) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def changes(old: DaemonSet, new: DaemonSet) -> Iterator[str]:
    """ValidateUpdate of the strategy: the selector stays as it was."""
    if old.spec.selector != new.spec.selector:
        yield immutable(new.spec.selector, "spec.selector")


STRATEGIES: Mapping[str, Strategy] = {"daemonsets": Strategy(default, problems, changes)}
