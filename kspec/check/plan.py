"""What to explore and what to judge: the columns, the properties in each, and who asked for it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TypeVar

import attrs

from kspec.check.options import Options
from kspec.errors import InputError
from kspec.explore.exploration import is_promised
from kspec.property import Kind, Property
from kspec.suite import Bug, JsonMap, Mutant, Parts, Suite

FAULT_FREE = "none"
T = TypeVar("T", Property, Mutant, Bug)

BUDGET = 1
"""How many faults of each class a column allows where the world does not say."""


@attrs.frozen
class Column:
    """One column of the report: fault classes that may strike together, and how often."""

    name: str
    budget: Mapping[str, int]


@attrs.frozen(kw_only=True)
class Plan:
    """A check made definite.

    rows: the properties that the report has a row for. companions: those explored beside them.
    is_always: conditions were named, so that every property is judged, promised or not.
    asked: properties that the user named, which count even where they are known to be false.
    references: where a user's own properties come from, MODULE:NAME by name.
    absent: the properties that are about what cannot occur in the world.
    is_question: the world itself says what it is about, and one answer is enough.
    """

    world: JsonMap
    parts: Parts
    columns: tuple[Column, ...]
    rows: tuple[Property, ...]
    companions: tuple[Property, ...] = ()
    is_always: bool = False
    is_all: bool = False
    asked: frozenset[str] = frozenset()
    references: Mapping[str, str] = attrs.field(factory=dict)
    mutant: Mutant | None = None
    is_question: bool = False
    absent: frozenset[str] = frozenset()

    def is_judged(self, prop: Property, column: Column) -> bool:
        return self.is_always or is_promised(prop, column.name)

    def explored(self, column: Column) -> tuple[Property, ...]:
        """The properties to explore in a column: what is judged there, with its companions."""
        rows = [
            p
            for p in self.rows
            if p.name not in self.absent and (self.is_all or self.is_judged(p, column))
        ]
        wanted = {prop.companion for prop in rows}
        names = {prop.name for prop in rows}
        beside = (p for p in self.companions if p.name in wanted and p.name not in names)
        return (*rows, *beside)


def load_property(reference: str) -> Property:
    """A user's own property, MODULE:NAME. Raises InputError where there is none."""
    module, _, name = reference.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"property {reference} cannot be loaded: {error}",
            expected="MODULE:NAME of an importable module",
        ) from error
    if not isinstance(found, Property):
        raise InputError(
            f"property {reference} is a {type(found).__name__}",
            expected="a property, made by one of the decorators of kspec.property",
        )
    return found


def named(what: str, name: str, known: tuple[T, ...]) -> T:
    """The one of that name. Raises InputError that lists those that come close."""
    import difflib

    for item in known:
        if item.name == name:
            return item
    names = [item.name for item in known]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or sorted(names)[:5]
    raise InputError(f"no {what} is called {name!r}", expected=" or ".join(close))


def columns_of(
    faults: str | None,
    classes: tuple[str, ...],
    budget: Mapping[str, int],
    striking: tuple[str, ...] | None = None,
) -> tuple[Column, ...]:
    """The columns that `--faults` names; None and "all" are the fault-free one and one each.

    striking: the classes that can strike in the world at all; None for all of them. Raises
    InputError for a fault class that the suite does not have.
    """

    def column(*names: str) -> Column:
        allowed = {name: budget.get(name) or BUDGET for name in names}
        return Column(",".join(names) or FAULT_FREE, allowed)

    if faults is None or faults == "all":
        return (column(), *(column(name) for name in (classes if striking is None else striking)))
    if faults == FAULT_FREE:
        return (column(),)
    names = tuple(dict.fromkeys(name.strip() for name in faults.split(",")))
    for name in names:
        if name not in classes:
            raise InputError(
                f"no fault class is called {name!r}",
                expected=f"none, all, or some of {', '.join(classes)}",
            )
    return (column(*names),)


