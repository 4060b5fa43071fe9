"""ControllerRevisions: what a StatefulSet or a DaemonSet was before, as it can be restored.

After pkg/controller/history/controller_history.go and the getPatch and ApplyRevision of
pkg/controller/{statefulset/stateful_set_utils,daemon/update}.go at Kubernetes 1.36. A revision
keeps the pod template as the patch that puts it back. All functions are pure: what is written with
them, and when, is up to the controller. A revision is adopted and released as in `claims`.

Left out: the shortening of long names. Two revisions are equal when their data is; upstream looks
at hash labels first, but only at those that happen to be decimal numbers, and equal data has the
same hash as long as no name collided. The hash is a fingerprint of ours in upstream's alphabet,
and nothing depends on its value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kspec.values import Memo, fingerprint
from kspec_models.controllers.pods import owner_reference
from kspec_models.indexes import controlled_by, orphans
from kspec_models.objects import (
    EMPTY,
    ApiObject,
    ControllerRevision,
    FrozenMap,
    ObjectMeta,
    PodTemplateSpec,
    freeze,
    thaw,
)
from kspec_models.objects.record import canonical
from kspec_models.selectors import Selector
from kspec_models.store import Entry, Snapshot

HASH_LABEL: Final = "controller.kubernetes.io/hash"
REVISION_LABEL: Final = "controller-revision-hash"
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"


def _template_data(template: PodTemplateSpec) -> FrozenMap[Any]:
    body = {"spec": {"template": {**template.to_json(), "$patch": "replace"}}}
    found: FrozenMap[Any] = freeze(body)
    return found


def _template_of(data: FrozenMap[Any]) -> PodTemplateSpec:
    template = dict(thaw(data)["spec"]["template"])
    template.pop("$patch", None)
    return PodTemplateSpec.from_json(template)


template_data: Memo[PodTemplateSpec, FrozenMap[Any]] = Memo(
    "data of a controller revision", _template_data
)
"""getPatch: the data of a revision that restores this pod template."""

template_of: Memo[FrozenMap[Any], PodTemplateSpec] = Memo(
    "template of a controller revision", _template_of
)
"""ApplyRevision: the pod template that the data of a revision restores."""


def _hash(key: tuple[FrozenMap[Any], int | None]) -> str:
    data, probe = key
    seen = canonical(ControllerRevision(data=data))
    number = fingerprint((seen, probe)) & (2**32 - 1)
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))


_revision_hash: Memo[tuple[FrozenMap[Any], int | None], str] = Memo(
    "hash of a controller revision", _hash
)


def revision_hash(data: FrozenMap[Any], collision_count: int | None) -> str:
    """HashControllerRevision: another one after each name collision."""
    return _revision_hash((data, collision_count))


def new_revision(
    owner: ApiObject,
    template: PodTemplateSpec,
    revision: int,
    collision_count: int | None,
    annotations: FrozenMap[str] = EMPTY,
) -> ControllerRevision:
    """NewControllerRevision: the revision of a template, named and labelled by its hash."""
    data = template_data(template)
    label = revision_hash(data, collision_count)
    return ControllerRevision(
        metadata=ObjectMeta(
            name=f"{owner.name}-{label}",
            namespace=owner.namespace,
            labels=template.metadata.labels.set(HASH_LABEL, label),
            annotations=annotations,
            owner_references=(owner_reference(owner),),
        ),
        data=data,
        revision=revision,
    )


def renamed(
    revision: ControllerRevision, owner: ApiObject, collision_count: int
) -> ControllerRevision:
    """The revision under the name that it gets after a collision; its label stays as it was."""
    label = revision_hash(revision.data, collision_count)
    return revision.with_metadata(name=f"{owner.name}-{label}")


def revision_order(entry: Entry) -> tuple[int, int, str]:
    """SortControllerRevisions: by revision, then age, then name; an unset time comes first."""
    born = entry.value.metadata.creation_timestamp
    return entry.value.revision, -(2**63) if born is None else born, entry.value.name


def list_revisions(owner: ApiObject, selector: Selector, cached: Snapshot) -> tuple[Entry, ...]:
    """ListControllerRevisions, sorted: those the selector matches that nobody else controls."""
    found = (*controlled_by(cached, owner.uid), *orphans(cached, owner.namespace))
    matching = (e for e in found if selector.matches(e.value.metadata.labels))
    return tuple(sorted(matching, key=revision_order))


def are_equal(one: ControllerRevision, other: ControllerRevision) -> bool:
    """EqualRevision: whether both restore the same."""
    return one.data == other.data


def equal_revisions(history: Iterable[Entry], needle: ControllerRevision) -> tuple[Entry, ...]:
    """FindEqualRevisions, in the order of the history."""
    return tuple(entry for entry in history if are_equal(entry.value, needle))


def next_revision(history: tuple[Entry, ...]) -> int:
    """The number after the greatest; the history is sorted."""
    return history[-1].value.revision + 1 if history else 1


def surplus(history: tuple[Entry, ...], live: frozenset[str], limit: int) -> tuple[Entry, ...]:
    """The oldest revisions beyond the limit, of a sorted history; live ones (by name) stay."""
    old = tuple(entry for entry in history if entry.value.name not in live)
    if limit < 0 or len(old) <= limit:
        return ()
    return old[: len(old) - limit]
