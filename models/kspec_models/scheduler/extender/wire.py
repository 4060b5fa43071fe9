"""What goes over the wire between scheduler and extender.

After k8s.io/kube-scheduler/extender/v1/types.go and pkg/scheduler/extender.go at 1.36. Names of
fields are told apart without regard to case, unknown ones are ignored and null stands for what is
left out, as Go's decoder does. Stricter than upstream: an answer may only name nodes that it was
asked about, each once, and scores are within 0..10.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.nodeinfo import NodeInfo

MAX_PRIORITY: Final = 10
"""MaxExtenderPriority."""


class Malformed(Exception):
    """An answer that cannot be used: `args[0]` says why."""


class FilterAnswer(NamedTuple):
    """nodes: those that pass. failed, unresolvable: why others do not, by node."""

    nodes: frozenset[str]
    failed: Mapping[str, str]
    unresolvable: Mapping[str, str]


class MetaVictims(NamedTuple):
    """The uids of the pods to evict on a node, and how many PodDisruptionBudgets forbid."""

    uids: tuple[str, ...]
    violations: int


def _plain(obj: Any) -> dict[str, Any]:
    """The object as a client of the API holds it: without the names of its type."""
    found = {"metadata": {}, "spec": {}, "status": {}, **obj.to_json()}
    return {key: value for key, value in found.items() if key not in ("apiVersion", "kind")}


_node_json: Memo[Node, Mapping[str, Any]] = Memo("nodes for extenders", _plain)


def encoded(request: Mapping[str, Any]) -> bytes:
    """The bytes of a request; the same for equal requests."""
    return json.dumps(request, sort_keys=True, separators=(",", ":")).encode()


def arguments(pod: Pod, infos: Sequence[NodeInfo], *, by_name: bool) -> dict[str, Any]:
    """ExtenderArgs: the pod, and the nodes or (nodeCacheCapable) only their names."""
    nodes = None
    if not by_name:
        items = [_node_json(info.node) for info in infos if info.node is not None]
        nodes = {"metadata": {}, "items": items}
    names = [info.name for info in infos] if by_name else None
    return {"Pod": _plain(pod), "Nodes": nodes, "NodeNames": names}


def preemption_arguments(
    pod: Pod, victims: Mapping[str, tuple[tuple[Pod, ...], int]], *, by_name: bool
) -> dict[str, Any]:
    """ExtenderPreemptionArgs: by node, the victims or (nodeCacheCapable) only their uids."""
    found = {
        node: {
            "Pods": [{"UID": p.uid} if by_name else _plain(p) for p in pods],
            "NumPDBViolations": violations,
        }
        for node, (pods, violations) in victims.items()
    }
    return {
        "Pod": _plain(pod),
        "NodeNameToVictims": None if by_name else found,
        "NodeNameToMetaVictims": found if by_name else None,
    }


def binding_arguments(pod: Pod, node: str) -> dict[str, Any]:
    """ExtenderBindingArgs."""
    return {
        "PodName": pod.name,
        "PodNamespace": pod.namespace,
        "PodUID": pod.uid,
        "Node": node,
    }


def read_filter(answer: bytes, asked: Sequence[str], *, by_name: bool) -> FilterAnswer:
    """An ExtenderFilterResult; raises Malformed, also for the error that it tells of."""
    result = _map(_json(answer), "the answer")
    _raise_error(result)
    if by_name and result.get("nodenames") is not None:
        names = [_text(name, "NodeNames") for name in _list(result["nodenames"], "NodeNames")]
    elif result.get("nodes") is not None:
        items = _map(result["nodes"], "Nodes").get("items")
        names = [_name_of(item) for item in _list(items, "Nodes.items")]
    else:
        names = []
    _check_names(names, asked)
    failed = _reasons(result, "FailedNodes", asked)
    return FilterAnswer(
        frozenset(names), failed, _reasons(result, "FailedAndUnresolvableNodes", asked)
    )


def read_priorities(answer: bytes, asked: Sequence[str]) -> Mapping[str, int]:
    """A HostPriorityList, by node; raises Malformed."""
    found: dict[str, int] = {}
    given = _list(_json(answer), "the answer")
    entries = [_map(each, "a HostPriority") for each in given]
    _check_names([_text(entry.get("host"), "Host") for entry in entries], asked)
    for entry in entries:
        score, host = _integer(entry.get("score"), "Score"), str(entry["host"])
        if not 0 <= score <= MAX_PRIORITY:
            raise Malformed(f"gave node {host} the score {score}, outside 0..{MAX_PRIORITY}")
        found[host] = score
    return found


def read_preemption(answer: bytes) -> Mapping[str, MetaVictims]:
    """An ExtenderPreemptionResult, by node; raises Malformed."""
    result = _map(_json(answer), "the answer").get("nodenametometavictims")
    # Names of nodes are keys: their case matters.
    found = {}
    for node, each in _object(result or {}, "NodeNameToMetaVictims").items():
        victims = _map(each or {}, "MetaVictims")
        pods = _list(victims.get("pods"), "Pods")
        uids = tuple(_text(_map(pod, "a MetaPod").get("uid"), "UID") for pod in pods)
        violations = _integer(victims.get("numpdbviolations"), "NumPDBViolations")
        found[node] = MetaVictims(uids, violations)
    return found


def read_binding(answer: bytes) -> None:
    """An ExtenderBindingResult; raises Malformed for the error that it tells of."""
    _raise_error(_map(_json(answer), "the answer"))


def _raise_error(result: Mapping[str, Any]) -> None:
    error = result.get("error")
    if error is not None and _text(error, "Error"):
        raise Malformed(f"answered with the error {error!r}")


def _json(answer: bytes) -> Any:
    """The first JSON value of an answer; what follows is not looked at."""
    try:
        return json.JSONDecoder().raw_decode(answer.decode("utf-8").lstrip())[0]
    except (ValueError, RecursionError):
        shown = answer[:40].decode("utf-8", "replace")
        raise Malformed(f"did not answer in JSON: {shown!r}") from None


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"answered with {name} that is {_kind(value)}, not a map")
    return value


def _map(value: Any, name: str) -> dict[str, Any]:
    return {key.lower(): item for key, item in _object(value, name).items()}


def _list(value: Any, name: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Malformed(f"answered with {name} that is {_kind(value)}, not a list")
    return value or []


def _text(value: Any, name: str) -> str:
    if value is not None and not isinstance(value, str):
        raise Malformed(f"answered with {name} that is {_kind(value)}, not text")
    return value or ""


def _integer(value: Any, name: str) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        shown = value if isinstance(value, float) else _kind(value)
        raise Malformed(f"answered with {name} that is {shown}, not an integer")
    return value


def _kind(value: Any) -> str:
    names = {dict: "a map", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _name_of(item: Any) -> str:
    metadata = _map(_map(item, "a Node").get("metadata"), "metadata")
    return _text(metadata.get("name"), "metadata.name")


def _check_names(names: Sequence[str], asked: Sequence[str]) -> None:
    known = frozenset(asked)
    for index, name in enumerate(names):
        if name not in known:
            raise Malformed(f"named the node {name!r}, which it was not asked about")
        if name in names[:index]:
            raise Malformed(f"named the node {name} twice")


def _reasons(result: Mapping[str, Any], name: str, asked: Sequence[str]) -> Mapping[str, str]:
    found = _object(result.get(name.lower()) or {}, name)
    _check_names(tuple(found), asked)
    return {node: _text(reason, name) for node, reason in found.items()}
