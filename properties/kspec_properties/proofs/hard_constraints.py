"""What a node must offer a pod, in plain Python from the documentation: the side of the promise.

Written independently of the scheduler: no plugin, no NodeInfo, no resource helper. Each function
answers for one constraint; `broken` names all that forbid a placement.

Sources, all under https://kubernetes.io/docs/:
  node name, selector, affinity  concepts/scheduling-eviction/assign-pod-node/
  taints and tolerations         concepts/scheduling-eviction/taint-and-toleration/
  unschedulable                  concepts/architecture/nodes/#manual-node-administration
  requests, allocatable          concepts/configuration/manage-resources-containers/
  number of pods                 tasks/administer-cluster/reserve-compute-resources/
  host ports                     reference/kubernetes-api/workload-resources/pod-v1/#ports

What pods request in all is in hard_requests, affinity between pods in hard_pods, topology spread in
hard_spread. Left out: volumes and dynamic resources; taint operators Lt and Gt.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kspec_models.objects import Node, Pod, Taint, Toleration
from kspec_properties.proofs.conditions import every

EXTENDED = "example.com/device"
RESOURCES = ("cpu", "memory", "ephemeral-storage", EXTENDED)
UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"


def resources_fit(values: Mapping[str, int]) -> bool:
    """Whatever the pod requests is there beside what is used, and one more pod is allowed.

    A resource that the pod does not ask for cannot forbid it, even on an over-committed node.
    """
    one_more_pod = values["used.pods"] + 1 <= values["allocatable.pods"]
    return every(one_more_pod, *(resource_fits(values, name) for name in RESOURCES))


def resource_fits(values: Mapping[str, int], name: str) -> bool:
    """One resource of `resources_fit`."""
    request = values[f"request.{name}"]
    fits = values[f"used.{name}"] + request <= values[f"allocatable.{name}"]
    return (request == 0) | fits


def broken(pod: Pod, node: Node, bound: tuple[Pod, ...] = ()) -> tuple[str, ...]:
    """The constraints besides resources that keep the pod off the node; bound pods are on it."""
    holds = {
        "nodeName": pod.spec.node_name in ("", node.name),
        "unschedulable": may_enter_cordoned(pod, node),
        "taints": tolerates_taints(pod, node),
        "nodeSelector": selects(pod, node),
        "nodeAffinity": node_affinity_is_met(pod, node),
        "hostPort": ports_are_free(pod, bound),
    }
    return tuple(name for name, kept in holds.items() if not kept)


def may_enter_cordoned(pod: Pod, node: Node) -> bool:
    """A node marked unschedulable takes only pods that tolerate the taint of that name."""
    cordon = Taint(key=UNSCHEDULABLE_TAINT, effect="NoSchedule")
    return not node.spec.unschedulable or any(tolerates(t, cordon) for t in pod.spec.tolerations)


def tolerates_taints(pod: Pod, node: Node) -> bool:
    """Each taint of effect NoSchedule or NoExecute is tolerated; PreferNoSchedule only asks."""
    return all(
        any(tolerates(toleration, taint) for toleration in pod.spec.tolerations)
        for taint in node.spec.taints
        if taint.effect in ("NoSchedule", "NoExecute")
    )


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Keys and effects are the same, and operator Exists, or Equal with the same value.

    An empty key with Exists matches every key, an empty effect every effect; Equal is the default.
    """
    if toleration.effect not in ("", taint.effect):
        return False
    if toleration.operator == "Exists":
        return toleration.key in ("", taint.key)
    return toleration.key == taint.key and toleration.value == taint.value


def selects(pod: Pod, node: Node) -> bool:
    """The node has every label of the pod's nodeSelector."""
    return all(
        node.metadata.labels.get(key) == value for key, value in pod.spec.node_selector.items()
    )


def node_affinity_is_met(pod: Pod, node: Node) -> bool:
    """One of the required terms is met: all its expressions on labels, and on the name as field."""
    affinity = (pod.spec.affinity or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    name = {"metadata.name": node.name}
    return any(
        all(_holds(each, node.metadata.labels) for each in term.get("matchExpressions", ()))
        and all(_holds(each, name) for each in term.get("matchFields", ()))
        for term in required["nodeSelectorTerms"]
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """One expression: NotIn holds without the key, Gt and Lt compare integers."""
    values: tuple[str, ...] = tuple(expression.get("values", ()))
    found = labels.get(expression["key"])
    operator: str = expression["operator"]
    if operator in ("In", "NotIn"):
        return (found in values) == (operator == "In")
    if operator in ("Exists", "DoesNotExist"):
        return (found is not None) == (operator == "Exists")
    if found is None or not found.isdecimal():
        return False
    (bound,) = values
    return int(found) > int(bound) if operator == "Gt" else int(found) < int(bound)


def ports_are_free(pod: Pod, bound: tuple[Pod, ...]) -> bool:
    """No pod there has the same host port and protocol at an address in common."""
    taken = [port for other in bound for port in host_ports(other)]
    return not any(
        number == other_number
        and protocol == other_protocol
        and (address == other_address or "0.0.0.0" in (address, other_address))
        for address, protocol, number in host_ports(pod)
        for other_address, other_protocol, other_number in taken
    )


def host_ports(pod: Pod) -> Iterator[tuple[str, str, int]]:
    """Address, protocol and number of each host port; no address means all of them."""
    for container in pod.spec.containers:
        for port in container.ports:
            if port.host_port:
                yield port.host_ip or "0.0.0.0", port.protocol or "TCP", port.host_port
