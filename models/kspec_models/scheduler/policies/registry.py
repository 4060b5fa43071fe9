"""The policies by name, and how a user's own is found.

`load_policy` takes a name of `POLICIES` or MODULE:CLASS. A class that says `numeric = True` is a
`NumericPolicy`: it sees plain numbers, and the default filters judge everything else.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, cast

from kspec.errors import InputError
from kspec_models.objects import Pod
from kspec_models.resources import amounts_of_spec
from kspec_models.scheduler.framework import (
    SUCCESS,
    UNSCHEDULABLE,
    Context,
    NodeNumbers,
    NumericPolicy,
    PodNumbers,
    Policy,
    PolicyFactory,
    Status,
)
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins import node_resources_fit
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.policies.first_fit import first_fit
from kspec_models.scheduler.policies.most_allocated import most_allocated
from kspec_models.scheduler.profile import LOCAL_FILTERS, Profile

POLICIES: dict[str, PolicyFactory] = {
    "default": default_policy,
    "first-fit": first_fit,
    "most-allocated": most_allocated,
}


def pod_numbers(pod: Pod) -> PodNumbers:
    """What a numeric policy sees of a pod."""
    requests = amounts_of_spec(pod.spec).requests
    return PodNumbers(requests.milli_cpu, requests.memory, requests.ephemeral_storage)


def node_numbers(info: NodeInfo) -> NodeNumbers:
    """What a numeric policy sees of a node."""
    offered, used = info.allocatable, info.requested
    return NodeNumbers(
        offered.milli_cpu,
        offered.memory,
        offered.ephemeral_storage,
        info.allowed_pods,
        used.milli_cpu,
        used.memory,
        used.ephemeral_storage,
        len(info.pods),
    )


class Numeric:
    """A numeric policy as a policy: the default filters but NodeResourcesFit come first.

    Resources that its numbers leave out (extended ones, huge pages) are judged as by default.
    """

    def __init__(self, numeric: NumericPolicy) -> None:
        self.numeric = numeric
        self.name = numeric.name
        others = tuple(p for p in LOCAL_FILTERS if p.name != node_resources_fit.NAME)
        self._others = Profile(f"{numeric.name}: other constraints", others)

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        status = self._others.filter(pod, node_info, context)
        if not status.ok:
            return status
        for name, amount in amounts_of_spec(pod.spec).requests.scalar:
            offered, used = node_info.allocatable.amount(name), node_info.requested.amount(name)
            if not node_resources_fit.fits(amount, offered, used):
                return Status(UNSCHEDULABLE, (f"Insufficient {name}",), node_resources_fit.NAME)
        if self.numeric.filter(pod_numbers(pod), node_numbers(node_info)):
            return SUCCESS
        return Status(UNSCHEDULABLE, (f"node(s) refused by policy {self.name}",), self.name)

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        numbers = pod_numbers(pod)
        return [self.numeric.score(numbers, node_numbers(info)) for info in node_infos]


def as_policy(policy: Any) -> Policy:
    """A user's policy object as a `Policy`; raises InputError where it is none."""
    for method in ("filter", "score"):
        if not callable(getattr(policy, method, None)):
            raise InputError(
                f"policy {type(policy).__name__} has no method {method}",
                expected="a class with a name, filter and score",
            )
    if not isinstance(getattr(policy, "name", None), str):
        raise InputError(
            f"policy {type(policy).__name__} has no name", expected='name = "..." in the class'
        )
    return Numeric(policy) if getattr(policy, "numeric", False) else cast("Policy", policy)


def load_policy(text: str) -> Policy:
    """The policy of that name, or of MODULE:CLASS; raises InputError."""
    if text in POLICIES:
        return POLICIES[text]()
    module_name, _, attribute = text.partition(":")
    if not attribute:
        raise InputError(
            f"no policy is called {text!r}",
            expected=f"one of {', '.join(sorted(POLICIES))}, or MODULE:CLASS",
        )
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"policy {text}: {error}", expected="MODULE:CLASS to import") from None
    return as_policy(found() if isinstance(found, type) else found)
