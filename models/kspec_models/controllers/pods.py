"""What several workload controllers ask of pods, ReplicaSets and their templates.

After pkg/controller/controller_utils.go, pkg/api/v1/pod/util.go and
k8s.io/apimachinery/pkg/util/intstr at Kubernetes 1.36. Victims are ranked in `ranking`, adoption
is in `claims`.

Left out: the features that a template copies but no modelled component reads; they are in the
records' `extra` and so are copied as well. A generated name prefix is never shortened, because
names in a model are short.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kspec.errors import InputError
from kspec.values import Memo
from kspec_models.objects import (
    ApiObject,
    Condition,
    FrozenMap,
    ObjectMeta,
    OwnerReference,
    Pod,
    PodTemplateSpec,
    Time,
    condition,
)
from kspec_models.objects.record import IntOrString
from kspec_models.selectors import Selector, label_selector
from kspec_models.store import Snapshot

SUCCEEDED, FAILED = "Succeeded", "Failed"

_selector: Memo[FrozenMap[Any] | None, Selector] = Memo("label selector", label_selector)


def selector_of(selector: FrozenMap[Any] | None) -> Selector:
    """The selector of spec.selector, built once; None selects nothing."""
    return _selector(selector)


def is_finished(pod: Pod) -> bool:
    """Whether the pod succeeded or failed, and so never runs again."""
    return pod.status.phase in (SUCCEEDED, FAILED)


def is_active(pod: Pod) -> bool:
    """Whether a controller counts the pod: not finished and not being deleted."""
    return pod.metadata.deletion_timestamp is None and not is_finished(pod)


def is_terminating(pod: Pod) -> bool:
    """Whether the pod is being deleted and has not finished yet."""
    return pod.metadata.deletion_timestamp is not None and not is_finished(pod)


def ready_condition(pod: Pod) -> Condition | None:
    """The pod's Ready condition if it is true, else None."""
    found = condition(pod.status.conditions, "Ready")
    return found if found is not None and found.status == "True" else None


def is_ready(pod: Pod) -> bool:
    return ready_condition(pod) is not None


def ready_since(pod: Pod) -> Time | None:
    """When the pod became ready; None where it is not, or where the condition does not say."""
    found = ready_condition(pod)
    return found.last_transition_time if found is not None else None


def is_available(pod: Pod, min_ready_seconds: int, now: int) -> bool:
    """Whether the pod has been ready for `min_ready_seconds`."""
    if not is_ready(pod):
        return False
    if min_ready_seconds == 0:
        return True
    since = ready_since(pod)
    return since is not None and since + min_ready_seconds <= now


def next_availability_check(pods: tuple[Pod, ...], min_ready_seconds: int, now: int) -> int | None:
    """Seconds until the first ready pod becomes available; None if none is going to."""
    starts = (ready_since(pod) for pod in pods)
    waits = [s + min_ready_seconds - now for s in starts if s is not None]
    return min((wait for wait in waits if wait > 0), default=None)


def active_pods(pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
    """The pods that a controller counts, in the order given."""
    return tuple(pod for pod in pods if is_active(pod))


def owner_reference(owner: ApiObject) -> OwnerReference:
    """The reference that makes `owner` the controlling owner, as metav1.NewControllerRef."""
    return OwnerReference(
        api_version=owner.API_VERSION,
        kind=owner.KIND,
        name=owner.name,
        uid=owner.uid,
        controller=True,
        block_owner_deletion=True,
    )


class _Mould(NamedTuple):
    """All that a pod made from a template depends on."""

    namespace: str
    owner: OwnerReference
    template: PodTemplateSpec


def _mould_pod(mould: _Mould) -> Pod:
    meta = mould.template.metadata
    return Pod(
        metadata=ObjectMeta(
            generate_name=f"{mould.owner.name}-",
            namespace=mould.namespace,
            labels=meta.labels,
            annotations=meta.annotations,
            finalizers=meta.finalizers,
            owner_references=(mould.owner,),
        ),
        spec=mould.template.spec,
    )


_pod_of: Memo[_Mould, Pod] = Memo("pod of a template", _mould_pod)


def pod_from_template(owner: ApiObject, template: PodTemplateSpec) -> Pod:
    """The pod to create for `owner`: named by the API server, controlled by `owner`."""
    return _pod_of(_Mould(owner.namespace, owner_reference(owner), template))


def slow_start(count: int) -> Iterator[int]:
    """The sizes of the batches in which so many creates are sent: 1, 2, 4, ... and what is left."""
    size = 1
    while count > 0:
        yield min(size, count)
        count -= size
        size *= 2


def scaled_value(value: IntOrString, total: int, *, round_up: bool) -> int:
    """A number, or a percentage of `total`; raises InputError for any other text."""
    if isinstance(value, int):
        return value
    digits = value.removesuffix("%")
    if digits == value or not digits.removeprefix("-").isdecimal():
        raise InputError(f"got {value!r}", expected="a whole number or a percentage such as 25%")
    product = int(digits) * total
    # Upstream truncates toward zero by float arithmetic only for negative percentages, which
    # validation refuses.
    return -(-product // 100) if round_up else product // 100


def in_namespace(snapshot: Snapshot, resource: str, namespace: str) -> tuple[Any, ...]:
    """All cached objects of one namespace, in the order of their keys."""
    prefix = f"{resource}/{namespace}/"
    return tuple(e.value for e in snapshot.entries() if e.key.startswith(prefix))


def selecting(caches: Mapping[str, Snapshot], resource: str, obj: ApiObject) -> tuple[Any, ...]:
    """The workloads of `resource` in the object's namespace whose selector matches its labels.

    As the listers' GetPodReplicaSets and GetDeploymentsForReplicaSet: an empty selector and an
    object without labels match nothing.
    """
    labels = obj.metadata.labels
    if not labels:
        return ()
    found: list[Any] = []
    for workload in in_namespace(caches[resource], resource, obj.namespace):
        selector = selector_of(workload.spec.selector)
        if not selector.is_empty and selector.matches(labels):
            found.append(workload)
    return tuple(found)


def resolve_controller(
    caches: Mapping[str, Snapshot],
    kind: type[ApiObject],
    namespace: str,
    owner: OwnerReference | None,
) -> Any:
    """The cached object of `kind` that a controlling reference names, if its uid is the same."""
    if owner is None or owner.kind != kind.KIND:
        return None
    entry = caches[kind.RESOURCE].get(f"{kind.RESOURCE}/{namespace}/{owner.name}")
    if entry is None or entry.value.uid != owner.uid:
        return None
    return entry.value
