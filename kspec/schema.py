"""JSON Schemas of what kspec reads and writes, and the one-line error for what differs."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from kspec.errors import InputError
from kspec.fitting import fits


@functools.cache
def load(package: str, name: str) -> Mapping[str, Any]:
    """The schema `schemas/<name>.json` that a package ships."""
    text = resources.files(package).joinpath("schemas", f"{name}.json").read_text("utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def validate(data: Any, package: str, name: str, where: str) -> None:
    """Raise InputError, naming the first unfit field, unless the schema accepts `data`."""
    if fits(data, load(package, name)):
        return
    import jsonschema

    validator = jsonschema.Draft202012Validator(load(package, name))
    error = jsonschema.exceptions.best_match(validator.iter_errors(data))
    if error is not None:
        path = ".".join(str(part) for part in error.absolute_path) or "document"
        reason = " ".join(error.message.split())
        raise InputError(
            f"{path}: {reason if len(reason) <= 160 else reason[:157] + '...'}",
            where=where,
            expected=f"the schema that `kspec schema {name}` prints",
        )
