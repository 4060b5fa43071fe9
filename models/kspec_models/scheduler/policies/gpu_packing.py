"""GpuPacking: the default filters, and GPUs and nodes in use first.

The formula, its tie rule and its choices, also for pods without GPU, are in
`kspec_models.placement.gpu_packing`.
"""

from __future__ import annotations

from functools import cache

from kspec_models.placement.gpu_packing import GpuPacking
from kspec_models.scheduler.policies.gpu_policy import Placer, gpu_policy
from kspec_models.scheduler.profile import Profile


@cache
def gpu_packing() -> Profile:
    """The policy `gpu-packing`."""
    return gpu_policy(Placer("gpu-packing", lambda typical: GpuPacking()))
