"""What users do in a world: apply, delete, scale and patch, as kubectl would ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec.errors import InputError
from kspec_models.environment import Operation
from kspec_models.kinds import by_name
from kspec_models.manifests import Document, read_object
from kspec_models.objects import freeze
from kspec_models.requests import Create, Delete, Drain, Evict, Patch, Request


def read_operation(data: Mapping[str, Any]) -> Operation:
    """One operation of a world document; raises InputError if it is none."""
    for verb, read in _READERS.items():
        if verb in data:
            text, requests = read(data[verb])
            first = data.get("notBefore", 0)
            return Operation(f"{text} (from {first}s)" if first else text, requests, first)
    raise InputError(f"operation {dict(data)}", expected="one of " + ", ".join(_READERS))


def _target(data: Mapping[str, Any]) -> tuple[str, str, str]:
    kind = by_name(str(data.get("kind", "")))
    name = data.get("name")
    if kind is None or not name:
        raise InputError(f"operation on {dict(data)}", expected="a modelled kind and a name")
    key = f"{data.get('namespace', 'default')}/{name}" if kind.is_namespaced else str(name)
    return kind.plural, key, f"{kind.name} {key}"


def _apply(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    obj = read_object(Document("apply", data))
    if obj is None:
        raise InputError("apply of a kind that is not modelled")
    body = {k: v for k, v in obj.to_json().items() if k not in ("apiVersion", "kind", "status")}
    patch = Patch(obj.resource, obj.key, freeze(body))
    return f"apply {type(obj).__name__} {obj.key}", (patch, Create(obj))


def _delete(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    resource, key, text = _target(data)
    grace, policy = data.get("gracePeriodSeconds"), _CASCADES[data.get("cascade", "background")]
    how = f" ({data['cascade']})" if "cascade" in data else ""
    delete = Delete(resource, key, grace_period_seconds=grace, propagation_policy=policy)
    return f"delete {text}{how}", (delete,)


def _scale(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    resource, key, text = _target(data)
    if resource not in _SCALABLE:
        raise InputError(f"scale {text}", expected="a kind that has a size, such as Deployment")
    replicas = data["replicas"]
    patch = Patch(resource, key, freeze({"spec": {"replicas": replicas}}))
    return f"scale {text} to {replicas}", (patch,)


def _patch(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    resource, key, text = _target(data)
    part = str(data.get("subresource", ""))
    return f"patch {text}", (Patch(resource, key, freeze(data["patch"]), part),)


def _evict(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    key = f"{data.get('namespace', 'default')}/{data['name']}"
    grace = data.get("gracePeriodSeconds")
    return f"evict Pod {key}", (Evict(key, grace_period_seconds=grace),)


def _drain(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    return f"drain Node {data['name']}", (Drain(str(data["name"])),)


def _cordon(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    patch = freeze({"spec": {"unschedulable": True}})
    return f"cordon Node {data['name']}", (Patch("nodes", str(data["name"]), patch),)


def _uncordon(data: Mapping[str, Any]) -> tuple[str, tuple[Request, ...]]:
    patch = freeze({"spec": {"unschedulable": False}})
    return f"uncordon Node {data['name']}", (Patch("nodes", str(data["name"]), patch),)


_CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
"""What kubectl delete --cascade asks for; background unless told otherwise."""
_SCALABLE = ("deployments", "replicasets", "replicationcontrollers", "statefulsets")
_READERS = {
    "apply": _apply,
    "delete": _delete,
    "scale": _scale,
    "patch": _patch,
    "evict": _evict,
    "drain": _drain,
    "cordon": _cordon,
    "uncordon": _uncordon,
}
