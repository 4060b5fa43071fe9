"""The pods of a trace in the order of one run: shuffled, with random copies up to a load.

The recipe of the paper's figures: all pods are shuffled, and random copies are appended until the
GPU that is requested reaches 1.3 times what the cluster has. The generator is Python's
`random.Random(seed)`; the order of a seed is the same everywhere.

Where the pods alone request more than that, what arrives beyond it is left out. Where no GPU is
requested, or there is none, nothing is copied, and the load is the share of the pods that arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

from kspec_models.placement.room import Demand

LAST_LOAD: Final = 130
"""Percent of the cluster's GPU that a run over a trace goes up to."""


class Arrival(NamedTuple):
    """A pod that arrives. number: in the order of arrival. weight: what it adds to the load."""

    number: int
    name: str
    demand: Demand
    weight: int


class Workload(NamedTuple):
    """The pods of one run in order. whole: the weight that makes a load of 100 percent."""

    arrivals: tuple[Arrival, ...]
    whole: int
    last_load: int


Named = tuple[str, Demand]


def copied(pods: Sequence[Named], capacity: int, seed: int) -> Workload:
    """The recipe. capacity: all GPUs of the cluster, in thousandths."""
    if capacity == 0 or not any(demand.gpus for _, demand in pods):
        return shuffled(pods, seed)
    rng = Random(seed)
    order = list(pods)
    rng.shuffle(order)
    goal, requested = LAST_LOAD * capacity, 0
    found: list[Arrival] = []
    while requested * 100 < goal:
        name, demand = order[len(found)] if len(found) < len(order) else rng.choice(pods)
        found.append(Arrival(len(found), name, demand, demand.total_milli))
        requested += demand.total_milli
    return Workload(tuple(found), capacity, LAST_LOAD)


def shuffled(pods: Sequence[Named], seed: int) -> Workload:
    """Every pod once."""
    order = list(pods)
    Random(seed).shuffle(order)
    found = [Arrival(number, name, demand, 1) for number, (name, demand) in enumerate(order)]
    return Workload(tuple(found), len(found), 100)
