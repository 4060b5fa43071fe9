"""No over-commit: a binding leaves what is requested on the node within what it offers.

Promise, judged at each binding: after it the requests of the pods bound to the node in the store
are within allocatable. It needs the lemma that the scheduler has charged at least what is stored
(assumed >= stored). Without it, for a view that is unrelated to the store, it is false: that form
is kept as known false, with its counterexample. The lemma follows from running-sum for one
scheduler that loses no answer; two schedulers, a lost answer or a stale list break it.

About: the policy's own `filter` (see `plain_form`) on the charge of the scheduler's cache.

Domain: one node, any number of bindings and deletions, allocatable that changes at any time; for
each resource and for the number of pods, the other ones being there in plenty. All in int64; for
the number of pods, up to two are charged already.

Source: pkg/scheduler/schedule_one.go (assume before bind); "Resource Management for Pods and
Containers" in the documentation.
"""

from collections.abc import Callable, Mapping
from functools import partial

from kspec.smt import Claim, Limits, Operation, Proof, inductive
from kspec_models.scheduler.accounting import assumed, removed
from kspec_models.scheduler.framework import Policy
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.hard_constraints import RESOURCES
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.scene import INPUTS, MOST_PODS, filter_accepts, plain_form

NAME, STALE_VIEW = "no-over-commit", "no-over-commit-with-a-stale-view"
STATE = ("allocatable", "charged", "stored")
PODS = "pods"

State = Mapping[str, int]
Invariants = Mapping[str, Callable[[State], bool]]
LEMMA: Invariants = {"assumed >= stored": lambda state: state["charged"] >= state["stored"]}
QUANTITIES: Invariants = {
    "no negative quantity": lambda state: every(*(state[name] >= 0 for name in STATE))
}


def binding_fits(before: State, after: State) -> bool:
    """Where a binding adds to what is stored, the sum is within allocatable."""
    return (after["stored"] <= before["stored"]) | (after["stored"] <= after["allocatable"])


def bind(policy: Policy, resource: str, state: State, inputs: State) -> dict[str, int] | None:
    """The filter passes a pod, by what the cache has charged: it is assumed, and bound."""
    request = 1 if resource == PODS else inputs["request"]
    listed = state["charged"] if resource == PODS else 0
    if not every(request >= 0, listed <= MOST_PODS):
        return None
    values = dict.fromkeys(INPUTS, 0) | {"allocatable.pods": 1}
    values |= {f"{kind}.{resource}": state[name] for kind, name in _COLUMNS.items()}
    if resource != PODS:
        values[f"request.{resource}"] = request
    if not filter_accepts(policy, values):
        return None
    charged = assumed(state["charged"], request)
    return {"charged": charged, "stored": state["stored"] + request}


_COLUMNS = {"used": "charged", "allocatable": "allocatable"}


def delete(state: State, inputs: State) -> dict[str, int] | None:
    """Pods are deleted in the store."""
    gone = inputs["gone"]
    return {"stored": state["stored"] - gone} if 0 <= gone <= state["stored"] else None


def delete_seen(state: State, inputs: State) -> dict[str, int] | None:
    """The watch shows deletions: no more than the store had."""
    gone = inputs["gone"]
    if not 0 <= gone <= state["charged"] - state["stored"]:
        return None
    return {"charged": removed(state["charged"], gone)}


def change_node(state: State, inputs: State) -> dict[str, int] | None:
    """The node comes to offer more or less."""
    return {"allocatable": inputs["size"]} if inputs["size"] >= 0 else None


def nothing_bound(state: State) -> bool:
    """Empty at first."""
    return every(state["charged"] == 0, state["stored"] == 0, state["allocatable"] >= 0)


def check(policy: Policy, lemma: Invariants = LEMMA, name: str = NAME) -> Proof:
    """Judge the bindings of a policy, resource by resource; {} leaves out the lemma."""
    plain = plain_form(policy)

    def of(resource: str) -> Proof:
        operations = (
            Operation("bind", partial(bind, plain, resource), ("request",)),
            Operation("delete", delete, ("gone",)),
            Operation("delete is seen", delete_seen, ("gone",)),
            Operation("node update", change_node, ("size",)),
        )
        return inductive(
            name,
            STATE,
            {**QUANTITIES, **lemma},
            nothing_bound,
            operations,
            transitions={f"a binding fits in {resource}": binding_fits},
            limits=Limits(int64=True),
        )

    return joined(name, (of(resource) for resource in (*RESOURCES, PODS)))


def claim(policy: Policy) -> Claim:
    """The claim about one policy."""
    return Claim(
        NAME,
        "a binding leaves requested <= allocatable, given that assumed >= stored",
        f"filter of policy {policy.name}; one node, each resource and the pod count, int64",
        lambda: check(policy),
    )


def stale_view(policy: Policy) -> Claim:
    """The claim that is false: the same without the lemma."""
    return Claim(
        STALE_VIEW,
        "a binding leaves requested <= allocatable, whatever the scheduler's view is",
        f"filter of policy {policy.name}; a view that is unrelated to the store",
        lambda: check(policy, {}, STALE_VIEW),
    )
