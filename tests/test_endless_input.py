"""What is promised in the end where something goes on for ever, and where admission refuses."""

import pytest

from kspec.explore import search
from kspec_models.building import build
from kspec_models.workqueue import WorkQueue
from kspec_models.world import World
from kspec_models.worlds import deployment, pod
from kspec_models.worlds_disruption import budget
from kspec_models.worlds_jobs import cronjob, job
from kspec_models.worlds_quota import resource_quota
from kspec_models.worlds_statefulset import stateful_set
from kspec_properties.catalogue import PROPERTIES

PROMISED = [prop for prop in PROPERTIES if not prop.known_false]


def violations(*objects, operations=()):
    world = World(nodes=1, objects=objects, operations=operations, granularity="reconcile")
    return {v.property for v in search(build(world), PROMISED, seed=0, steps=1_500).violations}


@pytest.mark.parametrize("schedule", ["* * * * *", "0 * * * *", "0 0 29 2 *"])
def test_a_cronjob_that_goes_on_for_ever_breaks_nothing(schedule):
    assert not violations(cronjob("tick", schedule))


@pytest.mark.parametrize(
    "refused", [job("once"), stateful_set("db", 1), deployment("web", 1)], ids=lambda d: d["kind"]
)
def test_what_admission_refuses_is_not_promised(refused):
    assert not violations(resource_quota("none", {"pods": "0"}), refused)


def test_budgets_that_share_pods_are_not_promised_to_be_up_to_date():
    web = deployment("web", 1)
    one, other = budget("web", min_available=1), budget("web", min_available=0)
    other = {**other, "metadata": {**other["metadata"], "name": "other"}}
    assert not violations(web, one, other)


def test_a_foreign_finalizer_holds_its_object():
    held = pod("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    user = {"delete": {"kind": "Pod", "name": "held"}}
    assert not violations(held, operations=(user,))


def test_failures_are_counted_as_far_as_they_matter():
    queue = WorkQueue()
    for _ in range(100):
        queue = queue.add_rate_limited("key", 0)
    assert queue.failures["key"] == 18 and queue.deadline == 0 + 1
