"""Expectations: the writes that a controller sent and whose watch events it has not seen yet.

After ControllerExpectations and UIDTrackingControllerExpectations in
pkg/controller/controller_utils.go at Kubernetes 1.36. Expected deletions are tracked one by one, by
namespace/name of the pod, as upstream's PodKey does, although its type is named after UIDs; the
plain ControllerExpectations, which DaemonSet uses, only counts (`CountedExpectations`).

Left out: counters below zero. Upstream lets them go negative and treats that as fulfilled; the next
expectation overwrites them. So a fulfilled entry is simply forgotten here, which keeps memories
that behave alike equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap

TIMEOUT_SECONDS = 5 * 60


class Expectation(NamedTuple):
    """What is still expected for one key, until virtual second `deadline`."""

    creations: int
    deletions: frozenset[str]
    deadline: int

    @property
    def is_fulfilled(self) -> bool:
        return self.creations <= 0 and not self.deletions


class ControllerExpectations(NamedTuple):
    """The expectations of one controller by key; lost in a restart like all memory."""

    of: FingerprintedMap[str, Expectation] = EMPTY_MAP

    def expect_creations(self, key: str, count: int, now: int) -> ControllerExpectations:
        """`count` creates are about to be sent; replaces what was expected before."""
        return self._set(key, Expectation(count, frozenset(), now + TIMEOUT_SECONDS))

    def expect_deletions(self, key: str, pods: Iterable[str], now: int) -> ControllerExpectations:
        """Deletes of these pods are about to be sent; replaces what was expected before."""
        return self._set(key, Expectation(0, frozenset(pods), now + TIMEOUT_SECONDS))

    def creation_observed(self, key: str) -> ControllerExpectations:
        """A create was seen by the watch, or failed."""
        found: Expectation | None = self.of.get(key)
        if found is None or found.creations <= 0:
            return self
        return self._set(key, found._replace(creations=found.creations - 1))

    def deletion_observed(self, key: str, pod: str) -> ControllerExpectations:
        """The deletion of a pod was seen by the watch, or failed; others are not counted."""
        found: Expectation | None = self.of.get(key)
        if found is None or pod not in found.deletions:
            return self
        return self._set(key, found._replace(deletions=found.deletions - {pod}))

    def forget(self, key: str) -> ControllerExpectations:
        """Expect nothing for a key: its object is gone."""
        if key not in self.of:
            return self
        return ControllerExpectations(self.of.without(key))

    def are_satisfied(self, key: str, now: int) -> bool:
        """Whether a reconcile may count the cache: all was seen, or five minutes have passed."""
        found: Expectation | None = self.of.get(key)
        return found is None or found.is_fulfilled or now > found.deadline

    def relative(self, now: int) -> ControllerExpectations:
        """The same with distances in the place of deadlines."""
        shifted = self
        for key, found in self.of.sorted_items():
            left = max(found.deadline - now, -1)
            shifted = ControllerExpectations(shifted.of.set(key, found._replace(deadline=left)))
        return shifted

    def _set(self, key: str, expectation: Expectation) -> ControllerExpectations:
        if expectation.is_fulfilled:
            return self.forget(key)
        return ControllerExpectations(self.of.set(key, expectation))


class Counts(NamedTuple):
    """How many creations and deletions are still expected for one key, until `deadline`."""

    creations: int
    deletions: int
    deadline: int

    @property
    def is_fulfilled(self) -> bool:
        return self.creations <= 0 and self.deletions <= 0


class CountedExpectations(NamedTuple):
    """Expectations of a controller that only counts, and any deletion that is seen is one less."""

    of: FingerprintedMap[str, Counts] = EMPTY_MAP

    def expect(self, key: str, creations: int, deletions: int, now: int) -> CountedExpectations:
        """These writes are about to be sent; replaces what was expected before."""
        return self._set(key, Counts(creations, deletions, now + TIMEOUT_SECONDS))

    def lowered(self, key: str, creations: int = 0, deletions: int = 0) -> CountedExpectations:
        """So many writes were seen by the watch, failed, or were never sent."""
        found: Counts | None = self.of.get(key)
        if found is None:
            return self
        left = Counts(
            max(found.creations - creations, 0),
            max(found.deletions - deletions, 0),
            found.deadline,
        )
        return self if left == found else self._set(key, left)

    def forget(self, key: str) -> CountedExpectations:
        """Expect nothing for a key: its object is gone."""
        return self if key not in self.of else CountedExpectations(self.of.without(key))

    def are_satisfied(self, key: str, now: int) -> bool:
        """Whether a reconcile may count the cache: all was seen, or five minutes have passed."""
        found: Counts | None = self.of.get(key)
        return found is None or now > found.deadline

    def relative(self, now: int) -> CountedExpectations:
        """The same with distances in the place of deadlines."""
        shifted = self.of
        for key, found in self.of.sorted_items():
            shifted = shifted.set(key, found._replace(deadline=max(found.deadline - now, -1)))
        return CountedExpectations(shifted)

    def _set(self, key: str, counts: Counts) -> CountedExpectations:
        if counts.is_fulfilled:
            return self.forget(key)
        return CountedExpectations(self.of.set(key, counts))
