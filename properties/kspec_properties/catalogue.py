"""Every property, in the order of the report."""

from __future__ import annotations

from kspec.property import Kind, Property
from kspec_properties import (
    accounts,
    api,
    attachment,
    autoscaling,
    collection,
    cronjobs,
    daemonsets,
    daemonsets_end,
    disruption,
    fights,
    jobs,
    jobs_cleanup,
    kivi,
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
    statefulsets_limits,
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
    *daemonsets_end.PROPERTIES,
    *rollouts.PROPERTIES,
    *services.PROPERTIES,
    *lifecycle.PROPERTIES,
    *nodes.PROPERTIES,
    *node_life.PROPERTIES,
    *node_groups.PROPERTIES,
    *fights.PROPERTIES,
    *autoscaling.PROPERTIES,
    *kivi.PROPERTIES,
    *disruption.PROPERTIES,
    *statefulsets.PROPERTIES,
    *statefulsets_order.PROPERTIES,
    *statefulsets_limits.PROPERTIES,
    *collection.PROPERTIES,
    *volumes.PROPERTIES,
    *jobs.PROPERTIES,
    *jobs_cleanup.PROPERTIES,
    *cronjobs.PROPERTIES,
    *quota.PROPERTIES,
    *accounts.PROPERTIES,
    *attachment.PROPERTIES,
    *processes.PROPERTIES,
)
"""Promises first, then known false ones, then the companions that show reachability."""

PROMISES = tuple(p for p in PROPERTIES if p.kind is not Kind.SOMETIMES and not p.known_false)
