"""Mutants of leader election."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kspec_models.components import Components
from kspec_models.election import Electing, Elector
from kspec_models.host import Call, Outcome, View
from kspec_models.machine_room import Election, MachineRoom
from kspec_models.requests import Request, Response, Update
from kspec_models.world import World
from kspec_models.worlds import deployment
from kspec_properties.mutants.mutant import Change, ModelMutant

ELECTED = World(
    name="elected",
    nodes=1,
    objects=(deployment("web", 1),),
    components={"kube-controller-manager": {"replicas": 3}},
    granularity="reconcile",
)
"""Three controller managers, of which one leads."""


class IgnoresResourceVersions(Elector):
    """Writes the record whatever it has become since it was read."""

    def answer(
        self, memory: Electing, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        found = super().answer(memory, call, request, response, view)
        blind = (
            r._replace(resource_version=None) if isinstance(r, Update) else r
            for r in found.requests
        )
        return found._replace(requests=tuple(blind))


class NeverGivesUp(Elector):
    """A leader whose renewals fail goes on leading."""

    def run(self, memory: Electing, key: str, view: View) -> Outcome:
        return super().run(memory._replace(gives_up_at=None), key, view)


class ActsUnelected(Elector):
    """Its process does not wait for it."""

    leads = False


class GivesUpAfterAnError(Elector):
    def _failed(self, memory: Electing, now: int) -> Electing:
        return Electing(is_busy=True)


def _with_elector(kind: Callable[..., Elector]) -> Change:
    """Elections whose electors are of another kind."""

    class Changed(Election):
        def elector(self, process: str) -> Elector:
            made: Any = super().elector(process)
            return kind(**attrs.asdict(made, recurse=False))

    def change(parts: Components) -> Components:
        room: MachineRoom = parts.room
        elections = {
            name: Changed(**attrs.asdict(election)) for name, election in room.elections.items()
        }
        return attrs.evolve(parts, room=attrs.evolve(room, elections=elections))

    return change


MUTANTS: tuple[ModelMutant, ...] = (
    ModelMutant(
        name="elector-ignores-the-resource-version",
        description="a candidate writes its record over whatever is there by then",
        property="a-lease-is-taken-only-when-it-is-over",
        world=attrs.evolve(ELECTED, granularity="request"),
        change=_with_elector(IgnoresResourceVersions),
        faults="failover",
    ),
    ModelMutant(
        name="leader-never-gives-up",
        description="a leader that cannot renew its lease leads on after renewDeadline",
        property="at-most-one-process-leads",
        world=ELECTED,
        change=_with_elector(NeverGivesUp),
        faults="partition",
    ),
    ModelMutant(
        name="standby-acts",
        description="a process runs its controllers without having been elected",
        property="a-standby-does-nothing",
        world=ELECTED,
        change=_with_elector(ActsUnelected),
    ),
    ModelMutant(
        name="elector-gives-up-after-an-error",
        description="a candidate whose request fails never tries again",
        property="some-process-leads",
        world=attrs.evolve(
            ELECTED,
            granularity="request",
            components={"kube-controller-manager": {"leaderElect": True}},
        ),
        change=_with_elector(GivesUpAfterAnError),
        faults="crash,throttle",
    ),
)
