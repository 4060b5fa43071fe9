"""The admission plugin LimitRanger, and the defaults of a LimitRange.

After plugin/pkg/admission/limitranger/admission.go and SetDefaults_LimitRangeItem of
pkg/apis/core/v1/defaults.go at 1.36: a container gets the default limits and requests of its
namespace, noted in an annotation; then minimum, maximum and ratio of limit to request are checked,
for each container, for the pod as a whole and for claims. A pod is looked at when it is created
only, because what it asks for is fixed then.

Left out: pod-level resources in the defaults, and the resize of a running pod, both of which no
modelled component does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kspec_models import requests as api
from kspec_models.apiserver.defaults import pod_spec
from kspec_models.objects import (
    Container,
    LimitRange,
    LimitRangeItem,
    PersistentVolumeClaim,
    Pod,
)
from kspec_models.objects.record import EMPTY, FrozenMap, Resources
from kspec_models.quantity import Quantity, parse
from kspec_models.requests import Response
from kspec_models.resources import parsed, pod_limits, pod_requests
from kspec_models.store import Snapshot

ANNOTATION: Final = "kubernetes.io/limit-ranger"
CONTAINER, POD, CLAIM = "Container", "Pod", "PersistentVolumeClaim"

Amounts = Mapping[str, Quantity]


def in_namespace(bucket: Snapshot, namespace: str) -> tuple[LimitRange, ...]:
    """The LimitRanges of a namespace, in the order of their names."""
    return tuple(e.value for e in bucket.entries() if e.value.namespace == namespace)


def defaulted(obj: LimitRange) -> LimitRange:
    """SetDefaults_LimitRangeItem: the default limit is the maximum, the default request that."""
    items = tuple(_defaulted_item(item) for item in obj.spec.limits)
    return obj.replace(spec=obj.spec.replace(limits=items))


def _defaulted_item(item: LimitRangeItem) -> LimitRangeItem:
    if item.type != CONTAINER:
        return item
    limits = _filled(item.default, item.max)
    requests = _filled(_filled(item.default_request, limits), item.min)
    return item.replace(default=limits, default_request=requests)


def _filled(given: Resources, more: Resources) -> Resources:
    missing = {name: amount for name, amount in more.items() if name not in given}
    return FrozenMap({**given, **missing}) if missing else given


def mutate(ranges: tuple[LimitRange, ...], obj: Any) -> Any:
    """A new pod with the defaults of its namespace; everything else as it is."""
    if not ranges or not isinstance(obj, Pod):
        return obj
    obj = obj.replace(spec=pod_spec(obj.spec))  # the kind's own defaults come before any plugin
    for limit_range in ranges:
        obj = _with_defaults(limit_range, obj)
    return obj


def _with_defaults(limit_range: LimitRange, pod: Pod) -> Pod:
    limits: Resources = EMPTY
    requests: Resources = EMPTY
    for item in limit_range.spec.limits:
        if item.type == CONTAINER:
            limits = FrozenMap({**limits, **item.default})
            requests = FrozenMap({**requests, **item.default_request})
    said: list[str] = []

    def filled(containers: tuple[Container, ...], what: str) -> tuple[Container, ...]:
        return tuple(_container(c, limits, requests, what, said) for c in containers)

    spec = pod.spec.replace(
        containers=filled(pod.spec.containers, "container"),
        init_containers=filled(pod.spec.init_containers, "init container"),
    )
    if not said:
        return pod
    note = "LimitRanger plugin set: " + "; ".join(said)
    annotations = pod.metadata.annotations.set(ANNOTATION, note)
    return pod.replace(spec=spec).with_metadata(annotations=annotations)


def _container(
    container: Container, limits: Resources, requests: Resources, what: str, said: list[str]
) -> Container:
    """The container with the defaults that it lacks, telling `said` which."""
    given = container.resources
    asked = sorted(name for name in requests if name not in given.requests)
    bounded = sorted(name for name in limits if name not in given.limits)
    if asked:
        said.append(f"{', '.join(asked)} request for {what} {container.name}")
    if bounded:
        said.append(f"{', '.join(bounded)} limit for {what} {container.name}")
    resources = given.replace(
        limits=_filled(given.limits, limits), requests=_filled(given.requests, requests)
    )
    return container.replace(resources=resources) if asked or bounded else container


def refusal(ranges: tuple[LimitRange, ...], obj: Any) -> Response | None:
    """Why the LimitRanges of its namespace keep a pod or a claim out, or None."""
    for limit_range in ranges:
        found = list(_violations(limit_range, obj))
        if found:
            text = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
            name = obj.name or obj.metadata.generate_name
            return Response(api.FORBIDDEN, None, f'{obj.resource} "{name}" is forbidden: {text}')
    return None


def _violations(limit_range: LimitRange, obj: Any) -> Iterator[str]:
    for item in limit_range.spec.limits:
        if isinstance(obj, PersistentVolumeClaim):
            if item.type == CLAIM:
                yield from _claim_violations(item, parsed(obj.spec.resources.requests))
        elif item.type == CONTAINER:
            for container in (*obj.spec.containers, *obj.spec.init_containers):
                resources = container.resources
                yield from _bounds(item, parsed(resources.requests), parsed(resources.limits))
        elif item.type == POD:
            yield from _bounds(item, pod_requests(obj.spec), pod_limits(obj.spec))


def _claim_violations(item: LimitRangeItem, requests: Amounts) -> Iterator[str]:
    """Of a claim what it requests counts, never a limit."""
    for name, text in item.min.items():
        yield from _minimum(item.type, name, text, requests, {})
    for name, text in item.max.items():
        usage = f"maximum {name} usage per {item.type} is {text}"
        if name not in requests:
            yield f"{usage}.  No request is specified"
        elif requests[name].cmp(parse(text)) > 0:
            yield f"{usage}, but request is {requests[name]}"


def _bounds(item: LimitRangeItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    """Minimum, maximum and ratio, in upstream's order."""
    for name, text in item.min.items():
        yield from _minimum(item.type, name, text, requests, limits)
    for name, text in item.max.items():
        yield from _maximum(item.type, name, text, requests, limits)
    for name, text in item.max_limit_request_ratio.items():
        yield from _ratio(item.type, name, text, requests, limits)


def _minimum(kind: str, name: str, text: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    usage, bound = f"minimum {name} usage per {kind} is {text}", parse(text)
    if name not in requests:
        yield f"{usage}.  No request is specified"
    elif requests[name].cmp(bound) < 0:
        yield f"{usage}, but request is {requests[name]}"
    elif name in limits and limits[name].cmp(bound) < 0:
        yield f"{usage}, but limit is {limits[name]}"


def _maximum(kind: str, name: str, text: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    usage, bound = f"maximum {name} usage per {kind} is {text}", parse(text)
    if name not in limits:
        yield f"{usage}.  No limit is specified"
    elif limits[name].cmp(bound) > 0:
        yield f"{usage}, but limit is {limits[name]}"
    elif name in requests and requests[name].cmp(bound) > 0:
        yield f"{usage}, but request is {requests[name]}"


def _ratio(kind: str, name: str, text: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    usage = f"{name} max limit to request ratio per {kind} is {text}"
    if name not in requests or requests[name].is_zero:
        yield f"{usage}, but no request is specified or request is 0"
    elif name not in limits or limits[name].is_zero:
        yield f"{usage}, but no limit is specified or limit is 0"
    else:
        ratio = limits[name].as_fraction() / requests[name].as_fraction()
        if ratio > parse(text).as_fraction():
            yield f"{usage}, but provided ratio is {float(ratio):f}"
