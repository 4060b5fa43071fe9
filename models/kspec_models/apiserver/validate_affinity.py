"""Validation of a pod's affinity to other pods: upstream's field path and reason.

After validatePodAffinity, validatePodAntiAffinity and what they call in
pkg/apis/core/validation/validation.go at 1.36. Label keys are merged into the selectors before
(see `pod_affinity`), so a key of matchLabelKeys may be in the selector once, and not twice.

Left out: the names of namespaces, of which an impossible one selects nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kspec_models.selectors import SelectorError, label_selector
from kspec_models.validation import is_qualified_name

_KINDS = ("podAffinity", "podAntiAffinity")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_BOTH = "exists in both matchLabelKeys and"


def pod_affinity(affinity: Mapping[str, Any] | None, path: str) -> Iterator[str]:
    """What upstream refuses in the affinity of a pod, as `field.path: reason` lines."""
    for kind in _KINDS:
        rules, where = (affinity or {}).get(kind) or {}, f"{path}.{kind}"
        for index, term in enumerate(rules.get(_REQUIRED) or ()):
            yield from _term(term, f"{where}.{_REQUIRED}[{index}]")
        for index, each in enumerate(rules.get(_PREFERRED) or ()):
            here, weight = f"{where}.{_PREFERRED}[{index}]", each.get("weight", 0)
            if not 1 <= weight <= 100:
                yield f"{here}.weight: Invalid value: {weight}: must be in the range 1-100"
            yield from _term(each.get("podAffinityTerm") or {}, f"{here}.podAffinityTerm")


def _term(term: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in ("labelSelector", "namespaceSelector"):
        if term.get(name) is not None:
            try:
                label_selector(term[name])
            except SelectorError as error:
                yield f"{path}.{name}: Invalid value: {error}"
    yield from _keys(term, path)
    key = term.get("topologyKey", "")
    if not key:
        yield f"{path}.topologyKey: Required value: can not be empty"
    else:
        yield from _name(key, f"{path}.topologyKey")


def _keys(term: Mapping[str, Any], path: str) -> Iterator[str]:
    selector = term.get("labelSelector")
    for name in ("matchLabelKeys", "mismatchLabelKeys"):
        keys, where = term.get(name) or (), f"{path}.{name}"
        if keys and selector is None:
            yield f"{where}: Forbidden: must not be specified when labelSelector is not set"
        for index, key in enumerate(keys):
            yield from _name(key, f"{where}[{index}]")
    twice = _twice(selector or {})
    others = term.get("mismatchLabelKeys") or ()
    for index, key in enumerate(term.get("matchLabelKeys") or ()):
        if key in twice:
            yield f'{path}[{index}]: Invalid value: "{key}": {_BOTH} labelSelector'
        if key in others:
            where = f"{path}.matchLabelKeys[{index}]"
            yield f'{where}: Invalid value: "{key}": {_BOTH} mismatchLabelKeys'


def _twice(selector: Mapping[str, Any]) -> set[str]:
    """The label keys of a selector's expressions that it has named before."""
    named, found = set(selector.get("matchLabels") or {}), set()
    for expression in selector.get("matchExpressions") or ():
        key = expression.get("key", "")
        if key in named:
            found.add(key)
        named.add(key)
    return found


def _name(key: str, path: str) -> Iterator[str]:
    yield from (f'{path}: Invalid value: "{key}": {error}' for error in is_qualified_name(key))
