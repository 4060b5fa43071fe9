"""Validation of taints and tolerations.

After validateNodeTaints and ValidateTolerations of pkg/apis/core/validation/validation.go at 1.36.
Upstream names a Node's taints `metadata.taints`, though they stand in its spec.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kspec.values import Memo
from kspec_models.objects import Taint, Toleration
from kspec_models.validation import is_qualified_name, is_valid_label_value

_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_SUPPORTED: Final = ", ".join(f'"{effect}"' for effect in _EFFECTS)
_COMPARING: Final = ("Lt", "Gt")


def taints_problems(taints: tuple[Taint, ...], path: str) -> Iterator[str]:
    """What upstream refuses in the taints of a Node."""
    seen: list[tuple[str, str]] = []
    for i, taint in enumerate(taints):
        where = f"{path}[{i}]"
        key, value = taint.key, taint.value
        yield from (f'{where}.key: Invalid value: "{key}": {e}' for e in is_qualified_name(key))
        errors = is_valid_label_value(value)
        if errors:
            yield f'{where}.value: Invalid value: "{value}": {";".join(errors)}'
        if not taint.effect:
            yield f"{where}.effect: Required value"
        yield from _effect(taint.effect, f"{where}.effect")
        if (key, taint.effect) in seen:
            yield (
                f'{where}: Duplicate value: {{"key":"{key}","effect":"{taint.effect}"}}: '
                "taints must be unique by key and effect pair"
            )
        seen.append((key, taint.effect))


def _effect(effect: str, path: str) -> Iterator[str]:
    if effect and effect not in _EFFECTS:
        yield f'{path}: Unsupported value: "{effect}": supported values: {_SUPPORTED}'


def tolerations_problems(tolerations: tuple[Toleration, ...], path: str) -> Iterator[str]:
    """What upstream refuses in the tolerations of a pod."""
    yield from _found((tolerations, path))


def _all(case: tuple[tuple[Toleration, ...], str]) -> tuple[str, ...]:
    tolerations, path = case
    found = (_toleration(t, f"{path}[{i}]") for i, t in enumerate(tolerations))
    return tuple(line for lines in found for line in lines)


_found: Memo[tuple[tuple[Toleration, ...], str], tuple[str, ...]] = Memo(
    "validation of tolerations", _all, limit=5_000
)


def _toleration(toleration: Toleration, path: str) -> Iterator[str]:
    key, operator, effect = toleration.key, toleration.operator, toleration.effect
    if key:
        yield from (f'{path}.key: Invalid value: "{key}": {e}' for e in is_qualified_name(key))
    elif operator != "Exists":
        yield (
            f'{path}.operator: Invalid value: "{operator}": operator must be Exists when `key` is '
            'empty, which means "match all values and all keys"'
        )
    if toleration.toleration_seconds is not None and effect != "NoExecute":
        yield (
            f'{path}.effect: Invalid value: "{effect}": '
            "effect must be 'NoExecute' when `tolerationSeconds` is set"
        )
    yield from _operator(operator, toleration.value, path)
    yield from _effect(effect, f"{path}.effect")


def _operator(operator: str, value: str, path: str) -> Iterator[str]:
    if operator in ("", "Equal"):
        errors = is_valid_label_value(value)
        if errors:
            yield f'{path}.operator: Invalid value: "{value}": {";".join(errors)}'
    elif operator == "Exists":
        if value:
            yield (
                f'{path}.operator: Invalid value: "{value}": '
                "value must be empty when `operator` is 'Exists'"
            )
    elif operator not in _COMPARING:
        supported = '"Equal", "Exists"'
        yield f'{path}.operator: Unsupported value: "{operator}": supported values: {supported}'
