"""Pod, Node, Namespace, ServiceAccount, Binding and Event, after k8s.io/api/core/v1/types.go.

Left out: every field that no modelled component reads. Those are kept in `extra` untouched.
Affinity, topology spread, volumes and probes stay frozen JSON: the one component that reads them
parses them, memoised.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from kspec_models.objects.meta import ApiObject, Condition, ObjectMeta
from kspec_models.objects.record import (
    EMPTY,
    FrozenMap,
    Labels,
    Record,
    Resources,
    Time,
    api_type,
)


@api_type
class ContainerPort(Record):
    name: str = ""
    host_port: int = 0
    container_port: int = 0
    protocol: str = ""
    host_ip: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class ResourceRequirements(Record):
    limits: Resources = EMPTY
    requests: Resources = EMPTY
    extra: FrozenMap[Any] = EMPTY


@api_type
class Container(Record):
    name: str = ""
    image: str = ""
    ports: tuple[ContainerPort, ...] = ()
    resources: ResourceRequirements = attrs.field(factory=ResourceRequirements)
    restart_policy: str = ""
    readiness_probe: Any = None
    image_pull_policy: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class Toleration(Record):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class Taint(Record):
    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: Time | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class PodSchedulingGate(Record):
    name: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class PodSpec(Record):
    init_containers: tuple[Container, ...] = ()
    containers: tuple[Container, ...] = ()
    restart_policy: str = ""
    termination_grace_period_seconds: int | None = None
    node_selector: Labels = EMPTY
    service_account_name: str = ""
    node_name: str = ""
    host_network: bool = False
    affinity: Any = None
    scheduler_name: str = ""
    tolerations: tuple[Toleration, ...] = ()
    priority_class_name: str = ""
    priority: int | None = None
    preemption_policy: str = ""
    overhead: Resources = EMPTY
    topology_spread_constraints: Any = ()
    scheduling_gates: tuple[PodSchedulingGate, ...] = ()
    readiness_gates: Any = ()
    volumes: Any = ()
    resources: ResourceRequirements | None = None
    active_deadline_seconds: int | None = None
    hostname: str = ""
    subdomain: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class ContainerStatus(Record):
    name: str = ""
    state: FrozenMap[Any] = EMPTY
    last_state: FrozenMap[Any] = EMPTY
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    started: bool | None = None
    allocated_resources: Resources = EMPTY
    resources: ResourceRequirements | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class PodStatus(Record):
    observed_generation: int = 0
    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    message: str = ""
    reason: str = ""
    nominated_node_name: str = ""
    host_ip: str = ""
    pod_ip: str = ""
    start_time: Time | None = None
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    resources: ResourceRequirements | None = None
    extra: FrozenMap[Any] = EMPTY


@api_type
class Pod(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Pod"
    RESOURCE: ClassVar[str] = "pods"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: PodSpec = attrs.field(factory=PodSpec)
    status: PodStatus = attrs.field(factory=PodStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class NodeSpec(Record):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    pod_cidr: str = ""
    pod_cidrs: tuple[str, ...] = ()
    provider_id: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class AttachedVolume(Record):
    name: str = ""
    device_path: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class NodeStatus(Record):
    capacity: Resources = EMPTY
    allocatable: Resources = EMPTY
    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    images: Any = ()
    volumes_in_use: tuple[str, ...] = ()
    volumes_attached: tuple[AttachedVolume, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class Node(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Node"
    RESOURCE: ClassVar[str] = "nodes"
    NAMESPACED: ClassVar[bool] = False

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: NodeSpec = attrs.field(factory=NodeSpec)
    status: NodeStatus = attrs.field(factory=NodeStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class NamespaceSpec(Record):
    finalizers: tuple[str, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class NamespaceStatus(Record):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class Namespace(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Namespace"
    RESOURCE: ClassVar[str] = "namespaces"
    NAMESPACED: ClassVar[bool] = False

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: NamespaceSpec = attrs.field(factory=NamespaceSpec)
    status: NamespaceStatus = attrs.field(factory=NamespaceStatus)
    extra: FrozenMap[Any] = EMPTY


@api_type
class ObjectReference(Record):
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    extra: FrozenMap[Any] = EMPTY


@api_type
class ServiceAccount(ApiObject):
    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "ServiceAccount"
    RESOURCE: ClassVar[str] = "serviceaccounts"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    secrets: tuple[ObjectReference, ...] = ()
    extra: FrozenMap[Any] = EMPTY


@api_type
class Binding(ApiObject):
    """Written to pods/binding only; never stored."""

    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Binding"
    RESOURCE: ClassVar[str] = "bindings"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    target: ObjectReference = attrs.field(factory=ObjectReference)
    extra: FrozenMap[Any] = EMPTY


@api_type
class Event(ApiObject):
    """No component creates one, because none reads them; given ones expire after an hour."""

    API_VERSION: ClassVar[str] = "v1"
    KIND: ClassVar[str] = "Event"
    RESOURCE: ClassVar[str] = "events"

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    involved_object: ObjectReference = attrs.field(factory=ObjectReference)
    type: str = ""
    reason: str = ""
    message: str = ""
    extra: FrozenMap[Any] = EMPTY
