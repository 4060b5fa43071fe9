"""Service, Endpoints, EndpointSlice and Lease, after k8s.io/api/{core,discovery,coordination}."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.core import ObjectReference
from kspec_models.objects.meta import ApiObject, ObjectMeta
from kspec_models.objects.record import (
    EMPTY,
    FrozenMap,
    IntOrString,
    Labels,
    Record,
    Time,
    api_type,
)


@api_type
class ServicePort(Record):
    name: str = ""
    protocol: str = ""
    port: int = 0
    target_port: IntOrString | None = None
    node_port: int = 0
    extra: FrozenMap[Any] = EMPTY


@api_type
class ServiceSpec(Record):
    ports: tuple[ServicePort, ...] = ()
    selector: Labels = EMPTY
    cluster_ip: str = ""
    type: str = ""
    session_affinity: str = ""
    publish_not_ready_addresses: bool = False
    external_name: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class Service(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Service"
    RESOURCE: ClassVar[str] = "services"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ServiceSpec = attrs.field(factory=ServiceSpec)
    status: FrozenMap[Any] = EMPTY
    extra: FrozenMap[Any] = EMPTY


@api_type
class EndpointConditions(Record):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class Endpoint(Record):
    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = attrs.field(factory=EndpointConditions)
    hostname: str = ""
    node_name: str = ""
    target_ref: ObjectReference | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class EndpointPort(Record):
    name: str = ""
    protocol: str = ""
    port: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class EndpointSlice(ApiObject):
    API_VERSION: ClassVar[str] = "discovery.k8s.io/v1"
    KIND: ClassVar[str] = "EndpointSlice"
    RESOURCE: ClassVar[str] = "endpointslices"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class EndpointAddress(Record):
    ip: str = ""
    hostname: str = ""
    node_name: str = ""
    target_ref: ObjectReference | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class EndpointSubset(Record):
    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class Endpoints(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Endpoints"
    RESOURCE: ClassVar[str] = "endpoints"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    subsets: tuple[EndpointSubset, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class LeaseSpec(Record):
    holder_identity: str = ""
    lease_duration_seconds: int | None = None
    acquire_time: Time | None = None
    renew_time: Time | None = None
    lease_transitions: int = 0
    extra: FrozenMap[Any] = EMPTY


@api_type
class Lease(ApiObject):
    API_VERSION: ClassVar[str] = "coordination.k8s.io/v1"
    KIND: ClassVar[str] = "Lease"
    RESOURCE: ClassVar[str] = "leases"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: LeaseSpec = attrs.field(factory=LeaseSpec)
    extra: FrozenMap[Any] = EMPTY
