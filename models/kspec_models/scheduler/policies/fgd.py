"""FGD: the default filters, and the node whose fragmentation grows least.

The formula, its tie rule and its choices are in `kspec_models.placement.fgd`. The typical pods are
those of the pods on the cluster's nodes and of the pod to be placed; in a world without GPUs
nothing fragments, and all nodes score the same.
"""

from __future__ import annotations

from functools import cache

from kspec_models.placement.fgd import FragmentationGradientDescent
from kspec_models.scheduler.policies.gpu_policy import Placer, gpu_policy
from kspec_models.scheduler.profile import Profile


@cache
def fgd() -> Profile:
    """The policy `fgd`."""
    return gpu_policy(Placer("fgd", FragmentationGradientDescent, reads_typical=True))
