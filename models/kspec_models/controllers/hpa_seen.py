"""What a pass of the HorizontalPodAutoscaler reads beside the scale and the metrics.

After computeReplicasForMetrics, validateAndParseSelector and hpasControllingPodsUnderSelector in
pkg/controller/podautoscaler/horizontal.go at Kubernetes 1.36.
"""

from __future__ import annotations

from typing import Any

from kspec_models.controllers.hpa_behavior import Behavior
from kspec_models.controllers.hpa_calculator import Tolerances
from kspec_models.controllers.hpa_scale import selector_of, target_of
from kspec_models.controllers.hpa_wakes import PODS, autoscalers
from kspec_models.host import View
from kspec_models.objects import HorizontalPodAutoscaler, Pod


def tolerances_of(behavior: Behavior | None, tolerance: float) -> Tolerances:
    """The tolerance by direction: that of the behaviour, or the flag."""
    if behavior is None:
        return Tolerances(tolerance, tolerance)
    down, up = behavior.down.tolerance, behavior.up.tolerance
    return Tolerances(tolerance if down is None else down, tolerance if up is None else up)


def selected(scale: Any, view: View) -> tuple[Pod, ...]:
    """The cached pods that the selector of a scale selects."""
    selector, prefix = selector_of(scale), f"{PODS}/{scale.namespace}/"
    found = (entry.value for entry in view.caches[PODS].between(prefix, prefix[:-1] + "0"))
    return tuple(pod for pod in found if selector.matches(pod.metadata.labels))


def controlling(pods: tuple[Pod, ...], hpa: HorizontalPodAutoscaler, view: View) -> tuple[str, ...]:
    """Every autoscaler whose target selects one of the pods, if they are several."""
    found = [hpa.key]
    for other in autoscalers(view, hpa.namespace):
        target = target_of(other)
        if other.name == hpa.name or target is None or target[0] not in view.caches:
            continue
        entry = view.caches[target[0]].get("/".join(target))
        if entry is None:
            continue
        selector = selector_of(entry.value)
        if any(selector.matches(pod.metadata.labels) for pod in pods):
            found.append(other.key)
    return tuple(sorted(found)) if len(found) > 1 else ()
