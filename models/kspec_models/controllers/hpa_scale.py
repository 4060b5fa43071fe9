"""The scale of what a HorizontalPodAutoscaler scales: kinds, selectors, sizes.

After the scale subresources of Deployment, ReplicaSet, StatefulSet and ReplicationController at
Kubernetes 1.36 (pkg/registry/apps/*/storage, pkg/registry/core/replicationcontroller/storage). A
write of a scale is an update of spec.replicas at the resourceVersion that was read.

Left out: targets of custom kinds, which no controller of the model acts on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kspec.values import Memo
from kspec_models.objects import HorizontalPodAutoscaler
from kspec_models.objects.record import FrozenMap
from kspec_models.requests import Update
from kspec_models.selectors import Selector, label_selector
from kspec_models.store import Entry

TARGETS: Final[Mapping[tuple[str, str], str]] = {
    ("apps", "Deployment"): "deployments",
    ("apps", "ReplicaSet"): "replicasets",
    ("apps", "StatefulSet"): "statefulsets",
    ("", "ReplicationController"): "replicationcontrollers",
}
"""The resource of each kind that can be scaled, by group and kind."""


def target_of(hpa: HorizontalPodAutoscaler) -> tuple[str, str] | None:
    """Resource and key of what an autoscaler scales; None for a kind that cannot be scaled."""
    reference = hpa.spec.scale_target_ref
    group = reference.api_version.rpartition("/")[0]
    resource = TARGETS.get((group, reference.kind))
    return None if resource is None else (resource, f"{hpa.namespace}/{reference.name}")


def replicas_of(obj: Any) -> int:
    """spec.replicas of a scale."""
    return 1 if obj.spec.replicas is None else int(obj.spec.replicas)


def selector_of(obj: Any) -> Selector:
    """The selector of a scale."""
    selector = obj.spec.selector
    if obj.resource == "replicationcontrollers":
        selector = FrozenMap({"matchLabels": selector})
    return _selector(selector)


_selector: Memo[FrozenMap[Any], Selector] = Memo("scale selector", label_selector)


def resized(scale: Entry, replicas: int) -> Update:
    """The update of a scale at the resourceVersion that it was read at."""
    obj: Any = scale.value
    return Update(obj.replace(spec=obj.spec.replace(replicas=replicas)), scale.resource_version)
