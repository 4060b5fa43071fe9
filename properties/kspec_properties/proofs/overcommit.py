"""No over-commit: a binding leaves what is requested on the node within what it offers.

Promise, judged at each binding: after it the requests of the pods bound to the node in the store
are within allocatable. It needs the lemma that the scheduler has charged at least what is stored
(assumed >= stored). Without it, for a view that is unrelated to the store, it is false: that form
is kept as known false, with its counterexample. The lemma follows from running-sum for one
scheduler that loses no answer; two schedulers, a lost answer or a stale list break it.

About: the policy's own `filter` (see plain_form) on the charge of the scheduler's cache.

Domain: one node, any number of bindings and deletions, allocatable that changes at any time; for
each resource and for the number of pods, the other ones being there in plenty. All in int64, and so
is what is charged together with the pod; for the number of pods, up to two are charged already.

Source: pkg/scheduler/schedule_one.go (assume before bind); "Resource Management for Pods and
Containers" in the documentation.
"""

from collections.abc import Callable, Mapping
from functools import partial

import attrs

from kspec.smt import Claim, Limits, Operation, Proof, inductive
from kspec.smt.solving import INT64_MAX
from kspec_models.scheduler.accounting import assumed, removed
from kspec_models.scheduler.framework import Policy
from kspec_properties.proofs.concrete import counterexample_manifests
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.hard_constraints import RESOURCES
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.on_text import borne_out
from kspec_properties.proofs.scene import INPUTS, MOST_PODS, filter_accepts

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
    if not every(request >= 0, listed <= MOST_PODS, request <= INT64_MAX - state["charged"]):
        return None
    if not filter_accepts(policy, _amounts(resource, state, request)):
        return None
    charged = assumed(state["charged"], request)
    return {"charged": charged, "stored": state["stored"] + request}


def _amounts(resource: str, state: State, request: int) -> dict[str, int]:
    """The pod and the node as the scheduler sees them."""
    values = dict.fromkeys(INPUTS, 0) | {"allocatable.pods": 1}
    values |= {f"{kind}.{resource}": state[name] for kind, name in _COLUMNS.items()}
    if resource != PODS:
        values[f"request.{resource}"] = request
    return values


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

    def of(resource: str) -> Proof:
        operations = (
            Operation("bind", partial(bind, policy, resource), ("request",)),
            Operation("delete", delete, ("gone",)),
            Operation("delete is seen", delete_seen, ("gone",)),
            Operation("node update", change_node, ("size",)),
        )
        proof = inductive(
            name,
            STATE,
            {**QUANTITIES, **lemma},
            nothing_bound,
            operations,
            transitions={f"a binding fits in {resource}": binding_fits},
            limits=Limits(int64=True),
        )
        return _tried(policy, resource, proof) if lemma else proof

    return joined(name, (of(resource) for resource in (*RESOURCES, PODS)))


def _tried(policy: Policy, resource: str, proof: Proof) -> Proof:
    """The proof, with the counterexample of a binding as that of its filter."""
    state = proof.counterexample
    if state is None or not proof.reason.startswith("bind"):
        return proof
    values = _amounts(resource, state, state.get("request", 0))
    proof = attrs.evolve(proof, counterexample=values)
    return borne_out(
        proof,
        counterexample_manifests(proof),
        lambda: filter_accepts(policy, values),
        lambda pod, context: policy.filter(pod, context.nodes[0], context).ok,
    )


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