def make_plan(suite: Suite, options: Options) -> Plan:
    """What these options ask for. Raises InputError for names that do not exist."""
    if options.mutant is not None:
        return _plan_of_mutant(suite, options, options.mutant)
    world = suite.read_world(options.files, options.settings)
    if options.symmetry:
        world = suite.with_symmetry(world)
    return plan_of_world(suite, options, world)


def plan_of_world(suite: Suite, options: Options, world: JsonMap) -> Plan:
    """The plan for a world document that is at hand."""
    has_schedulers = (options.settings.schedulers or 1) > 1
    faults = options.faults
    if faults is None and (has_schedulers or options.symmetry):
        faults = FAULT_FREE  # the condition that was named is the schedulers, or alike names
    question = () if options.properties or options.is_all or faults else suite.judged(world)
    if question:
        options, faults = attrs.evolve(options, properties=question), FAULT_FREE
    every, asked, references = _properties(suite, options)
    rows = tuple(
        p
        for p in every
        if (p.name in asked or not asked)
        and (p.kind is not Kind.SOMETIMES or p.name in asked)
        and (not p.known_false or options.is_all or p.name in asked)
    )
    return Plan(
        world=world,
        parts=options.parts,
        columns=columns_of(
            faults, suite.fault_classes, suite.faults(world), _striking(suite, world)
        ),
        rows=rows,
        companions=_companions(every),
        is_always=options.faults is not None or has_schedulers or bool(question),
        is_all=options.is_all,
        asked=asked,
        references=references,
        is_question=bool(question),
        absent=frozenset() if options.controllers else suite.not_about(world) - asked,
    )


def _striking(suite: Suite, world: JsonMap) -> tuple[str, ...] | None:
    """The fault classes that can strike in a world, where the suite tells by `striking(world)`."""
    given = getattr(suite, "striking", None)
    return tuple(given(world)) if given is not None else None


def _companions(every: tuple[Property, ...]) -> tuple[Property, ...]:
    return tuple(prop for prop in every if prop.kind is Kind.SOMETIMES)


def _properties(
    suite: Suite, options: Options
) -> tuple[tuple[Property, ...], frozenset[str], dict[str, str]]:
    """All properties with a user's own, the names that were asked for, and where they are."""
    known = suite.properties()
    own = {ref: load_property(ref) for ref in options.properties if ":" in ref}
    for prop in own.values():
        if any(prop.name == other.name for other in known):
            raise InputError(
                f"a property called {prop.name} is there already", expected="a name of its own"
            )
    asked = [
        own[name].name if name in own else named("property", name, known).name
        for name in options.properties
    ]
    references = {prop.name: reference for reference, prop in own.items()}
    return (*known, *own.values()), frozenset(asked), references


def _plan_of_mutant(suite: Suite, options: Options, name: str) -> Plan:
    """A mutant is looked for in its own world and column, by the property that it breaks."""
    mutant = named("mutant", name, (*suite.mutants(), *suite.bugs()))
    settings = options.settings
    if options.files:
        world = suite.read_world(options.files, settings)
    elif settings.nodes or settings.node_capacity or settings.schedulers:
        raise InputError(
            f"mutant {name} is looked for in a world of its own",
            expected="a FILE beside the options that change the world",
        )
    else:
        world = mutant.world
        if settings.granularity is not None:
            world = suite.with_granularity(world, settings.granularity)
    every, asked, references = _properties(suite, options)
    wanted = asked | {mutant.property}
    named("property", mutant.property, every)
    return Plan(
        world=world,
        parts=options.parts,
        columns=columns_of(
            options.faults or mutant.faults, suite.fault_classes, suite.faults(world)
        ),
        rows=tuple(prop for prop in every if prop.name in wanted),
        companions=_companions(every),
        is_always=True,
        asked=wanted,
        references=references,
        mutant=mutant,
    )
