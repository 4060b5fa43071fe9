"""How the API server treats the objects of one kind: defaults, validation, what it keeps.

After the strategies of pkg/registry (rest.RESTCreateStrategy, rest.RESTUpdateStrategy) at 1.36.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


def _as_it_is(obj: Any) -> Any:
    return obj


def _nothing(*objects: Any) -> Iterator[str]:
    return iter(())


class Strategy(NamedTuple):
    """One kind.

    default: the object with its defaults. problems: what is wrong with it, `field.path: reason`.
    changes: what an update from old to new may not change, told alike. has_generation: a change of
    the spec counts metadata.generation up. has_status: a new object starts with an empty status.
    """

    default: Callable[[Any], Any] = _as_it_is
    problems: Callable[[Any], Iterator[str]] = _nothing
    changes: Callable[[Any, Any], Iterator[str]] = _nothing
    has_generation: bool = True
    has_status: bool = True
