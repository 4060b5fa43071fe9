"""Running sum: what the scheduler's cache has charged to a node is what the pods there request.

Promise: after every operation `requested` of each node is the sum of the requests of the pods that
the scheduler has assumed or was told of; no operation changes one without the other.

About: the cache that runs, with its NodeInfo (see cache_operations), over one resource, memory;
and the sums of NodeInfo over all resources.

Domain: any number of nodes and of pods (the sum is kept as accounts per node, never added up over
pods); all quantities in the range of int64 as long as the true sum stays in it, with overflow
checked.

Source: pkg/scheduler/backend/cache/{cache,interface}.go.
"""

from functools import partial

from kspec.smt import Claim, Limits, Proof, prove_implication, unbounded
from kspec.smt.tables import Row
from kspec_models.resources import Requests
from kspec_models.scheduler.cache import Cache
from kspec_models.scheduler.nodeinfo import difference_of, sum_of
from kspec_properties.proofs.cache_operations import CHARGED, COLUMNS, LOST, operations, true_sum
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.hard_constraints import RESOURCES
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.scene import Values, amounts

NAME = "running-sum"
INT64 = Limits(int64=True)
INPUTS = tuple(f"{kind}.{name}" for kind in ("used", "request") for name in RESOURCES)


def cache_is_true(row: Row) -> bool:
    """The charge is the true sum."""
    return row["cached"] == true_sum(row)


def no_account_is_negative(row: Row) -> bool:
    """Every account is a sum of requests, which are at least 0."""
    return every(*(row[account] >= 0 for account in (*CHARGED, LOST)))


def moves_as_the_true_sum(before: Row, after: Row) -> bool:
    """The cache changes by exactly what the true sum changes."""
    return after["cached"] - before["cached"] == true_sum(after) - true_sum(before)


def nothing_yet(row: Row) -> bool:
    """No pod anywhere."""
    return every(*(row[column] == 0 for column in COLUMNS))


def check(kind: type[Cache] = Cache) -> Proof:
    """Prove it for the scheduler's cache, or judge a variant of it."""
    return joined(NAME, (part() for part in (partial(by_operation, kind), node_arithmetic)))


def by_operation(kind: type[Cache]) -> Proof:
    """Induction over the operations of a cache, for one resource."""
    return unbounded(
        NAME,
        COLUMNS,
        {"the cache is the true sum": cache_is_true, "no negative sum": no_account_is_negative},
        nothing_yet,
        operations(kind),
        transitions={"the cache changes as the true sum": moves_as_the_true_sum},
        limits=INT64,
    )


def node_arithmetic() -> Proof:
    """A pod that comes adds its request of each resource to the same one, and takes it again."""

    def in_range(values: Values) -> bool:
        sums = (values[f"used.{name}"] + values[f"request.{name}"] for name in RESOURCES)
        return every(*(values[name] >= 0 for name in INPUTS), *(each < 2**63 for each in sums))

    def kept(values: Values) -> bool:
        used, request = amounts(values, "used"), amounts(values, "request")
        together = sum_of(used, request)
        return _adds_up(together, values) and _same(difference_of(together, request), used)

    return prove_implication(
        NAME, kept, lambda values: True, INPUTS, assuming=in_range, limits=INT64
    )


def _adds_up(together: Requests, values: Values) -> bool:
    return every(
        *(
            together.amount(name) == values[f"used.{name}"] + values[f"request.{name}"]
            for name in RESOURCES
        )
    )


def _same(one: Requests, other: Requests) -> bool:
    return every(*(one.amount(name) == other.amount(name) for name in RESOURCES))


CLAIM = Claim(
    NAME,
    "each operation changes what the cache has charged to a node as it changes the true sum",
    "kspec_models.scheduler.cache.Cache; any number of nodes and pods, int64, overflow checked",
    check,
)
