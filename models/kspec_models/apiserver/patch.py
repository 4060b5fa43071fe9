"""Strategic merge patch, after staging/src/k8s.io/apimachinery/pkg/util/strategicpatch.

Lists of maps merge by their patchMergeKey, finalizers and podCIDRs as sets, every other list is
replaced;
`$patch: delete` removes an item of a merged list or all of a map, `$patch: replace` puts a map in
the place of another; null removes a key; `$deleteFromPrimitiveList/<list>` takes items from a list
of scalars. Left out: `$retainKeys` and `$setElementOrder`, which clients emit for diffs of lists
and which no modelled client sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kspec.errors import InputError

_MERGE_KEYS = {
    "ownerReferences": "uid",
    "conditions": "type",
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "env": "name",
    "imagePullSecrets": "name",
    "secrets": "name",
    "schedulingGates": "name",
    "hostAliases": "ip",
    "podIPs": "ip",
    "hostIPs": "ip",
    "addresses": "type",
    "topologySpreadConstraints": "topologyKey",
}
_SETS = ("finalizers", "podCIDRs")
_DELETE_FROM = "$deleteFromPrimitiveList/"
_PORT_KEYS = ("containerPort", "port")


def merge(original: Any, patch: Any, field: str = "") -> Any:
    """The JSON value of `original` with `patch` applied to it.

    Raises InputError for an item of a merged list without its merge key.
    """
    if isinstance(patch, Mapping):
        return _merge_maps(original if isinstance(original, Mapping) else {}, patch, field)
    if isinstance(patch, list | tuple):
        items = original if isinstance(original, list | tuple) else ()
        if field in _SETS:
            return [*items, *(item for item in patch if item not in items)]
        if field in _MERGE_KEYS or field == "ports":
            return _merge_lists(items, patch, _merge_key(field, (*items, *patch)))
    return patch


def _merge_key(field: str, items: Sequence[Any]) -> str:
    keys = _PORT_KEYS if field == "ports" else (_MERGE_KEYS[field],)
    for key in keys:
        if all(isinstance(item, Mapping) and key in item for item in items):
            return key
    raise InputError(
        "an item without the merge key", where=field, expected=" or ".join(keys) + " in each item"
    )


def _merge_maps(original: Mapping[str, Any], patch: Mapping[str, Any], field: str) -> Any:
    directive = patch.get("$patch", "merge")
    body = {k: v for k, v in patch.items() if k != "$patch"}
    if directive not in ("merge", "replace", "delete"):
        raise InputError(f"$patch: {directive}", where=field, expected="delete, replace or merge")
    if directive != "merge":
        return body if directive == "replace" else {}
    merged = dict(original)
    for name, value in body.items():
        if name.startswith(_DELETE_FROM):
            name = name.removeprefix(_DELETE_FROM)
            merged[name] = [item for item in merged.get(name) or () if item not in value]
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(original.get(name), value, name)
    return merged


def _merge_lists(original: Sequence[Any], patch: Sequence[Any], key: str) -> list[Any]:
    changed = {item[key]: item for item in patch}
    merged = []
    for item in original:
        change = changed.pop(item[key], None)
        if change is None:
            merged.append(item)
        elif change.get("$patch") != "delete":
            merged.append(_merge_maps(item, change, key))
    merged += [_merge_maps({}, i, key) for i in changed.values() if i.get("$patch") != "delete"]
    return merged
