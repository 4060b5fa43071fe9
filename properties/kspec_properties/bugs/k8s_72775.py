"""The autoscaler started from status.replicas, which counts the pods that a rollout has too many.

Within tolerance it recommended the size that it had started from, and so wrote the surge into the
spec; the Deployment then surged over that, and so on until the rollout was over. Since then the
spec's replicas are what a recommendation starts from.
"""

from __future__ import annotations

from kspec_models.controllers.hpa import HorizontalPodAutoscalerController
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.autoscaling import SLOW_ROLLOUT, CountsSurgePods
from kspec_properties.mutants.mutant import replacing_controller


def _counting_surge_pods(made: HorizontalPodAutoscalerController) -> CountsSurgePods:
    return CountsSurgePods(made.targets, made.settings)


BUG = Bug(
    id="k8s-72775",
    title="pod hpa would create extra pods during deployment rolling update when there is no load",
    url="https://github.com/kubernetes/kubernetes/issues/72775",
    property="within-tolerance-nothing-is-scaled",
    world=SLOW_ROLLOUT,
    estimate=6,
    change=replacing_controller("hpa", _counting_surge_pods),
)
