"""What the API server makes of the pod affinity of a new pod: label keys become requirements.

After mutatePodAffinity of pkg/registry/core/pod/strategy.go at 1.36 (MatchLabelKeysInPodAffinity,
generally available since 1.33): for each key in matchLabelKeys the pod's own value is required of
the other pods, for each in mismatchLabelKeys it is refused. The scheduler never reads the keys.

A term without a labelSelector is refused by the validation that follows (`validate_affinity`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.objects import FrozenMap, Pod
from kspec_models.objects.record import Labels

_KEYS = (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def with_label_keys(pod: Pod) -> Pod:
    """The pod as it is created: the label keys of its affinity terms merged into the selectors."""
    affinity = pod.spec.affinity
    if not affinity:
        return pod
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind)
        if rules:
            affinity = affinity.set(kind, _merged_rules(rules, pod.metadata.labels))
    return pod.replace(spec=pod.spec.replace(affinity=affinity))


def _merged_rules(rules: FrozenMap[Any], labels: Labels) -> FrozenMap[Any]:
    if rules.get(_REQUIRED):
        terms = tuple(_merged(term, labels) for term in rules[_REQUIRED])
        rules = rules.set(_REQUIRED, terms)
    if rules.get(_PREFERRED):
        terms = tuple(_merged_preferred(term, labels) for term in rules[_PREFERRED])
        rules = rules.set(_PREFERRED, terms)
    return rules


def _merged_preferred(weighted: FrozenMap[Any], labels: Labels) -> FrozenMap[Any]:
    term = weighted.get("podAffinityTerm")
    return weighted.set("podAffinityTerm", _merged(term, labels)) if term else weighted


def _merged(term: FrozenMap[Any], labels: Labels) -> FrozenMap[Any]:
    """The term with its keys merged; one without a labelSelector selects nothing and stays."""
    selector = term.get("labelSelector")
    added = tuple(
        _requirement(key, operator, labels)
        for field, operator in _KEYS
        for key in term.get(field) or ()
        if key in labels
    )
    if selector is None or not added:
        return term
    expressions = (*(selector.get("matchExpressions") or ()), *added)
    return term.set("labelSelector", selector.set("matchExpressions", expressions))


def _requirement(key: str, operator: str, labels: Mapping[str, str]) -> FrozenMap[Any]:
    return FrozenMap({"key": key, "operator": operator, "values": (labels[key],)})
