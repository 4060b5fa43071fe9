"""Defaults and validation of ReplicationController.

After pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go
(ValidateReplicationControllerSpec, ValidatePodTemplateSpecForRC) and
pkg/registry/core/replicationcontroller/strategy.go at 1.36. Left out: volumes that may not be
shared, which no component reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kspec_models.apiserver import defaults
from kspec_models.apiserver.strategy import Strategy
from kspec_models.apiserver.validate_common import (
    labels_problems,
    not_negative,
    shown,
    template_problems,
)
from kspec_models.objects import PodTemplateSpec, ReplicationController
from kspec_models.objects.record import Labels


def default(obj: ReplicationController) -> ReplicationController:
    """SetDefaults_ReplicationController: selector and labels are those of the template."""
    spec = obj.spec
    template = spec.template
    if template is not None:
        labels = template.metadata.labels
        template = template.replace(spec=defaults.pod_spec(template.spec))
        spec = spec.replace(template=template, selector=spec.selector or labels)
        obj = obj.with_metadata(labels=obj.metadata.labels or labels)
    return obj.replace(spec=spec.replace(replicas=1 if spec.replicas is None else spec.replicas))


def problems(obj: ReplicationController) -> Iterator[str]:
    """What ValidateReplicationController refuses."""
    spec = obj.spec
    yield from not_negative(spec.min_ready_seconds, "spec.minReadySeconds")
    yield from labels_problems(spec.selector, "spec.selector")
    if not spec.selector:
        yield "spec.selector: Required value"
    yield from not_negative(spec.replicas, "spec.replicas")
    if spec.template is None:
        yield "spec.template: Required value"
        return
    yield from _labels(spec.selector, spec.template)
    yield from template_problems(spec.template)
    if spec.template.spec.active_deadline_seconds is not None:
        yield (
            "spec.template.spec.activeDeadlineSeconds: Forbidden: "
            "activeDeadlineSeconds in ReplicationController is not Supported"
        )


def _labels(selector: Labels, template: PodTemplateSpec) -> Iterator[str]:
    found = template.metadata.labels
    if any(found.get(key) != value for key, value in selector.items()):
        yield (
            f"spec.template.metadata.labels: Invalid value: {shown(found)}: "
            "`selector` does not match template `labels`"
        )


STRATEGIES: Mapping[str, Strategy] = {"replicationcontrollers": Strategy(default, problems)}
