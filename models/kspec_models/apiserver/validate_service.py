"""Validation of Services, after ValidateService of pkg/apis/core/validation/validation.go at 1.36.

Left out: IP families, traffic policies and addresses of load balancers, which no modelled component
reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kspec_models.apiserver.validate_common import PROTOCOLS, labels_problems, unsupported
from kspec_models.objects import Service, ServicePort, ServiceSpec
from kspec_models.validation import (
    is_dns1123_label,
    is_dns1123_subdomain,
    is_valid_port_name,
    is_valid_port_num,
)
from kspec_models.validation_ip import is_valid_ip

_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES: Final = ("ClientIP", "None")
_EXTERNAL: Final = "ExternalName"
_WITH_NODE_PORTS: Final = ("NodePort", "LoadBalancer")


def service_problems(obj: Service) -> Iterator[str]:
    """What ValidateService refuses."""
    spec = obj.spec
    if not spec.ports and spec.cluster_ip != "None" and spec.type != _EXTERNAL:
        yield "spec.ports: Required value"
    yield from _by_type(spec)
    yield from _ports(spec)
    yield from labels_problems(spec.selector, "spec.selector")
    if spec.session_affinity and spec.session_affinity not in _AFFINITIES:
        yield unsupported(spec.session_affinity, "spec.sessionAffinity", _AFFINITIES)
    if spec.type and spec.type not in _TYPES:
        yield unsupported(spec.type, "spec.type", _TYPES)
    if spec.cluster_ip not in ("", "None") and spec.type != _EXTERNAL:
        for error in is_valid_ip(spec.cluster_ip):
            yield f'spec.clusterIPs[0]: Invalid value: "{spec.cluster_ip}": {error}'


def _by_type(spec: ServiceSpec) -> Iterator[str]:
    if spec.type == "LoadBalancer" and spec.cluster_ip == "None":
        yield (
            'spec.clusterIPs[0]: Invalid value: "None": '
            "may not be set to 'None' for LoadBalancer services"
        )
    if spec.type == "NodePort" and spec.cluster_ip == "None":
        yield (
            'spec.clusterIPs[0]: Invalid value: "None": '
            "may not be set to 'None' for NodePort services"
        )
    if spec.type == _EXTERNAL:
        name = spec.external_name
        if not name:
            yield "spec.externalName: Required value"
        else:
            errors = is_dns1123_subdomain(name.removesuffix("."))
            yield from (f'spec.externalName: Invalid value: "{name}": {e}' for e in errors)
        if spec.cluster_ip:
            yield "spec.clusterIPs: Forbidden: may not be set for ExternalName services"


def _ports(spec: ServiceSpec) -> Iterator[str]:
    names: list[str] = []
    pairs: list[tuple[int, str]] = []
    for i, port in enumerate(spec.ports):
        path = f"spec.ports[{i}]"
        yield from _name(port.name, names, len(spec.ports) > 1, f"{path}.name")
        yield from _port(port, path)
        if port.node_port and spec.type not in ("", *_WITH_NODE_PORTS):
            yield f"{path}.nodePort: Forbidden: may not be used when `type` is '{spec.type}'"
        pair = (port.port, port.protocol or "TCP")
        if pair in pairs:
            yield f'{path}: Duplicate value: {{"protocol":"{pair[1]}","port":{pair[0]}}}'
        pairs.append(pair)


def _name(name: str, names: list[str], is_required: bool, path: str) -> Iterator[str]:
    """The name of a port; notes it in `names`."""
    if is_required and not name:
        yield f"{path}: Required value"
    if name:
        yield from (f'{path}: Invalid value: "{name}": {e}' for e in is_dns1123_label(name))
        if name in names:
            yield f'{path}: Duplicate value: "{name}"'
        names.append(name)


def _port(port: ServicePort, path: str) -> Iterator[str]:
    for error in is_valid_port_num(port.port):
        yield f"{path}.port: Invalid value: {port.port}: {error}"
    if port.protocol and port.protocol not in PROTOCOLS:
        yield unsupported(port.protocol, f"{path}.protocol", PROTOCOLS)
    target = port.target_port
    if isinstance(target, str) and target:
        errors = is_valid_port_name(target)
        yield from (f'{path}.targetPort: Invalid value: "{target}": {e}' for e in errors)
    elif isinstance(target, int) and target:
        errors = is_valid_port_num(target)
        yield from (f"{path}.targetPort: Invalid value: {target}: {e}" for e in errors)
