"""What the validation of several kinds shares: labels, quantities, pods, templates, selectors.

After pkg/apis/{core,apps}/validation/validation.go at 1.36. Each function yields one line a
problem, `field.path: reason`. Left out: fields that no component reads (probes, security contexts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kspec_models.apiserver.shapes import matches, pod_spec_shape
from kspec_models.apiserver.validate_affinity import pod_affinity
from kspec_models.apiserver.validate_spread import spread_constraints
from kspec_models.objects import Container, PodSpec, PodTemplateSpec
from kspec_models.quantity import parse
from kspec_models.validation import (
    is_dns1123_label,
    is_qualified_name,
    is_valid_label_value,
    is_valid_percent,
    is_valid_port_num,
)

Problems = tuple[str, ...]


def labels_problems(labels: Mapping[str, str], path: str) -> Iterator[str]:
    for key, value in labels.items():
        for error in (*is_qualified_name(key), *is_valid_label_value(value)):
            yield f'{path}: Invalid value: "{key}={value}": {error}'


def not_negative(value: int | None, path: str) -> Iterator[str]:
    if value is not None and value < 0:
        yield f"{path}: Invalid value: {value}: must be greater than or equal to 0"


def quantities(resources: Mapping[str, str], path: str) -> Iterator[str]:
    for name, text in resources.items():
        where = f"{path}[{name}]"
        try:
            if parse(text).cmp(parse("0")) < 0:
                yield f'{where}: Invalid value: "{text}": must be greater than or equal to 0'
        except ValueError as error:
            yield f'{where}: Invalid value: "{text}": {error}'


def _container(container: Container, path: str) -> Iterator[str]:
    if not container.name:
        yield f"{path}.name: Required value"
    elif errors := is_dns1123_label(container.name):
        yield f'{path}.name: Invalid value: "{container.name}": {errors[0]}'
    resources = container.resources
    yield from quantities(resources.limits, f"{path}.resources.limits")
    yield from quantities(resources.requests, f"{path}.resources.requests")
    for name, text in resources.requests.items():
        limit = resources.limits.get(name)
        if limit is not None and _above(text, limit):
            yield (
                f'{path}.resources.requests: Invalid value: "{text}": '
                f"must be less than or equal to {name} limit of {limit}"
            )
    for i, port in enumerate(container.ports):
        where = f"{path}.ports[{i}]"
        for error in is_valid_port_num(port.container_port):
            yield f"{where}.containerPort: Invalid value: {port.container_port}: {error}"
        if port.protocol not in ("", "TCP", "UDP", "SCTP"):
            yield f'{where}.protocol: Unsupported value: "{port.protocol}"'


def _above(text: str, limit: str) -> bool:
    try:
        return parse(text).cmp(parse(limit)) > 0
    except ValueError:
        return False


def pod_spec_problems(spec: PodSpec, path: str) -> Iterator[str]:
    """ValidatePodSpec, of a pod or of a template."""
    if not spec.containers:
        yield f"{path}.containers: Required value"
    names: list[str] = []
    for field, containers in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    ):
        for i, container in enumerate(containers):
            yield from _container(container, f"{path}.{field}[{i}]")
            if container.name in names:
                yield f'{path}.{field}[{i}].name: Duplicate value: "{container.name}"'
            names.append(container.name)
    if spec.restart_policy not in ("", "Always", "OnFailure", "Never"):
        yield f'{path}.restartPolicy: Unsupported value: "{spec.restart_policy}"'
    yield from not_negative(
        spec.termination_grace_period_seconds, f"{path}.terminationGracePeriodSeconds"
    )
    yield from labels_problems(spec.node_selector, f"{path}.nodeSelector")
    yield from quantities(spec.overhead, f"{path}.overhead")
    yield from _gates([gate.name for gate in spec.scheduling_gates], f"{path}.schedulingGates")
    shape = tuple(pod_spec_shape(spec, path))
    yield from shape
    if not shape:  # what has another shape cannot be read
        spread = f"{path}.topologySpreadConstraints"
        yield from spread_constraints(spec.topology_spread_constraints, spread)
        yield from pod_affinity(spec.affinity, f"{path}.affinity")


def _gates(names: Sequence[str], path: str) -> Iterator[str]:
    for i, name in enumerate(names):
        yield from (f'{path}[{i}]: Invalid value: "{name}": {e}' for e in is_qualified_name(name))
        if name in names[:i]:
            yield f'{path}[{i}]: Duplicate value: "{name}"'


def selector_problems(selector: Any, template: PodTemplateSpec) -> Iterator[str]:
    """A workload's selector: given, not empty, and matching the labels of its template."""
    labels = dict(template.metadata.labels)
    if selector is None:
        yield "spec.selector: Required value"
        return
    if not selector:
        yield "spec.selector: Invalid value: {}: empty selector is invalid for deployment"
        return
    is_match, problem = matches(selector, labels, "spec.selector")
    if problem:
        yield problem
    elif not is_match:
        yield (
            f"spec.template.metadata.labels: Invalid value: {labels}: "
            "`selector` does not match template `labels`"
        )


def template_problems(template: PodTemplateSpec) -> Iterator[str]:
    yield from labels_problems(template.metadata.labels, "spec.template.metadata.labels")
    yield from pod_spec_problems(template.spec, "spec.template.spec")
    if template.spec.restart_policy not in ("", "Always"):
        yield (
            f'spec.template.spec.restartPolicy: Unsupported value: "{template.spec.restart_policy}"'
            ': supported values: "Always"'
        )


def int_or_percent(value: int | str | None, path: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from (f'{path}: Invalid value: "{value}": {e}' for e in is_valid_percent(value))
    else:
        yield from not_negative(value, path)


def is_zero(value: int | str | None) -> bool:
    return value == 0 or (isinstance(value, str) and value.rstrip("%").strip("0") == "")
