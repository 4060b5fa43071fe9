"""The subsets of an Endpoints object: addresses grouped by the ports that they offer.

After syncService of pkg/controller/endpoint/endpoints_controller.go (addEndpointSubset,
podToEndpointAddressForService) and pkg/api/v1/endpoints/util.go (RepackSubsets) at 1.36. Subsets
and ports come in the order of their ports, where upstream sorts them by a hash.
"""

from __future__ import annotations

from kspec.values import Memo
from kspec_models.objects import (
    EndpointAddress,
    EndpointPort,
    EndpointSubset,
    ObjectReference,
    Pod,
    Service,
)
from kspec_models.service_pods import find_port, hostname_for, is_pod_ready, should_be_in_endpoints

Port = tuple[str, int, str]
Addresses = dict[EndpointAddress, bool]


def _address(pod: Pod, service: Service) -> EndpointAddress:
    return EndpointAddress(
        ip=pod.status.pod_ip,
        hostname=hostname_for(pod, service),
        node_name=pod.spec.node_name,
        target_ref=ObjectReference(kind="Pod", namespace=pod.namespace, name=pod.name, uid=pod.uid),
    )


def _ports(pod: Pod, service: Service) -> list[Port | None]:
    """The ports that a pod offers the Service; [None] for a headless Service without ports."""
    if not service.spec.ports:
        return [None] if service.spec.cluster_ip == "None" else []
    found = ((port, find_port(pod.spec, port)) for port in service.spec.ports)
    return [(p.name, number, p.protocol or "TCP") for p, number in found if number is not None]


def _subsets(case: tuple[Service, tuple[Pod, ...]]) -> tuple[EndpointSubset, ...]:
    service, pods = case
    unready = service.spec.publish_not_ready_addresses
    by_port: dict[Port | None, Addresses] = {}
    for pod in pods:
        if should_be_in_endpoints(pod, with_terminating=unready):
            address, is_ready = _address(pod, service), unready or is_pod_ready(pod)
            for port in _ports(pod, service):
                by_port.setdefault(port, {})[address] = is_ready
    groups: dict[tuple[tuple[str, str, bool], ...], list[Port | None]] = {}
    for port, addresses in by_port.items():
        groups.setdefault(_identity(addresses), []).append(port)
    subsets = [_subset(ports, by_port[ports[0]]) for ports in groups.values()]
    return tuple(sorted(subsets, key=lambda s: [(p.name, p.port or 0) for p in s.ports]))


def _identity(addresses: Addresses) -> tuple[tuple[str, str, bool], ...]:
    found = ((a.ip, a.target_ref.uid if a.target_ref else "", r) for a, r in addresses.items())
    return tuple(sorted(found))


def _subset(ports: list[Port | None], addresses: Addresses) -> EndpointSubset:
    def sorted_addresses(is_ready: bool) -> tuple[EndpointAddress, ...]:
        chosen = [a for a, ready in addresses.items() if ready is is_ready]
        return tuple(sorted(chosen, key=lambda a: (a.ip, a.target_ref.uid if a.target_ref else "")))

    named = sorted(port for port in ports if port is not None)
    return EndpointSubset(
        addresses=sorted_addresses(True),
        not_ready_addresses=sorted_addresses(False),
        ports=tuple(EndpointPort(name=n, port=number, protocol=p) for n, number, p in named),
    )


subsets_of: Memo[tuple[Service, tuple[Pod, ...]], tuple[EndpointSubset, ...]] = Memo(
    "subsets of a service", _subsets
)
"""The subsets of a Service, given the pods that it selects in the order of their keys."""
