"""Filtering by required terms, of the incoming pod and of the pods that are there already.

After pkg/scheduler/framework/plugins/interpodaffinity/filtering.go at 1.36. PreFilter counts, per
topology domain, the pods that matter; a node is then judged by the counts of its own domains.

What one node contributes depends on that NodeInfo and the terms, or on what terms see of the
incoming pod, and is memoised on these, so that a cycle pays only for the nodes that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kspec.values import Memo
from kspec_models.objects import Pod
from kspec_models.objects.record import EMPTY, Labels
from kspec_models.scheduler.framework import (
    SKIP,
    SUCCESS,
    UNRESOLVABLE,
    UNSCHEDULABLE,
    Context,
    PreFilterResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.inter_pod_affinity.terms import (
    NAME,
    Domain,
    Subject,
    Term,
    Terms,
    incoming,
    interned,
    matches_all,
    subject_of,
    terms_of,
    with_named_namespaces,
)

AFFINITY = Status(UNRESOLVABLE, ("node(s) didn't match pod affinity rules",), NAME)
ANTI_AFFINITY = Status(UNSCHEDULABLE, ("node(s) didn't match pod anti-affinity rules",), NAME)
EXISTING_ANTI_AFFINITY = Status(
    UNSCHEDULABLE, ("node(s) didn't satisfy existing pods anti-affinity rules",), NAME
)
SKIPPED = PreFilterResult(Status(SKIP))
Counts = Mapping[str, Mapping[str, int]]
"""How often something was found in each domain, by topology key and value; never 0."""


class State(NamedTuple):
    """What PreFilter found.

    terms: of the incoming pod, their namespaces named. subject: what terms see of that pod.
    existing_anti_affinity: required anti-affinity terms of pods there that mean the incoming one.
    affinity: pods there that all its required affinity terms mean, counted once for each term.
    anti_affinity: pods there that a required anti-affinity term of it means.
    """

    terms: Terms
    subject: Subject
    existing_anti_affinity: Counts
    affinity: Counts
    anti_affinity: Counts

    def changed(self, pod: Pod, node_info: NodeInfo, by: int) -> State:
        """The state with one more pod on that node (`by` 1), or one less (-1)."""
        labels, own = _labels(node_info), terms_of(pod).required_anti_affinity
        kept_away = _domains_that_mean(own, self.subject, labels)
        near, away = _domains_of_pod(self.terms, subject_of(pod), labels)
        return self._replace(
            existing_anti_affinity=_changed(self.existing_anti_affinity, kept_away, by),
            affinity=_changed(self.affinity, near, by),
            anti_affinity=_changed(self.anti_affinity, away, by),
        )


def pre_filter(pod: Pod, context: Context) -> PreFilterResult:
    """Count what matters to the pod; skipped where no required term of anyone concerns it.

    A pod with a selector that cannot be parsed fits nowhere.
    """
    own = terms_of(pod)
    if own.errors:
        reason = f"parsing pod: {'; '.join(own.errors)}"
        return PreFilterResult(Status(UNRESOLVABLE, (reason,), NAME))
    guarded = [info for info in context.nodes if info.pods_with_required_anti_affinity]
    has_required = own.required_affinity or own.required_anti_affinity
    if not guarded and not has_required:
        return SKIPPED
    subject = incoming(pod, context)
    existing = _counted(_KEPT_AWAY((info, subject)) for info in guarded)
    if not has_required:
        return PreFilterResult(state=State(own, subject, existing, {}, {})) if existing else SKIPPED
    own = _required(own, context)
    found = [_NEAR_AND_AWAY((info, own)) for info in context.nodes if info.pods]
    affinity, anti_affinity = _counted(near for near, _ in found), _counted(a for _, a in found)
    return PreFilterResult(state=State(own, subject, existing, affinity, anti_affinity))


def _required(terms: Terms, context: Context) -> Terms:
    """The required terms alone, with their namespaces named."""
    named: Terms = interned(
        Terms(
            tuple(with_named_namespaces(term, context) for term in terms.required_affinity),
            tuple(with_named_namespaces(term, context) for term in terms.required_anti_affinity),
        )
    )
    return named


def judge(state: State, node_info: NodeInfo) -> Status:
    """Whether the node's domains have what the pod needs, and nothing that it or others refuse."""
    labels = _labels(node_info)
    if not _satisfies_affinity(state, labels):
        return AFFINITY
    for term in state.terms.required_anti_affinity:
        if _count(state.anti_affinity, term.topology_key, labels) > 0:
            return ANTI_AFFINITY
    for key, values in state.existing_anti_affinity.items():
        if values.get(labels.get(key), 0) > 0:
            return EXISTING_ANTI_AFFINITY
    return SUCCESS


