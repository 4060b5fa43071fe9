"""Defaults and validation of StatefulSet, and what a ControllerRevision may change.

After pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go and
pkg/registry/apps/statefulset/strategy.go at 1.36, in the order of ValidateStatefulSetSpec.

The feature MaxUnavailableStatefulSet is off by default at 1.36 (pull request 137904), so
spec.updateStrategy.rollingUpdate.maxUnavailable is dropped, as the strategy does then.

Left out: the mounts of the claims, which no component reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kspec_models.apiserver import defaults, storage
from kspec_models.apiserver.strategy import Strategy
from kspec_models.apiserver.validate_common import (
    immutable,
    not_negative,
    selector_problems,
    shown,
    template_problems,
)
from kspec_models.objects import (
    ControllerRevision,
    PersistentVolumeClaimRetentionPolicy,
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from kspec_models.validation import is_dns1123_label

ORDERED_READY, PARALLEL = "OrderedReady", "Parallel"
ROLLING_UPDATE, ON_DELETE = "RollingUpdate", "OnDelete"
RETAIN, DELETE = "Retain", "Delete"

_MAY_CHANGE = (
    *("replicas", "ordinals", "template", "update_strategy", "revision_history_limit"),
    *("persistent_volume_claim_retention_policy", "min_ready_seconds"),
)


def default(obj: StatefulSet) -> StatefulSet:
    """SetDefaults_StatefulSet, and dropStatefulSetDisabledFields."""
    spec = obj.spec
    template = spec.template
    policy = spec.persistent_volume_claim_retention_policy or PersistentVolumeClaimRetentionPolicy()
    return obj.replace(
        spec=spec.replace(
            pod_management_policy=spec.pod_management_policy or ORDERED_READY,
            update_strategy=_update_strategy(spec.update_strategy),
            persistent_volume_claim_retention_policy=policy.replace(
                when_deleted=policy.when_deleted or RETAIN,
                when_scaled=policy.when_scaled or RETAIN,
            ),
            replicas=1 if spec.replicas is None else spec.replicas,
            revision_history_limit=10
            if spec.revision_history_limit is None
            else spec.revision_history_limit,
            template=template.replace(spec=defaults.pod_spec(template.spec)),
            volume_claim_templates=tuple(storage.claim(c) for c in spec.volume_claim_templates),
        )
    )


def _update_strategy(strategy: StatefulSetUpdateStrategy) -> StatefulSetUpdateStrategy:
    rolling = strategy.rolling_update
    if not strategy.type and rolling is None:
        rolling = RollingUpdateStatefulSetStrategy()
    strategy = strategy.replace(type=strategy.type or ROLLING_UPDATE, rolling_update=rolling)
    if rolling is None:
        return strategy
    rolling = rolling.replace(max_unavailable=None)
    if strategy.type == ROLLING_UPDATE and rolling.partition is None:
        rolling = rolling.replace(partition=0)
    return strategy.replace(rolling_update=rolling)


def problems(obj: StatefulSet) -> Iterator[str]:
    """What ValidateStatefulSet refuses."""
    spec = obj.spec
    for error in is_dns1123_label(obj.name):
        yield f'metadata.name: Invalid value: "{obj.name}": {error}'
    yield from _policies(spec)
    yield from _claims(spec)
    yield from not_negative(spec.replicas, "spec.replicas")
    yield from not_negative(spec.min_ready_seconds, "spec.minReadySeconds")
    yield from not_negative(spec.revision_history_limit, "spec.revisionHistoryLimit")
    if spec.ordinals is not None:
        yield from not_negative(spec.ordinals.start, "spec.ordinals.start")
    for problem in selector_problems(spec.selector, spec.template):
        yield problem.replace("is invalid for deployment", "is invalid for statefulset")
    if spec.service_name:
        for error in is_dns1123_label(spec.service_name):
            yield f'spec.serviceName: Invalid value: "{spec.service_name}": {error}'
    yield from template_problems(spec.template)
    if spec.template.spec.active_deadline_seconds is not None:
        yield (
            "spec.template.spec.activeDeadlineSeconds: Forbidden: "
            "activeDeadlineSeconds in StatefulSet is not Supported"
        )


def _policies(spec: StatefulSetSpec) -> Iterator[str]:
    if spec.pod_management_policy not in (ORDERED_READY, PARALLEL):
        yield (
            f'spec.podManagementPolicy: Invalid value: "{spec.pod_management_policy}": '
            f"must be '{ORDERED_READY}' or '{PARALLEL}'"
        )
    yield from _strategy_problems(spec.update_strategy)
    policy = spec.persistent_volume_claim_retention_policy
    if policy is not None:
        path = "spec.persistentVolumeClaimRetentionPolicy"
        yield from _retention(policy.when_deleted, f"{path}.whenDeleted")
        yield from _retention(policy.when_scaled, f"{path}.whenScaled")


def _strategy_problems(strategy: StatefulSetUpdateStrategy) -> Iterator[str]:
    rolling = strategy.rolling_update
    if strategy.type not in (ROLLING_UPDATE, ON_DELETE):
        yield (
            f'spec.updateStrategy: Invalid value: "{strategy.type}": '
            f"must be '{ROLLING_UPDATE}' or '{ON_DELETE}'"
        )
    elif strategy.type == ON_DELETE and rolling is not None:
        yield (
            f"spec.updateStrategy.rollingUpdate: Invalid value: {shown(rolling)}: "
            f"only allowed for updateStrategy '{ROLLING_UPDATE}'"
        )
    elif rolling is not None:
        yield from not_negative(rolling.partition, "spec.updateStrategy.rollingUpdate.partition")


def _retention(value: str, path: str) -> Iterator[str]:
    if value not in (RETAIN, DELETE):
        yield f'{path}: Unsupported value: "{value}": supported values: "{DELETE}", "{RETAIN}"'


def _claims(spec: StatefulSetSpec) -> Iterator[str]:
    """ValidateVolumeClaimTemplates: each as a claim would be, under the path of the template."""
    for i, claim in enumerate(spec.volume_claim_templates):
        for problem in storage.claim_problems(claim):
            yield f"spec.volumeClaimTemplates[{i}].{problem}"


def changes(old: StatefulSet, new: StatefulSet) -> Iterator[str]:
    """ValidateStatefulSetUpdate: what makes the identities of its pods stays as it was."""
    kept = {field: getattr(old.spec, field) for field in _MAY_CHANGE}
    if new.spec.replace(**kept) != old.spec:
        yield (
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
            "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
            "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
        )


def revision_problems(obj: ControllerRevision) -> Iterator[str]:
    """What ValidateControllerRevision refuses."""
    if not obj.data:
        yield "data: Required value: data is mandatory"
    yield from not_negative(obj.revision, "revision")


def revision_changes(old: ControllerRevision, new: ControllerRevision) -> Iterator[str]:
    """ValidateControllerRevisionUpdate: only the number of a revision may change."""
    if old.data != new.data:
        yield immutable(new.data, "data")


STRATEGIES: Mapping[str, Strategy] = {
    "statefulsets": Strategy(default, problems, changes),
    "controllerrevisions": Strategy(
        problems=revision_problems,
        changes=revision_changes,
        has_generation=False,
        has_status=False,
    ),
}
