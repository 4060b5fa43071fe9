"""A controller that has nothing to do takes no step, is not called, and costs next to nothing."""

from __future__ import annotations

import sys
from random import Random

import pytest
from cluster_runs import fifo

from kspec_models.actions import Advance
from kspec_models.building import build
from kspec_models.controllers.concerns import concerns_owner
from kspec_models.host import Watch
from kspec_models.layout import HostSlot
from kspec_models.worlds import application, bench

MANY, STEPS = 20, 1_500


class Idle:
    """A controller of a kind that its world does not have; it watches every pod all the same."""

    watches = (Watch("jobs"), Watch("pods"), Watch("replicasets"))

    def __init__(self, number):
        self.name, self.kind, self.asked = f"idle-{number}", f"Kind{number}", 0

    def initial(self):
        return ()

    def concerns(self, event):
        return event.resource == "jobs" or concerns_owner(event, self.kind)

    def handle(self, memory, event, view):
        assert concerns_owner(event, self.kind) or event.resource == "jobs"
        return memory, ()


def walk(cluster, steps=STEPS):
    """The texts of the actions of a seeded walk."""
    rng, state, taken = Random(5), cluster.init(), []
    for _ in range(steps):
        enabled = cluster.enabled(state)
        action = enabled[rng.randrange(len(enabled))]
        taken.append(cluster.encode(action))
        state = cluster.step(state, action)
    return taken


def calls_of(cluster):
    """How many Python functions a walk calls, once everything has been seen before."""
    walk(cluster)
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        walk(cluster)
    finally:
        sys.setprofile(None)
    return count


@pytest.fixture(scope="module")
def clusters():
    """The bench world alone, and with many controllers that have nothing to do in it."""
    return build(bench(5, 20)), build(bench(5, 20), controllers=tuple(map(Idle, range(MANY))))


def test_idle_controllers_add_no_step(clusters):
    alone, among = clusters
    assert walk(alone) == walk(among)
    assert len(among.layout.processes[1].hosts) == len(alone.layout.processes[1].hosts) + MANY


def test_an_idle_controller_adds_less_than_half_a_call_a_step(clusters):
    alone, among = map(calls_of, clusters)
    assert among - alone < MANY * STEPS / 2


def test_time_wakes_only_the_hosts_that_wait_for_it():
    cluster = build(application(), controllers=tuple(map(Idle, range(MANY))))
    woken = [
        (after, [cluster.layout.slots[slot] for slot in after.touched])
        for action, after in fifo(cluster)
        if isinstance(action, Advance)
    ]
    assert woken
    for after, places in woken:
        hosts = [place for place in places if isinstance(place, HostSlot)]
        assert hosts
        memories = (after.slots[cluster.layout.by_host[place.host.name]].memory for place in hosts)
        waits = zip(hosts, memories, strict=True)
        assert all(place.host.deadline(memory) <= after.clock for place, memory in waits)
