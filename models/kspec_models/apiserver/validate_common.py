"""What the validation of several kinds shares: labels, quantities, pods, templates, selectors.

After pkg/apis/{core,apps}/validation/validation.go at 1.36. Each function yields one line a
problem, `field.path: reason`. Left out: fields that no component reads (probes, security contexts).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kspec_models.apiserver.shapes import matches, pod_spec_shape
from kspec_models.apiserver.validate_affinity import pod_affinity
from kspec_models.apiserver.validate_spread import spread_constraints
from kspec_models.apiserver.validate_taints import tolerations_problems
from kspec_models.objects import Container, PodSpec, PodTemplateSpec, Record, thaw
from kspec_models.quantity import parse
from kspec_models.validation import (
    is_dns1123_label,
    is_qualified_name,
    is_valid_label_value,
    is_valid_percent,
    is_valid_port_num,
)

Problems = tuple[str, ...]
PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_RESTART_POLICIES: Final = ("Always", "OnFailure", "Never")
_INT32: Final = 2**31 - 1


def shown(value: Any) -> str:
    """A bad value as field.Error prints it: text in quotes, structures as JSON."""
    plain = value.to_json() if isinstance(value, Record) else thaw(value)
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


def unsupported(value: Any, path: str, supported: Iterable[str]) -> str:
    """field.NotSupported: a value that is none of an enumeration, in the order given."""
    listed = ", ".join(f'"{each}"' for each in supported)
    return f"{path}: Unsupported value: {shown(value)}: supported values: {listed}"


def immutable(value: Any, path: str) -> str:
    """ValidateImmutableField: what an update may not change, with what it was to become."""
    return f"{path}: Invalid value: {shown(value)}: field is immutable"


def labels_problems(labels: Mapping[str, str], path: str) -> Iterator[str]:
    for key, value in labels.items():
        yield from (f'{path}: Invalid value: "{key}": {e}' for e in is_qualified_name(key))
        yield from (f'{path}: Invalid value: "{value}": {e}' for e in is_valid_label_value(value))


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
        if not port.container_port:
            yield f"{where}.containerPort: Required value"
        for error in is_valid_port_num(port.container_port) if port.container_port else ():
            yield f"{where}.containerPort: Invalid value: {port.container_port}: {error}"
        for error in is_valid_port_num(port.host_port) if port.host_port else ():
            yield f"{where}.hostPort: Invalid value: {port.host_port}: {error}"
        if port.protocol and port.protocol not in PROTOCOLS:
            yield unsupported(port.protocol, f"{where}.protocol", PROTOCOLS)


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
    if spec.restart_policy and spec.restart_policy not in _RESTART_POLICIES:
        yield unsupported(spec.restart_policy, f"{path}.restartPolicy", _RESTART_POLICIES)
    yield from not_negative(
        spec.termination_grace_period_seconds, f"{path}.terminationGracePeriodSeconds"
    )
    yield from _deadline(spec.active_deadline_seconds, f"{path}.activeDeadlineSeconds")
    yield from labels_problems(spec.node_selector, f"{path}.nodeSelector")
    for field, name in (("hostname", spec.hostname), ("subdomain", spec.subdomain)):
        errors = is_dns1123_label(name) if name else ()
        yield from (f'{path}.{field}: Invalid value: "{name}": {error}' for error in errors)
    yield from tolerations_problems(spec.tolerations, f"{path}.tolerations")
    yield from quantities(spec.overhead, f"{path}.overhead")
    yield from _gates([gate.name for gate in spec.scheduling_gates], f"{path}.schedulingGates")
    shape = tuple(pod_spec_shape(spec, path))
    yield from shape
    if not shape:  # what has another shape cannot be read
        spread = f"{path}.topologySpreadConstraints"
        yield from spread_constraints(spec.topology_spread_constraints, spread)
        yield from pod_affinity(spec.affinity, f"{path}.affinity")


def _deadline(seconds: int | None, path: str) -> Iterator[str]:
    if seconds is not None and not 1 <= seconds <= _INT32:
        yield f"{path}: Invalid value: {seconds}: must be between 1 and {_INT32}, inclusive"


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
    found = list(label_selector_problems(selector, "spec.selector"))
    yield from found
    if is_empty_selector(selector):
        yield (
            f"spec.selector: Invalid value: {shown(selector)}: "
            "empty selector is invalid for deployment"
        )
    elif not found and not matches(selector, labels, "spec.selector")[0]:
        yield (
            f"spec.template.metadata.labels: Invalid value: {shown(labels)}: "
            "`selector` does not match template `labels`"
        )


def is_empty_selector(selector: Any) -> bool:
    """Whether a LabelSelector in frozen JSON restricts nothing."""
    if not isinstance(selector, Mapping):
        return False
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def label_selector_problems(selector: Any, path: str) -> Iterator[str]:
    """ValidateLabelSelector of a selector in frozen JSON, and what its decoder refuses."""
    _, problem = matches(selector, {}, path)
    if isinstance(selector, Mapping) and ": got " not in problem:
        found = list(_selector_parts(selector, path))
        yield from found or ([problem] if problem else [])
    elif problem:
        yield problem


def _selector_parts(selector: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from labels_problems(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for i, e in enumerate(selector.get("matchExpressions") or ()):
        yield from _requirement(e, f"{path}.matchExpressions[{i}]")


def _requirement(expression: Mapping[str, Any], path: str) -> Iterator[str]:
    """ValidateLabelSelectorRequirement."""
    key, operator = expression.get("key", ""), expression.get("operator", "")
    values = expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            yield (
                f"{path}.values: Required value: must be specified when `operator` is "
                "'In' or 'NotIn'"
            )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield (
                f"{path}.values: Forbidden: may not be specified when `operator` is "
                "'Exists' or 'DoesNotExist'"
            )
    else:
        yield f'{path}.operator: Invalid value: "{operator}": not a valid selector operator'
    yield from (f'{path}.key: Invalid value: "{key}": {e}' for e in is_qualified_name(key))
    for i, value in enumerate(values):
        for error in is_valid_label_value(value):
            yield f'{path}.values[{i}]: Invalid value: "{value}": {error}'


def template_problems(template: PodTemplateSpec) -> Iterator[str]:
    yield from labels_problems(template.metadata.labels, "spec.template.metadata.labels")
    yield from pod_spec_problems(template.spec, "spec.template.spec")
    policy = template.spec.restart_policy
    if policy not in ("", "Always"):
        yield unsupported(policy, "spec.template.spec.restartPolicy", ("Always",))


def int_or_percent(value: int | str | None, path: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from (f'{path}: Invalid value: "{value}": {e}' for e in is_valid_percent(value))
    else:
        yield from not_negative(value, path)


def not_above_100_percent(value: int | str | None, path: str) -> Iterator[str]:
    """IsNotMoreThan100Percent, of what is a percentage at all."""
    if isinstance(value, str) and not is_valid_percent(value) and int(value[:-1]) > 100:
        yield f"{path}: Invalid value: {shown(value)}: must not be greater than 100%"


def is_zero(value: int | str | None) -> bool:
    return value == 0 or (isinstance(value, str) and value.rstrip("%").strip("0") == "")
