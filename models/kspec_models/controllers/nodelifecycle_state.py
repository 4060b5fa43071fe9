"""What the node lifecycle controller remembers, what a look of it reads, and what comes of it."""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.nodelifecycle_health import Graces, Health
from kspec_models.controllers.nodelifecycle_zones import Rates, Zone
from kspec_models.objects import Lease
from kspec_models.store import Entry


class LifecycleMemory(NamedTuple):
    """All that the controller remembers.

    known: nodes that it has seen. retry: nodes whose pods are still to be marked not ready.
    """

    health: FingerprintedMap[str, Health] = EMPTY_MAP
    known: tuple[str, ...] = ()
    zones: tuple[tuple[str, Zone], ...] = ()
    retry: tuple[str, ...] = ()


class Inputs(NamedTuple):
    """What a look read when it began. pods: those of the nodes that matter, by node."""

    memory: LifecycleMemory
    nodes: tuple[Entry, ...]
    leases: tuple[tuple[str, Lease], ...]
    pods: tuple[tuple[str, tuple[Entry, ...]], ...]
    graces: Graces
    rates: Rates
    now: int


class Looked(NamedTuple):
    """What a look came to. has_failed: something is to be tried again at the next one."""

    memory: LifecycleMemory
    has_failed: bool
