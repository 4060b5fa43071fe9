"""How each operation of the scheduler cache moves the requested amount of a node.

After pkg/scheduler/backend/cache/cache.go and framework.NodeInfo (AddPod, RemovePod) at 1.36, for
one resource of one node. `NodeInfo` adds and removes pods by `added` and `removed`, and the cache
composes these as the functions below do, so a proof about them is a proof about the cache.

Plain integers only, so that symbolic numbers can stand in for them.
"""

from __future__ import annotations

from collections.abc import Callable


def added(requested: int, request: int) -> int:
    """A pod is charged to the node."""
    return requested + request


def removed(requested: int, request: int) -> int:
    """A pod's charge is taken back."""
    return requested - request


def assumed(requested: int, request: int) -> int:
    """AssumePod: a pod is charged before it is bound."""
    return added(requested, request)


def forgotten(requested: int, request: int) -> int:
    """ForgetPod: the binding failed, the charge is taken back."""
    return removed(requested, request)


def confirmed(requested: int, assumed_request: int, request: int) -> int:
    """AddPod of an assumed pod on the node it was assumed on: the watched pod replaces it."""
    return added(removed(requested, assumed_request), request)


def updated(requested: int, old_request: int, request: int) -> int:
    """UpdatePod: the new version of a bound pod replaces the old one."""
    return added(removed(requested, old_request), request)


OPERATIONS: dict[str, Callable[..., int]] = {
    "assume": assumed,
    "forget": forgotten,
    "confirm": confirmed,
    "add": added,
    "update": updated,
    "remove": removed,
}
"""Every operation that moves the sum, by name; finish_binding and node updates leave it alone."""
