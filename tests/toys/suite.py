"""A whole suite in small: pumps that fill a tank, with faults, mutants and two granularities.

One pump that remembers what it sees keeps the tank from overflowing. Two pumps do not, nor does
one that crashes and forgets; the mutant `blind` never looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import yaml

from kspec.errors import InputError
from kspec.property import Property, invariant, leads_to, sometimes
from kspec.suite import Bug, JsonMap, Mutant, Parts, Settings, Smaller
from kspec.system import AnySystem
from toys.kit import TOY, Act, toy

CLASSES = ("crash", "pause")
SPEC = {"capacity": 2, "orders": 4, "pumps": 1, "granularity": "request", "faults": {}}


class Tank(NamedTuple):
    capacity: int
    orders: int
    seen: tuple[int, ...]
    busy: tuple[bool, ...]
    budget: tuple[int, int]
    level: int = 0
    pending: int = 0
    paused: bool = False


def _put(items: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    return (*items[:index], item, *items[index + 1 :])


def _pump(s: Tank, i: int, is_blind: bool, is_coarse: bool) -> Iterator[tuple[Act, Tank]]:
    """What one pump does: take an order, pour it, look at the level. Coarse: pour at once."""
    name = f"pump{i}"
    if s.busy[i]:
        yield Act(name, "Pour"), s._replace(level=s.level + 1, busy=_put(s.busy, i, False))
    elif s.pending and (is_blind or s.seen[i] < s.capacity):
        taken = s._replace(pending=s.pending - 1, seen=_put(s.seen, i, s.seen[i] + 1))
        poured = taken._replace(level=s.level + 1)
        started = taken._replace(busy=_put(s.busy, i, True))
        yield Act(name, "Start"), poured if is_coarse else started
    if s.seen[i] < s.level:
        yield Act(name, "Look"), s._replace(seen=_put(s.seen, i, s.level))


def _faults(s: Tank) -> Iterator[tuple[Act, Tank]]:
    crashes, pauses = s.budget
    for i in range(len(s.seen) if crashes else 0):
        forgot = s._replace(seen=_put(s.seen, i, 0), budget=(crashes - 1, pauses))
        yield Act("fault", "Crash", f"pump{i}"), forgot
    if pauses and not s.paused:
        yield Act("fault", "Pause"), s._replace(paused=True, budget=(crashes, pauses - 1))


def pumping(spec: Mapping[str, Any], *, is_blind: bool = False) -> AnySystem:
    """The system of a world's spec."""
    pumps, allowed = range(spec["pumps"]), spec["faults"]
    is_coarse = spec["granularity"] == "reconcile"
    heal = Act("fault", "Heal")

    def moves(s: Tank) -> Iterator[tuple[Act, Tank]]:
        if s.orders:
            yield Act("user", "Order"), s._replace(orders=s.orders - 1, pending=s.pending + 1)
        for i in () if s.paused else pumps:
            yield from _pump(s, i, is_blind, is_coarse)
        yield from _faults(s)

    def successor(s: Tank, action: Act) -> Tank:
        if action == heal:
            return s._replace(paused=False, budget=(0, 0))
        return next(after for enabled, after in moves(s) if enabled == action)

    names = [f"pump{i}" for i in pumps]
    acts = [Act(name, verb) for name in names for verb in ("Start", "Pour", "Look")]
    faults = [Act("fault", "Crash", name) for name in names]
    initial = Tank(
        capacity=spec["capacity"],
        orders=spec["orders"],
        seen=(0,) * spec["pumps"],
        busy=(False,) * spec["pumps"],
        budget=(allowed.get("crash", 0), allowed.get("pause", 0)),
    )
    return toy(
        initial,
        moves,
        next_state=successor,
        heal_of=lambda s: heal if s.paused or any(s.budget) else None,
        actions=(Act("user", "Order"), *acts, *faults, Act("fault", "Pause"), heal),
    )


@invariant(source=TOY, faults=("none", "pause"), companion="tank-is-full", mutants=("blind",))
def no_overflow(s: Tank) -> bool:
    """The tank never holds more than its capacity.

    Kept by one pump that does not forget.
    """
    return s.level <= s.capacity


@invariant(source=TOY, faults=("none", *CLASSES), companion="tank-is-full")
def no_debt(s: Tank) -> bool:
    """Nothing is poured that was not ordered."""
    return s.level + s.pending <= 99


@invariant(source=TOY, known_false=True)
def never_full(s: Tank) -> bool:
    """The tank is never full. Tempting, and false."""
    return s.level < s.capacity


@sometimes(source=TOY)
def tank_is_full(s: Tank) -> bool:
    """The tank gets full."""
    return s.level >= s.capacity


orders_are_handled: Property = leads_to(
    "orders-are-handled",
    promise="An order is handled unless the pumps believe that the tank is full.",
    when=lambda s: s.pending > 0,
    then=lambda s: s.pending == 0 or max(s.seen) >= s.capacity,
    source=TOY,
    faults=("none", *CLASSES),
)


def world(**spec: Any) -> dict[str, Any]:
    name = spec.pop("name", "tank")
    return {"kind": "World", "metadata": {"name": name}, "spec": {**SPEC, **spec}}


