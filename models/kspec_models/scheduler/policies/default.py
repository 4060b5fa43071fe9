"""The default policy: the profile of kube-scheduler with an empty configuration.

After pkg/scheduler/apis/config/v1/default_plugins.go at 1.36: the default filters and preemption,
and the scores TaintToleration (weight 3), NodeAffinity (2), PodTopologySpread (2),
InterPodAffinity (2), NodeResourcesFit (1), NodeResourcesBalancedAllocation (1) and ImageLocality
(1). Where it differs from upstream's is said in `configuration.setup` and `plugins.registry`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from kspec_models.scheduler.configuration import default_profile
from kspec_models.scheduler.profile import Profile


@cache
def default_policy() -> Profile:
    """Upstream's default profile."""
    return default_profile("default")


def default_with_scores(name: str, scorers: tuple[tuple[Any, int], ...]) -> Profile:
    """The filters and the preemption of the default profile, with scores (and weights) of its own.

    A plugin that the default profile has as well is the same one wherever it runs.
    """
    default = default_policy()
    return Profile(
        name, default.filters, scorers, post_filter=default.post_filter, extra=default.extra
    )
