"""The controllers of kube-controller-manager, in the order in which upstream starts them.

After cmd/kube-controller-manager/app/controllermanager.go and names/controller_names.go at 1.36.
The provisioner runs beside every storage driver and is listed here, since it shares the process.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models.controllers.cronjob import CronJobController
from kspec_models.controllers.daemonset import DaemonSetController
from kspec_models.controllers.deployment import DeploymentController
from kspec_models.controllers.endpoints import EndpointsController
from kspec_models.controllers.endpointslice import EndpointSliceController
from kspec_models.controllers.eventexpiry import EventExpiryController
from kspec_models.controllers.hpa import HorizontalPodAutoscalerController
from kspec_models.controllers.hpa_memory import COMPONENT as HPA
from kspec_models.controllers.hpa_memory import settings_of
from kspec_models.controllers.hpa_scale import TARGETS
from kspec_models.controllers.job import JobController
from kspec_models.controllers.namespace import NamespaceController
from kspec_models.controllers.persistentvolume import PersistentVolumeController
from kspec_models.controllers.provisioner import ProvisionerController
from kspec_models.controllers.readiness import READY_AFTER, ReadinessController
from kspec_models.controllers.replicaset import ReplicaSetController
from kspec_models.controllers.replicaset_adapter import ReplicationControllerController
from kspec_models.controllers.serviceaccount import ServiceAccountController
from kspec_models.controllers.statefulset import StatefulSetController
from kspec_models.controllers.ttlafterfinished import TTLAfterFinishedController
from kspec_models.host import View
from kspec_models.housekeeping import HOUSEKEEPING_WIRINGS
from kspec_models.needs import Needs, Wiring, chosen
from kspec_models.needs_nodes import may_lack_nodes
from kspec_models.needs_pods import has_readiness_gate
from kspec_models.node_controllers import NODE_WIRINGS
from kspec_models.quota_controllers import QUOTA_WIRINGS


def _always(needs: Needs) -> bool:
    return True


def _endpointslice(needs: Needs) -> EndpointSliceController:
    return EndpointSliceController(looks_up_nodes=may_lack_nodes(needs))


def _needs_endpoints(needs: Needs) -> bool:
    """Somebody looks at Endpoints: nothing in the model does, and they double every write."""
    return needs.any_of("endpoints")


def _needs_volumes(needs: Needs) -> bool:
    return needs.any_of("persistentvolumes", "persistentvolumeclaims")


def has_seen(view: View, resource: str, revision: int) -> bool:
    """Whether the informer of a resource has received everything up to a revision."""
    seen: int = view.caches.revision(resource)  # type: ignore[attr-defined]
    return seen >= revision


def _needs_daemon_sets(needs: Needs) -> bool:
    return needs.any_of("daemonsets")


def _daemonset(needs: Needs) -> DaemonSetController:
    return DaemonSetController(stale_check=has_seen if needs.world.stale_controller_check else None)


def _needs_replication_controllers(needs: Needs) -> bool:
    return needs.any_of("replicationcontrollers")


def _replicaset(needs: Needs) -> ReplicaSetController:
    return ReplicaSetController(
        stale_check=has_seen if needs.world.stale_controller_check else None
    )


def _needs_stateful_sets(needs: Needs) -> bool:
    return needs.any_of("statefulsets")


def _statefulset(needs: Needs) -> StatefulSetController:
    return StatefulSetController(
        has_claims=needs.any_of("persistentvolumeclaims"),
        stale_check=has_seen if needs.world.stale_controller_check else None,
    )


def _autoscaler(needs: Needs) -> HorizontalPodAutoscalerController:
    targets = tuple(r for r in TARGETS.values() if r in needs.resources)
    return HorizontalPodAutoscalerController(targets, settings_of(needs.options(HPA)))


def _needs_jobs(needs: Needs) -> bool:
    return needs.any_of("jobs")


def _job(needs: Needs) -> JobController:
    return JobController(stale_check=has_seen if needs.world.stale_controller_check else None)


WIRINGS: Final[tuple[Wiring, ...]] = (
    Wiring("deployment-controller", _always, lambda needs: DeploymentController()),
    Wiring("replicaset-controller", _always, _replicaset),
    Wiring(
        "replicationcontroller-controller",
        _needs_replication_controllers,
        lambda needs: ReplicationControllerController(),
    ),
    Wiring("daemonset-controller", _needs_daemon_sets, _daemonset),
    Wiring("statefulset-controller", _needs_stateful_sets, _statefulset),
    Wiring(HPA, lambda needs: needs.any_of("horizontalpodautoscalers"), _autoscaler),
    Wiring("job-controller", _needs_jobs, _job),
    Wiring(
        "cronjob-controller",
        lambda needs: needs.any_of("cronjobs"),
        lambda needs: CronJobController(),
    ),
    Wiring(
        "ttl-after-finished-controller",
        _needs_jobs,
        lambda needs: TTLAfterFinishedController(),
    ),
    Wiring("endpoints-controller", _needs_endpoints, lambda needs: EndpointsController()),
    Wiring(
        "event-expiry",
        lambda needs: needs.any_of("events"),
        lambda needs: EventExpiryController(),
    ),
    Wiring("endpointslice-controller", _always, _endpointslice),
    Wiring("namespace-controller", _always, lambda needs: NamespaceController(needs.namespaced)),
    Wiring("serviceaccount-controller", _always, lambda needs: ServiceAccountController()),
    Wiring(
        "persistentvolume-binder-controller",
        _needs_volumes,
        lambda needs: PersistentVolumeController(),
    ),
    *NODE_WIRINGS,
    *HOUSEKEEPING_WIRINGS,
    *QUOTA_WIRINGS,
    Wiring("provisioner", _needs_volumes, lambda needs: ProvisionerController()),
    Wiring(
        "readiness-dependency",
        lambda needs: has_readiness_gate(needs, READY_AFTER),
        lambda needs: ReadinessController(),
    ),
)
"""One line a controller: its name, when a world calls for it, how it is made."""


def controllers_of(needs: Needs) -> tuple[Any, ...]:
    """The controllers that run in a world."""
    return chosen(WIRINGS, needs)
