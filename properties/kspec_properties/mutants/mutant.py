"""What a mutant is, and the few ways in which one changes the model.

A mutant replaces one component by a subclass with one method overridden. It changes model code
only: the unmutated model passes on the same world with the same seed and steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from kspec_models.components import Components
from kspec_models.controllers.deployment import DeploymentController
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, View
from kspec_models.requests import Request, Response
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.store import Entry, Snapshot
from kspec_models.world import World

Change = Callable[[Components], Components]


@attrs.frozen(kw_only=True)
class ModelMutant:
    """A mutant, the property that kills it, and the world and fault column where it shows."""

    name: str
    description: str
    property: str
    world: World
    change: Change
    faults: str = "none"


class WrappedPolicy:
    """A policy that asks another one; the attributes of that one show through."""

    def __init__(self, policy: Any) -> None:
        self.policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self.policy, name)


def with_policy(wrap: Callable[[Any], Any]) -> Change:
    """Give every scheduler what `wrap` makes of its policy."""

    def change(parts: Components) -> Components:
        made = tuple(with_wrapped_policy(scheduler, wrap) for scheduler in parts.schedulers)
        return attrs.evolve(parts, schedulers=made)

    return change


def with_wrapped_policy(scheduler: Any, wrap: Callable[[Any], Any]) -> Scheduler:
    """The same scheduler with another policy."""
    return Scheduler(
        scheduler.name,
        wrap(scheduler.policy),
        watched=scheduler.watched,
        may_preempt=scheduler.may_preempt,
    )


def replacing_controller(name: str, make: Callable[[Any], Any]) -> Change:
    """Replace the controller of that name by what `make` makes of it."""

    def change(parts: Components) -> Components:
        changed = tuple(make(c) if c.name == name else c for c in parts.controllers)
        return attrs.evolve(parts, controllers=changed)

    return change


def replacing(**fields: Any) -> Change:
    """Replace whole fields of the components."""
    return lambda parts: attrs.evolve(parts, **fields)


class Rewritten(Mapping[str, Snapshot]):
    """Informer caches in which a controller misreads the objects of one resource."""

    def __init__(
        self, caches: Mapping[str, Snapshot], resource: str, change: Callable[[Any], Any]
    ) -> None:
        self.caches, self.resource, self.change = caches, resource, change

    def __getitem__(self, resource: str) -> Snapshot:
        snapshot = self.caches[resource]
        if resource != self.resource:
            return snapshot
        wrong = Snapshot(snapshot.indexer)
        for e in snapshot.entries():
            value = self.change(e.value)
            misread = Entry(e.key, value, e.create_revision, e.mod_revision, e.version)
            wrong = wrong.patched(e.key, misread)
        return wrong

    def __iter__(self) -> Iterator[str]:
        return iter(self.caches)

    def __len__(self) -> int:
        return len(self.caches)


def misreading(view: View, resource: str, change: Callable[[Any], Any]) -> View:
    """A view in which the objects of one resource look different."""
    return view._replace(caches=Rewritten(view.caches, resource, change))


class Withholding(DeploymentController):
    """A Deployment controller that never sends some of the requests that it decides on."""

    def is_withheld(self, request: Request, view: View) -> bool:
        raise TypeError("a mutant says what it withholds")

    def reconcile(self, memory: Any, key: str, view: View) -> Worked:
        return self._spared(super().reconcile(memory, key, view), view)

    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return self._spared(super().answer(memory, call, request, response, view), view)

    def _spared(self, worked: Worked, view: View) -> Worked:
        kept = tuple(r for r in worked.requests if not self.is_withheld(r, view))
        return worked._replace(requests=kept)
