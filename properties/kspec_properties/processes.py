"""What leader election promises, and what neither it nor several API servers can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, invariant, sometimes, transition
from kspec_models.election import Electing
from kspec_models.layout import HostSlot, ProcessSlots
from kspec_models.objects import LeaseSpec
from kspec_models.state import Sent, State
from kspec_properties.faults import all_but
from kspec_properties.reading import newest, written

_LEASES = "https://kubernetes.io/docs/concepts/architecture/leases/#leader-election"
_CLIENT = "https://pkg.go.dev/k8s.io/client-go/tools/leaderelection"
_SPACES = "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/"


class Candidate(NamedTuple):
    """A process that is up and competes for a Lease, with what its elector remembers."""

    process: ProcessSlots
    lease: str
    memory: Any


def _candidates(state: State) -> Iterator[Candidate]:
    """Every candidate, lease by lease; none, and at no cost, where nothing is elected."""
    for slots in state.layout.leases.values():
        for slot in slots:
            place, host = state.layout.slots[slot], state.slots[slot]
            assert isinstance(place, HostSlot)
            if host is not None and isinstance(host.memory, Electing):
                process = state.layout.processes[place.process]
                yield Candidate(process, place.lease, host.memory)


def _leaders(state: State) -> Iterator[Candidate]:
    """Those that believe that they lead and can act on it."""
    for candidate in _candidates(state):
        if candidate.memory.is_leading and candidate.process.name not in state.environment.paused:
            yield candidate


def _elects(sent: Sent) -> bool:
    return sent.host.startswith("leader-election/")


def _is_over(spec: LeaseSpec, now: int) -> bool:
    """Whether a record binds nobody any more: it was given up, or has run out."""
    if not spec.holder_identity:
        return True
    duration = spec.lease_duration_seconds or 0
    return spec.renew_time is not None and spec.renew_time + duration <= now


@transition(
    reads=("objects",),
    source=_CLIENT,
    faults=all_but(),
    companion="a-standby-takes-over",
    mutants=("elector-ignores-the-resource-version",),
)
def a_lease_is_taken_only_when_it_is_over(before: State, after: State) -> Verdict:
    """The holder of a Lease changes only once it was given up or its last renewal has run out.

    For processes that are elected. Writes carry the resourceVersion that was read, so that of two
    candidates which see the same record only one writes it.
    """
    for change in written(after, "leases"):
        if change.entry is None or change.previous is None:
            continue
        old, new = change.previous.value.spec, change.entry.value.spec
        is_taken = new.holder_identity and new.holder_identity != old.holder_identity
        if is_taken and change.key in after.layout.leases and not _is_over(old, after.clock):
            return fails(f"{new.holder_identity} takes it from {old.holder_identity}", "taken")
    return HOLDS


@invariant(
    reads=("schedulers", "controllers", "environment"),
    source=_LEASES,
    faults=all_but("pause"),
    companion="a-standby-takes-over",
    mutants=("leader-never-gives-up",),
)
def at_most_one_process_leads(state: State) -> Verdict:
    """Of the processes that compete for a Lease at most one believes that it leads.

    With clocks that run alike and renewDeadline shorter than leaseDuration: a leader that cannot
    renew stops before another one may start. One that stood still for longer than its lease wakes
    up still believing, and acts until the answer to its next renewal.
    """
    leading: dict[str, str] = {}
    for candidate in _leaders(state):
        other = leading.setdefault(candidate.lease, candidate.process.name)
        if other != candidate.process.name:
            return fails(f"{other} and {candidate.process.name} lead by {candidate.lease}", "two")
    return HOLDS


@transition(
    reads=("requests", "objects"),
    source=_LEASES,
    companion="a-standby-takes-over",
    known_false=True,
)
def only_the_holder_of_the_lease_acts(before: State, after: State) -> Verdict:
    """A process that has to be elected writes only while the Lease names it as the holder.

    Not kept: a leader that is paused, while its lease runs out and another process takes it, goes
    on where it was. No fencing token goes with a write, so the API server cannot tell.
    """
    for sent in after.sent:
        for candidate in _candidates(before):
            if candidate.process.name != sent.process or _elects(sent):
                continue
            entry = newest(before, "leases").get(f"leases/{candidate.lease}")
            holder = entry.value.spec.holder_identity if entry is not None else ""
            if holder != candidate.memory.identity:
                return fails(f"{sent.process} acts while {holder} holds the lease", "acts")
    return HOLDS


@transition(
    reads=("requests",),
    source="https://kubernetes.io/docs/reference/command-line-tools-reference/"
    "kube-controller-manager/",
    faults=all_but(),
    companion="a-standby-takes-over",
    mutants=("standby-acts",),
)
def a_standby_does_nothing(before: State, after: State) -> Verdict:
    """A process that competes for a Lease and does not lead sends nothing but to become leader."""
    for sent in after.sent if before.layout.leases else ():
        for candidate in _candidates(before):
            is_its = candidate.process.name == sent.process
            if is_its and not candidate.memory.is_leading and not _elects(sent):
                return fails(f"{sent.host} of {sent.process} acts without leading", "standby")
    return HOLDS


def _every_lease_has_a_leader(state: State) -> Verdict:
    led = {candidate.lease for candidate in _leaders(state)}
    for candidate in _candidates(state):
        if candidate.lease not in led:
            return fails(f"nobody leads by {candidate.lease}", "leader")
    return HOLDS


some_process_leads = eventually_stable(
    "some-process-leads",
    promise="Of the processes that compete for a Lease one leads in the end, and goes on leading.",
    conditions="Once the faults have ended.",
    source=_LEASES,
    then=_every_lease_has_a_leader,
    reads=("schedulers", "controllers", "environment"),
    faults=all_but(),
    companion="a-standby-takes-over",
    mutants=("elector-gives-up-after-an-error",),
)


@transition(
    reads=("namespaces", "objects", "pods"),
    source=_SPACES,
    companion="a-namespace-is-deleted",
    known_false=True,
)
def nothing_is_created_in_a_namespace_that_is_gone(before: State, after: State) -> Verdict:
    """The namespace of an object that is created exists.

    Not kept by several API servers: each admits a create by the namespaces that its own informer
    shows. The namespace controller waits for five seconds for them all to see a deletion; one that
    lags for longer lets in what is then left for good, since the controller has finished with the
    namespace.
    """
    for change in after.written:
        if change.entry is None or change.previous is not None:
            continue
        space = change.entry.value.namespace
        if space and newest(before, "namespaces").get(f"namespaces/{space}") is None:
            return fails(f"{change.key} is created, and {space} is gone", "created")
    return HOLDS


@sometimes(reads=("schedulers", "controllers"), source="companion")
def a_standby_takes_over(state: State) -> bool:
    """A process leads that was not the first to hold its Lease."""
    return any(not leader.memory.identity.endswith("_0") for leader in _leaders(state))


PROPERTIES = (
    a_lease_is_taken_only_when_it_is_over,
    at_most_one_process_leads,
    a_standby_does_nothing,
    some_process_leads,
    only_the_holder_of_the_lease_acts,
    nothing_is_created_in_a_namespace_that_is_gone,
    a_standby_takes_over,
)
