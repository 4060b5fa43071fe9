"""From the options of a world to its cluster autoscaler, which asks the scheduler's filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.cluster_autoscaler import ClusterAutoscaler
from kspec_models.cluster_autoscaler_groups import node_groups
from kspec_models.cluster_autoscaler_state import times_of
from kspec_models.scheduler_feasibility import feasible_nodes


def cluster_autoscaler_of(options: Mapping[str, Any]) -> ClusterAutoscaler:
    """The autoscaler; raises InputError for an option that is none."""
    return ClusterAutoscaler(node_groups(options), feasible_nodes, times_of(options))
