"""Filter: a policy's filter passes a node if and only if the pod may go there.

Promise (soundness): a node that passes has room for everything the pod requests, in each resource
and in the number of pods, and meets every other hard constraint. Promise (completeness): a node
that has room and meets them passes; and some node does pass.

About: the policy's own `filter`, in the form that plain_form says, on real objects.

Domain: one pod and one node, and another node's memory beside it. All quantities of CPU, memory,
ephemeral storage, one extended resource and the number of pods allowed, in the range of int64 as
long as the true sum stays in it, overflow checked, with 0 to 2 pods on the node; a resource that
the pod does not request is not over-committed already (the documentation does not say what is right
there). The constraints that are not numbers, and how requests add up: every combination of small
vocabularies (see discrete).

Sources: hard_constraints, hard_requests, hard_pods, hard_spread.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kspec.smt import Claim, Limits, Proof, prove_implication
from kspec.smt.solving import INT64_MAX
from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context, Policy
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit, has_room
from kspec_models.scheduler.policies.numeric import Numeric
from kspec_models.scheduler.profile import Profile
from kspec_properties.proofs import memory_scene
from kspec_properties.proofs.concrete import counterexample_manifests
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.discrete import VOCABULARIES, check_discrete
from kspec_properties.proofs.hard_constraints import RESOURCES, resources_fit
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.on_text import borne_out
from kspec_properties.proofs.scene import (
    INPUTS,
    Values,
    amounts,
    assuming,
    charged_node,
    filter_accepts,
    node_named,
    pod_named,
    requesting,
)

NAME = "filter-soundness-and-completeness"
INT64 = Limits(int64=True)


def check(policy: Policy) -> Proof:
    """Judge the filter of a policy."""
    return joined(NAME, (part() for part in (*numbers(policy), *constraints(policy))))


def numbers(policy: Policy) -> tuple[Callable[[], Proof], ...]:
    """The parts about quantities."""
    return partial(check_quantities, policy), partial(check_beside, policy), check_reasons


def nodes_of(policy: Policy) -> str:
    """For how many nodes the part about quantities is proved."""
    if type(policy) is Numeric:
        return "any number of nodes"
    is_profile = isinstance(policy, Profile) and type(policy).filter is Profile.filter
    if is_profile and all(map(_looks_at_one, getattr(policy, "filters", ()))):
        return "any number of nodes"
    return "one node, alone and beside another"


def _looks_at_one(plugin: Any) -> bool:
    """Whether it is given one node, or is upstream's: there NodeResourcesFit reads quantities."""
    is_upstream = type(plugin).__module__.startswith("kspec_models.scheduler.plugins.")
    return is_upstream or not hasattr(plugin, "filter_with")


def constraints(policy: Policy) -> tuple[Callable[[], Proof], ...]:
    """The parts about the other hard constraints."""
    return tuple(partial(check_discrete, NAME, policy, each) for each in VOCABULARIES)


def in_domain(values: Values) -> bool:
    """As `assuming`; what is not requested is not over-committed, and true sums are in int64."""
    return every(
        assuming(values),
        *(values[f"used.{name}"] + values[f"request.{name}"] <= INT64_MAX for name in RESOURCES),
        *(
            (values[f"request.{name}"] > 0)
            | (values[f"used.{name}"] <= values[f"allocatable.{name}"])
            for name in RESOURCES
        ),
    )


def check_quantities(policy: Policy) -> Proof:
    """The part about numbers; a counterexample is tried on real objects before it is believed."""
    proof = prove_implication(
        NAME,
        lambda values: filter_accepts(policy, values),
        resources_fit,
        INPUTS,
        assuming=in_domain,
        limits=INT64,
    )
    return _tried(policy, proof)


def _tried(policy: Policy, proof: Proof) -> Proof:
    values = proof.counterexample
    if values is None or not set(INPUTS) <= set(values):
        return proof
    return borne_out(
        proof,
        counterexample_manifests(proof),
        lambda: filter_accepts(policy, values),
        partial(accepts, policy),
    )


def accepts(policy: Policy, pod: Pod, context: Context) -> bool:
    """Whether the policy accepts the first node."""
    return policy.filter(pod, context.nodes[0], context).ok


def check_beside(policy: Policy) -> Proof:
    """What is on another node changes nothing: for the memory of two nodes."""
    names = memory_scene.node_names(2)

    def accepted(values: Values) -> bool:
        with memory_scene.cluster(values, names) as (pod, context):
            return accepts(policy, pod, context)

    proof = prove_implication(
        NAME,
        accepted,
        lambda values: memory_scene.has_room(values, names[0]),
        memory_scene.inputs(names),
        assuming=lambda values: memory_scene.in_domain(values, names),
        limits=INT64,
    )
    values = proof.counterexample
    if values is None:
        return proof
    written = counterexample_manifests(proof)
    return borne_out(proof, written, lambda: accepted(values), partial(accepts, policy))


def check_reasons() -> Proof:
    """NodeResourcesFit refuses where `has_room` finds none, one resource at a time."""
    plugin, fixed = NodeResourcesFit(), dict.fromkeys(INPUTS, 0)

    def of_one(name: str) -> Proof:
        names = tuple(each for each in INPUTS if each.endswith(f".{name}"))

        def judged(values: Mapping[str, int], by_plugin: bool) -> bool:
            every_value = {**fixed, "allocatable.pods": 1, **values}
            pod, info = pod_named("pending"), charged_node(node_named("node"), (), every_value)
            with requesting(pod.spec, amounts(every_value, "request")):
                if by_plugin:
                    return plugin.filter(pod.spec, info).ok
                return has_room(pod.spec, info)

        return prove_implication(
            NAME, lambda values: judged(values, True), lambda values: judged(values, False), names
        )

    return joined(NAME, (of_one(name) for name in (*RESOURCES, "pods")))


def claim(policy: Policy) -> Claim:
    """The claim about one policy."""
    return Claim(
        NAME,
        "the filter passes a node if and only if the pod fits and every hard constraint is met",
        f"filter of policy {policy.name}; {nodes_of(policy)}, quantities in int64",
        lambda: check(policy),
    )
