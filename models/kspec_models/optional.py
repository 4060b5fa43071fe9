"""Components beside the control plane: each runs where a world names it, in its own process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kspec_models.cluster_autoscaler_groups import COMPONENT as CLUSTER_AUTOSCALER
from kspec_models.cluster_autoscaler_setup import cluster_autoscaler_of
from kspec_models.controllers.worker import Controller
from kspec_models.descheduler_policy import descheduler_of
from kspec_models.kernel_panic import kernel_panic_of
from kspec_models.load_pattern import load_pattern_of
from kspec_models.maintenance import maintenance_of
from kspec_models.needs import Needs

OPTIONAL_COMPONENTS: Final[Mapping[str, Callable[[Mapping[str, Any]], Controller]]] = {
    "descheduler": descheduler_of,
    "maintenance": maintenance_of,
    CLUSTER_AUTOSCALER: cluster_autoscaler_of,
    "kernelPanic": kernel_panic_of,
    "loadPattern": load_pattern_of,
}
"""By the name that a world gives it; made from its options."""


def others_of(needs: Needs) -> tuple[Controller, ...]:
    """The optional components that a world names; raises InputError for an option that is none."""
    named = needs.world.components
    return tuple(
        make(needs.options(name)) for name, make in OPTIONAL_COMPONENTS.items() if name in named
    )
