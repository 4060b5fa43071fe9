"""The identity of a StatefulSet's pods: name, labels, host name, and the claims they refer to.

After pkg/controller/statefulset/stateful_set_utils.go at Kubernetes 1.36.

Left out: metadata.generateName of the pods, beside the name that they are given.
"""

from __future__ import annotations

import re
from typing import Any, Final

from kspec.values import Memo
from kspec_models.controllers.history import REVISION_LABEL
from kspec_models.controllers.pods import is_available, is_ready, owner_reference
from kspec_models.controllers.statefulset_steps import PARALLEL, ROLLING_UPDATE
from kspec_models.objects import (
    EMPTY,
    FrozenMap,
    ObjectMeta,
    PersistentVolumeClaim,
    Pod,
    PodTemplateSpec,
    StatefulSet,
    freeze,
)

POD_NAME_LABEL: Final = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL: Final = "apps.kubernetes.io/pod-index"
_MEMBER: Final = re.compile(r"(.*)-([0-9]+)")


def parent_and_ordinal(pod: Pod) -> tuple[str, int]:
    """The name of the StatefulSet that a pod's name tells, and its ordinal; ("", -1) for none."""
    found = _MEMBER.fullmatch(pod.name)
    return (found[1], int(found[2])) if found is not None else ("", -1)


def ordinal_of(pod: Pod) -> int:
    return parent_and_ordinal(pod)[1]


def is_member(stateful_set: StatefulSet, pod: Pod) -> bool:
    """Whether the pod's name is one of the StatefulSet's."""
    return parent_and_ordinal(pod)[0] == stateful_set.name


def replicas_of(stateful_set: StatefulSet) -> int:
    """spec.replicas, 1 where it is not set."""
    replicas = stateful_set.spec.replicas
    return 1 if replicas is None else replicas


def start_ordinal(stateful_set: StatefulSet) -> int:
    ordinals = stateful_set.spec.ordinals
    return 0 if ordinals is None else ordinals.start


def ordinals_of(stateful_set: StatefulSet) -> range:
    """The ordinals that it wants, from spec.ordinals.start on."""
    start = start_ordinal(stateful_set)
    return range(start, start + replicas_of(stateful_set))


def partition_of(stateful_set: StatefulSet) -> int:
    """How many of the lowest pods a rolling update leaves alone."""
    rolling = stateful_set.spec.update_strategy.rolling_update
    return 0 if rolling is None else rolling.partition or 0


def is_rolling(stateful_set: StatefulSet) -> bool:
    return stateful_set.spec.update_strategy.type in ("", ROLLING_UPDATE)


def allows_burst(stateful_set: StatefulSet) -> bool:
    """Whether pods are made and deleted all at once."""
    return stateful_set.spec.pod_management_policy == PARALLEL


def pod_name(stateful_set: StatefulSet, ordinal: int) -> str:
    return f"{stateful_set.name}-{ordinal}"


def claim_name(stateful_set: StatefulSet, template: PersistentVolumeClaim, ordinal: int) -> str:
    return f"{template.name}-{stateful_set.name}-{ordinal}"


def revision_of(pod: Pod) -> str:
    """The name of the revision that the pod was made of."""
    label: str = pod.metadata.labels.get(REVISION_LABEL, "")
    return label


def is_created(pod: Pod) -> bool:
    """Whether the pod is one of the API's, not one that is still to be made."""
    return pod.status.phase != ""


def is_running_and_ready(pod: Pod) -> bool:
    return pod.status.phase == "Running" and is_ready(pod)


def is_unavailable(pod: Pod, min_ready_seconds: int, now: int) -> bool:
    return pod.is_terminating or not is_available(pod, min_ready_seconds, now)


