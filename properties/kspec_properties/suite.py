"""The Kubernetes suite: the model and its promises, as the commands and the plugin see them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from kspec.errors import InputError
from kspec.property import Property
from kspec.schema import load
from kspec.suite import Bug, JsonMap, Mutant, Parts, Settings, Smaller
from kspec.trial.comparison import Asked, Comparison
from kspec_models.account_tokens import TOKEN_TYPE
from kspec_models.building import Mutation, build
from kspec_models.cluster import Cluster
from kspec_models.kinds import lookup
from kspec_models.machine_room import machine_room
from kspec_models.named_worlds import world_names
from kspec_models.needs import needs_of
from kspec_models.objects import Secret
from kspec_models.reading_worlds import read_world
from kspec_models.scaling import scaled
from kspec_models.scheduler.policies import POLICIES, load_policy
from kspec_models.smaller import smaller_worlds
from kspec_models.starting import starting_objects
from kspec_models.world import World
from kspec_models.worlds import bench, exhaustible
from kspec_properties.catalogue import ABOUT, PROPERTIES
from kspec_properties.faults import FAULT_CLASSES, budget_of


class KubernetesSuite:
    """Implements `kspec.suite.Suite`."""

    name = "kubernetes"
    fault_classes: tuple[str, ...] = FAULT_CLASSES
    components: tuple[str, ...] = tuple(
        f"kspec_models.{name}"
        for name in (
            *("store", "apiserver.", "streams", "reflector", "scheduler.", "controllers."),
            *("kubelet", "runtime", "kubeproxy", "dataplane", "environment", "steps"),
            *("informing", "outages", "processes", "election", "heartbeat", "serving"),
        )
    )

    def properties(self) -> tuple[Property, ...]:
        return PROPERTIES

    def mutants(self) -> tuple[Mutant, ...]:
        from kspec_properties.mutants import MUTANTS

        return tuple(
            Mutant(
                name=m.name,
                description=m.description,
                property=m.property,
                world=m.world.to_json(),
                faults=m.faults,
            )
            for m in MUTANTS
        )

    def bugs(self) -> tuple[Bug, ...]:
        from kspec_properties.bugs import BUGS
        from kspec_properties.bugs.bug import is_live_limit

        return tuple(
            Bug(
                name=bug.id,
                description=bug.title,
                property=bug.property,
                world=bug.world.to_json(),
                faults=bug.faults,
                url=bug.url,
                estimate=bug.estimate,
                is_live_limit=is_live_limit(bug),
            )
            for bug in BUGS
        )

    def world_names(self) -> tuple[str, ...]:
        return world_names()

    def read_world(self, files: tuple[Path, ...], settings: Settings) -> JsonMap:
        return read_world(files, settings).to_json()

    def not_about(self, world: JsonMap) -> frozenset[str]:
        read = World.from_json(world)
        needs = needs_of(read, starting_objects(read))
        occurring = needs.given.union(read.components)
        return frozenset(name for name, about in ABOUT.items() if occurring.isdisjoint(about))

    def judged(self, world: JsonMap) -> tuple[str, ...]:
        return World.from_json(world).judge

    def faults(self, world: JsonMap) -> Mapping[str, int]:
        return World.from_json(world).faults

    def striking(self, world: JsonMap) -> tuple[str, ...]:
        """The fault classes that can strike: a failover needs a process that is elected."""
        is_elected = bool(machine_room(World.from_json(world)).elections)
        return tuple(name for name in FAULT_CLASSES if name != "failover" or is_elected)

    def with_faults(self, world: JsonMap, faults: Mapping[str, int]) -> JsonMap:
        allowed = attrs.evolve(World.from_json(world), faults=budget_of(dict(faults)))
        if any(faults.values()):  # a fault tells names apart
            allowed = attrs.evolve(allowed, symmetry=())
        return allowed.to_json()

    def with_granularity(self, world: JsonMap, granularity: str) -> JsonMap:
        return attrs.evolve(World.from_json(world), granularity=granularity).to_json()

    def with_symmetry(self, world: JsonMap) -> JsonMap:
        names = ("pods", "nodes", "schedulers")
        changed = attrs.evolve(World.from_json(world), ties="explicit", symmetry=names)
        return attrs.evolve(changed, granularity="fused").to_json()

    def scaled(self, world: JsonMap, sizes: Mapping[str, int]) -> JsonMap:
        return scaled(World.from_json(world), sizes).to_json()

    def build(self, world: JsonMap, parts: Parts) -> Cluster:
        policy = _policy(parts.policy) if parts.policy else None
        controllers = tuple(_controller(name) for name in parts.controllers)
        change = _change(parts.mutant) if parts.mutant else None
        return build(
            World.from_json(world),
            policy=policy,
            controllers=controllers,
            mutate=change,
        )

    def remarks(self, world: JsonMap) -> tuple[str, ...]:
        objects = World.from_json(world).objects
        passive = [f"{o['kind']} {o['metadata']['name']}" for o in objects if _is_passive(o)]
        notes = [f"stored, not interpreted: {', '.join(passive)}"] if passive else []
        if World.from_json(world).symmetry:
            notes.append("symmetry: merged only where no fault may strike")
        return tuple(notes)

    def smaller(self, world: JsonMap) -> Iterator[Smaller]:
        for cut in smaller_worlds(World.from_json(world)):
            yield Smaller(cut.stage, cut.what, cut.world.to_json())

    def schema(self, name: str) -> JsonMap | None:
        return load("kspec_models", "world") if name == "world" else None

    def prove(
        self, names: tuple[str, ...], policy: str | None, clock: Callable[[], float]
    ) -> Sequence[Any]:
        from kspec_properties.proofs.run import prove

        return prove(names, load_policy(policy) if policy else None, clock=clock)

    def trials(
        self,
        names: tuple[str, ...],
        *,
        clock: Callable[[], float],
        sections: tuple[str, ...] = (),
        seed: int = 0,
        steps: int | None = None,
        out: Path = Path("kspec-out"),
        worlds: tuple[Path, ...] = (),
    ) -> Sequence[Callable[[Callable[[str], None]], Any]]:
        from kspec_properties.trial.check import trials

        given = (read_world((path,), Settings()) for path in worlds)
        return trials(names, sections, tuple(given), seed=seed, steps=steps, out=out, clock=clock)

    def compare(self, asked: Asked) -> Comparison:
        from kspec_properties.trial.compare import PolicyComparison

        return PolicyComparison(asked)

    def explain_pod(self, pod: str, files: tuple[Path, ...], settings: Settings) -> Any:
        from kspec_properties.trial.explain import explain
        from kspec_properties.trial.from_world import instance_of

        world = read_world(files, settings)
        return explain(load_policy(world.policy), instance_of(world), pod)

    def counterexample(self, proof: Any) -> tuple[JsonMap, ...]:
        from kspec_properties.proofs.concrete import counterexample_manifests

        return tuple(counterexample_manifests(proof))

    def counterexample_world(self, proof: Any) -> JsonMap | None:
        from kspec_properties.proofs.concrete import is_replayable

        objects = self.counterexample(proof) if is_replayable(proof) else ()
        return World(name="counterexample", objects=objects).to_json() if objects else None

    def exhaustible_world(self) -> JsonMap:
        return exhaustible(nodes=2, pods=3, schedulers=2).to_json()

    def schedule(
        self, nodes: int, pods: int, clock: Callable[[], float], *, is_plain: bool = False
    ) -> tuple[Mapping[str, str], float]:
        from kspec_properties.trial.placing import schedule

        return schedule(nodes, pods, clock, is_plain=is_plain)

    def bench_world(self, nodes: int, pods: int, active: tuple[int, int] | None = None) -> JsonMap:
        return bench(nodes, pods, active=active).to_json()


def _is_passive(data: JsonMap) -> bool:
    """Whether nobody acts on an object: its kind is not modelled, or it is a Secret for people."""
    kind = lookup(str(data["apiVersion"]), str(data["kind"]))
    if kind is None or kind.type is None:
        return kind is not None
    return kind.type is Secret and data.get("type") != TOKEN_TYPE


def _change(name: str) -> Mutation:
    """How the mutant or the bug of that name changes the model."""
    from kspec_properties.bugs import BUGS
    from kspec_properties.bugs.bug import unchanged
    from kspec_properties.mutants import MUTANTS

    for mutant in MUTANTS:
        if mutant.name == name:
            return mutant.change
    for bug in BUGS:
        if bug.id == name:
            return bug.change or unchanged
    raise InputError(
        f"no mutant is called {name!r}",
        expected="a name that `kspec properties` or `kspec bugs list` shows",
    )


def _policy(name: str) -> Any:
    """A policy to explore with; a user's own under guard, so that what it does wrong is said."""
    policy = load_policy(name)
    if name in POLICIES:
        return policy
    from kspec_properties.trial.guard import Guarded
    from kspec_properties.trial.guarded_plugins import has_memory

    return Guarded(policy) if has_memory(policy) else policy


def _controller(reference: str) -> Any:
    """A user's own controller, MODULE:NAME, made if it is a class."""
    module, _, name = reference.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"controller {reference} cannot be loaded: {error}",
            expected="MODULE:NAME of an importable module",
        ) from None
    made = found() if isinstance(found, type) else found
    missing = [a for a in ("name", "watches", "reconcile", "handle") if not hasattr(made, a)]
    if missing:
        raise InputError(
            f"controller {reference} has no {missing[0]}",
            expected="the methods of kspec_models.controllers.worker.Controller",
        )
    return made


SUITE = KubernetesSuite()
