"""What is sent to a worker instead of a system: how to build one there.

Systems hold functions and tables that cannot be sent. A recipe is a small picklable value; the
modules that it names must be importable wherever a worker runs.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import attrs

from kspec import suite as suites
from kspec.errors import InputError
from kspec.explore.reduction.exhaust import symmetry_of
from kspec.property import Property
from kspec.suite import Parts
from kspec.system import AnySystem

if TYPE_CHECKING:
    from kspec.check.failures import Scene


class Built(NamedTuple):
    """What a recipe makes. mark: the key of a state in an exhaustive search, where it is not the
    fingerprint."""

    system: AnySystem
    properties: tuple[Property, ...]
    mark: Callable[[Any], int] | None = None


class Recipe(Protocol):
    """A picklable callable; two calls give systems that do the same."""

    def __call__(self) -> Built: ...


class Staffed(Protocol):
    """What is sent instead of a recipe for work of another kind."""

    def station(self) -> Any:
        """Who does the jobs: `method(name)` of it is the function that a job names."""
        ...


def pickled(recipe: Recipe | Staffed) -> bytes:
    """A recipe as bytes. Raises InputError where it holds what cannot be sent."""
    try:
        return pickle.dumps(recipe)
    except Exception as error:
        raise InputError(
            f"workers cannot be told about this system: {error}",
            expected="models and properties that a module's name leads to",
        ) from error


@attrs.frozen(kw_only=True)
class SceneRecipe:
    """The system of a suite's world, with properties of the suite and of the user.

    properties: names, in the order in which they are judged. references: MODULE:NAME of those that
    the suite does not have.
    """

    suite: str
    world: Mapping[str, Any]
    parts: Parts
    properties: tuple[str, ...]
    references: Mapping[str, str] = attrs.field(factory=dict)

    def __call__(self) -> Built:
        """Raises InputError where the world or a property cannot be loaded on this machine."""
        from kspec.check.plan import load_property, named

        suite = suites.load_suite(self.suite)
        known = suite.properties()
        properties = tuple(
            load_property(self.references[name])
            if name in self.references
            else named("property", name, known)
            for name in self.properties
        )
        system = suite.build(self.world, self.parts)
        symmetry = symmetry_of(system)
        return Built(system, properties, None if symmetry is None else symmetry.canonical)


def recipe_of(scene: Scene, properties: Iterable[Property]) -> SceneRecipe:
    """The recipe of the system of a scene, and of the properties explored there."""
    return SceneRecipe(
        suite=scene.suite.name,
        world=scene.world,
        parts=scene.plan.parts,
        properties=tuple(prop.name for prop in properties),
        references=dict(scene.plan.references),
    )


@attrs.frozen
class Bounding:
    """A recipe, with the schedules of its system bounded."""

    recipe: Recipe
    delays: int | None
    faults: int | None

    def __call__(self) -> Built:
        from kspec.explore.exhaustive.space import space_of

        built = self.recipe()
        space = space_of(built.system, built.properties, built.mark, self.delays, self.faults)
        return Built(space.system, space.properties, space.mark)
