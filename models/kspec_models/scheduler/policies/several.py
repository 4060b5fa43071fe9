"""Several profiles as one policy: each pod is decided on by the profile that it asks for.

After pkg/scheduler/profile/profile.go and schedule_one.go (frameworkForPod) at 1.36. A scheduler
leaves pods alone that ask for none of its profiles; asked about one nevertheless, this fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from kspec_models.objects import Pod
from kspec_models.scheduler.framework import ERROR, Context, Nomination, Policy, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.profiles import Profiles


@attrs.frozen(eq=False)
class SeveralProfiles(Profiles):
    """The profiles of a configuration file, which the policy is named after."""

    name: str = "profiles"

    def of(self, pod: Pod) -> Any:
        """The profile that the pod asks for, or one that fails."""
        return self.policy(pod) if self.serves(pod) else _Nobody(self.name_of(pod))

    def pre_filter(self, pod: Pod, context: Context) -> tuple[Status, Context]:
        """PreFilter of the pod's profile."""
        found: tuple[Status, Context] = self.of(pod).pre_filter(pod, context)
        return found

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        """Filter of the pod's profile."""
        found: Status = self.of(pod).filter(pod, node_info, context)
        return found

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        """Score of the pod's profile."""
        return self.policy(pod).score(pod, node_infos, context)

    def with_pod(self, pod: Pod, context: Context, added: Pod, info: NodeInfo) -> Context:
        """As `Profile.with_pod`."""
        found: Context = self.of(pod).with_pod(pod, context, added, info)
        return found

    def without_pod(self, pod: Pod, context: Context, removed: Pod, info: NodeInfo) -> Context:
        """As `Profile.without_pod`."""
        found: Context = self.of(pod).without_pod(pod, context, removed, info)
        return found

    def post_filter(self, pod: Pod, statuses: Any, context: Context) -> Nomination:
        """PostFilter of the pod's profile; without any, an earlier nomination ends."""
        profile: Any = self.of(pod)
        if profile.post_filter is None:
            return Nomination()
        found: Nomination = profile.post_filter.post_filter(profile, pod, statuses, context)
        return found

    @property
    def highest_score(self) -> int:
        """The score that no node can exceed."""
        each: list[Policy] = list(self.by_name.values())
        return max(int(getattr(profile, "highest_score", 0)) for profile in each)


class _Nobody:
    """The answer to a pod that no profile serves."""

    post_filter = None

    def __init__(self, name: str) -> None:
        self.status = Status(ERROR, (f"no profile is called {name}",))

    def pre_filter(self, pod: Pod, context: Context) -> tuple[Status, Context]:
        return self.status, context

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        return self.status

    def with_pod(self, pod: Pod, context: Context, added: Pod, info: NodeInfo) -> Context:
        return context

    without_pod = with_pod
