"""The trial of one policy: every section of its report card.

A policy that misbehaves (raises, hangs, answers nonsense, changes what it is given) is charged with
that once in the section where it showed, and the trial goes on with the next section. Sections
run under guard; a trace that they write replays without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from kspec.errors import InputError
from kspec.suite import JsonMap, Parts, load_suite
from kspec.trial import Card, Finding, Section
from kspec.trial.card import FAILS, UNKNOWN
from kspec_models.building import build
from kspec_models.cluster import Cluster
from kspec_models.scheduler.policies import load_policy
from kspec_models.scheduler.policies.errors import PolicyError
from kspec_models.state import State
from kspec_models.world import World
from kspec_properties.trial import quality, sanity, ties
from kspec_properties.trial.exploring import Exploring, liveness, safety
from kspec_properties.trial.from_world import instance_of
from kspec_properties.trial.guard import Guarded, charge_of
from kspec_properties.trial.guarded_plugins import has_memory, renewed
from kspec_properties.trial.instances import Instance

Clock = Callable[[], float]
Part = Callable[["Trial"], Section]
STEPS = 1_200
"""Steps in each world of the exploring sections, per number of schedulers."""


@attrs.frozen(kw_only=True)
class Trial:
    """What a trial of one policy is run with. name: as the user gave it."""

    name: str
    policy: Any
    seed: int = 0
    steps: int = STEPS
    out: Path = Path("kspec-out")
    worlds: tuple[World, ...] = ()
    say: Callable[[str], None] = lambda text: None
    clock: Clock = lambda: 0.0

    def exploring(self) -> Exploring:
        return Exploring(
            suite=GuardedSuite(self.policy),
            policy=self.name,
            steps=self.steps,
            seed=self.seed,
            out=self.out,
            say=self.say,
            own=self.worlds,
        )


class GuardedSuite:
    """The suite with every policy under guard, and as it was made at the start of each run.

    A policy that remembers what it saw would else not do again what a trace says that it did.
    """

    def __init__(self, policy: Any) -> None:
        self.suite = load_suite()
        self.made = renewed(policy) if has_memory(policy) else None
        self.policy = Guarded(policy)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["suite"], name)

    def build(self, world: JsonMap, parts: Parts) -> Cluster:
        cluster = build(World.from_json(world), policy=self.policy)
        if self.made is not None:
            begin = cluster.init

            def renewing() -> State:
                self.policy.renew(renewed(self.made))
                return begin()

            cluster.init = renewing  # type: ignore[method-assign]  # of this one cluster
        return cluster


def check_policy(trial: Trial, only: tuple[str, ...] = ()) -> Card:
    """The report card of one policy; `only` these sections, if any are named."""
    parts = parts_of(only)
    return Card(trial.name, tuple(_ran(name, part, trial) for name, part in parts.items()))


def parts_of(only: tuple[str, ...]) -> dict[str, Part]:
    """The sections by name, in the order of the card. Raises InputError for one that is none."""
    unknown = [name for name in only if name not in SECTIONS]
    if unknown:
        raise InputError(f"no section is called {unknown[0]!r}", expected=", ".join(SECTIONS))
    return {name: part for name, part in SECTIONS.items() if not only or name in only}


def _ran(name: str, part: Part, trial: Trial) -> Section:
    """A section; what the policy, or the section, failed with is a finding of it."""
    start = trial.clock()
    try:
        section = part(trial)
    except PolicyError as error:
        charge = charge_of(error, name)
        section = Section(name, (Finding("conduct", FAILS, charge.text, charge),))
    except InputError as error:
        section = Section(name, (Finding(name, UNKNOWN, str(error)),), must_decide=True)
    return attrs.evolve(section, seconds=trial.clock() - start)


def _safety(trial: Trial) -> Section:
    return safety(trial.exploring())


def _liveness(trial: Trial) -> Section:
    return liveness(trial.exploring())


def _sanity(trial: Trial) -> Section:
    return sanity.section(trial.policy, trial.clock, name=trial.name, seed=trial.seed)


def _proofs(trial: Trial) -> Section:
    from kspec_properties.proofs.card import findings  # imports z3
    from kspec_properties.proofs.replaying import replayer

    out = trial.out / trial.exploring().folder
    return findings(trial.policy, trial.clock, replayer(load_suite(), trial.name, out))


def _quality(trial: Trial) -> Section:
    return quality.section(trial.policy, trial.clock, instances=_instances(trial))


def _ties(trial: Trial) -> Section:
    return ties.section(trial.policy, trial.clock, instances=_instances(trial))


def _instances(trial: Trial) -> dict[str, Instance]:
    return {world.name: instance_of(world).instance for world in trial.worlds}


SECTIONS: dict[str, Part] = {
    "safety": _safety,
    "liveness": _liveness,
    "sanity": _sanity,
    "proofs": _proofs,
    "quality": _quality,
    "ties": _ties,
}
"""The sections of a card, by name."""


def trials(
    names: tuple[str, ...],
    sections: tuple[str, ...],
    worlds: tuple[World, ...],
    *,
    seed: int,
    steps: int | None,
    out: Path,
    clock: Clock,
) -> list[Callable[[Callable[[str], None]], Card]]:
    """A trial for each policy. Raises InputError for a name that is no policy or section."""
    parts_of(sections)
    made = [
        Trial(
            name=name,
            policy=load_policy(name),
            seed=seed,
            steps=steps or STEPS,
            out=out,
            worlds=worlds,
            clock=clock,
        )
        for name in names
    ]
    return [partial(_tried, trial, sections) for trial in made]


def _tried(trial: Trial, sections: tuple[str, ...], say: Callable[[str], None]) -> Card:
    return check_policy(attrs.evolve(trial, say=say), sections)
