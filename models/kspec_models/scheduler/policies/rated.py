"""A policy that only rates: the default filters and preemption judge, and its own score chooses.

What most policies are about, in the least code: a class with a name and `score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.profile import Profile


class Rated(Profile):
    """The default profile with the score of a user's object in the place of its own."""

    def __init__(self, rating: Any) -> None:
        default = default_policy()
        own = getattr(rating, "post_filter", default.post_filter)
        super().__init__(
            rating.name,
            default.filters,
            resources=getattr(rating, "resources", ()),
            post_filter=own if hasattr(own, "post_filter") else default.post_filter,
            extra=default.extra,
        )
        self.post_filter = own  # a plugin, a method of the object, or None
        self.rating = rating
        self.hints = getattr(rating, "hints", self.hints)
        self.normalises = bool(getattr(rating, "normalises", False))
        self.rounds = bool(getattr(rating, "rounds", False))
        self.vectorised = None  # it knows the scores of plugins alone

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        found: Sequence[int] = self.rating.score(pod, node_infos, context)
        return found

    @property
    def lowest_score(self) -> int:
        """What the user's object declares, else 0."""
        return int(getattr(self.rating, "lowest_score", 0))

    @property
    def highest_score(self) -> int:
        """What the user's object declares, else 100."""
        return int(getattr(self.rating, "highest_score", 100))
