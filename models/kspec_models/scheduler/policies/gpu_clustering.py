"""GpuClustering: the default filters, and pods of one GPU shape together.

The formula, its tie rule and its choices, also for pods without GPU, are in
`kspec_models.placement.gpu_clustering`.
"""

from __future__ import annotations

from functools import cache

from kspec_models.placement.gpu_clustering import GpuClustering
from kspec_models.scheduler.policies.gpu_policy import Placer, gpu_policy
from kspec_models.scheduler.profile import Profile


@cache
def gpu_clustering() -> Profile:
    """The policy `gpu-clustering`."""
    return gpu_policy(Placer("gpu-clustering", lambda typical: GpuClustering()))
