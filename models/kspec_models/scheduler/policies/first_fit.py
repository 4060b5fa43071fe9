"""First fit: the default filters and preemption, and the first feasible node in the order of names.

Not a profile of upstream's: the simplest policy that is correct, to compare others with.
"""

from __future__ import annotations

from functools import cache

from kspec_models.scheduler.policies.default import default_with_scores
from kspec_models.scheduler.profile import Profile


@cache
def first_fit() -> Profile:
    """The default profile without any score."""
    return default_with_scores("first-fit", ())
