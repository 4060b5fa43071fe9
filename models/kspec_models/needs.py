"""What a world calls for: the resources that can occur in it, and so the controllers that run.

A controller runs where its kinds can occur; elsewhere it would only look at nothing. So a component
that a world does not call for costs it nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from kspec.errors import InputError
from kspec_models.manifests import Document, read_object
from kspec_models.objects import MODELLED, OPTIONAL, ApiObject, StatefulSet
from kspec_models.operations import read_operation
from kspec_models.requests import Delete
from kspec_models.world import World

_MAKES: Final = {
    "cronjobs": ("jobs",),
    "statefulsets": ("controllerrevisions",),
    "daemonsets": ("controllerrevisions",),
    "persistentvolumeclaims": ("persistentvolumes",),
}
"""What the controller of a resource creates."""
_COMPONENTS_MAKE: Final = {
    "serviceaccount-token-controller": ("secrets",),
    "attachdetach": ("volumeattachments",),
}
"""What a component creates that runs because the world names it."""


class Needs(NamedTuple):
    """The facts about a world that decide what runs in it.

    given: resources that exist at the start or come to exist. deleted: resources of which a user
    deletes an object. namespaced: every namespaced resource of the world, in the order in which a
    namespace is emptied. resources: every resource.
    """

    world: World
    given: frozenset[str]
    deleted: frozenset[str]
    namespaced: tuple[str, ...]
    resources: tuple[str, ...]

    def any_of(self, *resources: str) -> bool:
        """Whether one of these can occur."""
        return not self.given.isdisjoint(resources)

    def options(self, component: str) -> dict[str, Any]:
        """The options of a component, {} where the world names none."""
        return dict(self.world.components.get(component, {}))


def applied_objects(world: World) -> tuple[ApiObject, ...]:
    """The objects that the users of a world apply."""
    documents = (Document("operation", o["apply"]) for o in world.operations if "apply" in o)
    found = (read_object(document) for document in documents)
    return tuple(obj for obj in found if obj is not None)


def needs_of(world: World, objects: tuple[ApiObject, ...]) -> Needs:
    """What a world that starts with these objects calls for."""
    every = (*objects, *applied_objects(world))
    given = {obj.resource for obj in every}
    if any(isinstance(o, StatefulSet) and o.spec.volume_claim_templates for o in every):
        given.add("persistentvolumeclaims")
    for component, makes in _COMPONENTS_MAKE.items():
        if component in world.components:
            given.update(makes)
    for resource, makes in _MAKES.items():  # in the order in which one leads to the next
        if resource in given:
            given.update(makes)
    operations = (read_operation(data) for data in world.operations)
    deleted = {r.resource for o in operations for r in o.requests if isinstance(r, Delete)}
    present = [cls for cls in MODELLED if cls not in OPTIONAL or cls.RESOURCE in given]
    passive = sorted({o.resource for o in every} - {cls.RESOURCE for cls in MODELLED})
    return Needs(
        world,
        frozenset(given),
        frozenset(deleted),
        (*(cls.RESOURCE for cls in present if cls.NAMESPACED), *passive),
        (*(cls.RESOURCE for cls in present), *passive),
    )


class Wiring(NamedTuple):
    """A controller of kube-controller-manager: upstream's name for --controllers, when a world
    calls for it, and how it is made."""

    name: str
    is_needed: Callable[[Needs], bool]
    make: Callable[[Needs], Any]


def chosen(wirings: tuple[Wiring, ...], needs: Needs) -> tuple[Any, ...]:
    """The controllers that run; raises InputError for a name that is no controller's."""
    asked = needs.world.controllers
    names = {wiring.name for wiring in wirings}
    for name in asked:
        if name != "*" and name.removeprefix("-") not in names:
            raise InputError(
                f"controllers names {name!r}, which is no controller",
                expected="one of " + ", ".join(sorted(names)) + ", -name or *",
            )
    return tuple(w.make(needs) for w in wirings if _runs(w, asked, needs))


def _runs(wiring: Wiring, asked: tuple[str, ...], needs: Needs) -> bool:
    if f"-{wiring.name}" in asked:
        return False
    if wiring.name in asked or "*" in asked:
        return True
    return not any(not n.startswith("-") for n in asked) and wiring.is_needed(needs)
