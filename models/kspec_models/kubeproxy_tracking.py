"""What kube-proxy keeps of a Service and of an EndpointSlice, and the backends that follow.

After pkg/proxy/{serviceport,endpointslicecache,topology}.go and pkg/proxy/util (ShouldSkipService)
at 1.36: ready endpoints are used; where there is none, those that serve while they terminate
(KEP-1669). A condition that is not set counts as ready, serving, not terminating. Slices that the
proxy's informer filters out by label upstream are told to it here and kept empty.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec.values import Memo, fingerprint
from kspec_models.dataplane import Backend, ServicePortName
from kspec_models.objects import EndpointSlice, Service

SERVICE_NAME = "kubernetes.io/service-name"
SERVICE_PROXY_NAME = "service.kubernetes.io/service-proxy-name"
HEADLESS = "service.kubernetes.io/headless"


class Port(NamedTuple):
    """A service port that gets a rule."""

    name: ServicePortName
    cluster_ip: str
    port: int


class EndpointInfo(NamedTuple):
    """One address of a slice, and what its conditions allow it to receive."""

    ip: str
    is_ready: bool
    is_serving: bool
    is_terminating: bool


class SliceInfo:
    """ports: (name, protocol, number). endpoints: those that have an address."""

    __slots__ = ("endpoints", "fingerprint", "ports")

    def __init__(
        self, ports: tuple[tuple[str, str, int], ...], endpoints: tuple[EndpointInfo, ...]
    ) -> None:
        self.ports, self.endpoints = ports, endpoints
        self.fingerprint = fingerprint((ports, endpoints))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SliceInfo) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint


EMPTY_SLICE: Final = SliceInfo((), ())


def _service_ports(service: Service) -> tuple[Port, ...]:
    ip = service.spec.cluster_ip
    skipped = (
        ip in ("", "None")
        or ":" in ip
        or service.spec.type == "ExternalName"
        or SERVICE_PROXY_NAME in service.metadata.labels
    )
    if skipped:
        return ()
    return tuple(
        Port(ServicePortName(service.key, port.name, port.protocol or "TCP"), ip, port.port)
        for port in service.spec.ports
    )


service_ports: Memo[Service, tuple[Port, ...]] = Memo("ports of a service", _service_ports)
"""The ports of a Service that get rules; none for a headless one or one of another proxy."""


def service_key_of(obj: EndpointSlice) -> str:
    """The key of the Service that a slice belongs to; "" without the label."""
    name = obj.metadata.labels.get(SERVICE_NAME, "")
    return f"{obj.namespace}/{name}" if name else ""


def _slice_info(obj: EndpointSlice) -> SliceInfo:
    labels = obj.metadata.labels
    if obj.address_type != "IPv4" or HEADLESS in labels or SERVICE_PROXY_NAME in labels:
        return EMPTY_SLICE
    endpoints = tuple(
        EndpointInfo(
            endpoint.addresses[0],
            endpoint.conditions.ready is not False,
            endpoint.conditions.serving is not False,
            endpoint.conditions.terminating is True,
        )
        for endpoint in obj.endpoints
        if endpoint.addresses
    )
    ports = tuple((p.name, p.protocol or "TCP", p.port) for p in obj.ports if p.port)
    return SliceInfo(ports, endpoints) if ports and endpoints else EMPTY_SLICE


slice_info: Memo[EndpointSlice, SliceInfo] = Memo("what a proxy keeps of a slice", _slice_info)

Chosen = tuple[ServicePortName, tuple[SliceInfo, ...]]


def _endpoints(key: Chosen) -> tuple[tuple[Backend, EndpointInfo], ...]:
    """The endpoints of a service port over all its slices, each address once, sorted."""
    name, infos = key
    found: dict[Backend, EndpointInfo] = {}
    for info in infos:
        for port_name, protocol, number in info.ports:
            if (port_name, protocol) == (name.port, name.protocol):
                for endpoint in info.endpoints:
                    found.setdefault(Backend(endpoint.ip, number), endpoint)
    return tuple(sorted(found.items()))


def _usable(key: Chosen) -> tuple[Backend, ...]:
    endpoints = _endpoints(key)
    ready = tuple(backend for backend, e in endpoints if e.is_ready)
    return ready or tuple(b for b, e in endpoints if e.is_serving and e.is_terminating)


def _serving(key: Chosen) -> tuple[Backend, ...]:
    return tuple(backend for backend, e in _endpoints(key) if e.is_serving)


usable_backends: Memo[Chosen, tuple[Backend, ...]] = Memo("backends of a service port", _usable)
"""Where new connections go: the ready ones, else those serving while they terminate."""

serving_backends: Memo[Chosen, tuple[Backend, ...]] = Memo("serving backends", _serving)
"""Where an existing UDP flow may go on to."""
