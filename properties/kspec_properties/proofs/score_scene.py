"""A pod and nodes whose quantities are symbolic, as a score sees them.

Domain: nodes that the pod fits on and that are not over-committed, since only feasible nodes are
scored. Each quantity is at least 0 and at most `LARGEST`, because upstream multiplies what is free
by 100 in int64. Scoring counts 100m and 200Mi for a container that requests no CPU or memory:
`missing.request.cpu` is how many such containers the pod has, `missing.used.cpu` how many are on
the node. The values of further nodes have the prefix `node-2.` and so on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from kspec.smt.solving import INT64_MAX
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.framework import MAX_NODE_SCORE
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_models.scheduler.policies.numeric import NodeNumbers, PodNumbers
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.hard_constraints import RESOURCES
from kspec_properties.proofs.plain_form import in_plain_form
from kspec_properties.proofs.scene import (
    Values,
    amounts,
    bound_pod,
    charged_node,
    node_named,
    pending_pod,
    requesting,
    using,
)

LARGEST = INT64_MAX // MAX_NODE_SCORE
"""The largest quantity of the domain: 9.2e16 bytes, 82 PiB."""
MOST_CONTAINERS = 1000
"""The most containers without a request that are counted."""
DEFAULTED = {"cpu": 100, "memory": 200 * 2**20}
"""What scoring counts for a container without a request: milli-cores, bytes."""
REQUESTED = (
    *(f"request.{name}" for name in RESOURCES),
    *(f"missing.request.{name}" for name in DEFAULTED),
)
OF_NODE = (
    *(f"{kind}.{name}" for kind in ("used", "allocatable") for name in RESOURCES),
    *(f"missing.used.{name}" for name in DEFAULTED),
    "used.pods",
    "allocatable.pods",
)
Manifest = dict[str, Any]


def prefixes(nodes: int) -> tuple[str, ...]:
    """What the values of each node begin with."""
    return ("", *(f"node-{k}." for k in range(2, nodes + 1)))


def inputs(nodes: int) -> tuple[str, ...]:
    """The names of all values for that many nodes."""
    return (*REQUESTED, *(f"{prefix}{name}" for prefix in prefixes(nodes) for name in OF_NODE))


def of_node(values: Values, prefix: str) -> dict[str, int]:
    """The values of one node, and the pod's, by their names without prefix."""
    here = {name: values[prefix + name] for name in OF_NODE}
    return {**{name: values[name] for name in REQUESTED}, **here}


def in_domain(values: Values, prefix: str, largest: int = LARGEST) -> bool:
    """Whether the pod and one node are in the domain."""
    at = of_node(values, prefix)
    counts = [at[name] for name in at if name.startswith("missing.")]
    used = sum(at[f"used.{name}"] for name in RESOURCES)
    used += sum(at[f"missing.used.{name}"] for name in DEFAULTED)
    return every(
        *(amount >= 0 for amount in at.values()),
        *(count <= MOST_CONTAINERS for count in counts),
        *(at[f"used.{r}"] + at[f"request.{r}"] <= at[f"allocatable.{r}"] for r in RESOURCES),
        *(at[f"allocatable.{r}"] <= largest for r in (*RESOURCES, "pods")),
        at["used.pods"] + 1 <= at["allocatable.pods"],
        (at["used.pods"] >= 1) | (used == 0),
    )


def defaults(values: Values, kind: str) -> tuple[int, int]:
    """What scoring counts for the containers without a request."""
    cpu, memory = (DEFAULTED[r] * values[f"missing.{kind}.{r}"] for r in DEFAULTED)
    return cpu, memory


@contextmanager
def scored(values: Values, pods: Sequence[int]) -> Iterator[tuple[Pod, tuple[NodeInfo, ...]]]:
    """The pending pod and the nodes, each with that many pods; the first of them has all that is
    used there."""
    pending, infos = pending_pod(), []
    with ExitStack() as stack:
        stack.enter_context(in_plain_form())
        asked = amounts(values, "request")
        stack.enter_context(requesting(pending.spec, asked, defaults(values, "request")))
        for k, (prefix, count) in enumerate(zip(prefixes(len(pods)), pods, strict=True)):
            at, name = of_node(values, prefix), f"node-{k + 1}"
            bound = tuple(bound_pod(f"bound-{name}-{j}", name) for j in range(count))
            infos.append(_scored_node(at, name, bound))
            used = amounts(at, "used")
            stack.enter_context(using(infos[-1].pods, used, defaults(at, "used")))
        yield pending, tuple(infos)


