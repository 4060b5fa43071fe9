"""Every property, in the order of the report."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

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
    daemonsets_expectations,
    disruption,
    endpoints,
    events,
    fights,
    finalizers,
    jobs,
    jobs_cleanup,
    kivi,
    lifecycle,
    limit_ranges,
    node_groups,
    node_life,
    node_ranges,
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
    *daemonsets_expectations.PROPERTIES,
    *daemonsets_end.PROPERTIES,
    *rollouts.PROPERTIES,
    *services.PROPERTIES,
    *endpoints.PROPERTIES,
    *lifecycle.PROPERTIES,
    *nodes.PROPERTIES,
    *node_ranges.PROPERTIES,
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
    *events.PROPERTIES,
    *quota.PROPERTIES,
    *limit_ranges.PROPERTIES,
    *accounts.PROPERTIES,
    *attachment.PROPERTIES,
    *processes.PROPERTIES,
    *finalizers.PROPERTIES,
)
"""Promises first, then known false ones, then the companions that show reachability."""

_ABOUT: tuple[tuple[tuple[ModuleType, ...], tuple[str, ...]], ...] = (
    ((daemonsets, daemonsets_expectations, daemonsets_end), ("daemonsets",)),
    ((statefulsets, statefulsets_order, statefulsets_limits), ("statefulsets",)),
    ((jobs, jobs_cleanup), ("jobs",)),
    ((cronjobs,), ("cronjobs",)),
    ((events,), ("events",)),
    ((autoscaling,), ("horizontalpodautoscalers", "descheduler")),
    ((disruption,), ("poddisruptionbudgets",)),
    ((volumes, attachment), ("persistentvolumeclaims", "persistentvolumes")),
    ((quota,), ("resourcequotas",)),
    ((limit_ranges,), ("limitranges",)),
    ((accounts,), ("secrets", "serviceaccount-token-controller")),
    ((node_groups,), ("cluster-autoscaler",)),
    ((processes,), ("kube-controller-manager", "kube-scheduler", "kube-apiserver")),
    ((kivi,), ("what a world says that it is about",)),
)

ABOUT: Mapping[str, tuple[str, ...]] = {
    prop.name: occurring
    for modules, occurring in _ABOUT
    for module in modules
    for prop in module.PROPERTIES
}
"""By name: of which resources or components one must occur in a world for a property to be about
it; the other properties are about every world."""

PROMISES = tuple(p for p in PROPERTIES if p.kind is not Kind.SOMETIMES and not p.known_false)
