"""Small wrong variants of the model, each killed by the property that it breaks."""

from __future__ import annotations

from kspec_properties.mutants import (
    api,
    collection,
    daemonsets,
    disruption,
    fights,
    lifecycle,
    nodes,
    policies,
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
    *services.MUTANTS,
    *lifecycle.MUTANTS,
    *nodes.MUTANTS,
    *fights.MUTANTS,
    *disruption.MUTANTS,
    *statefulsets.MUTANTS,
    *collection.MUTANTS,
    *volumes.MUTANTS,
)

__all__ = ["MUTANTS", "ModelMutant"]
