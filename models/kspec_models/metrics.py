"""The metrics APIs, answered by what the Loads of a world say: a pure function of loads and pods.

After pkg/controller/podautoscaler/metrics/client.go at Kubernetes 1.36 (resource, custom and
external metrics) and the metrics-server behind it. A Load says, in its namespace:

* source Resource (the default) or Pods: what each running pod that `selector` selects uses of
  `metric` (a resource, cpu if none is named, or a custom metric): `value` always, `byAge` the last
  step that its age in seconds has reached, or `total` shared evenly by those that are ready. It is
  the container named, or the first one, that uses it;
* source Object: the level `value` of a metric of `describedObject`;
* source External: the level `value` of one series of a metric, with the labels `series`.

Several Loads about one pod add up. A pod that no Load speaks of has no metrics, and with no Load at
all there are none: the autoscaler then reports so and leaves the replicas alone. A change takes
effect when the autoscaler's cache shows the Load, so metrics lag as everything does.

Left out: the period of scraping. A metric is as new as the pass that asks for it and covers
`windowSeconds`, 15 as metrics-server has it; upstream's may be a period older.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kspec.values import Memo
from kspec_models.objects import Load, Pod, condition
from kspec_models.objects.autoscaling import CrossVersionObjectReference
from kspec_models.objects.record import EMPTY, FrozenMap
from kspec_models.quantity import parse
from kspec_models.resources import CPU
from kspec_models.selectors import Selector, label_selector

BEGINNING = -(2**63)
"""A metric without a timestamp is older than anything."""
WINDOW_SECONDS = 15
RESOURCE, PODS, OBJECT, EXTERNAL = "Resource", "Pods", "Object", "External"
SOURCES = (RESOURCE, PODS, OBJECT, EXTERNAL)


class MetricError(Exception):
    """No replica count can be computed; the text is upstream's, for the condition of the HPA."""


class PodMetric(NamedTuple):
    """The usage of one pod in thousandths, over a window of seconds that ended at `timestamp`."""

    value: int
    timestamp: int = BEGINNING
    window: int = 0


def source_of(load: Load) -> str:
    return load.spec.source or RESOURCE


def metric_of(load: Load) -> str:
    return load.spec.metric or CPU


def window_of(load: Load) -> int:
    seconds = load.spec.window_seconds
    return WINDOW_SECONDS if seconds is None else seconds


_selector: Memo[FrozenMap[Any], Selector] = Memo("load selector", label_selector)


def selects(load: Load, pod: Pod) -> bool:
    """Whether a Load is about a pod; one without a selector is about every pod beside it."""
    if load.namespace != pod.namespace:
        return False
    selector = load.spec.selector
    return selector is None or _selector(selector).matches(pod.metadata.labels)


def milli(text: str) -> int:
    return parse(text).milli_value()


def is_serving(pod: Pod) -> bool:
    """Whether a share of the total load reaches the pod."""
    ready = condition(pod.status.conditions, "Ready")
    return ready is not None and ready.status == "True" and not pod.is_terminating


def usage(load: Load, pod: Pod, sharers: int, now: int) -> int:
    """What one Load makes one of its running pods use, in thousandths."""
    spec = load.spec
    if spec.total:
        return milli(spec.total) // sharers if is_serving(pod) else 0
    if spec.by_age:
        age = now - (pod.status.start_time or 0)
        reached = [step for step in spec.by_age if step.from_seconds <= age]
        return milli(max(reached, key=lambda s: s.from_seconds).value) if reached else 0
    return milli(spec.value)


Containers = Mapping[str, int]
"""Usage in thousandths by the name of the container."""


class Used(NamedTuple):
    """What one pod uses of one metric, and over what window that was measured."""

    containers: Containers
    window: int


