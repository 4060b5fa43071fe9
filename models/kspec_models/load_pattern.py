"""A load that follows what is asked of it: part of the environment, where a world names it.

Virtual time moves on only when nothing else is left to do. Where that would hide what happens, a
Load can change by what its workload has come to instead of by seconds: each step is taken once, in
order, when the Deployment that is called like the Load asks for at least so many replicas.

    loadPattern: {load: web, steps: [{replicas: 6, spec: {value: "3"}}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs

from kspec.errors import InputError
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import freeze
from kspec_models.objects.record import FrozenMap
from kspec_models.requests import Patch, Request, Response

_WHERE = "components.loadPattern"


class Step(NamedTuple):
    """The Load becomes `spec` once its workload asks for so many replicas."""

    replicas: int
    spec: FrozenMap[Any]


@attrs.frozen
class LoadPattern:
    """The pattern of one Load, as a controller with one key; it remembers how far it has come."""

    load: str
    steps: tuple[Step, ...]
    name: str = "load-pattern"
    watches: tuple[Watch, ...] = (Watch("deployments"),)

    def initial(self) -> int:
        return 0

    def concerns(self, event: Notification) -> bool:
        return event.key == self.load and event.new is not None

    def handle(self, memory: int, event: Notification, view: View) -> tuple[int, tuple[str, ...]]:
        """Look again where the workload has come to the next step."""
        if not self.concerns(event) or event.new is None or memory >= len(self.steps):
            return memory, ()
        asked = event.new.value.spec.replicas or 0
        return memory, (self.load,) if asked >= self.steps[memory].replicas else ()

    def reconcile(self, memory: int, key: str, view: View) -> Worked:
        if memory >= len(self.steps):
            return Worked(memory)
        patch = Patch("loads", self.load, freeze({"spec": self.steps[memory].spec}))
        return Worked(memory, (patch,))

    def answer(
        self, memory: int, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        return Worked(memory + 1) if response.ok else Worked(memory, failed=True)


def load_pattern_of(options: Mapping[str, Any]) -> LoadPattern:
    """The pattern of a world; raises InputError for what is none."""
    if set(options) - {"load", "steps"} or not isinstance(options.get("load"), str):
        raise InputError(f"{_WHERE} is {dict(options)!r}", expected="load, the name of a Load")
    steps = options.get("steps")
    if not isinstance(steps, list | tuple) or not steps:
        raise InputError(f"{_WHERE}: steps is {steps!r}", expected="a list of replicas and spec")
    key = options["load"]
    return LoadPattern(key if "/" in key else f"default/{key}", tuple(map(_step, steps)))


def _step(step: Any) -> Step:
    is_step = isinstance(step, Mapping) and set(step) == {"replicas", "spec"}
    if not is_step or type(step["replicas"]) is not int or not isinstance(step["spec"], Mapping):
        raise InputError(f"{_WHERE}: got {step!r}", expected="replicas and the spec from then on")
    return Step(step["replicas"], freeze(step["spec"]))
