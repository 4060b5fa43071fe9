"""What the Job controller has sent and not seen yet: pods by number, finalizers by uid.

After ControllerExpectations in pkg/controller/controller_utils.go and uidTrackingExpectations in
pkg/controller/job/tracking_utils.go at Kubernetes 1.36. Unlike a ReplicaSet, a Job counts expected
deletions: any deletion of a pod of it lowers the number. The removal of a finalizer is expected
until it is seen, without a time limit.

Left out: counters below zero, which mean the same as none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap

TIMEOUT_SECONDS: Final = 5 * 60


class Expected(NamedTuple):
    """How many pods are to appear and to go for one Job, until virtual second `deadline`."""

    creations: int
    deletions: int
    deadline: int


class JobExpectations(NamedTuple):
    """By key of the Job. removals: uids of pods whose finalizer is being removed."""

    pods: FingerprintedMap[str, Expected] = EMPTY_MAP
    removals: FingerprintedMap[str, frozenset[str]] = EMPTY_MAP

    def expect_creations(self, key: str, count: int, now: int) -> JobExpectations:
        return self._expect(key, Expected(count, 0, now + TIMEOUT_SECONDS))

    def expect_deletions(self, key: str, count: int, now: int) -> JobExpectations:
        return self._expect(key, Expected(0, count, now + TIMEOUT_SECONDS))

    def creation_observed(self, key: str) -> JobExpectations:
        """A create was seen by the watch, or failed."""
        found: Expected | None = self.pods.get(key)
        if found is None or found.creations <= 0:
            return self
        return self._expect(key, found._replace(creations=found.creations - 1))

    def deletion_observed(self, key: str) -> JobExpectations:
        """The deletion of any pod of the Job was seen by the watch, or failed."""
        found: Expected | None = self.pods.get(key)
        if found is None or found.deletions <= 0:
            return self
        return self._expect(key, found._replace(deletions=found.deletions - 1))

    def are_satisfied(self, key: str, now: int) -> bool:
        """Whether a pass may count the cache: all was seen, or five minutes have passed."""
        found: Expected | None = self.pods.get(key)
        return found is None or now > found.deadline

    def _expect(self, key: str, expected: Expected) -> JobExpectations:
        if expected.creations <= 0 and expected.deletions <= 0:
            return self._replace(pods=self.pods.without(key)) if key in self.pods else self
        return self._replace(pods=self.pods.set(key, expected))

    # finalizers

    def removed_from(self, key: str) -> frozenset[str]:
        """The uids of pods whose finalizer is expected to go."""
        found: frozenset[str] = self.removals.get(key, frozenset())
        return found

    def expect_removals(self, key: str, uids: Iterable[str]) -> JobExpectations:
        return self._with_removals(key, self.removed_from(key) | frozenset(uids))

    def removal_observed(self, key: str, uid: str) -> JobExpectations:
        """The finalizer was seen to be gone, or its removal failed."""
        found = self.removed_from(key)
        return self._with_removals(key, found - {uid}) if uid in found else self

    def _with_removals(self, key: str, uids: frozenset[str]) -> JobExpectations:
        changed = self.removals.set(key, uids) if uids else self.removals
        if not uids and key in self.removals:
            changed = self.removals.without(key)
        return self._replace(removals=changed)

    def forget(self, key: str) -> JobExpectations:
        """Expect nothing of a Job that is gone."""
        nothing = self._expect(key, Expected(0, 0, 0))
        return nothing._with_removals(key, frozenset())

    def relative(self, now: int) -> JobExpectations:
        """The same with distances in the place of deadlines."""
        shifted = self.pods
        for key, found in self.pods.sorted_items():
            shifted = shifted.set(key, found._replace(deadline=max(found.deadline - now, -1)))
        return self._replace(pods=shifted)
