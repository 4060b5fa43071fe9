"""What a pass of the DaemonSet controller waits for, besides the answers to its requests.

A pass of upstream reads the caches and its expectations several times, between requests. So a pass
here yields, beside requests, the reads and changes of memory below; what each found is kept with
the answers, and a pass that runs again from its start finds the same again (`controllers.steps`).

The backoff of failed pods is k8s.io/client-go/util/flowcontrol/backoff.go at Kubernetes 1.36: from
one second, doubled at each failure, at most 15 minutes, forgotten after twice as long.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, NamedTuple, TypeVar

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.expectations import CountedExpectations
from kspec_models.host import View
from kspec_models.indexes import controlled_by, orphans
from kspec_models.objects import DaemonSet, Node
from kspec_models.requests import Request
from kspec_models.store import Entry

BACKOFF_SECONDS: Final = 1
MAX_BACKOFF_SECONDS: Final = 15 * 60


class Cached(NamedTuple):
    """Read the objects of a resource that the DaemonSet controls or might adopt, by key."""

    resource: str


class Satisfied(NamedTuple):
    """Read whether the expectations are met."""


class Now(NamedTuple):
    """Read the clock."""


class Expect(NamedTuple):
    """Set the expectations."""

    creations: int
    deletions: int


class Lower(NamedTuple):
    """Lower the expectations: writes that no event will tell of."""

    creations: int = 0
    deletions: int = 0


class BackOff(NamedTuple):
    """Ask to delete a failed pod of a node: 0 if that may be done now, else for how long not."""

    node: str


Command = Request | Cached | Satisfied | Now | Expect | Lower | BackOff
T = TypeVar("T")
Steps = Generator[Command, Any, T]


class DaemonSetMemory(NamedTuple):
    """Everything in memory, so everything that a restart loses.

    backoff: (seconds, since) by uid, observed generation and node. written: by key, the newest
    revision per resource that the controller wrote; only kept with a stale check.
    """

    expectations: CountedExpectations = CountedExpectations()
    backoff: FingerprintedMap[str, tuple[int, int]] = EMPTY_MAP
    written: FingerprintedMap[str, tuple[tuple[str, int], ...]] = EMPTY_MAP


class Pass(NamedTuple):
    """A pass under way: what it began with, and what it was answered so far."""

    daemon_set: Entry
    nodes: tuple[Node, ...]
    answers: tuple[Any, ...] = ()

    @property
    def value(self) -> DaemonSet:
        found: DaemonSet = self.daemon_set.value
        return found


def perform(
    memory: DaemonSetMemory, daemon_set: DaemonSet, command: Command, view: View
) -> tuple[DaemonSetMemory, Any]:
    """Carry out a command that is no request: the memory after it, and what was found."""
    key, expectations = daemon_set.key, memory.expectations
    match command:
        case Cached(resource):
            found = view.caches[resource]
            entries = (
                *controlled_by(found, daemon_set.uid),
                *orphans(found, daemon_set.namespace),
            )
            return memory, tuple(sorted(entries, key=lambda entry: entry.key))
        case Satisfied():
            return memory, expectations.are_satisfied(key, view.now)
        case Now():
            return memory, view.now
        case Expect(creations, deletions):
            expectations = expectations.expect(key, creations, deletions, view.now)
        case Lower(creations, deletions):
            expectations = expectations.lowered(key, creations, deletions)
        case BackOff(node):
            return _back_off(memory, daemon_set, node, view.now)
    return memory._replace(expectations=expectations), None


def _back_off(
    memory: DaemonSetMemory, daemon_set: DaemonSet, node: str, now: int
) -> tuple[DaemonSetMemory, int]:
    """IsInBackOffSinceUpdate and, where it is not, Next."""
    name = f"{daemon_set.uid}/{daemon_set.status.observed_generation}/{node}"
    seconds, since = memory.backoff.get(name, (0, now))
    if now - since > 2 * MAX_BACKOFF_SECONDS:
        seconds = 0
    if now - since < seconds:
        return memory, seconds
    longer = min(2 * seconds, MAX_BACKOFF_SECONDS) or BACKOFF_SECONDS
    return memory._replace(backoff=memory.backoff.set(name, (longer, now))), 0


def relative(memory: DaemonSetMemory, now: int) -> DaemonSetMemory:
    """The memory with its times as distances; a backoff that is over by far is none."""
    backoff = memory.backoff
    for name, (seconds, since) in memory.backoff.sorted_items():
        age = now - since
        if age > 2 * MAX_BACKOFF_SECONDS:
            backoff = backoff.without(name)
        else:
            backoff = backoff.set(name, (seconds, -age))
    return memory._replace(expectations=memory.expectations.relative(now), backoff=backoff)
