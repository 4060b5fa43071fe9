"""A node and a pod whose quantities are symbolic, for a policy that takes real objects.

The values of a proof are named request.cpu, used.cpu, allocatable.cpu and so on, in milli-cores,
bytes and counts. The objects are real; only the amounts that the scheduler would have computed
from their text are put in their place, the pod's in the very memo that computes them. A policy
that parses the text itself is not seen through: filters tries counterexamples on real text.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import count
from typing import Any

from kspec.values import fingerprint
from kspec_models.objects import Container, Node, ObjectMeta, Pod
from kspec_models.objects.core import PodSpec, PodStatus
from kspec_models.resources import AMOUNTS, PodAmounts, Requests
from kspec_models.scheduler.framework import (
    SUCCESS,
    UNSCHEDULABLE,
    Context,
    Policy,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit, has_room
from kspec_models.scheduler.profile import Profile
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.hard_constraints import EXTENDED, RESOURCES

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
def requesting(spec: PodSpec, requested: Requests) -> Iterator[None]:
    """While it is open, a pod of this spec requests these amounts."""
    memo = AMOUNTS.table
    key = (spec, PodStatus())
    before = memo.get(key)
    memo[key] = PodAmounts(requested, requested.milli_cpu, requested.memory)
    try:
        yield
    finally:
        del memo[key]
        if before is not None:
            memo[key] = before


def as_new(info: NodeInfo) -> NodeInfo:
    """A copy that is equal to no other: memo tables keep what they know of others from it."""
    new = copy(info)
    new.fingerprint = fingerprint(("symbolic NodeInfo", next(_serial)))
    return new


def charged_node(node: Node, pods: Sequence[Pod], values: Values) -> NodeInfo:
    """The node with these pods on it and the amounts of `values`."""
    info = as_new(node_info(node, tuple(pods)))
    info.requested = amounts(values, "used")
    info.non_zero_milli_cpu, info.non_zero_memory = info.requested[:2]
    info.allocatable = amounts(values, "allocatable")
    info.allowed_pods = values["allocatable.pods"]
    return info


def pods_there(values: Values) -> tuple[Pod, ...]:
    """As many pods as `used.pods` says, by deciding it."""
    here = next(k for k in range(MOST_PODS + 1) if values["used.pods"] == k)
    return tuple(pod_named(f"bound-{k}") for k in range(here))


class Room:
    """NodeResourcesFit without its reasons: `has_room` decides, and what is missing is not named.

    To name it takes thousands of paths. `check_reasons` in filters proves that nothing depends on
    it.
    """

    name = NodeResourcesFit.name

    def filter(self, spec: PodSpec, info: NodeInfo) -> Status:
        """Whether there is room."""
        return SUCCESS if has_room(spec, info) else Status(UNSCHEDULABLE, (), self.name)


def plain_form(policy: Policy) -> Policy:
    """The policy in the form that is proved: of a profile its filters, one after the other.

    A profile memoises a filter's answer together with the scores, whose floats cannot be followed.
    """
    if not isinstance(policy, Profile) or type(policy).filter is not Profile.filter:
        return policy
    return Profile(
        f"{policy.name}: filters", tuple(_plain_plugin(plugin) for plugin in policy.filters)
    )


def _plain_plugin(plugin: Any) -> Any:
    return Room() if type(plugin) is NodeResourcesFit and not plugin.ignored else plugin


def filter_accepts(policy: Policy, values: Values) -> bool:
    """What the policy's own filter says of a pod and a node with no constraint but resources."""
    pod = pod_named("pending")
    info = charged_node(node_named("node"), pods_there(values), values)
    with requesting(pod.spec, amounts(values, "request")):
        return policy.filter(pod, info, Context((info,))).ok
