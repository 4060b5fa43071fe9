"""NodeAffinity: nodeSelector, required and preferred node affinity, and affinity added by an admin.

After pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go at 1.36; the terms are in
`kspec_models.node_affinity`.

Left out: that a preferred term that cannot be parsed fails the whole cycle; the API server
refuses such a pod. Here it matches no node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kspec_models.node_affinity import (
    NAME_FIELD,
    PREFERRED,
    REQUIRED,
    Affinity,
    Term,
    accepts,
    parse_affinity,
)
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

__all__ = ["NAME", "PREFERRED", "REQUIRED", "NodeAffinity", "Term", "accepts", "parse_affinity"]

NAME = "NodeAffinity"
_REJECTED = Status(UNRESOLVABLE, ("node(s) didn't match Pod's node affinity/selector",), NAME)
_REJECTED_ADDED = Status(
    UNRESOLVABLE, ("node(s) didn't match scheduler-enforced node affinity",), NAME
)
_CONFLICT = Status(UNRESOLVABLE, ("pod affinity terms conflict",), NAME)


class NodeAffinity:
    """`added`: node affinity of the plugin's arguments (addedAffinity), which every pod gets."""

    name = NAME
    is_relative = True

    def __init__(self, added: Any = None) -> None:
        self.added = (
            parse_affinity(EMPTY.set("nodeAffinity", added)) if added else Affinity(None, ())
        )

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
