"""Validation of a pod's topology spread constraints: upstream's field path and reason.

After pkg/apis/core/validation/validation.go (validateTopologySpreadConstraints) at 1.36.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kspec_models.selectors import SelectorError, label_selector
from kspec_models.validation import is_qualified_name

_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
_POLICIES = ("Honor", "Ignore")


def spread_constraints(given: Any, path: str) -> Iterator[str]:
    """What upstream refuses in the constraints of a pod, as `field.path: reason` lines."""
    pairs: list[tuple[str, str]] = []
    for index, constraint in enumerate(given):
        here = f"{path}[{index}]"
        yield from _constraint(constraint, here)
        pair = (constraint.get("topologyKey", ""), constraint.get("whenUnsatisfiable", ""))
        if pair in pairs:
            joined = ", ".join(pair)
            yield f'{here}.{{topologyKey, whenUnsatisfiable}}: Duplicate value: "{{{joined}}}"'
        pairs.append(pair)


def _constraint(constraint: Mapping[str, Any], path: str) -> Iterator[str]:
    skew, action = constraint.get("maxSkew", 0), constraint.get("whenUnsatisfiable", "")
    if skew <= 0:
        yield f"{path}.maxSkew: Invalid value: {skew}: must be greater than zero"
    key = constraint.get("topologyKey", "")
    if not key:
        yield f"{path}.topologyKey: Required value: can not be empty"
    else:
        yield from (
            f'{path}.topologyKey: Invalid value: "{key}": {error}'
            for error in is_qualified_name(key)
        )
    if action not in _ACTIONS:
        yield _unsupported(f"{path}.whenUnsatisfiable", action, _ACTIONS)
    yield from _domains(constraint.get("minDomains"), action, f"{path}.minDomains")
    for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        if (policy := constraint.get(name)) is not None and policy not in _POLICIES:
            yield _unsupported(f"{path}.{name}", policy, _POLICIES)
    yield from _selection(constraint, path)


def _domains(domains: int | None, action: str, path: str) -> Iterator[str]:
    if domains is None:
        return
    if domains <= 0:
        yield f"{path}: Invalid value: {domains}: must be greater than zero"
    if action != "DoNotSchedule":
        yield (
            f"{path}: Invalid value: {domains}: can only use minDomains if "
            f"whenUnsatisfiable=DoNotSchedule, not {action}"
        )


def _selection(constraint: Mapping[str, Any], path: str) -> Iterator[str]:
    selector, keys = constraint.get("labelSelector"), constraint.get("matchLabelKeys") or ()
    if selector is not None:
        try:
            label_selector(selector)
        except SelectorError as error:
            yield f"{path}.labelSelector: Invalid value: {error}"
    if keys and selector is None:
        where = f"{path}.matchLabelKeys"
        yield f"{where}: Forbidden: must not be specified when labelSelector is not set"
    chosen = (selector or {}).get("matchLabels") or {}
    for index, key in enumerate(keys):
        here = f"{path}.matchLabelKeys[{index}]"
        yield from (f'{here}: Invalid value: "{key}": {error}' for error in is_qualified_name(key))
        if key in chosen:
            yield f'{here}: Invalid value: "{key}": exists in both matchLabelKeys and labelSelector'


def _unsupported(path: str, value: str, supported: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{each}"' for each in supported)
    return f'{path}: Unsupported value: "{value}": supported values: {listed}'
