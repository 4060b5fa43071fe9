"""When a HorizontalPodAutoscaler has to be looked at: which events, and at what times without one.

Upstream makes a pass every 15 seconds whatever happens. Here one is made where it could decide
something else than the last: after an event that it reads, at the next of its periods, and when
usage changes by age, the CPU of a young pod begins to count, or something remembered expires.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kspec_models.controllers.hpa_metrics import Seen
from kspec_models.controllers.hpa_scale import selector_of, target_of
from kspec_models.host import Notification, View
from kspec_models.metrics import changes_at, selects, window_of
from kspec_models.objects import HorizontalPodAutoscaler, Pod, condition

HPAS, PODS, LOADS = "horizontalpodautoscalers", "pods", "loads"


def facts_of(pod: Pod) -> tuple[Any, ...]:
    """What a pass reads of a pod."""
    status, meta = pod.status, pod.metadata
    ready = condition(status.conditions, "Ready")
    told = None if ready is None else (ready.status, ready.last_transition_time)
    return status.phase, told, status.start_time, meta.deletion_timestamp, meta.labels


def _facts_of_target(obj: Any) -> tuple[Any, ...]:
    return obj.spec.replicas, obj.status.replicas, obj.spec.selector


def is_news(event: Notification) -> bool:
    """Whether an event tells of something that a pass reads, from the event alone."""
    if event.old is None or event.new is None or event.resource == LOADS:
        return True
    old, new = event.old.value, event.new.value
    if old.uid != new.uid:
        return True
    if event.resource == PODS:
        return facts_of(old) != facts_of(new)
    if event.resource == HPAS:
        return bool(old.spec != new.spec)
    return _facts_of_target(old) != _facts_of_target(new)


def autoscalers(view: View, namespace: str) -> Iterator[HorizontalPodAutoscaler]:
    """The autoscalers of a namespace, as the cache has them."""
    for entry in view.caches[HPAS].entries():
        if entry.value.namespace == namespace:
            yield entry.value


def concerned(event: Notification, view: View) -> Iterator[str]:
    """The keys of the autoscalers that read what an event changed."""
    namespace = event.key.partition("/")[0]
    entries = [entry for entry in (event.old, event.new) if entry is not None]
    if event.resource == HPAS:
        yield event.key
        return
    for hpa in autoscalers(view, namespace):
        target = target_of(hpa)
        if target is None:
            continue
        if event.resource == PODS:
            is_mine = any(_may_select(view, target, e.value) for e in entries)
        else:
            is_mine = event.resource == LOADS or target == (event.resource, event.key)
        if is_mine:
            yield hpa.key


def _may_select(view: View, target: tuple[str, str], pod: Pod) -> bool:
    resource, key = target
    entry = view.caches[resource].get(f"{resource}/{key}") if resource in view.caches else None
    return entry is None or selector_of(entry.value).matches(pod.metadata.labels)


def times(seen: Seen, is_of_cpu: bool) -> Iterator[int]:
    """The virtual seconds at which the pods and loads alone change what a pass computes."""
    yield from changes_at(seen.loads, seen.target.pods)
    if not is_of_cpu:
        return
    for pod in seen.target.pods:
        ready, start = condition(pod.status.conditions, "Ready"), pod.status.start_time
        if ready is None or start is None:
            continue
        if ready.status != "True":
            yield start + seen.target.patience.cpu_initialization_period
        elif ready.last_transition_time is not None:
            windows = [window_of(load) for load in seen.loads if selects(load, pod)]
            yield ready.last_transition_time + max(windows, default=0)
