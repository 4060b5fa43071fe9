"""What Services promise: endpoints follow readiness, and the rules of every node follow them."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes
from kspec_models.controllers.pods import is_ready
from kspec_models.dataplane import Dataplane
from kspec_models.indexes import controlled_by, labelled
from kspec_models.objects import Pod, ReplicaSet, Service
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import (
    deployments,
    fresh,
    is_up,
    newest,
    node_states,
    services,
    written,
)

_SLICES = "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/"
_SERVICE_LABEL = "kubernetes.io/service-name"


def selected_pods(state: State, service: Service) -> list[Pod]:
    """The pods of a Service's namespace that its selector matches."""
    selector = dict(service.spec.selector)
    return [e.value for e in labelled(newest(state, "pods"), service.namespace, selector)]


def ready_addresses(state: State, service: Service) -> set[str]:
    """The addresses that the Service's EndpointSlices call ready."""
    mark = {_SERVICE_LABEL: service.name}
    slices = labelled(newest(state, "endpointslices"), service.namespace, mark)
    return {
        address
        for entry in slices
        for endpoint in entry.value.endpoints
        if endpoint.conditions.ready
        for address in endpoint.addresses
    }


def _should_be_ready(service: Service, pod: Pod) -> bool:
    if pod.is_terminating or not pod.status.pod_ip or pod.status.phase in ("Succeeded", "Failed"):
        return False
    return is_ready(pod) or service.spec.publish_not_ready_addresses


def _has_lost_its_node(state: State, pod: Pod) -> bool:
    name = pod.spec.node_name
    return bool(name) and newest(state, "nodes").get(f"nodes/{name}") is None


def _endpoints_match(state: State) -> Verdict:
    for service in services(state):
        if not service.spec.selector or service.spec.type == "ExternalName":
            continue
        pods = selected_pods(state, service)
        lost = {pod.status.pod_ip for pod in pods if _has_lost_its_node(state, pod)}
        due = {pod.status.pod_ip for pod in pods if _should_be_ready(service, pod)} - lost
        there = ready_addresses(state, service) - lost
        if due != there:
            wrong = ", ".join(sorted(due ^ there))
            return fails(f"service {service.key}: {wrong} is wrong in its slices", "endpoints")
    return HOLDS


endpoints_follow_readiness = eventually_stable(
    "endpoints-follow-readiness",
    promise="In the end a Service's ready endpoints are exactly its ready pods.",
    conditions=(
        "A terminated or unready pod leaves them; pods of nodes that are gone aside. Once changes "
        "and faults have ended."
    ),
    source=_SLICES,
    when=lambda state: any(s.spec.selector for s in fresh(state, "services")),
    then=_endpoints_match,
    reads=("pods", "services", "endpointslices", "nodes"),
    faults=all_but(),
    companion="an-endpoint-is-ready",
    mutants=("endpoints-ignore-readiness",),
)


def _backends(dataplane: Dataplane, service: Service) -> set[str]:
    rules = dataplane.rules.get(service.key, ())
    return {backend.ip for rule in rules for backend in rule.backends}


def _proxies_match(state: State) -> Verdict:
    up = {
        p.node
        for p in state.layout.processes
        if p.name.startswith("kube-proxy") and is_up(state, p)
    }
    for place, dataplane in node_states(state, "dataplane/"):
        if place.node not in up:
            continue
        for service in services(state):
            if service.spec.cluster_ip in ("", "None") or not service.spec.selector:
                continue
            due, there = ready_addresses(state, service), _backends(dataplane, service)
            if due and due != there:
                wrong = ", ".join(sorted(due ^ there))
                return fails(
                    f"{place.node}: rules of {service.key} are wrong about {wrong}", "rules"
                )
            if not due and there - _serving(state, service):
                return fails(f"{place.node}: {service.key} still goes to {sorted(there)}", "rules")
    return HOLDS


def _serving(state: State, service: Service) -> set[str]:
    """Terminating endpoints that still serve: the fallback where none is ready (KEP-1669)."""
    mark = {_SERVICE_LABEL: service.name}
    return {
        address
        for entry in labelled(newest(state, "endpointslices"), service.namespace, mark)
        for endpoint in entry.value.endpoints
        if endpoint.conditions.serving and endpoint.conditions.terminating
        for address in endpoint.addresses
    }