def _satisfies_affinity(state: State, labels: Labels) -> bool:
    """Whether each term has a pod in the node's domain, which must exist for every term.

    The first pod of a collection, whose terms mean itself, may go anywhere: where no pod in the
    cluster counts for its terms it would wait for ever otherwise.
    """
    terms = state.terms.required_affinity
    if not terms:
        return True
    if any(term.topology_key not in labels for term in terms):
        return False
    if all(_count(state.affinity, term.topology_key, labels) > 0 for term in terms):
        return True
    return not state.affinity and matches_all(terms, state.subject)


def _count(counts: Counts, key: str, labels: Labels) -> int:
    """The count of the domain that labels are in; 0 where they are in none."""
    values = counts.get(key)
    return values.get(labels.get(key), 0) if values else 0


def _labels(node_info: NodeInfo) -> Labels:
    return node_info.node.metadata.labels if node_info.node is not None else EMPTY


def _domains_that_mean(
    terms: tuple[Term, ...], subject: Subject, labels: Labels
) -> tuple[Domain, ...]:
    """The domains of a node with these labels, once for each term that means the pod."""
    return tuple(
        (term.topology_key, labels[term.topology_key])
        for term in terms
        if term.topology_key in labels and term.matches(subject)
    )


def _domains_of_pod(
    terms: Terms, subject: Subject, labels: Labels
) -> tuple[tuple[Domain, ...], tuple[Domain, ...]]:
    """For required affinity, which the pod must match as a whole, and for anti-affinity."""
    near: tuple[Domain, ...] = ()
    if matches_all(terms.required_affinity, subject):
        near = _domains_that_mean(terms.required_affinity, subject, labels)
    return near, _domains_that_mean(terms.required_anti_affinity, subject, labels)


def _kept_away(key: tuple[NodeInfo, Subject]) -> tuple[Domain, ...]:
    info, subject = key
    labels = _labels(info)
    return tuple(
        domain
        for pod in info.pods_with_required_anti_affinity
        for domain in _domains_that_mean(terms_of(pod).required_anti_affinity, subject, labels)
    )


def _near_and_away(key: tuple[NodeInfo, Terms]) -> tuple[tuple[Domain, ...], tuple[Domain, ...]]:
    info, terms = key
    labels = _labels(info)
    found = [_domains_of_pod(terms, subject_of(pod), labels) for pod in info.pods]
    near = tuple(domain for domains, _ in found for domain in domains)
    return near, tuple(domain for _, domains in found for domain in domains)


_KEPT_AWAY: Memo[tuple[NodeInfo, Subject], tuple[Domain, ...]] = Memo(
    "domains that pods of a node keep a pod away from", _kept_away
)
_NEAR_AND_AWAY: Memo[tuple[NodeInfo, Terms], tuple[tuple[Domain, ...], tuple[Domain, ...]]] = Memo(
    "domains of a node that count for a pod's terms", _near_and_away
)


def _counted(found: Iterable[tuple[Domain, ...]]) -> Counts:
    counts: dict[str, dict[str, int]] = {}
    for domains in found:
        for key, value in domains:
            values = counts.setdefault(key, {})
            values[value] = values.get(value, 0) + 1
    return counts


def _changed(counts: Counts, domains: tuple[Domain, ...], by: int) -> Counts:
    changed = dict(counts)
    for key, value in domains:
        values = dict(changed.get(key, {}))
        values[value] = values.get(value, 0) + by
        if not values[value]:
            del values[value]
        changed[key] = values
        if not values:
            del changed[key]
    return changed
