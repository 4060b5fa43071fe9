"""Scenes made once for a policy, and afresh for the next: a policy may change what it is given.

`forget` is called before each policy, so that one that does harms no other's proof.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

_CACHES: list[Any] = []


def kept(function: Callable[..., T]) -> Callable[..., T]:
    """The function, which computes each result once until they are forgotten."""
    cached = lru_cache(maxsize=None)(function)
    _CACHES.append(cached)
    return cached


def forget() -> None:
    """Make all scenes afresh."""
    for cached in _CACHES:
        cached.cache_clear()
