"""The small model that every engine runs: schedulers that bind pods by caches that lag.

Binding b[p] is the node of pod p, from 1 to `nodes`, or 0. Each scheduler k has a cached copy
c[k][p]. `sync(k, p)`, enabled where the copy differs, makes it the binding. `bind(k, p, m)`,
enabled where the scheduler sees p unbound, it is unbound, and fewer than `capacity` pods are on m
as far as the scheduler sees, binds p to m. Pods and nodes are interchangeable.
"""

from __future__ import annotations

import attrs

from kspec.errors import InputError
from kspec.explore.packed import Action, Field, Interchangeable, PackedSystem
from kspec.explore.packed.system import Values


@attrs.frozen
class Size:
    """How large the model is. Raises InputError for anything below 1."""

    pods: int
    nodes: int = 3
    schedulers: int = 2
    capacity: int = 2

    def __attrs_post_init__(self) -> None:
        if min(self.pods, self.nodes, self.schedulers, self.capacity) < 1:
            raise InputError(f"{self} has a number below 1")


def binding(size: Size, *, symmetric: bool = False) -> PackedSystem:
    """The model as a packed system; `symmetric` declares pods and nodes interchangeable."""
    pods, nodes = range(size.pods), range(1, size.nodes + 1)
    b = [Field(f"b[{p}]", size.nodes) for p in pods]
    c = [[Field(f"c[{k}][{p}]", size.nodes) for p in pods] for k in range(size.schedulers)]
    actions = []
    for k, cache in enumerate(c):
        actions += [sync(k, p, cache[p], b[p]) for p in pods]
        actions += [bind(k, p, m, cache, b[p], size.capacity) for p in pods for m in nodes]
    fields = (*b, *(field for cache in c for field in cache))
    columns = tuple((b[p], *(cache[p] for cache in c)) for p in pods)
    symmetry = (Interchangeable(columns=columns), Interchangeable(names=fields))
    return PackedSystem(fields, tuple(actions), symmetry=symmetry if symmetric else ())


def sync(k: int, p: int, copy: Field, bound: Field) -> Action:
    """The scheduler's cache catches up with the binding of one pod."""
    return Action(
        name=f"sync({k}, {p})",
        guard=lambda s: s[copy] != s[bound],
        effect=lambda s: {copy: s[bound]},
        actor=f"watch {k}",
        fairness=f"sync({k}, {p})",
    )


def bind(k: int, p: int, m: int, cache: list[Field], bound: Field, capacity: int) -> Action:
    """The scheduler binds a pod to a node that has room as far as its cache says."""

    def guard(s: Values) -> object:
        has_room = sum(s[copy] == m for copy in cache) < capacity
        return (s[cache[p]] == 0) & (s[bound] == 0) & has_room

    return Action(
        name=f"bind({k}, {p}, {m})",
        guard=guard,
        effect=lambda s: {bound: m},
        actor=f"scheduler {k}",
        fairness=f"scheduler {k}",
    )
