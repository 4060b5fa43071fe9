"""An object with a strategic merge patch applied, as the API server does it."""

from __future__ import annotations

from typing import Any

from kspec.errors import InputError
from kspec_models.apiserver.patch import merge
from kspec_models.apiserver.patch_records import NotByField, patched
from kspec_models.objects import FrozenMap, Unstructured, thaw


def merged(old: Any, patch: FrozenMap[Any]) -> Any:
    """The object with a patch merged in, or why it is no such object any more."""
    if not isinstance(old, Unstructured):
        try:
            return patched(old, patch)
        except (NotByField, InputError):
            pass  # the way below says what is wrong as it always does
    try:
        found = merge(old.to_json(), thaw(patch))
        if not isinstance(old, Unstructured):
            found = {k: v for k, v in found.items() if k not in ("apiVersion", "kind")}
        obj = type(old).from_json(found)
    except InputError as error:
        return str(error)
    return obj.replace(plural=old.plural) if isinstance(old, Unstructured) else obj
