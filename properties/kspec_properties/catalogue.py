"""Every property, in the order of the report."""

from __future__ import annotations

from kspec.property import Kind, Property
from kspec_properties import (
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
    statefulsets_order,
    volumes,
    workloads,
)

PROPERTIES: tuple[Property, ...] = (
    *scheduling.PROPERTIES,
    *policies.PROPERTIES,
    *api.PROPERTIES,
    *workloads.PROPERTIES,
    *daemonsets.PROPERTIES,
    *services.PROPERTIES,
    *lifecycle.PROPERTIES,
    *nodes.PROPERTIES,
    *fights.PROPERTIES,
    *disruption.PROPERTIES,
    *statefulsets.PROPERTIES,
    *statefulsets_order.PROPERTIES,
    *collection.PROPERTIES,
    *volumes.PROPERTIES,
)
"""Promises first, then known false ones, then the companions that show reachability."""

PROMISES = tuple(p for p in PROPERTIES if p.kind is not Kind.SOMETIMES and not p.known_false)
