"""What the Job controller remembers of each Job, and a restart loses.

After the fields of Controller in pkg/controller/job/job_controller.go at Kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.controllers.job_backoff import MAX_SECONDS, Backoff
from kspec_models.controllers.job_expectations import JobExpectations
from kspec_models.host import View

HasSeen = Callable[[View, str, int], bool]
"""Whether the cache of a resource has reached a revision: the hook of the stale check."""


class JobMemory(NamedTuple):
    """Everything in memory, so everything that a restart loses. backoff: by key of the Job.

    written: by key, the newest revision per resource that the controller wrote; only kept with a
    stale check.
    """

    expectations: JobExpectations = JobExpectations()
    backoff: FingerprintedMap[str, Backoff] = EMPTY_MAP
    written: FingerprintedMap[str, tuple[tuple[str, int], ...]] = EMPTY_MAP

    def without_backoff(self, key: str) -> JobMemory:
        return self._replace(backoff=self.backoff.without(key)) if key in self.backoff else self

    def forgotten(self, key: str) -> JobMemory:
        """Nothing of a Job that is gone."""
        expectations = self.expectations.forget(key)
        written = self.written.without(key) if key in self.written else self.written
        return self._replace(expectations=expectations, written=written).without_backoff(key)

    def relative(self, now: int) -> JobMemory:
        """The memory with distances; what is longer ago than any backoff is alike."""
        backoff = self.backoff
        for key, found in self.backoff.sorted_items():
            if found.last_failure is not None:
                ago = max(found.last_failure - now, -MAX_SECONDS - 1)
                backoff = backoff.set(key, found._replace(last_failure=ago))
        return JobMemory(self.expectations.relative(now), backoff, self.written)

    def noted(self, key: str, resource: str, revision: int) -> JobMemory:
        """With the revision of an own write."""
        newest = {**dict(self.written.get(key, ())), resource: revision}
        return self._replace(written=self.written.set(key, tuple(sorted(newest.items()))))
