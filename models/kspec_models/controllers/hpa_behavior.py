"""spec.behavior of a HorizontalPodAutoscaler, read from its JSON.

After GenerateHPAScaleUpRules and GenerateHPAScaleDownRules in pkg/apis/autoscaling/v2/defaults.go
at Kubernetes 1.36. Tolerances by direction (HPAConfigurableTolerance) are on, as 1.36 has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kspec.values import Memo
from kspec_models.objects.record import FrozenMap
from kspec_models.quantity import parse

PODS_POLICY, PERCENT_POLICY = "Pods", "Percent"
MAX_CHANGE, MIN_CHANGE, DISABLED = "Max", "Min", "Disabled"


class Policy(NamedTuple):
    """How much one direction may change within a period of seconds."""

    kind: str
    value: int
    period: int


class Rules(NamedTuple):
    """One direction. window None: as the controller is configured (scaling down only)."""

    window: int
    select: str
    policies: tuple[Policy, ...]
    tolerance: float | None = None

    @property
    def longest_period(self) -> int:
        return max((policy.period for policy in self.policies), default=0)


class Behavior(NamedTuple):
    """Both directions, with every default filled in."""

    up: Rules
    down: Rules


_UP: Final = (Policy(PODS_POLICY, 4, 15), Policy(PERCENT_POLICY, 100, 15))
_DOWN: Final = (Policy(PERCENT_POLICY, 100, 15),)


def behavior_of(behavior: FrozenMap[Any] | None, downscale_window: int) -> Behavior | None:
    """The behaviour of a spec, None where it has none."""
    return None if behavior is None else _behavior((behavior, downscale_window))


def _read(given: tuple[FrozenMap[Any], int]) -> Behavior:
    behavior, window = given
    return Behavior(
        _rules(behavior.get("scaleUp") or {}, 0, _UP),
        _rules(behavior.get("scaleDown") or {}, window, _DOWN),
    )


_behavior: Memo[tuple[FrozenMap[Any], int], Behavior] = Memo("autoscaling behaviour", _read)


def _rules(rules: Mapping[str, Any], window: int, policies: tuple[Policy, ...]) -> Rules:
    given = rules.get("policies")
    seconds, tolerance = rules.get("stabilizationWindowSeconds"), rules.get("tolerance")
    return Rules(
        window if seconds is None else seconds,
        rules.get("selectPolicy") or MAX_CHANGE,
        policies if given is None else tuple(map(_policy, given)),
        None if tolerance is None else parse(str(tolerance)).as_float(),
    )


def _policy(policy: Mapping[str, Any]) -> Policy:
    return Policy(policy["type"], policy["value"], policy["periodSeconds"])
