"""Strategic merge patch, after staging/src/k8s.io/apimachinery/pkg/util/strategicpatch.

Lists of maps merge by their patchMergeKey, finalizers as a set, every other list is replaced;
`$patch: delete` removes an item of a merged list; null removes a key. Left out: `$retainKeys`,
`$setElementOrder` and `$deleteFromPrimitiveList`, which clients emit for diffs of lists and which
no modelled client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MERGE_KEYS = {
    "ownerReferences": "uid",
    "conditions": "type",
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "tolerations": "",
}
_SETS = ("finalizers",)
_PORT_KEYS = ("containerPort", "port")


def merge(original: Any, patch: Any, field: str = "") -> Any:
    """The JSON value of `original` with `patch` applied to it."""
    if isinstance(patch, Mapping):
        return _merge_maps(original if isinstance(original, Mapping) else {}, patch)
    if isinstance(patch, list | tuple) and isinstance(original, list | tuple):
        if field in _SETS:
            return [*original, *(item for item in patch if item not in original)]
        key = _merge_key(field, patch)
        if key:
            return _merge_lists(original, patch, key)
    return patch


def _merge_key(field: str, patch: Any) -> str:
    if field == "ports":
        return next((k for k in _PORT_KEYS if all(k in item for item in patch)), "")
    return _MERGE_KEYS.get(field, "")


def _merge_maps(original: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    merged = dict(original)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(original.get(name), value, name)
    return merged


def _merge_lists(original: Any, patch: Any, key: str) -> list[Any]:
    changed = {item[key]: item for item in patch}
    merged = []
    for item in original:
        change = changed.pop(item[key], None)
        if change is None:
            merged.append(item)
        elif change.get("$patch") != "delete":
            merged.append(_merge_maps(item, change))
    merged += [item for item in changed.values() if item.get("$patch") != "delete"]
    return merged