proxies_converge = eventually_stable(
    "proxies-converge",
    promise="In the end the rules of every node lead to exactly the ready endpoints.",
    conditions="For Services with a cluster IP, on nodes whose kube-proxy runs.",
    source="https://kubernetes.io/docs/reference/networking/virtual-ips/",
    when=lambda state: any(s.spec.selector for s in fresh(state, "services")),
    then=_proxies_match,
    reads=("services", "endpointslices", "dataplanes"),
    faults=all_but(),
    companion="a-service-is-routed",
    mutants=("proxy-ignores-endpoint-updates",),
)


def _routes_to_new_pods(state: State) -> Verdict:
    for owner in deployments(state):
        if owner.is_terminating or owner.spec.paused:
            continue
        new = _newest(state, owner.uid)
        if new is None or new.status.available_replicas < (owner.spec.replicas or 0):
            continue
        newest_hash = str(new.metadata.labels.get("pod-template-hash", ""))
        for service in services(state):
            selector = dict(service.spec.selector)
            labels = owner.spec.template.metadata.labels
            if not selector or service.namespace != owner.namespace:
                continue
            if any(labels.get(k) != v for k, v in selector.items()):
                continue
            verdict = _only_new(state, service, owner.uid, newest_hash)
            if not verdict:
                return verdict
    return HOLDS


def _newest(state: State, uid: str) -> ReplicaSet | None:
    """The ReplicaSet with the highest revision."""

    def revision(entry: object) -> int:
        annotations = entry.value.metadata.annotations  # type: ignore[attr-defined]
        return int(annotations.get("deployment.kubernetes.io/revision", "0"))

    found = controlled_by(newest(state, "replicasets"), uid)
    return max(found, key=revision).value if found else None


def _only_new(state: State, service: Service, uid: str, newest_hash: str) -> Verdict:
    owned = {e.value.uid for e in controlled_by(newest(state, "replicasets"), uid)}
    old = {
        pod.status.pod_ip: pod.key
        for pod in selected_pods(state, service)
        if pod.metadata.labels.get("pod-template-hash") != newest_hash
        and any(ref.uid in owned for ref in pod.metadata.owner_references)
    }
    for place, dataplane in node_states(state, "dataplane/"):
        for address in sorted(_backends(dataplane, service)):
            if address in old:
                return fails(f"{place.node}: {service.key} goes to old {old[address]}", "old")
    return HOLDS


a_finished_rollout_routes_only_to_new_pods = eventually_stable(
    "a-finished-rollout-routes-only-to-new-pods",
    promise="Once a rollout is complete, Services route only to pods of the new template.",
    conditions=(
        "Once all replicas of the newest ReplicaSet are available, and after the endpoints "
        "controller and the proxies have caught up."
    ),
    source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/",
    when=lambda state: any(True for _ in fresh(state, "deployments")),
    then=_routes_to_new_pods,
    reads=("deployments", "replicasets", "pods", "dataplanes"),
    faults=all_but(),
    companion="a-template-is-replaced",
    mutants=("old-replicasets-are-kept",),
)


@sometimes(reads=("endpointslices",), source="companion")
def an_endpoint_is_ready(state: State) -> bool:
    """A pod becomes a ready endpoint."""
    return any(
        endpoint.conditions.ready
        for change in written(state, "endpointslices")
        if change.entry is not None
        for endpoint in change.entry.value.endpoints
    )


@sometimes(reads=("dataplanes",), source="companion")
def a_service_is_routed(state: State) -> bool:
    """A node's rules lead to some backend."""
    return any(
        rule.backends
        for slot in state.touched
        if hasattr(state.slots[slot], "all_rules")
        for rule in state.slots[slot].all_rules()
    )


@sometimes(reads=("replicasets",), source="companion")
def a_template_is_replaced(state: State) -> bool:
    """A Deployment has a second ReplicaSet."""
    return any(
        len(controlled_by(newest(state, "replicasets"), reference.uid)) > 1
        for change in written(state, "replicasets")
        if change.previous is None and change.entry is not None
        for reference in change.entry.value.metadata.owner_references
    )


PROPERTIES = (
    endpoints_follow_readiness,
    proxies_converge,
    a_finished_rollout_routes_only_to_new_pods,
    an_endpoint_is_ready,
    a_service_is_routed,
    a_template_is_replaced,
)
