"""Validation of a Job's pod failure policy and success policy.

After validatePodFailurePolicy, validateSuccessPolicy and validateIndexesFormat in
pkg/apis/batch/validation/validation.go at 1.36. Both policies are frozen JSON; what has another
shape than upstream's types is told as such. Left out: limits on the number of rules and values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kspec_models.objects import FrozenMap, JobSpec
from kspec_models.validation import is_qualified_name

_ACTIONS: Final = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS: Final = ("In", "NotIn")
_STATUSES: Final = ("False", "True", "Unknown")


def _one_of(value: Any, supported: tuple[str, ...], path: str) -> Iterator[str]:
    texts = ", ".join(f'"{text}"' for text in supported)
    if not value:
        yield f"{path}: Required value: valid values: [{texts.replace(', ', ' ')}]"
    elif value not in supported:
        yield f'{path}: Unsupported value: "{value}": supported values: {texts}'


def _rules(policy: FrozenMap[Any], path: str) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The rules of a policy, and what is wrong with their shape."""
    rules = policy.get("rules") or ()
    if not isinstance(rules, tuple):
        return (), (f"{path}.rules: Invalid value: expected a list",)
    wrong = [i for i, rule in enumerate(rules) if not isinstance(rule, FrozenMap)]
    return rules, tuple(f"{path}.rules[{i}]: Invalid value: expected a map" for i in wrong)


def failure_policy(spec: JobSpec, path: str) -> Iterator[str]:
    """validatePodFailurePolicy."""
    assert spec.pod_failure_policy is not None
    rules, wrong = _rules(spec.pod_failure_policy, path)
    yield from wrong
    if not wrong:
        for i, rule in enumerate(rules):
            yield from _failure_rule(spec, rule, f"{path}.rules[{i}]")


def _failure_rule(spec: JobSpec, rule: FrozenMap[Any], path: str) -> Iterator[str]:
    action = rule.get("action")
    if action == "FailIndex" and spec.backoff_limit_per_index is None:
        reason = "requires the backoffLimitPerIndex to be set"
        yield f'{path}.action: Invalid value: "{action}": {reason}'
    yield from _one_of(action, _ACTIONS, f"{path}.action")
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions")
    if codes is not None:
        yield from _exit_codes(spec, codes, f"{path}.onExitCodes")
    if patterns:
        yield from _conditions(patterns, f"{path}.onPodConditions")
    both = "specifying both OnExitCodes and OnPodConditions is not supported"
    none = "specifying one of OnExitCodes and OnPodConditions is required"
    if codes is not None and patterns:
        yield f"{path}: Invalid value: {both}"
    if codes is None and not patterns:
        yield f"{path}: Invalid value: {none}"


def _conditions(patterns: Any, path: str) -> Iterator[str]:
    if not isinstance(patterns, tuple) or not all(isinstance(p, FrozenMap) for p in patterns):
        yield f"{path}: Invalid value: expected a list of maps"
        return
    for i, pattern in enumerate(patterns):
        kind = str(pattern.get("type", ""))
        for error in is_qualified_name(kind):
            yield f'{path}[{i}].type: Invalid value: "{kind}": {error}'
        yield from _one_of(pattern.get("status"), _STATUSES, f"{path}[{i}].status")


def _exit_codes(spec: JobSpec, codes: Any, path: str) -> Iterator[str]:
    if not isinstance(codes, FrozenMap):
        yield f"{path}: Invalid value: expected a map"
        return
    operator, values = codes.get("operator"), codes.get("values") or ()
    yield from _one_of(operator, _OPERATORS, f"{path}.operator")
    pod = spec.template.spec
    name = codes.get("containerName")
    if name is not None and name not in [c.name for c in (*pod.containers, *pod.init_containers)]:
        reason = "must be one of the container or initContainer names in the pod template"
        yield f'{path}.containerName: Invalid value: "{name}": {reason}'
    if not isinstance(values, tuple) or not all(type(value) is int for value in values):
        yield f"{path}.values: Invalid value: expected a list of whole numbers"
        return
    if not values:
        yield f"{path}.values: Invalid value: []: at least one value is required"
    for i, value in enumerate(values):
        if operator == "In" and value == 0:
            yield f"{path}.values[{i}]: Invalid value: 0: must not be 0 for the In operator"
        if value in values[:i]:
            yield f"{path}.values[{i}]: Duplicate value: {value}"
    if list(values) != sorted(values):
        yield f"{path}.values: Invalid value: {list(values)}: must be ordered"


def success_policy(spec: JobSpec, path: str) -> Iterator[str]:
    """validateSuccessPolicy, of an Indexed Job."""
    assert spec.success_policy is not None
    rules, wrong = _rules(spec.success_policy, path)
    yield from wrong
    if not rules and not wrong:
        reason = "at least one rules must be specified when the successPolicy is specified"
        yield f"{path}.rules: Required value: {reason}"
    if not wrong:
        for i, rule in enumerate(rules):
            yield from _success_rule(spec, rule, f"{path}.rules[{i}]")


def _success_rule(spec: JobSpec, rule: FrozenMap[Any], path: str) -> Iterator[str]:
    count, text = rule.get("succeededCount"), rule.get("succeededIndexes")
    completions, total = spec.completions or 0, None
    if count is None and text is None:
        reason = "at least one of succeededCount or succeededIndexes must be specified"
        yield f"{path}: Required value: {reason}"
    if text is not None:
        total, reason = indexes_total(str(text), completions)
        if reason:
            where = f"{path}.succeededIndexes"
            yield f'{where}: Invalid value: "{text}": error parsing succeededIndexes: {reason}'
    if count is not None and type(count) is not int:
        yield f"{path}.succeededCount: Invalid value: expected a whole number"
        return
    where = f"{path}.succeededCount: Invalid value: {count}: must be"
    if count is not None and count < 0:
        yield f"{where} greater than or equal to 0"
    if count is not None and count > completions:
        yield f"{where} less than or equal to {completions} (the number of specified completions)"
    if count is not None and total is not None and count > total:
        where = f"{where} less than or equal to {total} (the number of indexes in the specified"
        yield f"{where} succeededIndexes field)"


def indexes_total(text: str, completions: int) -> tuple[int, str]:
    """validateIndexesFormat: how many indexes a text such as "0-2,4" names, and what is wrong."""
    total, last = 0, -1
    for part in text.split(",") if text else ():
        limits = part.split("-")
        if len(limits) > 2 or not all(limit.isascii() and limit.isdecimal() for limit in limits):
            return total, f'cannot convert string to integer for index: "{part}"'
        first, end = int(limits[0]), int(limits[-1])
        if end >= completions:
            return total, f'too large index: "{max(first, end)}"'
        if first <= last:
            return total, f"non-increasing order, previous: {last}, current: {first}"
        if len(limits) == 2 and end <= first:
            return total, f"non-increasing order, previous: {first}, current: {end}"
        total, last = total + end - first + 1, end
    return total, ""
