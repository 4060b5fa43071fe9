"""What becomes of Events."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails, forall
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.controllers.eventexpiry import DEFAULT_TTL_SECONDS
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, values, written

_DOCS = "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/"


events_expire = eventually_stable(
    "events-expire",
    promise="In the end no Event is older than an hour.",
    conditions="With the default of --event-ttl; once the faults have ended.",
    source=_DOCS,
    when=lambda state: any(True for _ in fresh(state, "events")),
    then=lambda state: forall(
        values(state, "events"),
        lambda event: state.clock < (event.metadata.creation_timestamp or 0) + DEFAULT_TTL_SECONDS,
        lambda event: f"Event {event.key} is still there",
    ),
    reads=("objects", "environment"),
    faults=all_but(),
    companion="an-event-expires",
    mutants=("events-outlive-an-error",),
)


@transition(
    reads=("objects",),
    source=_DOCS,
    faults=all_but(),
    companion="an-event-expires",
    mutants=("events-expire-at-once",),
)
def an_event_lives_for_an_hour(before: State, after: State) -> Verdict:
    """The lease of an Event does not end before an hour is over."""
    for answered in after.answered:
        if answered.host != "eventexpiry" or not answered.response.ok:
            continue
        for change in written(after, "events"):
            if change.entry is None and change.previous is not None:
                age = after.clock - (change.previous.value.metadata.creation_timestamp or 0)
                if age < DEFAULT_TTL_SECONDS:
                    return fails(f"{change.key} expires after {age} seconds", "early")
    return HOLDS


@sometimes(reads=("objects",), source="companion")
def an_event_expires(state: State) -> bool:
    """An Event is removed."""
    return any(change.entry is None for change in written(state, "events"))


PROPERTIES = (events_expire, an_event_lives_for_an_hour, an_event_expires)
