"""Filter: a policy's filter passes a node if and only if the pod may go there.

Promise (soundness): a node that passes has room for everything the pod requests, in each resource
and in the number of pods, and meets every other hard constraint. Promise (completeness): a node
that has room and meets them passes; and some node does pass.

About: the policy's own `filter`, in the form `plain_form` says, on real objects.

Domain: one pod and one node. All quantities of CPU, memory, ephemeral storage, one extended
resource and the number of pods allowed, in the range of int64 as long as the true sum stays in it,
overflow checked, with 0 to 2 pods on the node; a resource that the pod does not request is not
over-committed already (the documentation does not say what is right there). The constraints that
are not numbers: every combination of a small vocabulary (see discrete).

Sources: hard_constraints.
"""

from collections.abc import Mapping
from functools import partial

import attrs

from kspec.smt import Claim, Limits, Proof, prove_implication
from kspec.smt.solving import INT64_MAX
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.framework import Context, Policy
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit, has_room
from kspec_properties.proofs.concrete import counterexample_manifests
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.discrete import check_discrete
from kspec_properties.proofs.hard_constraints import RESOURCES, resources_fit
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.scene import (
    INPUTS,
    Values,
    amounts,
    assuming,
    charged_node,
    filter_accepts,
    node_named,
    plain_form,
    pod_named,
    requesting,
)

NAME = "filter-soundness-and-completeness"
INT64 = Limits(int64=True)


def check(policy: Policy) -> Proof:
    """Judge the filter of a policy."""
    parts = (partial(check_quantities, policy), partial(check_discrete, NAME, policy))
    return joined(NAME, (part() for part in (*parts, check_reasons)))


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
    plain = plain_form(policy)
    proof = prove_implication(
        NAME,
        lambda values: filter_accepts(plain, values),
        resources_fit,
        INPUTS,
        assuming=in_domain,
        limits=INT64,
    )
    if proof.verdict != "Refuted" or proof.counterexample is None:
        return proof
    try:
        if accepts_concretely(policy, proof) == filter_accepts(plain, proof.counterexample):
            return proof
        why = f"{policy.name} reads quantities of its own"
    except Exception as error:
        why = f"{policy.name} raised {type(error).__name__}: {error}"
    reason = f"{proof.reason}, but not when its objects are built from text: {why}"
    return attrs.evolve(proof, verdict="Unknown", reason=reason)


def accepts_concretely(policy: Policy, proof: Proof) -> bool:
    """What the policy says of the counterexample's manifests."""
    node, *pods = counterexample_manifests(proof)
    bound = tuple(_read_pod(pod) for pod in pods[:-1])
    info = node_info(Node.from_json(node), bound)
    return policy.filter(_read_pod(pods[-1]), info, Context((info,))).ok


def _read_pod(manifest: Mapping[str, object]) -> Pod:
    pod = Pod.from_json(manifest)
    read: Pod = pod.with_metadata(uid=pod.name)
    return read


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
        f"filter of policy {policy.name}; one pod, one node with 0 to 2 pods, quantities in int64",
        lambda: check(policy),
    )
