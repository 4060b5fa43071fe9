"""How long a Job waits before it replaces failed pods.

After pkg/controller/job/backoff_utils.go at Kubernetes 1.36: ten seconds, doubled with each failure
since the last success, ten minutes at most. A failure is timed by the end of the pod.

Left out: finishedAt of the containers, which the model's kubelet does not report: the moment at
which the pod stopped being ready comes next upstream, and here first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from kspec_models.objects import Pod, condition

DEFAULT_SECONDS: Final = 10
MAX_SECONDS: Final = 600


class Backoff(NamedTuple):
    """failures: since the last success. last_failure: when the newest of them ended."""

    failures: int = 0
    last_failure: int | None = None

    def after(self, succeeded: Sequence[Pod], failed: Sequence[Pod]) -> Backoff:
        """newBackoffRecord: this record once these newly finished pods are counted."""
        failures = sorted(finished_time(pod) for pod in failed)
        if not succeeded:
            if not failures:
                return self
            return Backoff(self.failures + len(failures), failures[-1])
        success = max(finished_time(pod) for pod in succeeded)
        since = [time for time in failures if time > success]
        return Backoff(len(since), since[-1]) if since else Backoff()

    def remaining(self, now: int) -> int:
        """Seconds until a pod may be created."""
        if not self.failures or self.last_failure is None:
            return 0
        delay = min(DEFAULT_SECONDS << min(self.failures - 1, 10), MAX_SECONDS)
        return max(self.last_failure + delay - now, 0)


def finished_time(pod: Pod) -> int:
    """getFinishedTime: when it stopped being ready, else when it was deleted, else its creation."""
    ready = condition(pod.status.conditions, "Ready")
    if ready is not None and ready.status == "False" and ready.last_transition_time is not None:
        return ready.last_transition_time
    meta = pod.metadata
    if meta.deletion_timestamp is not None:
        return meta.deletion_timestamp - (meta.deletion_grace_period_seconds or 0)
    return meta.creation_timestamp or 0
