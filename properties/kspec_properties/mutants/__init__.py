"""Small wrong variants of the model, each killed by the property that it breaks."""

from __future__ import annotations

from kspec_properties.mutants import (
    api,
    attachment,
    autoscaling,
    collection,
    daemonsets,
    disruption,
    fights,
    jobs,
    lifecycle,
    node_groups,
    node_life,
    nodes,
    policies,
    processes,
    quota,
    rollouts,
    scheduling,
    services,
    statefulsets,
    volumes,
    workloads,
)
from kspec_properties.mutants.mutant import ModelMutant

MUTANTS: tuple[ModelMutant, ...] = (
    *scheduling.MUTANTS,
    *policies.MUTANTS,
    *api.MUTANTS,
    *workloads.MUTANTS,
    *daemonsets.MUTANTS,
    *rollouts.MUTANTS,
    *services.MUTANTS,
    *lifecycle.MUTANTS,
    *nodes.MUTANTS,
    *node_life.MUTANTS,
    *node_groups.MUTANTS,
    *fights.MUTANTS,
    *autoscaling.MUTANTS,
    *disruption.MUTANTS,
    *statefulsets.MUTANTS,
    *collection.MUTANTS,
    *volumes.MUTANTS,
    *jobs.MUTANTS,
    *quota.MUTANTS,
    *attachment.MUTANTS,
    *processes.MUTANTS,
)

__all__ = ["MUTANTS", "ModelMutant"]
