"""What the documents of a world say of nodes: which controllers of nodes it calls for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kspec.errors import InputError
from kspec_models.needs import Needs
from kspec_models.world import World

_SILENCING: Final = ("pause", "partition")
"""Fault classes under which a kubelet can fall silent while its node stays in the API."""


MANAGER: Final = "kube-controller-manager"


def number(needs: Needs, name: str, default: int, least: int = 0) -> int:
    """A whole number among the options of the controller manager; raises InputError for others."""
    value = needs.options(MANAGER).get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(
            f"components: {MANAGER}.{name} is {value!r}",
            expected=f"a whole number of at least {least}",
        )
    return value


def _under(value: Any, key: str) -> Iterator[Any]:
    """Every value at `key`, at any depth of a JSON document."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from _under(inner, key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _under(item, key)


def _documents(world: World) -> Iterator[Any]:
    yield from world.objects
    yield from world.operations


def _node_names(world: World) -> frozenset[str] | None:
    """The names of the nodes of a world; None where they are made for the pods of a dump."""
    applied = (o["apply"] for o in world.operations if isinstance(o.get("apply"), Mapping))
    given = [d for d in world.objects if d.get("kind") == "Node"]
    named = [d["metadata"]["name"] for d in (*given, *applied) if d.get("kind") == "Node"]
    if given:
        return frozenset(named)
    if world.keep_status:
        return None
    return frozenset((*named, *(f"n{i}" for i in range(1, world.nodes + 1))))


def binds_to_unknown_nodes(needs: Needs) -> bool:
    """Whether some pod of the world names a node that does not exist at the start."""
    known = _node_names(needs.world)
    named = (v for d in _documents(needs.world) for v in _under(d, "nodeName"))
    return known is not None and any(name and name not in known for name in named)


def may_lack_nodes(needs: Needs) -> bool:
    """Whether a pod can be bound to a node that does not exist."""
    return "nodes" in needs.deleted or binds_to_unknown_nodes(needs)


def has_taints(needs: Needs, effect: str) -> bool:
    """Whether some document of the world puts a taint of that effect on a node."""
    for document in _documents(needs.world):
        for taints in _under(document, "taints"):
            if any(isinstance(t, Mapping) and t.get("effect") == effect for t in taints or ()):
                return True
    return False


def may_fall_silent(needs: Needs) -> bool:
    """Whether a fault of the world can keep a kubelet from reporting."""
    return any(needs.world.faults.get(name, 0) for name in _SILENCING)


def reports_conditions(needs: Needs) -> bool:
    """Whether some node is given with a condition that is no plain Ready."""
    for document in _documents(needs.world):
        if isinstance(document, Mapping) and document.get("kind") == "Node":
            for conditions in _under(document.get("status") or {}, "conditions"):
                if any(_is_worth_a_taint(c) for c in conditions or ()):
                    return True
    return False


def _is_worth_a_taint(condition: Any) -> bool:
    if not isinstance(condition, Mapping):
        return False
    wanted = "True" if condition.get("type") == "Ready" else "False"
    return bool(condition.get("status") != wanted)
