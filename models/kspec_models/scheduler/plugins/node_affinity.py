"""NodeAffinity: nodeSelector, required and preferred node affinity, and affinity added by an admin.

After pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go and
k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go at 1.36. Terms are
alternatives, the requirements within one must all hold; an empty term, and one that cannot be
parsed, matches no node.

Left out: that a preferred term that cannot be parsed fails the whole cycle; the API server
refuses such a pod. Here it matches no node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Node
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.scheduler.framework import (
    SKIP,
    SUCCESS,
    UNRESOLVABLE,
    Status,
    default_normalize,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.selectors import (
    NODE_SELECTOR_OPERATORS,
    Requirement,
    SelectorError,
    new_requirement,
)

NAME = "NodeAffinity"
NAME_FIELD = "metadata.name"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_REJECTED = Status(UNRESOLVABLE, ("node(s) didn't match Pod's node affinity/selector",), NAME)
_REJECTED_ADDED = Status(
    UNRESOLVABLE, ("node(s) didn't match scheduler-enforced node affinity",), NAME
)
_CONFLICT = Status(UNRESOLVABLE, ("pod affinity terms conflict",), NAME)


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


class NodeAffinity:
    """`added`: node affinity of the plugin's arguments (addedAffinity), which every pod gets."""

    name = NAME
    is_relative = True

    def __init__(self, added: Any = None) -> None:
        self.added = _parse(EMPTY.set("nodeAffinity", added)) if added else Affinity(None, ())

    def pre_filter(self, spec: PodSpec) -> tuple[Status, tuple[str, ...] | None]:
        """Whether any node can match, and the names of those that can where terms give names."""
        required = _required_terms(spec)
        if required is None and self.added.required is None and not spec.node_selector:
            return Status(SKIP), None
        names = _names_of(required or ())
        return (_CONFLICT if names == () else SUCCESS), names or None

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status:
        node = node_info.node
        assert node is not None
        if not self.added.accepts(node):
            return _REJECTED_ADDED
        return SUCCESS if accepts(spec, node) else _REJECTED

    def score(self, spec: PodSpec, node_info: NodeInfo) -> int:
        """The weights of the preferred terms that match the node."""
        assert node_info.node is not None
        own = parse_affinity(spec.affinity).weight(node_info.node) if spec.affinity else 0
        return own + self.added.weight(node_info.node)

    def normalize(self, scores: Sequence[int]) -> Sequence[int]:
        return default_normalize(scores, reverse=False)


def accepts(spec: PodSpec, node: Node) -> bool:
    """Whether the pod's nodeSelector and required affinity match the node."""
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    return not spec.affinity or parse_affinity(spec.affinity).accepts(node)


def _required_terms(spec: PodSpec) -> Sequence[Mapping[str, Any]] | None:
    given = ((spec.affinity or EMPTY).get("nodeAffinity") or EMPTY).get(REQUIRED)
    return None if given is None else given.get("nodeSelectorTerms", ())


def _names_of(terms: Sequence[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """The node names that the terms allow, sorted; None where one term allows any name."""
    allowed: set[str] = set()
    for term in terms:
        named = [
            set(field.get("values", ()))
            for field in term.get("matchFields", ())
            if field.get("key") == NAME_FIELD and field.get("operator") == "In"
        ]
        if not named:
            return None
        allowed |= set.intersection(*named)
    return tuple(sorted(allowed)) if terms else None
