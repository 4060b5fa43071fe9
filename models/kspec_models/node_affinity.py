"""Which nodes a pod's nodeSelector and node affinity allow: asked by several components.

After k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go at 1.36. Terms are
alternatives, the requirements within one must all hold; an empty term, and one that cannot be
parsed, matches no node.

Left out: the error that upstream returns beside "no match" for a term that cannot be parsed; the
API server refuses such a pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Node
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.selectors import (
    NODE_SELECTOR_OPERATORS,
    Requirement,
    SelectorError,
    new_requirement,
)

NAME_FIELD = "metadata.name"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class Term(NamedTuple):
    """A node selector term: requirements on labels, and on the name as field."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    def matches(self, node: Node) -> bool:
        fields = {NAME_FIELD: node.metadata.name} if node.metadata.name else {}
        return all(r.matches(node.metadata.labels) for r in self.labels) and all(
            r.matches(fields) for r in self.fields
        )


class Affinity(NamedTuple):
    """Node affinity, parsed. required None: none given; (): no term that could match."""

    required: tuple[Term, ...] | None
    preferred: tuple[tuple[int, Term], ...]

    def accepts(self, node: Node) -> bool:
        return self.required is None or any(term.matches(node) for term in self.required)

    def weight(self, node: Node) -> int:
        """The sum of the weights of the preferred terms that match."""
        return sum(weight for weight, term in self.preferred if term.matches(node))


def _term(given: Mapping[str, Any]) -> Term | None:
    """A term that can match something, else None."""
    expressions, fields = given.get("matchExpressions", ()), given.get("matchFields", ())
    if not expressions and not fields:
        return None
    try:
        return Term(tuple(map(_label, expressions)), tuple(map(_field, fields)))
    except SelectorError:
        return None


def _label(given: Mapping[str, Any]) -> Requirement:
    operator = NODE_SELECTOR_OPERATORS.get(given.get("operator", ""), "")
    return new_requirement(given.get("key", ""), operator, given.get("values", ()))


def _field(given: Mapping[str, Any]) -> Requirement:
    operator, values = given.get("operator", ""), given.get("values", ())
    if operator not in ("In", "NotIn") or len(values) != 1:
        raise SelectorError("matchFields: expected operator In or NotIn and exactly one value")
    return Requirement(given.get("key", ""), NODE_SELECTOR_OPERATORS[operator], tuple(values))


def _parse(affinity: Any) -> Affinity:
    given = (affinity or EMPTY).get("nodeAffinity") or EMPTY
    required = given.get(REQUIRED)
    terms = None
    if required is not None:
        found = [_term(term) for term in required.get("nodeSelectorTerms", ())]
        terms = tuple(term for term in found if term is not None)
    preferred = []
    for each in given.get(PREFERRED, ()):
        term = _term(each.get("preference") or EMPTY)
        if term is not None and each.get("weight", 0):
            preferred.append((each["weight"], term))
    return Affinity(terms, tuple(preferred))


parse_affinity: Memo[Any, Affinity] = Memo("node affinity", _parse)


def accepts(spec: PodSpec, node: Node) -> bool:
    """Whether the pod's nodeSelector and required affinity match the node."""
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    return not spec.affinity or parse_affinity(spec.affinity).accepts(node)
