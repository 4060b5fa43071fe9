"""Reading what `kubectl` takes or dumps: YAML or JSON, several documents, lists.

Every problem is one InputError line with file, line and object. Passive kinds become
`Unstructured`; a kind that acts on pods and is not modelled is refused unless it is to be ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from kspec.errors import InputError
from kspec_models.apiserver.autoscaling import as_stored
from kspec_models.apiserver.strategies import DEFAULTS
from kspec_models.apiserver.validate import problems
from kspec_models.kinds import Kind, is_builtin_group, lookup
from kspec_models.objects import ApiObject, Unstructured
from kspec_models.plain import read_plain


@attrs.frozen
class Document:
    """One document of a file: where it starts, and its JSON."""

    where: str
    data: Mapping[str, Any]


def read_documents(path: Path) -> tuple[Document, ...]:
    """The documents of a file, lists taken apart; raises InputError if there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"cannot be read: {reason}", where=str(path)) from None
    found = tuple(_flattened(parse_documents(text, str(path))))
    if not found:
        raise InputError(
            "holds no object", where=str(path), expected="Kubernetes objects or a World"
        )
    return found


def parse_documents(text: str, where: str) -> Iterator[Document]:
    """The documents of a text; raises InputError with the line where it is not YAML."""
    for line, value in read_plain(text, where):
        yield _document(value, f"{where}:{line}")


def _document(data: Any, where: str) -> Document:
    if not isinstance(data, Mapping):
        raise InputError(
            f"a document that is {_named_type(data)}",
            where=where,
            expected="a map with apiVersion and kind",
        )
    return Document(where, data)


def _named_type(data: Any) -> str:
    names = {list: "a list", dict: "a map", str: "text", int: "a number", float: "a number"}
    return names.get(type(data), "null" if data is None else "true or false")


def _flattened(documents: Iterator[Document]) -> Iterator[Document]:
    for document in documents:
        version, kind = document.data.get("apiVersion"), document.data.get("kind")
        if not isinstance(kind, str) or not kind.endswith("List") or "items" not in document.data:
            yield document
            continue
        items = document.data["items"] or []
        if not isinstance(items, list):
            raise InputError(
                f"items is {_named_type(items)}", where=document.where, expected="a list"
            )
        # The items of a typed list as the API answers it do not repeat their kind.
        shared = {} if kind == "List" else {"apiVersion": version, "kind": kind[:-4]}
        for i, item in enumerate(items):
            inner = _document(item, f"{document.where}: items[{i}]")
            yield Document(inner.where, {**shared, **inner.data})


def read_object(document: Document, *, ignore_unmodelled: bool = False) -> ApiObject | None:
    """The object of a document, validated; None for one that is to be ignored.

    Raises InputError for anything that the API server would refuse, and for an acting kind that
    is not modelled.
    """
    document = attrs.evolve(document, data=as_stored(document.data))
    kind = _kind_of(document)
    name = _name_of(document)
    where = f"{document.where}: {kind.name} {name}"
    if kind.is_acting:
        if ignore_unmodelled:
            return None
        raise InputError(
            "this kind creates, moves or scales pods and is not modelled yet",
            where=where,
            expected="a modelled kind, or --ignore-unmodelled to leave it out",
        )
    obj: ApiObject = _decoded(document, kind, where)
    # Written by the API server with each answer, and no part of what it stores here.
    extra = obj.metadata.extra
    if "resourceVersion" in extra or "managedFields" in extra:
        extra = extra.without("resourceVersion").without("managedFields")
        obj = obj.with_metadata(extra=extra)
    if kind.is_namespaced and not obj.namespace:
        obj = obj.with_metadata(namespace="default")
    elif not kind.is_namespaced and obj.namespace:
        obj = obj.with_metadata(namespace="")
    defaulted: ApiObject = DEFAULTS[obj.resource](obj) if obj.resource in DEFAULTS else obj
    found = problems(defaulted)
    if found:
        raise InputError(found[0], where=where)
    return obj


def _kind_of(document: Document) -> Kind:
    data = document.data
    version, name = data.get("apiVersion"), data.get("kind")
    for field, value in (("apiVersion", version), ("kind", name)):
        if not isinstance(value, str) or not value:
            raise InputError(
                f"no Kubernetes object: {field} is missing",
                where=document.where,
                expected="a document with apiVersion, kind and metadata.name",
            )
    kind = lookup(str(version), str(name))
    if kind is None:
        group = "Kubernetes 1.36" if is_builtin_group(str(version)) else str(version)
        raise InputError(
            f"kind {name} of {version} does not exist in {group}",
            where=document.where,
            expected="a kind that the API server serves, e.g. apps/v1 Deployment",
        )
    return kind


def _name_of(document: Document) -> str:
    meta = document.data.get("metadata")
    name = meta.get("name") or meta.get("generateName") if isinstance(meta, Mapping) else None
    if not isinstance(name, str) or not name:
        raise InputError(
            f"{document.data['kind']} without a name",
            where=document.where,
            expected="metadata.name",
        )
    return name


def _decoded(document: Document, kind: Kind, where: str) -> Any:
    try:
        if kind.type is None:
            raw = Unstructured.from_json(document.data)
            return raw.replace(plural=kind.plural)
        body = {k: v for k, v in document.data.items() if k not in ("apiVersion", "kind")}
        return kind.type.from_json(body)
    except InputError as error:
        raise InputError(str(error), where=where) from None


def read_objects(
    documents: tuple[Document, ...], *, ignore_unmodelled: bool = False
) -> tuple[ApiObject, ...]:
    """All objects of the documents; raises InputError for two of the same name."""
    found: dict[tuple[str, str], str] = {}
    objects = []
    for document in documents:
        obj = read_object(document, ignore_unmodelled=ignore_unmodelled)
        if obj is None:
            continue
        identity = (obj.resource, obj.key)
        if obj.name and identity in found:
            raise InputError(
                f"duplicate name: {obj.resource} {obj.key} is also at {found[identity]}",
                where=document.where,
                expected="one object of each name",
            )
        found[identity] = document.where
        objects.append(obj)
    return tuple(objects)
