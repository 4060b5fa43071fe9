"""Every operation that concerns the scheduler cache, each with what it does to the books.

The cache is the one that runs, `kspec_models.scheduler.cache.Cache` with its NodeInfo: each step
builds it around one real pod whose request is symbolic, on a node whose charge is symbolic, calls
the real method, and reads the charge back. What the pod's request does to the true sum is said
here, without the cache, after the state machine of a pod in
pkg/scheduler/backend/cache/interface.go.
"""

from collections.abc import Callable, Mapping
from functools import partial

import attrs

from kspec.smt import Operation
from kspec.smt.solving import INT64_MAX
from kspec.smt.tables import Row, Table
from kspec.values import FingerprintedMap
from kspec_models.objects import Container, Node, Pod
from kspec_models.resources import Requests
from kspec_models.scheduler.cache import Cache, Order, PodState
from kspec_models.scheduler.nodeinfo import node_info
from kspec_properties.proofs.scene import as_new, node_named, pod_named, requesting

CHARGED = (
    "in_flight",  # assumed, the answer to the binding is not known
    "unseen",  # bound in the store, the watch has not shown it
    "seen",  # bound, and the watch has shown it
    "leaving",  # deleted in the store, the watch has not shown it
)
LOST = "lost"  # bound in the store, and the scheduler does not know
COLUMNS = ("cached", *CHARGED, LOST)

_NODE = (("node",), ("node",))
OLD, NEW = "main", "resized"
Act = Callable[[Cache, Pod, Pod], Cache | None]


def true_sum(row: Row) -> int:
    """What the pods request that the scheduler has assumed or was told of."""
    return sum(row[account] for account in CHARGED)


@attrs.frozen
class Move:
    """One operation: a pod goes from one account to another while the cache does `act`.

    holds: how the cache has the pod before: "" not at all, "assumed" or "known". resized: the pod
    comes back with another request. last: it is the only pod of a node that is deleted.
    """

    name: str
    source: str
    target: str
    holds: str
    act: Act
    resized: bool = False
    last: bool = False


def _unchanged(cache: Cache, old: Pod, new: Pod) -> Cache:
    return cache


def _assume(cache: Cache, old: Pod, new: Pod) -> Cache | None:
    pending = old.replace(spec=old.spec.replace(node_name=""))
    return cache.assume(pending, old.spec.node_name)


def _forget(cache: Cache, old: Pod, new: Pod) -> Cache | None:
    return cache.forget(old.uid, old.spec.node_name)


def _answered(cache: Cache, old: Pod, new: Pod) -> Cache:
    return cache.finish_binding(old.uid)


def _add(cache: Cache, old: Pod, new: Pod) -> Cache:
    return cache.add_pod(new)


def _update(cache: Cache, old: Pod, new: Pod) -> Cache:
    return cache.update_pod(old, new)


def _remove(cache: Cache, old: Pod, new: Pod) -> Cache:
    return cache.remove_pod(old)


MOVES = (
    Move("assume", "", "in_flight", "", _assume),
    Move("bind answered yes", "in_flight", "unseen", "assumed", _answered),
    Move("bind answered no", "in_flight", "", "assumed", _forget),
    Move("bind not answered, not applied", "in_flight", "", "assumed", _forget),
    Move("bind not answered, applied", "in_flight", LOST, "assumed", _forget),
    Move("forget", "in_flight", "", "assumed", _forget),
    Move("bound by another scheduler", "", LOST, "", _unchanged),
    Move("confirm", "unseen", "seen", "assumed", _add, resized=True),
    Move("confirm before the answer", "in_flight", "seen", "assumed", _add, resized=True),
    Move("add", LOST, "seen", "", _add, resized=True),
    Move("update", "seen", "seen", "known", _update, resized=True),
    Move("delete in the store", "seen", "leaving", "known", _unchanged),
    Move("delete in the store before it is seen", "unseen", "leaving", "assumed", _unchanged),
    Move("delete", "leaving", "", "known", _remove),
    Move("delete before it was confirmed", "leaving", "", "assumed", _remove),
    Move("delete on a deleted node", "leaving", "", "known", _remove, last=True),
)


def cache_of(
    kind: type[Cache],
    nodes: Mapping[str, tuple[Node | None, int]],
    pods: Mapping[Pod, bool],
) -> Cache:
    """A cache with these nodes and their charge, and these pods, which are assumed or not."""
    infos, order = {}, Order()
    for name, (node, charged) in nodes.items():
        info = as_new(node_info(node, tuple(p for p in pods if p.spec.node_name == name)))
        info.requested, info.non_zero_memory = Requests(memory=charged), charged
        infos[name] = info
        order = order.changed(name, info)
    states = {pod.uid: PodState(pod, assumed) for pod, assumed in pods.items()}
    return kind(FingerprintedMap(infos), FingerprintedMap(states), order)


