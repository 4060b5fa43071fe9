"""Required node affinity: each operator on labels and on the name, alternatives, nodeSelector."""

from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_properties.proofs.hard_constraints import broken
from kspec_properties.proofs.kept import kept
from kspec_properties.proofs.vocabulary import Chosen, Scene, Vocabulary, node_of, pod_of


def _expression(operator: str, *values: str, key: str = "zone") -> dict[str, Any]:
    given = {"key": key, "operator": operator}
    return given | {"values": list(values)} if values else given


OPTIONS: dict[str, tuple[Any, ...]] = {
    "expression": (
        None,
        _expression("In", "a", "b"),
        _expression("In", "c"),
        _expression("NotIn", "a"),
        _expression("Exists"),
        _expression("DoesNotExist"),
        _expression("Gt", "4", key="rank"),
        _expression("Gt", "5", key="rank"),
        _expression("Lt", "6", key="rank"),
        _expression("Lt", "5", key="rank"),
    ),
    "and_expression": (None, _expression("In", "b")),
    "or_field": (None, "node", "other"),
    "node_labels": ({}, {"zone": "a", "rank": "5"}, {"zone": "b", "rank": "x"}),
    "and_selector": ({}, {"zone": "a"}),
}


def scene(of: Chosen) -> Scene:
    """The objects of one combination."""
    pending = _pending(of["expression"], of["and_expression"], of["or_field"], of["and_selector"])
    info = _node(of["node_labels"])
    assert info.node is not None
    return Scene(pending, (info,), broken(pending, info.node))


@kept
def _node(labels: int) -> NodeInfo:
    return node_info(node_of("node", OPTIONS["node_labels"][labels]))


@kept
def _pending(expression: int, and_expression: int, or_field: int, selector: int) -> Pod:
    both = (OPTIONS["expression"][expression], OPTIONS["and_expression"][and_expression])
    expressions = [each for each in both if each is not None]
    name = OPTIONS["or_field"][or_field]
    terms: list[dict[str, Any]] = [{"matchExpressions": expressions}] if expressions else []
    if name:
        terms.append({"matchFields": [_expression("In", name, key="metadata.name")]})
    spec: dict[str, Any] = {"nodeSelector": OPTIONS["and_selector"][selector]}
    if terms:
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        spec["affinity"] = {"nodeAffinity": required}
    return pod_of("pending", spec)


VOCABULARY = Vocabulary("node affinity", OPTIONS, scene)
