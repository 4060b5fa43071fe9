"""Document makers of owners, dependents and cascading deletions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def delete(kind: str, name: str, cascade: str, *, space: str = "default") -> dict[str, Any]:
    """The operation `kubectl delete <kind> <name> --cascade=<cascade>`."""
    return {"delete": {"kind": kind, "name": name, "namespace": space, "cascade": cascade}}


def config_map(name: str, *, space: str = "default") -> dict[str, Any]:
    """An object that nobody acts on."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": space},
        "data": {},
    }


def owner(data: Mapping[str, Any], *, uid: str = "", blocks: bool = True) -> dict[str, Any]:
    """A reference to an object that a world gives; its uid is that of its first incarnation."""
    meta, plural = data["metadata"], data["kind"].lower() + "s"
    place = f"{meta['namespace']}/{meta['name']}" if "namespace" in meta else meta["name"]
    return {
        "apiVersion": data["apiVersion"],
        "kind": data["kind"],
        "name": meta["name"],
        "uid": uid or f"{plural}/{place}#0",
        "blockOwnerDeletion": blocks,
    }


def owned(data: Mapping[str, Any], *owners: Mapping[str, Any]) -> dict[str, Any]:
    """The object with these owner references."""
    return {**data, "metadata": {**data["metadata"], "ownerReferences": list(owners)}}