def _pod(node: str, version: str) -> Pod:
    return pod_named("pod", node_name=node, containers=(Container(name=version),))


def _books(row: Row, move: Move, old: int, new: int) -> dict[str, int] | None:
    """The accounts after a move; None where the pod cannot be there or the sum leaves int64."""
    if old < 0 or new < 0 or (move.source and old > row[move.source]):
        return None
    rest = dict(row)
    if move.source:
        rest[move.source] = row[move.source] - old
    if move.target:
        sum_there = rest[LOST] if move.target == LOST else true_sum(rest)
        if new > INT64_MAX - sum_there:
            return None
        rest[move.target] = rest[move.target] + new
    return rest


def _step(move: Move, kind: type[Cache], table: Table, inputs: Mapping[str, int]) -> Table | None:
    row, old = table[inputs["node"]], inputs["request"]
    new = inputs["new_request"] if move.resized else old
    if move.last and true_sum(row) != old:
        return None
    books = _books(row, move, old, new)
    if books is None:
        return None
    before, after = _pod("node", OLD), _pod("node", NEW if move.resized else OLD)
    node = None if move.last else node_named("node")
    held = {before: move.holds == "assumed"} if move.holds else {}
    cache = cache_of(kind, {"node": (node, row["cached"])}, held)
    charges = Requests(memory=old), Requests(memory=new)
    with requesting(before.spec, charges[0]), requesting(after.spec, charges[1]):
        done = move.act(cache, before, after)
    charged = _requested(cache if done is None else done, "node")
    return table.changed(inputs["node"], {**books, "cached": charged})


def _requested(cache: Cache, node: str) -> int:
    """What the node is charged; a cycle reads it from the snapshot, which must be the same."""
    info = cache.node_infos.get(node)
    assert all(shown is info for shown in cache.snapshot() if shown.name == node)
    return 0 if info is None else info.requested.memory


def _confirm_elsewhere(kind: type[Cache], table: Table, inputs: Mapping[str, int]) -> Table | None:
    """The watch shows an assumed pod on another node than it was assumed on."""
    here, there, request = inputs["node"], inputs["landed"], inputs["request"]
    if here == there:
        return None
    source, target = table[here], table[there]
    left = _books(source, Move("", "in_flight", "", "", _add), request, request)
    joined = _books(target, Move("", "", "seen", "", _add), request, request)
    if left is None or joined is None:
        return None
    before, after = _pod("node", OLD), _pod("landed", OLD)
    nodes: dict[str, tuple[Node | None, int]] = {
        "node": (node_named("node"), source["cached"]),
        "landed": (node_named("landed"), target["cached"]),
    }
    cache = cache_of(kind, nodes, {before: True})
    charge = Requests(memory=request)
    with requesting(before.spec, charge), requesting(after.spec, charge):
        done = cache.add_pod(after)
    changed = table.changed(here, {**left, "cached": _requested(done, "node")})
    return changed.changed(there, {**joined, "cached": _requested(done, "landed")})


def _node_changes(
    act: Callable[[Cache], Cache],
    exists: bool,
    kind: type[Cache],
    table: Table,
    inputs: Mapping[str, int],
) -> Table:
    """The node changes, appears under pods that are known already, or goes away under them."""
    row = table[inputs["node"]]
    held = {_pod("node", OLD): False} if row["cached"] != 0 else {}
    node = node_named("node") if exists else None
    done = act(cache_of(kind, {"node": (node, row["cached"])}, held))
    return table.changed(inputs["node"], {"cached": _requested(done, "node")})


_node_is_set = partial(_node_changes, lambda cache: cache.set_node(node_named("node")))
_node_is_gone = partial(_node_changes, lambda cache: cache.remove_node("node"), True)


def operations(kind: type[Cache] = Cache) -> tuple[Operation, ...]:
    """All of them, on this cache or a variant of it."""
    moves = tuple(
        Operation(
            move.name,
            partial(_step, move, kind),
            ("node", "request", "new_request") if move.resized else ("node", "request"),
            ("node",),
        )
        for move in MOVES
    )
    elsewhere = partial(_confirm_elsewhere, kind)
    two = ("node", "landed")
    return (
        *moves,
        Operation("confirm on another node", elsewhere, (*two, "request"), two),
        Operation("node update", partial(_node_is_set, True, kind), *_NODE),
        Operation("node added after its pods", partial(_node_is_set, False, kind), *_NODE),
        Operation("node delete", partial(_node_is_gone, kind), *_NODE),
    )
