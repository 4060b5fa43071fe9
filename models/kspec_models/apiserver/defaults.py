"""Defaulting and the built-in mutating admission of the modelled kinds.

After pkg/apis/{core,apps}/v1/defaults.go, the create strategies of pkg/registry, and the admission
plugins ServiceAccount, DefaultTolerationSeconds and Priority (plugin/pkg/admission) at 1.36.
Left out: defaults of fields that no component reads. They stay as the user wrote them, so that
an object shows what was given; nothing depends on them.
"""

from __future__ import annotations

from typing import Any

from kspec_models.apiserver.storage import claim, storage_class, volume
from kspec_models.objects import (
    Container,
    Deployment,
    Namespace,
    Pod,
    PodSpec,
    PodTemplateSpec,
    PriorityClass,
    ReplicaSet,
    RollingUpdateDeployment,
    Service,
    ServicePort,
    Toleration,
)

DEFAULT_SCHEDULER = "default-scheduler"
PREEMPT_LOWER_PRIORITY = "PreemptLowerPriority"
_GRACE_SECONDS = 30
_TOLERATED_SECONDS = 300
_NAMESPACE_FINALIZER = "kubernetes"


def pod_spec(spec: PodSpec) -> PodSpec:
    """SetDefaults_PodSpec and SetDefaults_Pod: requests default to limits, ports to TCP."""
    return spec.replace(
        restart_policy=spec.restart_policy or "Always",
        scheduler_name=spec.scheduler_name or DEFAULT_SCHEDULER,
        termination_grace_period_seconds=_GRACE_SECONDS
        if spec.termination_grace_period_seconds is None
        else spec.termination_grace_period_seconds,
        containers=tuple(_container(c, spec.host_network) for c in spec.containers),
        init_containers=tuple(_container(c, spec.host_network) for c in spec.init_containers),
    )


def _container(container: Container, host_network: bool) -> Container:
    resources = container.resources
    missing = {k: v for k, v in resources.limits.items() if k not in resources.requests}
    if missing:
        requests = type(resources.requests)({**resources.requests, **missing})
        container = container.replace(resources=resources.replace(requests=requests))
    ports = tuple(
        p.replace(
            protocol=p.protocol or "TCP",
            host_port=p.host_port or (p.container_port if host_network else 0),
        )
        for p in container.ports
    )
    return container.replace(ports=ports) if ports != container.ports else container


def _template(template: PodTemplateSpec) -> PodTemplateSpec:
    return template.replace(spec=pod_spec(template.spec))


def pod(obj: Pod) -> Pod:
    """Defaults and admission of a Pod: service account, default tolerations, priority."""
    spec = pod_spec(obj.spec)
    tolerations = spec.tolerations
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_tolerates(t, key) for t in tolerations):
            tolerations += (
                Toleration(
                    key=key,
                    operator="Exists",
                    effect="NoExecute",
                    toleration_seconds=_TOLERATED_SECONDS,
                ),
            )
    spec = spec.replace(
        tolerations=tolerations,
        service_account_name=spec.service_account_name or "default",
        priority=spec.priority or 0,
    )
    return obj.replace(spec=spec)


def _tolerates(toleration: Toleration, key: str) -> bool:
    return (toleration.key in ("", key)) and toleration.effect in ("", "NoExecute")


def deployment(obj: Deployment) -> Deployment:
    """SetDefaults_Deployment."""
    spec = obj.spec
    strategy = spec.strategy.replace(type=spec.strategy.type or "RollingUpdate")
    if strategy.type == "RollingUpdate":
        rolling = strategy.rolling_update or RollingUpdateDeployment()
        strategy = strategy.replace(
            rolling_update=rolling.replace(
                max_unavailable="25%"
                if rolling.max_unavailable is None
                else rolling.max_unavailable,
                max_surge="25%" if rolling.max_surge is None else rolling.max_surge,
            )
        )
    return obj.replace(
        spec=spec.replace(
            replicas=1 if spec.replicas is None else spec.replicas,
            strategy=strategy,
            template=_template(spec.template),
            revision_history_limit=_or(spec.revision_history_limit, 10),
            progress_deadline_seconds=_or(spec.progress_deadline_seconds, 600),
        )
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def replicaset(obj: ReplicaSet) -> ReplicaSet:
    """SetDefaults_ReplicaSet."""
    spec = obj.spec
    return obj.replace(
        spec=spec.replace(replicas=_or(spec.replicas, 1), template=_template(spec.template))
    )


def service(obj: Service) -> Service:
    """SetDefaults_Service: type, protocol and target port."""
    spec = obj.spec

    def port(p: ServicePort) -> ServicePort:
        target = p.port if p.target_port in (None, 0, "") else p.target_port
        return p.replace(protocol=p.protocol or "TCP", target_port=target)

    return obj.replace(
        spec=spec.replace(
            type=spec.type or "ClusterIP",
            session_affinity=spec.session_affinity or "None",
            ports=tuple(port(p) for p in spec.ports),
        )
    )


def namespace(obj: Namespace) -> Namespace:
    """The create strategy of namespaces adds the "kubernetes" finalizer; phase is Active."""
    finalizers = obj.spec.finalizers
    if _NAMESPACE_FINALIZER not in finalizers:
        finalizers = (*finalizers, _NAMESPACE_FINALIZER)
    labels = obj.metadata.labels.set("kubernetes.io/metadata.name", obj.name)
    return obj.replace(
        metadata=obj.metadata.replace(labels=labels),
        spec=obj.spec.replace(finalizers=finalizers),
        status=obj.status.replace(phase=obj.status.phase or "Active"),
    )


def priority_class(obj: PriorityClass) -> PriorityClass:
    """SetDefaults_PriorityClass."""
    return obj.replace(preemption_policy=obj.preemption_policy or PREEMPT_LOWER_PRIORITY)


DEFAULTS: dict[str, Any] = {
    "pods": pod,
    "deployments": deployment,
    "replicasets": replicaset,
    "services": service,
    "namespaces": namespace,
    "storageclasses": storage_class,
    "persistentvolumes": volume,
    "persistentvolumeclaims": claim,
    "priorityclasses": priority_class,
}
