"""Validation of metadata, after ValidateObjectMeta of
staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go at 1.36.

Left out: the size of annotations and managed fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from kspec_models.apiserver.validate_common import labels_problems, not_negative, shown
from kspec_models.objects import ObjectMeta, OwnerReference
from kspec_models.validation import (
    is_dns1035_label,
    is_dns1035_label_prefix,
    is_dns1123_label,
    is_dns1123_label_prefix,
    is_dns1123_subdomain,
    is_dns1123_subdomain_prefix,
    is_qualified_name,
    is_valid_path_segment_name,
)

_STANDARD_FINALIZERS: Final = ("kubernetes", "orphan", "foregroundDeletion")
NameRule = Callable[[str], Sequence[str]]
_NAMES: Final[dict[str, tuple[NameRule, NameRule]]] = {
    "": (is_valid_path_segment_name, is_valid_path_segment_name),
    "services": (is_dns1035_label, is_dns1035_label_prefix),
    "namespaces": (is_dns1123_label, is_dns1123_label_prefix),
}
"""The rule for a name and for the prefix of one; passive kinds have the loosest: RBAC names, for
one, may hold colons."""


def metadata_problems(meta: ObjectMeta, resource: str) -> Iterator[str]:
    """What upstream refuses in the metadata of an object of that resource ("": a passive one)."""
    is_builtin = bool(resource)
    named, begins = _NAMES.get(resource, (is_dns1123_subdomain, is_dns1123_subdomain_prefix))
    if meta.generate_name:
        yield from _invalid("metadata.generateName", meta.generate_name, begins)
    if not meta.name and not meta.generate_name:
        yield "metadata.name: Required value: name or generateName is required"
    elif meta.name:
        yield from _invalid("metadata.name", meta.name, named)
    if meta.namespace:
        yield from _invalid("metadata.namespace", meta.namespace, is_dns1123_label)
    yield from not_negative(meta.generation, "metadata.generation")
    yield from labels_problems(meta.labels, "metadata.labels")
    for key in meta.annotations:
        for error in is_qualified_name(key.lower()):
            yield f'metadata.annotations: Invalid value: "{key}": {error}'
    yield from _owners(meta.owner_references)
    yield from _finalizers(meta.finalizers, is_builtin=is_builtin)


def _finalizers(names: tuple[str, ...], *, is_builtin: bool) -> Iterator[str]:
    """ValidateFinalizers, and validateKubeFinalizerName of pkg/apis/core/validation for the kinds
    of Kubernetes itself: a custom resource may have any qualified name."""
    for name in names:
        yield from _invalid("metadata.finalizers", name, is_qualified_name)
    if {"orphan", "foregroundDeletion"} <= set(names):
        yield (
            f"metadata.finalizers: Invalid value: {shown(names)}: finalizer orphan and "
            "foregroundDeletion cannot be both set"
        )
    for place, name in enumerate(names):
        if is_builtin and "/" not in name and name not in _STANDARD_FINALIZERS:
            yield (
                f'metadata.finalizers[{place}]: Invalid value: "{name}": name is neither a '
                "standard finalizer name nor is it fully qualified"
            )


def _invalid(path: str, value: str, rule: NameRule) -> Iterator[str]:
    yield from (f'{path}: Invalid value: "{value}": {error}' for error in rule(value))


def _owners(references: tuple[OwnerReference, ...]) -> Iterator[str]:
    """Each is complete, and one alone controls."""
    path, controllers = "metadata.ownerReferences", [r.name for r in references if r.controller]
    for reference in references:
        if not reference.api_version.rpartition("/")[2]:
            version = reference.api_version
            yield f'{path}.apiVersion: Invalid value: "{version}": version must not be empty'
        for field in ("kind", "name", "uid"):
            if not getattr(reference, field):
                yield f'{path}.{field}: Invalid value: "": must not be empty'
    if len(controllers) > 1:
        yield (
            f"{path}: Invalid value: {controllers}: Only one reference can have Controller set to "
            f'true. Found "true" in references for {controllers[0]} and {controllers[1]}'
        )