def _mould_claims(key: tuple[StatefulSet, int]) -> tuple[PersistentVolumeClaim, ...]:
    stateful_set, ordinal = key
    selector: FrozenMap[Any] = stateful_set.spec.selector or EMPTY
    labels = selector.get("matchLabels") or {}
    return tuple(
        PersistentVolumeClaim(
            metadata=ObjectMeta(
                name=claim_name(stateful_set, template, ordinal),
                namespace=stateful_set.namespace,
                labels=FrozenMap({**template.metadata.labels, **labels}),
                annotations=template.metadata.annotations,
                finalizers=template.metadata.finalizers,
            ),
            spec=template.spec,
        )
        for template in stateful_set.spec.volume_claim_templates
    )


_claims_of: Memo[tuple[StatefulSet, int], tuple[PersistentVolumeClaim, ...]] = Memo(
    "claims of a statefulset's pod", _mould_claims
)


def claims_of(stateful_set: StatefulSet, pod: Pod) -> tuple[PersistentVolumeClaim, ...]:
    """The claims of a pod, as they are made from the templates."""
    return _claims_of((stateful_set, ordinal_of(pod)))


def identity_matches(stateful_set: StatefulSet, pod: Pod) -> bool:
    """Whether the pod has the name and the label of its ordinal."""
    parent, ordinal = parent_and_ordinal(pod)
    return (
        parent == stateful_set.name
        and pod.name == pod_name(stateful_set, ordinal)
        and pod.metadata.labels.get(POD_NAME_LABEL) == pod.name
    )


def storage_matches(stateful_set: StatefulSet, pod: Pod) -> bool:
    """Whether the pod's volumes refer to the claims of its ordinal."""
    volumes = {volume.get("name"): volume for volume in pod.spec.volumes}
    for template in stateful_set.spec.volume_claim_templates:
        source = volumes.get(template.name, {}).get("persistentVolumeClaim") or {}
        if source.get("claimName") != claim_name(stateful_set, template, ordinal_of(pod)):
            return False
    return True


def with_identity(stateful_set: StatefulSet, pod: Pod) -> Pod:
    """updateIdentity: the labels that say which of the pods it is."""
    labels = pod.metadata.labels.set(POD_NAME_LABEL, pod.name)
    labels = labels.set(POD_INDEX_LABEL, str(ordinal_of(pod)))
    return pod.with_metadata(labels=labels)


def with_storage(stateful_set: StatefulSet, pod: Pod) -> Pod:
    """updateStorage: the claims of its ordinal as volumes, before those of the template."""
    templates = stateful_set.spec.volume_claim_templates
    if not templates:
        return pod
    ours = tuple(
        freeze(
            {
                "name": template.name,
                "persistentVolumeClaim": {
                    "claimName": claim_name(stateful_set, template, ordinal_of(pod))
                },
            }
        )
        for template in templates
    )
    taken = [template.name for template in templates]
    others = tuple(v for v in pod.spec.volumes if v.get("name") not in taken)
    return pod.replace(spec=pod.spec.replace(volumes=(*ours, *others)))


def _mould_pod(key: tuple[StatefulSet, PodTemplateSpec, str, int]) -> Pod:
    stateful_set, template, revision, ordinal = key
    name, meta = pod_name(stateful_set, ordinal), template.metadata
    pod = Pod(
        metadata=ObjectMeta(
            name=name,
            namespace=stateful_set.namespace,
            labels=meta.labels.set(REVISION_LABEL, revision),
            annotations=meta.annotations,
            finalizers=meta.finalizers,
            owner_references=(owner_reference(stateful_set),),
        ),
        spec=template.spec.replace(hostname=name, subdomain=stateful_set.spec.service_name),
    )
    return with_storage(stateful_set, with_identity(stateful_set, pod))


_pod_of: Memo[tuple[StatefulSet, PodTemplateSpec, str, int], Pod] = Memo(
    "pods of a statefulset", _mould_pod
)


def new_pod(
    stateful_set: StatefulSet, template: PodTemplateSpec, revision: str, ordinal: int
) -> Pod:
    """newStatefulSetPod: the pod of an ordinal, from the template of a revision."""
    return _pod_of((stateful_set, template, revision, ordinal))
