"""Leader election over Leases: the host of each process that competes for one.

After staging/src/k8s.io/client-go/tools/leaderelection/leaderelection.go (tryAcquireOrRenew, renew)
at Kubernetes 1.36.

A poll that would find what it found before is no step: an elector looks when its Lease can be
acquired, or shows something else than a lease that it keeps renewed (see `processes`). Writes are
guarded by resourceVersion, so that two electors never win one Lease. A process that restarts has
a new identity and waits for the Lease of its last run to expire like anybody else.

Left out: the time that a candidate first saw a record, which counts for it upstream in the place of
`renewTime`: on one clock both are the same to within a retry. The rest of the renew deadline that a
leader waits after it read of another holder: it exits with the answer, and until then its workers
act as they do upstream meanwhile. Coordinated leader election, which is alpha or off.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import attrs

from kspec_models.host import Call, Notification, Outcome, View, Watch
from kspec_models.objects import Lease, LeaseSpec, ObjectMeta, Time
from kspec_models.requests import (
    ALREADY_EXISTS,
    CONFLICT,
    NOT_FOUND,
    Create,
    Get,
    Request,
    Response,
    Update,
)
from kspec_models.store import Entry


class Electing(NamedTuple):
    """What an elector remembers.

    identity: the holder that it wrote, or tried to. retry_at: not before this after a failure.
    gives_up_at: when a leader whose renewals fail stops leading.
    """

    is_leading: bool = False
    identity: str = ""
    is_busy: bool = False
    retry_at: int | None = None
    gives_up_at: int | None = None


@attrs.frozen(kw_only=True)
class Elector:
    """The elector of one process. lease: namespace/name of what it wants to hold."""

    name: str
    process: str
    lease: str
    lease_duration: int = 15
    renew_deadline: int = 10
    retry_period: int = 2
    watches: tuple[Watch, ...] = ()
    leads: ClassVar[bool] = True

    def initial(self, node: Any) -> Electing:
        return Electing()

    def synced(self, entry: Entry | None) -> Electing:
        """What it remembers in a world that starts with its election over."""
        first = first_identity(self.process)
        has_won = entry is not None and entry.value.spec.holder_identity == first
        return Electing(is_leading=True, identity=first) if has_won else Electing()

    def handle(self, memory: Electing, notification: Notification, view: View) -> Electing:
        return memory

    def enabled(self, memory: Electing, now: int) -> tuple[str, ...]:
        return ()

    def polled(self, memory: Electing, entry: Entry | None, now: int) -> tuple[str, ...]:
        """The lease, where the next poll would find something to do."""
        if memory.is_busy or (memory.retry_at is not None and memory.retry_at > now):
            return ()
        return (self.lease,) if self._is_due(memory, entry, now) else ()

    def _is_due(self, memory: Electing, entry: Entry | None, now: int) -> bool:
        spec = entry.value.spec if entry is not None else None
        is_own = spec is not None and bool(spec.holder_identity) and is_holder(spec, memory)
        if memory.is_leading and memory.gives_up_at is not None:
            return True
        if memory.is_leading:
            return spec is None or not is_own or spec.renew_time is not None
        return is_own or self._is_free(spec, now)

    def _is_free(self, spec: LeaseSpec | None, now: int) -> bool:
        if spec is None or not spec.holder_identity:
            return True
        return spec.renew_time is not None and spec.renew_time + self.lease_duration <= now

    def due(self, memory: Electing, entry: Entry | None) -> int | None:
        """The next second at which time alone lets it act."""
        if memory.is_busy:
            return None
        times = [memory.retry_at] if memory.retry_at is not None else []
        renewed = entry.value.spec.renew_time if entry is not None else None
        if renewed is not None and not memory.is_leading:
            times.append(renewed + self.lease_duration)
        return max(times, default=None)

    def deadline(self, memory: Electing) -> int | None:
        return None

    def relative(self, memory: Electing, now: int) -> Electing:
        retry, ends = memory.retry_at, memory.gives_up_at
        return memory._replace(
            retry_at=None if retry is None else max(0, retry - now),
            gives_up_at=None if ends is None else max(0, ends - now),
        )

    def run(self, memory: Electing, key: str, view: View) -> Outcome:
        """Read the record; or give up, where renewals have failed for too long."""
        if memory.gives_up_at is not None and memory.gives_up_at <= view.now:
            return Outcome(Electing())
        return Outcome(memory._replace(is_busy=True), (Get("leases", key),))

    def answer(
        self, memory: Electing, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        """The record was read or written."""
        if not isinstance(request, Get):
            return self._written(memory, response, view.now)
        if response.entry is None:
            if response.reason != NOT_FOUND:
                return Outcome(self._failed(memory, view.now))
            return self._acquire(memory, LeaseSpec(lease_transitions=-1), None, view.now)
        spec = response.entry.value.spec
        if is_holder(spec, memory):
            kept = spec.replace(renew_time=None)
            lease = response.entry.value.replace(spec=kept)
            return Outcome(memory, (Update(lease, response.entry.resource_version),))
        if self._is_free(spec, view.now):
            return self._acquire(memory, spec, response.entry, view.now)
        return Outcome(Electing())

    def _acquire(self, memory: Electing, old: LeaseSpec, entry: Entry | None, now: int) -> Outcome:
        """Write oneself as the holder; the number of the transition makes the identity unique."""
        number = old.lease_transitions + 1
        identity = memory.identity if memory.is_leading else f"{self.process}_{number}"
        spec = LeaseSpec(
            holder_identity=identity,
            lease_duration_seconds=self.lease_duration,
            acquire_time=Time(now),
            lease_transitions=number,
        )
        memory = memory._replace(identity=identity)
        if entry is None:
            space, _, name = self.lease.partition("/")
            made = Lease(metadata=ObjectMeta(name=name, namespace=space), spec=spec)
            return Outcome(memory, (Create(made),))
        changed = entry.value.replace(spec=spec)
        return Outcome(memory, (Update(changed, entry.resource_version),))

    def _written(self, memory: Electing, response: Response, now: int) -> Outcome:
        if response.ok:
            return Outcome(Electing(is_leading=True, identity=memory.identity))
        if response.reason in (CONFLICT, ALREADY_EXISTS):
            return Outcome(memory._replace(is_busy=False))
        return Outcome(self._failed(memory, now))

    def _failed(self, memory: Electing, now: int) -> Electing:
        ends = memory.gives_up_at
        if memory.is_leading and ends is None:
            ends = now + self.renew_deadline
        return memory._replace(is_busy=False, retry_at=now + self.retry_period, gives_up_at=ends)


def first_identity(process: str) -> str:
    """The holder that a process writes who is the first to have a Lease."""
    return f"{process}_0"


def is_holder(spec: LeaseSpec, memory: Electing) -> bool:
    """Whether the record names this run of the process."""
    return bool(memory.identity) and spec.holder_identity == memory.identity
