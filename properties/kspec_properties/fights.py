"""No fight: with constant input a closed system comes to rest.

Rest is where nothing but heartbeats and time is left to happen; a run that never comes there goes
round in a cycle, and the controllers that keep writing in it are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes
from kspec_models.requests import Bind, Get, List, Request, target
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import values

_HEARTBEATS: Final = "leases/"
_CARRIERS: Final = ("kubelet/", "kube-proxy/", "scheduler")
"""Hosts that carry out what others want."""


def _wrote(state: State) -> bool:
    """Whether the last step changed the store, heartbeats aside."""
    return any(not change.key.startswith(_HEARTBEATS) for change in state.written)


def _is_quiet(state: State) -> bool:
    """Whether neither the system nor time can change anything."""
    return not state.enabled or not (state.system or state.outside)


def _is_at_rest(state: State) -> Verdict:
    if not _wrote(state) or _is_quiet(state) or _is_timed(state):
        return HOLDS
    change = next(c for c in state.written if not c.key.startswith(_HEARTBEATS))
    return fails(f"{change.key} is still being written", "fight")


def _is_timed(state: State) -> bool:
    """Whether the input is not constant: a CronJob that is not suspended makes Jobs for ever."""
    return any(not cron_job.spec.suspend for cron_job in values(state, "cronjobs"))


def fighters(turn: Sequence[tuple[Any, Any]]) -> str:
    """Who keeps writing in a cycle, and what: those who change what others want first."""
    wants: dict[str, set[str]] = {}
    hosts: set[str] = set()
    for _, after in turn:
        for answered in after.answered if _wrote(after) else ():
            if not answered.response.ok or isinstance(answered.request, Get | List):
                continue
            hosts.add(answered.host)
            if not _only_reports(answered.host, answered.request):
                wants.setdefault(answered.host, set()).add(_deed(answered.request))
    told = [f"{host} ({', '.join(sorted(deeds))})" for host, deeds in sorted(wants.items())]
    others = ", ".join(sorted(hosts - wants.keys()))
    beside = f", beside {others}" if others and told else others
    return f"a cycle that never ends: {' against '.join(told)}{beside}"


def _only_reports(host: str, request: Request) -> bool:
    """Whether a request carries out or reports, and does not say what is wanted."""
    is_report = isinstance(request, Bind) or getattr(request, "subresource", "") == "status"
    return is_report or host.startswith(_CARRIERS)


def _deed(request: Request) -> str:
    return f"{type(request).__name__} {target(request)[0]}"


no_fight = eventually_stable(
    "no-fight",
    promise="With constant input a closed system comes to rest.",
    conditions=(
        "Once edits and faults have ended and no CronJob runs; modulo leases, heartbeats and the "
        "times in statuses. Worlds in which upstream's own controllers fight ship as known fights "
        "(`kspec check --world kivi/c7`)."
    ),
    source="https://kubernetes.io/docs/concepts/architecture/controller/#desired-vs-current",
    then=_is_at_rest,
    reads=(),
    faults=all_but(),
    companion="something-is-written",
    mutants=("replicaset-replaces-its-ready-pods",),
    tell_cycle=fighters,
)


@sometimes(reads=("requests",), source="companion")
def something_is_written(state: State) -> bool:
    """A controller changes an object."""
    return _wrote(state)


PROPERTIES = (no_fight, something_is_written)
