"""BestFit: the default filters, and the node on which least CPU and GPU stay free.

The formula, its tie rule and its choices are in `kspec_models.placement.best_fit`. A node without
GPUs is judged by its CPU. Scores are brought to 0..100 by min-max normalisation, as published.
"""

from __future__ import annotations

from functools import cache

from kspec_models.placement.best_fit import BestFit
from kspec_models.scheduler.policies.gpu_policy import Placer, gpu_policy
from kspec_models.scheduler.profile import Profile


@cache
def best_fit() -> Profile:
    """The policy `best-fit`."""
    return gpu_policy(Placer("best-fit", lambda typical: BestFit(), normalises=True))
