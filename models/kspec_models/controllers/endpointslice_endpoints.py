"""The endpoint that a Pod gives a Service: its address, its conditions and its ports.

After k8s.io/endpointslice/utils.go (podToEndpoint, getEndpointPorts, FindPort) and
util/controller_utils.go (ShouldPodBeInEndpoints with terminating pods included) at 1.36.

Left out: IPv6; zones, hints, hostnames and appProtocol, which no modelled component reads; and the
look-up of the pod's Node, so that the endpoint of a pod on a missing Node stays until pod garbage
collection removes the pod (upstream drops it one sync earlier).
"""

from __future__ import annotations

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
    condition,
)

Ports = tuple[EndpointPort, ...]
PortKey = tuple[tuple[str, str, int], ...]


def is_pod_ready(pod: Pod) -> bool:
    """Whether the pod's Ready condition is true."""
    ready = condition(pod.status.conditions, "Ready")
    return ready is not None and ready.status == "True"


def should_be_in_endpoints(pod: Pod) -> bool:
    """Whether the pod has an address and is not terminal; terminating pods stay in."""
    ip = pod.status.pod_ip
    return pod.status.phase not in ("Succeeded", "Failed") and bool(ip) and ":" not in ip


def _endpoint_of(key: tuple[Pod, bool]) -> Endpoint:
    pod, publish_not_ready = key
    serving, terminating = is_pod_ready(pod), pod.is_terminating
    return Endpoint(
        addresses=(pod.status.pod_ip,),
        conditions=EndpointConditions(
            ready=publish_not_ready or (serving and not terminating),
            serving=serving,
            terminating=terminating,
        ),
        node_name=pod.spec.node_name,
        target_ref=ObjectReference(kind="Pod", namespace=pod.namespace, name=pod.name, uid=pod.uid),
    )


endpoint_of: Memo[tuple[Pod, bool], Endpoint] = Memo("endpoint of a pod", _endpoint_of)


def find_port(spec: PodSpec, port: ServicePort) -> int | None:
    """The number that a service port targets in a pod; None where the name is not found.

    Containers first, then sidecars, as podutil.FindPort does.
    """
    wanted = port.target_port or port.port
    if isinstance(wanted, int):
        return wanted
    sidecars = tuple(c for c in spec.init_containers if c.restart_policy == "Always")
    for container in (*spec.containers, *sidecars):
        for offered in container.ports:
            same_protocol = (offered.protocol or "TCP") == (port.protocol or "TCP")
            if offered.name == wanted and same_protocol:
                return offered.container_port
    return None


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
