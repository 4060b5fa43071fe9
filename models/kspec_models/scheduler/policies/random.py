"""Random: the default filters and preemption, and any feasible node.

Nothing is drawn at random here: without a score all feasible nodes are equals, and `ties` says that
the choice among equals is part of an action, so that it is explored and replayed.
"""

from __future__ import annotations

from functools import cache

from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


class RandomChoice(Profile):
    """ties: as of a world; each of several equals is an action of its own."""

    ties = "random"


@cache
def random_choice() -> RandomChoice:
    """The policy `random`."""
    default = default_policy()
    return RandomChoice(
        "random", default.filters, post_filter=default.post_filter, extra=default.extra
    )
