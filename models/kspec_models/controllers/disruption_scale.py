"""How many pods a budget expects, and how many of them must be healthy.

After getExpectedPodCount, getExpectedScale and the finders of
pkg/controller/disruption/disruption.go at Kubernetes 1.36: a percentage is of the scale of all
controllers of the pods, a pod without a controller is passed over, and what the caches do not have
is asked for live (getScaleController); a controller that is not found there either, or that has no
scale, makes the computation fail.
"""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.controllers.pods import resolve_controller, scaled_value
from kspec_models.objects import (
    ApiObject,
    Deployment,
    OwnerReference,
    Pod,
    PodDisruptionBudget,
    ReplicaSet,
    ReplicationController,
    StatefulSet,
    controller_of,
)
from kspec_models.requests import Get, Response
from kspec_models.store import Snapshot

Caches = Mapping[str, Snapshot]
Scale = tuple[str, int]
Live = Mapping[str, Scale]
"""What live reads have said, by the uid of the pods' controller: its uid and its scale."""

_SCALABLE = (Deployment, ReplicaSet, StatefulSet, ReplicationController)


class NoControllerError(Exception):
    """A pod has a controller that is not found, so the scale is not known."""


def needs_scale(budget: PodDisruptionBudget) -> bool:
    """Whether the budget is a share of something, and not just a number of pods."""
    spec = budget.spec
    return spec.max_unavailable is not None or isinstance(spec.min_available, str)


def expected_count(
    budget: PodDisruptionBudget, pods: tuple[Pod, ...], caches: Caches, live: Live
) -> tuple[int, int]:
    """getExpectedPodCount: (expected, desired healthy); raises NoControllerError."""
    spec = budget.spec
    if spec.max_unavailable is not None:
        expected = expected_scale(pods, caches, live)
        return expected, max(
            0, expected - scaled_value(spec.max_unavailable, expected, round_up=True)
        )
    if isinstance(spec.min_available, int):
        return len(pods), spec.min_available
    if spec.min_available is not None:
        expected = expected_scale(pods, caches, live)
        return expected, scaled_value(spec.min_available, expected, round_up=True)
    return 0, 0


def expected_scale(pods: tuple[Pod, ...], caches: Caches, live: Live) -> int:
    """getExpectedScale: the sum of the scales of the controllers of the pods, each once."""
    scales: dict[str, int] = {}
    for pod, owner in _owners(pods):
        if owner.uid in scales:
            continue
        found = _scale_of(pod.namespace, owner, caches) or live.get(owner.uid)
        if found is None:
            raise NoControllerError(f'found no controllers for pod "{pod.name}"')
        uid, scale = found
        scales[uid] = scale
    return sum(scales.values())


def _owners(pods: tuple[Pod, ...]) -> tuple[tuple[Pod, OwnerReference], ...]:
    owned = ((pod, controller_of(pod)) for pod in pods)
    return tuple((pod, owner) for pod, owner in owned if owner is not None)


def live_read(pods: tuple[Pod, ...], caches: Caches, live: Live) -> tuple[str, Get] | None:
    """The next controller that must be asked for live: its uid as the pods say, and the read."""
    for pod, owner in _owners(pods):
        if owner.uid in live or _scale_of(pod.namespace, owner, caches) is not None:
            continue
        kind = next((cls for cls in _SCALABLE if owner.kind == cls.KIND), None)
        if kind is None:
            raise NoControllerError(f"{owner.kind} does not implement the scale subresource")
        return owner.uid, Get(kind.RESOURCE, f"{pod.namespace}/{owner.name}")
    return None


def scale_read(uid: str, response: Response) -> Scale:
    """What a live read says; raises NoControllerError where that is another object, or none."""
    if response.entry is None or response.entry.value.uid != uid:
        raise NoControllerError(response.message or response.reason or "another uid")
    return _scale(response.entry.value)


def _scale(workload: ApiObject) -> Scale:
    replicas = workload.spec.replicas  # type: ignore[attr-defined]
    return workload.uid, 1 if replicas is None else replicas


def _scale_of(namespace: str, owner: OwnerReference, caches: Caches) -> Scale | None:
    """The uid and the scale of what controls a pod: of a ReplicaSet's Deployment if it has one."""
    workload = _find(ReplicationController, namespace, owner, caches)
    replica_set = _find(ReplicaSet, namespace, owner, caches)
    if replica_set is not None:
        above = controller_of(replica_set)
        is_rolled = above is not None and above.kind == Deployment.KIND
        workload = _find(Deployment, namespace, above, caches) if is_rolled else replica_set
    workload = workload or _find(StatefulSet, namespace, owner, caches)
    return _scale(workload) if workload is not None else None


def _find(
    kind: type[ApiObject], namespace: str, owner: OwnerReference | None, caches: Caches
) -> ApiObject | None:
    if owner is None or kind.RESOURCE not in caches:
        return None
    found: ApiObject | None = resolve_controller(caches, kind, namespace, owner)
    return found
