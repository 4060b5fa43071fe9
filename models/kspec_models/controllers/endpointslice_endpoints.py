"""The endpoint that a Pod gives a Service: its address, its conditions, its name and its ports.

After k8s.io/endpointslice/utils.go (podToEndpoint, getEndpointPorts) at 1.36.

Left out: zones, hints and appProtocol, which no modelled component reads.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import Memo
from kspec_models.objects import (
    Endpoint,
    EndpointConditions,
    EndpointPort,
    ObjectReference,
    Pod,
    PodSpec,
    Service,
    ServicePort,
)
from kspec_models.service_pods import find_port, hostname_for, is_pod_ready

Ports = tuple[EndpointPort, ...]
PortKey = tuple[tuple[str, str, int], ...]


class _Case(NamedTuple):
    """All that an endpoint depends on."""

    pod: Pod
    publish_not_ready: bool
    hostname: str


def _endpoint_of(case: _Case) -> Endpoint:
    pod = case.pod
    serving, terminating = is_pod_ready(pod), pod.is_terminating
    return Endpoint(
        addresses=(pod.status.pod_ip,),
        conditions=EndpointConditions(
            ready=case.publish_not_ready or (serving and not terminating),
            serving=serving,
            terminating=terminating,
        ),
        hostname=case.hostname,
        node_name=pod.spec.node_name,
        target_ref=ObjectReference(kind="Pod", namespace=pod.namespace, name=pod.name, uid=pod.uid),
    )


_endpoints: Memo[_Case, Endpoint] = Memo("endpoint of a pod", _endpoint_of)


def endpoint_of(pod: Pod, service: Service) -> Endpoint:
    """The endpoint of a pod that the Service selects."""
    case = _Case(pod, service.spec.publish_not_ready_addresses, hostname_for(pod, service))
    return _endpoints(case)


def _resolved(key: tuple[tuple[ServicePort, ...], PodSpec | None]) -> Ports:
    ports, spec = key
    numbers = [(port, find_port(spec or PodSpec(), port)) for port in ports]
    return tuple(
        EndpointPort(name=port.name, protocol=port.protocol or "TCP", port=number)
        for port, number in numbers
        if number is not None
    )


_resolve: Memo[tuple[tuple[ServicePort, ...], PodSpec | None], Ports] = Memo(
    "endpoint ports", _resolved
)


def port_key(ports: Ports) -> PortKey:
    """What slices are grouped by: the same for the same ports in any order."""
    return tuple(sorted((p.name, p.protocol, -1 if p.port is None else p.port) for p in ports))


def endpoint_ports(service: Service, pod: Pod) -> Ports:
    """The ports of the service as this pod offers them; a name it does not have is skipped."""
    ports = service.spec.ports
    named = any(isinstance(port.target_port, str) for port in ports)
    return _resolve((ports, pod.spec if named else None))