def _scored_node(values: Values, name: str, bound: tuple[Pod, ...]) -> NodeInfo:
    info = charged_node(node_named(name), bound, values)
    cpu, memory = defaults(values, "used")
    info.non_zero_milli_cpu += cpu
    info.non_zero_memory += memory
    return info


def pod_numbers(values: Values) -> PodNumbers:
    """What a numeric policy sees of the pod."""
    return PodNumbers(*(values[f"request.{name}"] for name in RESOURCES[:3]))


def node_numbers(values: Values) -> NodeNumbers:
    """What a numeric policy sees of the node."""
    offered, used = (
        [values[f"{kind}.{name}"] for name in (*RESOURCES[:3], "pods")]
        for kind in ("allocatable", "used")
    )
    return NodeNumbers(*offered, *used)


def nodes_of(values: Values) -> int:
    """How many nodes the values are of."""
    return sum(name.endswith("used.pods") for name in values)


def manifests(values: Values) -> tuple[Manifest, ...]:
    """The nodes, their pods and last the pending pod, as Kubernetes JSON.

    What is used on a node is requested by its first pod.
    """
    written: list[Manifest] = []
    for k, prefix in enumerate(prefixes(nodes_of(values))):
        at, name = of_node(values, prefix), f"node-{k + 1}"
        written.append(_node(at, name))
        for k in range(at["used.pods"]):
            kind = "used" if k == 0 else ""
            written.append(_pod(f"bound-{name}-{k}", _containers(at, kind), name))
    pending = of_node(values, "")
    return (*written, _pod("pending", _containers(pending, "request"), ""))


def read(written: Iterable[Mapping[str, Any]]) -> tuple[tuple[NodeInfo, ...], Pod]:
    """The nodes as the scheduler sees them, and the pending pod."""
    nodes: dict[str, list[Any]] = {}
    *placed, pending = written
    for each in placed:
        if each["kind"] == "Node":
            nodes[each["metadata"]["name"]] = [Node.from_json(each)]
        else:
            nodes[each["spec"]["nodeName"]].append(_read_pod(each))
    infos = tuple(node_info(node, tuple(pods)) for node, *pods in nodes.values())
    return infos, _read_pod(pending)


def _read_pod(manifest: Mapping[str, Any]) -> Pod:
    pod = Pod.from_json(manifest)
    found: Pod = pod.with_metadata(uid=pod.name)
    return found


def _node(at: Values, name: str) -> Manifest:
    offered = _text({r: at[f"allocatable.{r}"] for r in (*RESOURCES, "pods")})
    status = {"allocatable": offered, "capacity": offered}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


def _containers(at: Values, kind: str) -> list[Mapping[str, str]]:
    """The requests of each container; those without a request of one resource come last."""
    if not kind:
        return [{"cpu": "0", "memory": "0"}]
    every_one = {r: at[f"{kind}.{r}"] for r in RESOURCES}
    first = _text({r: n for r, n in every_one.items() if n or r in DEFAULTED})
    missing = {r: at[f"missing.{kind}.{r}"] for r in DEFAULTED}
    return [
        first,
        *(
            {r: "0" for r, count in missing.items() if k >= count}
            for k in range(max(missing.values()))
        ),
    ]


def _text(amounts: Mapping[str, int]) -> dict[str, str]:
    return {r: f"{amount}m" if r == "cpu" else str(amount) for r, amount in amounts.items()}


def _pod(name: str, containers: Iterable[Mapping[str, str]], node: str) -> Manifest:
    made = [
        {"name": f"c{k}", "image": "pause", "resources": {"requests": dict(requests)}}
        for k, requests in enumerate(containers)
    ]
    spec: Manifest = {"containers": made}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {**spec, "nodeName": node} if node else spec,
    }
