"""A node and a pod whose quantities are symbolic, for a policy that takes real objects.

The values of a proof are named request.cpu, used.cpu, allocatable.cpu and so on, in milli-cores,
bytes and counts. The objects are real; only the amounts that the scheduler would have computed
from their text are put in their place, the pod's in the very memo that computes them. A policy
that parses the text itself is not followed (see unread).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from itertools import count

from kspec.values import fingerprint
from kspec_models.objects import Container, Node, ObjectMeta, Pod
from kspec_models.objects.core import PodSpec, PodStatus
from kspec_models.resources import AMOUNTS, NOTHING_REQUESTED, PodAmounts, Requests
from kspec_models.scheduler.framework import (
    Context,
    Policy,
)
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.hard_constraints import EXTENDED, RESOURCES
from kspec_properties.proofs.plain_form import in_plain_form
from kspec_properties.proofs.unread import unread_node, unread_pod

INPUTS = (
    *(f"{kind}.{name}" for kind in ("request", "used", "allocatable") for name in RESOURCES),
    "used.pods",
    "allocatable.pods",
)
MOST_PODS = 2
"""Pods already on the node: 0 to this many, since a policy counts a list of real pods."""

Values = Mapping[str, int]
_serial = count()


def assuming(values: Values) -> bool:
    """Quantities are at least 0, as validation demands; a node without pods has nothing used."""
    used = sum(values[f"used.{name}"] for name in RESOURCES)
    return every(
        *(values[name] >= 0 for name in INPUTS),
        values["used.pods"] <= MOST_PODS,
        (values["used.pods"] >= 1) | (used == 0),
    )


def pod_named(name: str, **spec: object) -> Pod:
    """A pod of one container; its uid is its name."""
    container = {"containers": (Container(name="main"),)}
    return Pod(
        metadata=ObjectMeta(name=name, namespace="default", uid=name),
        spec=PodSpec(**{**container, **spec}),  # type: ignore[arg-type]  # fields of PodSpec
    )


def node_named(name: str) -> Node:
    """A node that nothing is known of but its name."""
    return Node(metadata=ObjectMeta(name=name, uid=name))


def amounts(values: Values, kind: str) -> Requests:
    """One kind of amounts, as the scheduler holds them."""
    cpu, memory, storage, extended = (values[f"{kind}.{name}"] for name in RESOURCES)
    return Requests(cpu, memory, storage, ((EXTENDED, extended),))


@contextmanager
def requesting(
    spec: PodSpec, requested: Requests, defaults: tuple[int, int] = (0, 0)
) -> Iterator[None]:
    """While it is open, a pod of this spec requests these amounts.

    defaults: the milli-cores and bytes that scoring counts besides.
    """
    memo = AMOUNTS.table
    key = (spec, PodStatus())
    before = memo.get(key)
    cpu, memory = defaults
    memo[key] = PodAmounts(requested, requested.milli_cpu + cpu, requested.memory + memory)
    try:
        yield
    finally:
        del memo[key]
        if before is not None:
            memo[key] = before


@contextmanager
def requesting_all(pending: Pod, bound: Sequence[Pod], values: Values) -> Iterator[None]:
    """While it is open the pending pod requests what `values` say, and the bound pods what is
    used."""
    with ExitStack() as stack:
        stack.enter_context(requesting(pending.spec, amounts(values, "request")))
        stack.enter_context(using(bound, amounts(values, "used")))
        yield


@contextmanager
def using(
    bound: Sequence[Pod], used: Requests, defaults: tuple[int, int] = (0, 0)
) -> Iterator[None]:
    """While it is open the first of the pods requests all that is used, the others nothing."""
    with ExitStack() as stack:
        for k, pod in enumerate(bound):
            here = (used, defaults) if k == 0 else (NOTHING_REQUESTED, (0, 0))
            stack.enter_context(requesting(pod.spec, *here))
        yield


def as_new(info: NodeInfo) -> NodeInfo:
    """A copy that is equal to no other: memo tables keep what they know of others from it."""
    new = copy(info)
    new.fingerprint = fingerprint(("symbolic NodeInfo", next(_serial)))
    return new


def charged_node(node: Node, pods: Sequence[Pod], values: Values) -> NodeInfo:
    """The node with these pods on it and the amounts of `values`, which are in no text."""
    info = as_new(node_info(node, tuple(pods)))
    info.node, info.pods = unread_node(node), tuple(map(unread_pod, info.pods))
    info.requested = amounts(values, "used")
    info.non_zero_milli_cpu, info.non_zero_memory = info.requested[:2]
    info.allocatable = amounts(values, "allocatable")
    info.allowed_pods = values["allocatable.pods"]
    return info


def pods_there(values: Values) -> tuple[Pod, ...]:
    """As many pods as `used.pods` says, by deciding it."""
    here = next(k for k in range(MOST_PODS + 1) if values["used.pods"] == k)
    return tuple(bound_pod(f"bound-{k}", "node") for k in range(here))


def pending_pod() -> Pod:
    """The pod that is to be placed."""
    return unread_pod(pod_named("pending"))


def bound_pod(name: str, node: str) -> Pod:
    """A pod on a node, whose spec is that of no other pod."""
    return pod_named(name, node_name=node, containers=(Container(name=name),))


def filter_accepts(policy: Policy, values: Values) -> bool:
    """What the policy's own filter says of a pod and a node with no constraint but resources."""
    with in_plain_form():
        pod = pending_pod()
        info = charged_node(node_named("node"), pods_there(values), values)
        with requesting_all(pod, info.pods, values):
            return policy.filter(pod, info, Context((info,))).ok