def used_by_pods(
    loads: Iterable[Load], pods: Iterable[Pod], source: str, metric: str, now: int
) -> dict[str, Used]:
    """What the running pods use of a metric, by name; those that no Load is about are missing."""
    running = [pod for pod in pods if pod.status.phase == "Running"]
    found: dict[str, Used] = {}
    for load in loads:
        if source_of(load) != source or metric_of(load) != metric:
            continue
        mine = [pod for pod in running if selects(load, pod)]
        sharers = max(1, sum(map(is_serving, mine)))
        for pod in mine:
            names = [container.name for container in pod.spec.containers]
            container = load.spec.container or names[0]
            known = found.get(pod.name)
            used = dict(known.containers) if known else dict.fromkeys(names, 0)
            used[container] = used.get(container, 0) + usage(load, pod, sharers, now)
            window = max(window_of(load), known.window if known else 0)
            found[pod.name] = Used(used, window)
    return found


def of_pod(containers: Containers) -> int | None:
    """getPodMetrics: the sum over the containers; None where no container was measured."""
    return sum(containers.values()) if containers else None


def of_container(containers: Containers, container: str, pod: str) -> int:
    """getContainerMetrics: raises MetricError for a pod without that container."""
    if container not in containers:
        raise MetricError(f"container {container} not present in metrics for pod {pod}")
    return containers[container]


def resource_metric(
    loads: Iterable[Load], pods: Iterable[Pod], resource: str, container: str, now: int
) -> dict[str, PodMetric]:
    """GetResourceMetric: the usage of whole pods, or of one container in each."""
    pods = tuple(pods)
    keys, found = {pod.name: pod.key for pod in pods}, {}
    for name, used in used_by_pods(loads, pods, RESOURCE, resource, now).items():
        each = used.containers
        value = of_container(each, container, keys[name]) if container else sum(each.values())
        found[name] = PodMetric(value, now, used.window)
    if not found:
        raise MetricError(
            f"unable to get metrics for resource {resource}: "
            "no metrics returned from resource metrics API"
        )
    return found


def pods_metric(
    loads: Iterable[Load], pods: Iterable[Pod], metric: str, now: int
) -> dict[str, PodMetric]:
    """GetRawMetric: a custom metric of each pod."""
    used = used_by_pods(loads, pods, PODS, metric, now)
    if not used:
        raise MetricError(
            f"unable to get metric {metric}: no metrics returned from custom metrics API"
        )
    return {name: PodMetric(sum(u.containers.values()), now, u.window) for name, u in used.items()}


def object_metric(loads: Iterable[Load], metric: str, described: Mapping[str, Any]) -> int:
    """GetObjectMetric: the level of a metric of one object."""
    kind, name = described.get("kind", ""), described.get("name", "")
    for load in loads:
        about = load.spec.described_object or CrossVersionObjectReference()
        is_mine = source_of(load) == OBJECT and metric_of(load) == metric
        if is_mine and (about.kind, about.name) == (kind, name):
            return milli(load.spec.value)
    raise MetricError(
        f"unable to get metric {metric}: no metrics returned from custom metrics API "
        f"on {kind} {name}"
    )


def external_metric(
    loads: Iterable[Load], metric: str, selector: FrozenMap[Any] | None
) -> tuple[int, ...]:
    """GetExternalMetric: the level of each series of a metric that a selector selects."""
    wanted = _selector(selector if selector is not None else EMPTY)
    levels = tuple(
        milli(load.spec.value)
        for load in loads
        if source_of(load) == EXTERNAL
        and metric_of(load) == metric
        and wanted.matches(load.spec.series)
    )
    if not levels:
        raise MetricError(
            f"unable to get external metric {metric}: no metrics returned from external metrics API"
        )
    return levels


def changes_at(loads: Iterable[Load], pods: Iterable[Pod]) -> Iterator[int]:
    """The virtual seconds at which the usage of a pod changes by its age alone."""
    running = [p for p in pods if p.status.phase == "Running" and p.status.start_time is not None]
    for load in loads:
        for step in load.spec.by_age:
            for pod in running:
                if selects(load, pod) and pod.status.start_time is not None:
                    yield pod.status.start_time + step.from_seconds
