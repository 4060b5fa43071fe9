"""What makes an EndpointSlice one of a Service and of this controller: labels, owner, name prefix.

After k8s.io/endpointslice/utils.go (setEndpointSliceLabels, newEndpointSlice, ownedBy) and
discovery/v1/well_known_labels.go at 1.36. Left out: the shortened prefix of a Service whose name
is too long for one, because the API server cuts a generated name anyway.
"""

from __future__ import annotations

from kspec_models.controllers.endpointslice_endpoints import Ports
from kspec_models.objects import EndpointSlice, FrozenMap, ObjectMeta, OwnerReference, Service

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"
CONTROLLER_NAME = "endpointslice-controller.k8s.io"
IPV4 = "IPv4"

_RESERVED = (SERVICE_NAME, MANAGED_BY, HEADLESS)


def own_labels(labels: FrozenMap[str]) -> dict[str, str]:
    """The labels without those that the controller reserves."""
    return {k: v for k, v in labels.items() if k not in _RESERVED}


def slice_labels(service: Service) -> FrozenMap[str]:
    """The labels of a slice: the Service's own, and the three that the controller reserves."""
    labels = own_labels(service.metadata.labels)
    if service.spec.cluster_ip in ("", "None"):
        labels[HEADLESS] = ""
    return FrozenMap({**labels, SERVICE_NAME: service.name, MANAGED_BY: CONTROLLER_NAME})


def new_slice(service: Service, ports: Ports) -> EndpointSlice:
    """An empty slice of the Service, to be named by the API server."""
    owner = OwnerReference(
        api_version="v1",
        kind="Service",
        name=service.name,
        uid=service.uid,
        controller=True,
        block_owner_deletion=True,
    )
    meta = ObjectMeta(
        generate_name=f"{service.name}-",
        namespace=service.namespace,
        labels=slice_labels(service),
        owner_references=(owner,),
    )
    return EndpointSlice(metadata=meta, address_type=IPV4, ports=ports)


def is_owned_by(obj: EndpointSlice, service: Service) -> bool:
    """Whether one of the owner references names this very Service."""
    return any(
        owner.uid == service.uid and owner.kind == "Service" and owner.api_version == "v1"
        for owner in obj.metadata.owner_references
    )


def owner_key(obj: EndpointSlice) -> str:
    """The key of the Service that a slice belongs to; "" without the label."""
    name = obj.metadata.labels.get(SERVICE_NAME, "")
    return f"{obj.namespace}/{name}" if name else ""


def is_managed(obj: EndpointSlice) -> bool:
    """Whether the slice is this controller's, not a user's or the mirroring controller's."""
    return bool(obj.metadata.labels.get(MANAGED_BY) == CONTROLLER_NAME)