class ToySuite:
    """A suite as the commands want it."""

    name = "toy"
    fault_classes = CLASSES
    components = ("toys",)

    def properties(self) -> tuple[Property, ...]:
        return (no_overflow, no_debt, orders_are_handled, never_full, tank_is_full)

    def mutants(self) -> tuple[Mutant, ...]:
        return (
            Mutant(
                name="blind",
                description="It never looks.",
                property="no-overflow",
                world=world(name="blind-world"),
            ),
            Mutant(name="dull", description="No change.", property="no-debt", world=world()),
        )

    def bugs(self) -> tuple[Bug, ...]:
        report = {"url": "https://example.test/1", "estimate": 6}
        return (
            Bug(
                name="toy-blind",
                description="It never looked.",
                property="no-overflow",
                world=world(name="blind-world"),
                **report,
            ),
            Bug(
                name="toy-full",
                description="It still gets full.",
                property="never-full",
                world=world(),
                is_live_limit=True,
                **report,
            ),
            Bug(
                name="toy-dull",
                description="Nobody has seen it again.",
                property="no-debt",
                world=world(),
                **report,
            ),
        )

    def world_names(self) -> tuple[str, ...]:
        return ("tank",)

    def read_world(self, files: tuple[Path, ...], settings: Settings) -> JsonMap:
        if settings.world not in (None, "tank"):
            raise InputError(f"no world is called {settings.world!r}", expected="tank")
        found = world()
        for file in files:
            try:
                document = yaml.safe_load(file.read_text())
                found = world(**document["spec"])
            except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
                raise InputError("not a tank", where=str(file), expected="a World") from error
        spec = found["spec"]
        spec["pumps"] = settings.schedulers or spec["pumps"]
        spec["capacity"] = settings.nodes or spec["capacity"]
        spec["granularity"] = settings.granularity or spec["granularity"]
        return found

    def not_about(self, document: JsonMap) -> frozenset[str]:
        return frozenset()

    def judged(self, document: JsonMap) -> tuple[str, ...]:
        return tuple(document["spec"].get("judge", ()))

    def faults(self, document: JsonMap) -> Mapping[str, int]:
        found: Mapping[str, int] = document["spec"]["faults"]
        return found

    def with_faults(self, document: JsonMap, faults: Mapping[str, int]) -> JsonMap:
        return {**document, "spec": {**document["spec"], "faults": dict(faults)}}

    def with_symmetry(self, world: JsonMap) -> JsonMap:
        raise InputError("no two things here are alike")

    def scaled(self, world: JsonMap, sizes: Mapping[str, int]) -> JsonMap:
        unknown = [axis for axis in sizes if axis not in ("capacity", "orders", "pumps")]
        if unknown:
            raise InputError(f"no axis is called {unknown[0]!r}")
        return {**world, "spec": {**world["spec"], **sizes}}

    def with_granularity(self, document: JsonMap, granularity: str) -> JsonMap:
        return {**document, "spec": {**document["spec"], "granularity": granularity}}

    def build(self, document: JsonMap, parts: Parts) -> AnySystem:
        return pumping(document["spec"], is_blind=parts.mutant in ("blind", "toy-blind"))

    def remarks(self, document: JsonMap) -> tuple[str, ...]:
        return ("uninterpreted: 1 Bucket",)

    def smaller(self, document: JsonMap) -> Iterator[Smaller]:
        spec = document["spec"]
        for key, stage in (("orders", "workload"), ("capacity", "world")):
            if (number := spec[key]) > 1:
                fewer = {**document, "spec": {**spec, key: number - 1}}
                yield Smaller(stage, f"{key} {number} -> {number - 1}", fewer)

    def schema(self, name: str) -> JsonMap | None:
        return {"title": "World"} if name == "world" else None

    def prove(self, names: tuple[str, ...], policy: str | None, clock: Any) -> tuple[Any, ...]:
        is_broken = policy is not None
        proofs = [_proved("sum", "Refuted" if is_broken else "Proved"), _proved("stale", "Refuted")]
        proofs[1].expected = "Refuted"
        return tuple(proofs)

    def counterexample(self, proof: Any) -> tuple[JsonMap, ...]:
        return ({"kind": "Pump"}, {"kind": "Tank"}) if proof.name == "sum" else ()

    def counterexample_world(self, proof: Any) -> JsonMap | None:
        return world(name="counterexample", pumps=2) if proof.name == "sum" else None

    def exhaustible_world(self) -> JsonMap:
        return self.read_world((), Settings())

    def bench_world(self, nodes: int, pods: int, active: tuple[int, int] | None = None) -> JsonMap:
        return world(capacity=pods, orders=pods)


def _proved(name: str, verdict: str) -> Any:
    proof = SimpleNamespace(
        name=name,
        verdict=verdict,
        reason="on every path",
        paths=3,
        counterexample={"x": 1} if verdict == "Refuted" else None,
        accepting_path=True,
    )
    claim = SimpleNamespace(name=name, promise="The sum is kept.", about="the code that runs")
    return SimpleNamespace(claim=claim, proof=proof, expected="Proved", seconds=0.5)


SUITE = ToySuite()
