"""The controllers that keep house: disruption budgets, collection, and the safety of volumes.

After cmd/kube-controller-manager/app/{policy,core}.go at 1.36. Each runs only where its kinds can
occur, or where somebody deletes what has dependents; a budget whose status a dump gives stays as
it is given, so that a situation can be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kspec.errors import InputError
from kspec_models.budgets import BUDGETS
from kspec_models.controllers.attachdetach import AttachDetachController
from kspec_models.controllers.csiattacher import CSIAttacherController
from kspec_models.controllers.disruption import OWNERS, DisruptionController
from kspec_models.controllers.garbagecollector import GarbageCollectorController
from kspec_models.controllers.pvcprotection import PVCProtectionController
from kspec_models.controllers.pvprotection import PVProtectionController
from kspec_models.needs import Needs, Wiring


def _needs_budgets(needs: Needs) -> bool:
    return needs.any_of(BUDGETS) and not _gives_budget_status(needs)


def _gives_budget_status(needs: Needs) -> bool:
    return needs.world.keep_status and any(
        data.get("kind") == "PodDisruptionBudget" and data.get("status")
        for data in needs.world.objects
    )


def _disruption(needs: Needs) -> DisruptionController:
    owners = tuple(r for r in OWNERS if r in needs.resources)
    return DisruptionController(owners, has_budgets=needs.any_of(BUDGETS))


ATTACHMENT: Final = "attachdetach"
"""The component of a world in which volumes are attached and detached."""
_COLLECTED: Final = frozenset(
    (
        *("deployments", "replicasets", "statefulsets", "daemonsets", "replicationcontrollers"),
        *("jobs", "cronjobs", "services"),
    )
)
"""Kinds whose controllers leave the deletion of what they made to the garbage collector."""


def _needs_collection(needs: Needs) -> bool:
    """Somebody deletes an object that has dependents, be it a user or a controller."""
    documents = _documents(needs)
    if needs.world.keep_status and _leaves_out_owners(documents):
        return False
    if not _COLLECTED.isdisjoint(needs.deleted) or needs.any_of("cronjobs"):
        return True
    owned = any(data.get("metadata", {}).get("ownerReferences") for data in documents)
    return (bool(needs.deleted) and owned) or any(map(_deletes_owners, documents))


def _documents(needs: Needs) -> tuple[Mapping[str, Any], ...]:
    applied = (operation["apply"] for operation in needs.world.operations if "apply" in operation)
    return (*needs.world.objects, *applied)


def _leaves_out_owners(documents: tuple[Mapping[str, Any], ...]) -> bool:
    """Whether a dump has dependents without their owners, which are not there to be found."""
    given = {(data.get("kind"), data.get("metadata", {}).get("name")) for data in documents}
    references = (
        reference
        for data in documents
        for reference in data.get("metadata", {}).get("ownerReferences") or ()
    )
    return any((r.get("kind"), r.get("name")) not in given for r in references)


def _deletes_owners(data: Mapping[str, Any]) -> bool:
    """Whether the controller of a workload deletes it in the end, or gives its claims owners."""
    spec = data.get("spec") or {}
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    return "ttlSecondsAfterFinished" in spec or "Delete" in retention.values()


def _has_attachment(needs: Needs) -> bool:
    """The component is optional: elsewhere volumes are where they are needed, without a word."""
    unknown = sorted(needs.options(ATTACHMENT))
    if unknown:
        raise InputError(
            f"component {ATTACHMENT} has no option {unknown[0]!r}", expected="an empty mapping"
        )
    return ATTACHMENT in needs.world.components


HOUSEKEEPING_WIRINGS: Final[tuple[Wiring, ...]] = (
    Wiring("disruption-controller", _needs_budgets, _disruption),
    Wiring(
        "garbage-collector-controller",
        _needs_collection,
        lambda needs: GarbageCollectorController(needs.resources),
    ),
    Wiring(
        "persistentvolume-attach-detach-controller",
        _has_attachment,
        lambda needs: AttachDetachController(),
    ),
    Wiring("csi-attacher", _has_attachment, lambda needs: CSIAttacherController()),
    Wiring(
        "persistentvolumeclaim-protection-controller",
        lambda needs: needs.any_of("persistentvolumeclaims"),
        lambda needs: PVCProtectionController(),
    ),
    Wiring(
        "persistentvolume-protection-controller",
        lambda needs: needs.any_of("persistentvolumes"),
        lambda needs: PVProtectionController(),
    ),
)
"""One line a controller: its name, when a world calls for it, how it is made."""
