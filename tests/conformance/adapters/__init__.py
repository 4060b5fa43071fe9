"""Registry of adapters: one function per kind of upstream case.

An adapter takes a case and asserts what the model answers. It raises NotCovered where the model
does not claim the behaviour; a kind without an adapter is not covered either. To add kinds, put a
module beside this one:

    from adapters import adapter

    @adapter("filter")
    def check_filter(case):
        assert ...
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

Adapter = Callable[[dict[str, Any]], None]
ADAPTERS: dict[str, Adapter] = {}


class NotCovered(Exception):
    """The model makes no claim about this case; the text says why."""


def adapter(*kinds: str) -> Callable[[Adapter], Adapter]:
    """Register the decorated function for these kinds; a kind has one adapter."""

    def register(run: Adapter) -> Adapter:
        for kind in kinds:
            if kind in ADAPTERS:
                raise ValueError(f"kind {kind!r} has two adapters: {ADAPTERS[kind]} and {run}")
            ADAPTERS[kind] = run
        return run

    return register


def run_case(case: dict[str, Any]) -> None:
    """Check one case; raises AssertionError, NotCovered, or what the model raises."""
    run = ADAPTERS.get(case["kind"])
    if run is None:
        raise NotCovered(f"no adapter for kind {case['kind']!r}")
    run(case)


def load_all() -> None:
    """Import every module of this package, so that each registers its adapters."""
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
