"""The determinism check: a system that does not give the same answer twice is no system.

Hash order, wall clocks and global counters in a model make every trace worthless, so any explorer
can run on `Twice(system)`, and `check_determinism` compares two whole runs.
"""

from __future__ import annotations

from typing import Any

from kspec.errors import KspecError
from kspec.explore.strategies.strategy import rng_of
from kspec.system import AnySystem

REMEDY = "look for iteration over a set, a clock, id(), or state kept outside the state"


class Nondeterministic(KspecError):
    """The same question got two answers."""


def _differ(step: int, what: str, first: object, second: object) -> Nondeterministic:
    return Nondeterministic(
        f"step {step}: two runs differ in {what}: {first} and then {second}; {REMEDY}"
    )


class Twice:
    """A system that computes everything twice and compares; all else is passed through."""

    def __init__(self, system: AnySystem) -> None:
        self._system = system
        self._steps = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def enabled(self, state: Any) -> Any:
        first, second = self._system.enabled(state), self._system.enabled(state)
        self._compare("what is enabled", self._texts(first), self._texts(second))
        return first

    def step(self, state: Any, action: Any) -> Any:
        self._steps += 1
        first, second = self._system.step(state, action), self._system.step(state, action)
        of = self._system.fingerprint
        what = f"the state after {self._system.encode(action)}"
        self._compare(what, f"{of(first):016x}", f"{of(second):016x}")
        return first

    def _texts(self, actions: Any) -> list[str]:
        return [self._system.encode(action) for action in actions]

    def _compare(self, what: str, first: object, second: object) -> None:
        if first != second:
            raise _differ(self._steps, what, first, second)


def check_determinism(system: AnySystem, *, seed: int = 0, steps: int = 1_000) -> None:
    """Walk twice from the start with the same seed and compare step by step.

    Raises Nondeterministic naming the first difference. It starts afresh wherever nothing is
    enabled, until `steps` steps are spent.
    """
    run, left = 0, steps
    while left > 0:
        first = _record(system, seed, run, left)
        second = _record(system, seed, run, left)
        for number, (one, two) in enumerate(zip(first, second, strict=False)):
            for what, a, b in zip(("the state", "what is enabled"), one, two, strict=True):
                if a != b:
                    raise _differ(number, what, a, b)
        left -= max(1, len(first) - 1)
        run += 1


def _record(system: AnySystem, seed: int, run: int, steps: int) -> list[tuple[str, list[str]]]:
    rng = rng_of("determinism", seed, run)
    state, out = system.init(), []
    for _ in range(steps + 1):
        enabled = system.enabled(state)
        out.append((f"{system.fingerprint(state):016x}", [system.encode(a) for a in enabled]))
        if not enabled:
            break
        state = system.step(state, enabled[int(rng.random() * len(enabled))])
    return out
