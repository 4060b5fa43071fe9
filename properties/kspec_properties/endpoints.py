"""What Endpoints objects promise, where somebody still asks for them: they follow readiness."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes
from kspec_models.controllers.pods import is_ready
from kspec_models.objects import Pod, Service, ServicePort
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, services, written
from kspec_properties.services import selected_pods


def _listed_addresses(state: State, service: Service) -> set[str]:
    """The addresses that the Service's Endpoints call ready."""
    entry = newest(state, "endpoints").get(f"endpoints/{service.key}")
    subsets = entry.value.subsets if entry is not None else ()
    return {address.ip for subset in subsets for address in subset.addresses}


def _endpoints_objects_match(state: State) -> Verdict:
    if "endpoints" not in state.layout.by_host:
        return HOLDS
    for service in services(state):
        ports, is_named = service.spec.ports, service.spec.type == "ExternalName"
        if is_named or not service.spec.selector or any(_is_named(port) for port in ports):
            continue
        if not ports and service.spec.cluster_ip != "None":
            continue
        pods = selected_pods(state, service)
        due = {pod.status.pod_ip for pod in pods if _should_be_listed(service, pod)}
        there = _listed_addresses(state, service)
        if due != there:
            wrong = ", ".join(sorted(due ^ there))
            return fails(f"service {service.key}: {wrong} is wrong in its Endpoints", "endpoints")
    return HOLDS


def _is_named(port: ServicePort) -> bool:
    """Whether the port is looked up in each pod by its name."""
    return isinstance(port.target_port, str)


def _should_be_listed(service: Service, pod: Pod) -> bool:
    """A terminating pod stays where unready ones are published."""
    if pod.is_terminating and not service.spec.publish_not_ready_addresses:
        return False
    if not pod.status.pod_ip or pod.status.phase in ("Succeeded", "Failed"):
        return False
    return is_ready(pod) or service.spec.publish_not_ready_addresses


endpoints_objects_follow_readiness = eventually_stable(
    "endpoints-objects-follow-readiness",
    promise="In the end the Endpoints of a Service list exactly its ready pods.",
    conditions=(
        "Where the endpoints controller runs; for Services whose ports need no look-up by name. "
        "Once changes and faults have ended."
    ),
    source="https://kubernetes.io/docs/concepts/services-networking/service/#endpoints",
    when=lambda state: any(s.spec.selector for s in fresh(state, "services")),
    then=_endpoints_objects_match,
    reads=("pods", "services", "objects"),
    faults=all_but(),
    companion="endpoints-list-a-pod",
    mutants=("endpoints-ignore-pods",),
)


@sometimes(reads=("objects",), source="companion")
def endpoints_list_a_pod(state: State) -> bool:
    """Endpoints come to list an address."""
    return any(
        change.entry is not None and any(subset.addresses for subset in change.entry.value.subsets)
        for change in written(state, "endpoints")
    )


PROPERTIES = (endpoints_objects_follow_readiness, endpoints_list_a_pod)
