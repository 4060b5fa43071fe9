"""Mutants of evictions and of the disruption controller."""

from __future__ import annotations

from typing import Any

from kspec_models.apiserver.server import ApiServer, Reply
from kspec_models.budgets import BUDGETS
from kspec_models.controllers.disruption import DisruptionController
from kspec_models.host import Notification, View
from kspec_models.objects.record import EMPTY
from kspec_models.requests import Response
from kspec_models.world import World
from kspec_models.worlds_disruption import budget, evict, replica_set
from kspec_properties.mutants.mutant import ModelMutant, replacing, replacing_controller

_GUARDED = World(
    name="a-guarded-replicaset",
    nodes=1,
    objects=(replica_set("web", 2), budget("web", min_available=1)),
    operations=(evict("web-1"), evict("web-2")),
    granularity="reconcile",
)


class CountsNoEviction(ApiServer):
    def count_down(self, state: Any, entry: Any, pod: Any, now: int) -> Reply:
        return Reply(state, Response("", entry))


class ForgetsApprovals(DisruptionController):
    def status(self, budget: Any, pods: Any, expected: int, desired: int, now: int) -> Any:
        blind = budget.replace(status=budget.status.replace(disrupted_pods=EMPTY))
        new, recheck = super().status(blind, pods, expected, desired, now)
        return (None if new == budget.status else new), recheck


class IgnoresPods(DisruptionController):
    def handle(self, memory: None, event: Notification, view: View) -> Any:
        return super().handle(memory, event, view) if event.resource == BUDGETS else (memory, ())


def _controller(cls: type[DisruptionController]) -> Any:
    return replacing_controller("disruption", lambda made: cls(made.owners))


MUTANTS = (
    ModelMutant(
        name="evictions-are-not-counted",
        description="the API server evicts a pod whatever its budget says, and does not count it",
        property="evictions-stay-within-the-budget",
        world=_GUARDED,
        change=replacing(api_server=CountsNoEviction()),
    ),
    ModelMutant(
        name="disruption-forgets-approved-evictions",
        description="the disruption controller counts a pod whose eviction is noted as healthy",
        property="approved-evictions-stay-counted",
        world=_GUARDED,
        change=_controller(ForgetsApprovals),
    ),
    ModelMutant(
        name="disruption-ignores-pods",
        description="the disruption controller does not notice that pods change",
        property="budgets-report-the-truth",
        world=_GUARDED,
        change=_controller(IgnoresPods),
    ),
)
