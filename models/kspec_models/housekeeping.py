"""The controllers that keep house: disruption budgets, collection, and the safety of volumes.

After cmd/kube-controller-manager/app/{policy,core}.go at 1.36. Each runs only where its kinds can
occur, or where somebody deletes what has dependents; a budget whose status a dump gives stays as
it is given, so that a situation can be looked at.
"""

from __future__ import annotations

from typing import Final

from kspec_models.budgets import BUDGETS
from kspec_models.controllers.disruption import OWNERS, DisruptionController
from kspec_models.needs import Needs, Wiring


def _needs_budgets(needs: Needs) -> bool:
    return needs.any_of(BUDGETS) and not _gives_budget_status(needs)


def _gives_budget_status(needs: Needs) -> bool:
    return needs.world.keep_status and any(
        data.get("kind") == "PodDisruptionBudget" and data.get("status")
        for data in needs.world.objects
    )


def _disruption(needs: Needs) -> DisruptionController:
    return DisruptionController(tuple(r for r in OWNERS if r in needs.resources))


HOUSEKEEPING_WIRINGS: Final[tuple[Wiring, ...]] = (
    Wiring("disruption-controller", _needs_budgets, _disruption),
)
"""One line a controller: its name, when a world calls for it, how it is made."""
