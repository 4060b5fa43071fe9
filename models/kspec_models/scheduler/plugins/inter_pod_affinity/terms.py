"""Pod affinity terms, parsed: which pods a term means, and in which topology domain.

After pkg/scheduler/framework/types.go (PodInfo.Update, newAffinityTerm) and
k8s.io/kube-scheduler/framework (AffinityTerm.Matches) at 1.36.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import attrs

from kspec.values import Memo
from kspec_models.objects import Pod
from kspec_models.objects.record import EMPTY, Labels
from kspec_models.scheduler.framework import Context
from kspec_models.selectors import NOTHING, Selector, SelectorError, label_selector

NAME = "InterPodAffinity"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
NAMESPACES = "namespaces"
Domain = tuple[str, str]
"""A topology domain: the topology key and its value."""
T = TypeVar("T")


@attrs.frozen(cache_hash=True)
class Term:
    """Pods in one of `namespaces`, or in one that `namespace_selector` selects, that `selector`
    selects. A selector that no namespace can match is NOTHING."""

    namespaces: frozenset[str]
    selector: Selector
    namespace_selector: Selector
    topology_key: str

    def matches(self, subject: Subject) -> bool:
        """Whether the term means this pod."""
        if subject.namespace in self.namespaces or self.namespace_selector.matches(
            subject.namespace_labels
        ):
            return self.selector.matches(subject.labels)
        return False


class WeightedTerm(NamedTuple):
    """A preferred term; weight 1..100."""

    weight: int
    term: Term


@attrs.frozen(cache_hash=True)
class Subject:
    """What a term asks of a pod."""

    namespace: str
    labels: Labels
    namespace_labels: Labels = EMPTY


@attrs.frozen(cache_hash=True)
class Terms:
    """All terms of a pod. errors: of each group that could not be parsed, and so has no terms."""

    required_affinity: tuple[Term, ...] = ()
    required_anti_affinity: tuple[Term, ...] = ()
    preferred_affinity: tuple[WeightedTerm, ...] = ()
    preferred_anti_affinity: tuple[WeightedTerm, ...] = ()
    errors: tuple[str, ...] = ()


NO_TERMS = Terms()


def terms_of(pod: Pod) -> Terms:
    """The terms of a pod; memoised on its affinity and namespace."""
    affinity = pod.spec.affinity
    return _TERMS((affinity, pod.metadata.namespace)) if affinity else NO_TERMS


def matches_all(terms: tuple[Term, ...], subject: Subject) -> bool:
    """Whether there are terms and all of them mean the pod."""
    return bool(terms) and all(term.matches(subject) for term in terms)


def subject_of(pod: Pod) -> Subject:
    """A pod that is there already: the terms of an incoming pod know their namespaces by name."""
    return Subject(pod.metadata.namespace, pod.metadata.labels)


def incoming(pod: Pod, context: Context) -> Subject:
    """The incoming pod, with the labels of its namespace; none where that is not known."""
    namespace = pod.metadata.namespace
    cache = context.caches.get(NAMESPACES)
    entry = cache.get(f"namespaces/{namespace}") if cache is not None else None
    labels = entry.value.metadata.labels if entry is not None else EMPTY
    found: Subject = interned(Subject(namespace, pod.metadata.labels, labels))
    return found


def with_named_namespaces(term: Term, context: Context) -> Term:
    """The term with the namespaces that its selector selects named one by one.

    As mergeAffinityTermNamespacesIfNotEmpty: an empty selector, which selects all, stays.
    """
    selector = term.namespace_selector
    if selector.is_empty or selector.selects_nothing:
        return term
    cache = context.caches.get(NAMESPACES)
    entries = cache.entries() if cache is not None else ()
    selected = {e.value.name for e in entries if selector.matches(e.value.metadata.labels)}
    return attrs.evolve(term, namespaces=term.namespaces | selected, namespace_selector=NOTHING)


def _parse(key: tuple[Any, str]) -> Terms:
    affinity, namespace = key
    near, away = affinity.get("podAffinity") or EMPTY, affinity.get("podAntiAffinity") or EMPTY
    errors: list[str] = []

    def group(name: str, given: Any, read: Callable[[Any, str], T]) -> tuple[T, ...]:
        try:
            return tuple(read(item, namespace) for item in given or ())
        except SelectorError as error:
            errors.append(f"{name}: {error}")
            return ()

    return Terms(
        group("requiredAffinityTerms", near.get(REQUIRED), _term),
        group("requiredAntiAffinityTerms", away.get(REQUIRED), _term),
        group("preferredAffinityTerms", near.get(PREFERRED), _weighted),
        group("preferredAntiAffinityTerms", away.get(PREFERRED), _weighted),
        tuple(errors),
    )


def _term(given: Mapping[str, Any], namespace: str) -> Term:
    """A term of a pod in that namespace: its own one counts where the term names none."""
    names, namespace_selector = given.get("namespaces") or (), given.get("namespaceSelector")
    if not names and namespace_selector is None:
        names = (namespace,)
    return Term(
        frozenset(names),
        label_selector(given.get("labelSelector")),
        label_selector(namespace_selector),
        given.get("topologyKey", ""),
    )


def _weighted(given: Mapping[str, Any], namespace: str) -> WeightedTerm:
    return WeightedTerm(
        given.get("weight", 0), _term(given.get("podAffinityTerm") or EMPTY, namespace)
    )


_TERMS: Memo[tuple[Any, str], Terms] = Memo("pod affinity terms", _parse)
interned: Memo[Any, Any] = Memo("pod affinity values", lambda value: value)
"""The same object for equal values, so that a table with such keys compares them by identity."""
