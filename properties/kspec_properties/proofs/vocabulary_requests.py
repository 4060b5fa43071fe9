"""What a pod requests: containers, init containers, sidecars, overhead and pod-level resources.

For each resource, of the pending pod and of the pod that is there, in every combination, with
exactly enough left, one unit too little, and room for one pod too few. Quantities are text, so
that a policy that adds them up in a way of its own is judged.
"""

from collections.abc import Mapping
from typing import Any

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_properties.proofs.hard_constraints import RESOURCES
from kspec_properties.proofs.hard_requests import requested
from kspec_properties.proofs.kept import kept
from kspec_properties.proofs.vocabulary import Chosen, Scene, Vocabulary, pod_of

CONTAINERS = (32, 32)
OPTIONS: dict[str, tuple[Any, ...]] = {
    "resource": RESOURCES,
    "varied": ("pending", "bound"),
    "pod_level": (0, 300),
    "overhead": (0, 8),
    "sidecar": ("", "first", "last"),
    "init": (0, 16, 200),
    "missing": ("", "unit", "pod"),
}
SIDECAR = 24


def scene(of: Chosen) -> Scene:
    """The objects of one combination."""
    shape = (of["init"], of["sidecar"], of["overhead"], of["pod_level"])
    varied = OPTIONS["varied"][of["varied"]]
    pending = _pod("pending", of["resource"], shape if varied == "pending" else _PLAIN)
    bound = _pod("bound-0", of["resource"], shape if varied == "bound" else _PLAIN)
    resource = OPTIONS["resource"][of["resource"]]
    missing = OPTIONS["missing"][of["missing"]]
    offered = requested(pending, resource) + requested(bound, resource) - (missing == "unit")
    infos = (_node(resource, offered, 1 if missing == "pod" else 2, bound),)
    reasons = {"unit": f"the {resource} requested in all", "pod": "the number of pods allowed"}
    return Scene(pending, infos, (reasons[missing],) if missing else ())


_PLAIN = (0, 0, 0, 0)


@kept
def _node(resource: str, offered: int, pods: int, bound: Pod) -> NodeInfo:
    amounts = {"cpu": "1000", "memory": "1Gi", "pods": str(pods), resource: str(offered)}
    status = {"allocatable": amounts, "capacity": amounts}
    return node_info(Node.from_json({"metadata": {"name": "node"}, "status": status}), (bound,))


@kept
def _pod(name: str, resource: int, shape: tuple[int, int, int, int]) -> Pod:
    named = OPTIONS["resource"][resource]
    options = ("init", "sidecar", "overhead", "pod_level")
    chosen = {option: OPTIONS[option][k] for option, k in zip(options, shape, strict=True)}
    init = [_container("init", named, chosen["init"])] if chosen["init"] else []
    sidecar = {**_container("sidecar", named, SIDECAR), "restartPolicy": "Always"}
    started = {"": init, "first": [sidecar, *init], "last": [*init, sidecar]}[chosen["sidecar"]]
    spec: dict[str, Any] = {
        "initContainers": started,
        "containers": [_container(f"c{k}", named, n) for k, n in enumerate(CONTAINERS)],
    }
    if chosen["overhead"]:
        spec["overhead"] = {named: str(chosen["overhead"])}
    if chosen["pod_level"] and named in ("cpu", "memory"):
        spec["resources"] = {"requests": {named: str(chosen["pod_level"])}}
    if name != "pending":
        spec["nodeName"] = "node"
    return pod_of(name, spec)


def _container(name: str, resource: str, amount: int) -> Mapping[str, Any]:
    return {"name": name, "image": "pause", "resources": {"requests": {resource: str(amount)}}}


VOCABULARY = Vocabulary("what a pod requests", OPTIONS, scene)
