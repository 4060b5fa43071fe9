"""Scoring by preferred terms, of the incoming pod and of the pods that are there already.

After pkg/scheduler/framework/plugins/interpodaffinity/scoring.go at 1.36. Each pod that a term
means adds the term's weight to the domain it is in, or takes it away for anti-affinity; a node
gets the sums of its domains, brought to 0..100 over the feasible nodes.

The quotient of the normalisation is floating point, upstream and here: a score may be one lower
than exact arithmetic has it. What one node contributes is memoised as in `filtering`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kspec.values import Memo
from kspec_models.objects import Pod
from kspec_models.objects.record import Labels
from kspec_models.scheduler.framework import (
    MAX_NODE_SCORE,
    SKIP,
    Context,
    PreScoreResult,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.inter_pod_affinity.terms import (
    NO_TERMS,
    Domain,
    Subject,
    Terms,
    WeightedTerm,
    incoming,
    interned,
    subject_of,
    terms_of,
    with_named_namespaces,
)

SKIPPED = PreScoreResult(Status(SKIP))
State = Mapping[str, Mapping[str, int]]
"""The sum of weights of each domain, by topology key and value."""


class _Question(NamedTuple):
    """preferred: the incoming pod's preferred terms alone, their namespaces named."""

    info: NodeInfo
    subject: Subject
    preferred: Terms
    hard_weight: int


def has_preferred_terms(pod: Pod) -> bool:
    """Whether the pod has preferred affinity or anti-affinity to other pods."""
    terms = terms_of(pod)
    return bool(terms.preferred_affinity or terms.preferred_anti_affinity)


def pre_score(pod: Pod, context: Context, hard_weight: int) -> PreScoreResult:
    """The weights of all domains; skipped where no term gives any.

    hard_weight: what a required affinity term of a pod that is there already counts; 0: nothing.
    """
    if has_preferred_terms(pod):
        preferred, nodes = _preferred(pod, context), [i for i in context.nodes if i.pods]
    else:
        preferred, nodes = NO_TERMS, [i for i in context.nodes if i.pods_with_affinity]
    if not nodes:
        return SKIPPED
    subject = incoming(pod, context)
    state: dict[str, dict[str, int]] = {}
    for info in nodes:
        for (key, value), weight in _WEIGHTS(_Question(info, subject, preferred, hard_weight)):
            weights = state.setdefault(key, {})
            weights[value] = weights.get(value, 0) + weight
    return PreScoreResult(state=state) if state else SKIPPED


def _preferred(pod: Pod, context: Context) -> Terms:
    terms = terms_of(pod)

    def named(weighted: tuple[WeightedTerm, ...]) -> tuple[WeightedTerm, ...]:
        return tuple(WeightedTerm(w, with_named_namespaces(t, context)) for w, t in weighted)

    found: Terms = interned(
        Terms(
            preferred_affinity=named(terms.preferred_affinity),
            preferred_anti_affinity=named(terms.preferred_anti_affinity),
        )
    )
    return found


def _weights(question: _Question) -> tuple[tuple[Domain, int], ...]:
    info = question.info
    assert info.node is not None
    labels, preferred = info.node.metadata.labels, question.preferred
    pods = info.pods_with_affinity if preferred is NO_TERMS else info.pods
    return tuple(found for pod in pods for found in _weights_of_pod(pod, question, labels))


def _weights_of_pod(pod: Pod, question: _Question, labels: Labels) -> Iterator[tuple[Domain, int]]:
    """What a pod that is there adds, once for each of the terms that relate it to the other."""
    _, subject, preferred, hard_weight = question
    if preferred is not NO_TERMS:
        there = subject_of(pod)
        yield from _of_terms(preferred.preferred_affinity, there, labels, 1)
        yield from _of_terms(preferred.preferred_anti_affinity, there, labels, -1)
    own = terms_of(pod)
    if hard_weight > 0:
        hard = tuple(WeightedTerm(hard_weight, term) for term in own.required_affinity)
        yield from _of_terms(hard, subject, labels, 1)
    yield from _of_terms(own.preferred_affinity, subject, labels, 1)
    yield from _of_terms(own.preferred_anti_affinity, subject, labels, -1)


def _of_terms(
    terms: tuple[WeightedTerm, ...], subject: Subject, labels: Labels, sign: int
) -> Iterator[tuple[Domain, int]]:
    for weight, term in terms:
        key = term.topology_key
        if key in labels and term.matches(subject):
            yield (key, labels[key]), sign * weight


_WEIGHTS: Memo[_Question, tuple[tuple[Domain, int], ...]] = Memo(
    "weights that pods of a node give its domains", _weights
)


def score(state: State, node_info: NodeInfo) -> int:
    """The sum of the weights of the node's domains."""
    assert node_info.node is not None
    labels = node_info.node.metadata.labels
    found = 0
    for key, weights in state.items():
        found += weights.get(labels.get(key), 0)
    return found


def normalized(scores: Sequence[int]) -> list[int]:
    """The lowest score becomes 0 and the highest 100; all are 0 where all are equal."""
    lowest, highest = min(scores, default=0), max(scores, default=0)
    spread = highest - lowest
    if not spread:
        return [0] * len(scores)
    return [int(MAX_NODE_SCORE * ((score - lowest) / spread)) for score in scores]
