"""What a scheduler is set up with: its profiles, and what holds for all of them.

After pkg/scheduler/profile/profile.go and the fields of KubeSchedulerConfiguration at 1.36. A
single policy is a set-up with one profile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from kspec_models.objects import Pod
from kspec_models.scheduler.cycle import Sample
from kspec_models.scheduler.events import Hints, ProfileHints
from kspec_models.scheduler.framework import DEFAULT_SCHEDULER, Policy
from kspec_models.scheduler.line import BACKOFF, Backoff

MIN_FEASIBLE_NODES = 100
"""minFeasibleNodesToFind: smaller clusters are always searched whole."""

POINTS = ("reserve", "permit", "pre_bind")


@attrs.frozen(eq=False)
class Hooks:
    """What the plugins of a policy do beyond choosing a node, each in the order of the plugins."""

    reserve: tuple[Callable[..., Any], ...] = ()
    permit: tuple[Callable[..., Any], ...] = ()
    pre_bind: tuple[Callable[..., Any], ...] = ()


def hooks_of(policy: Any) -> Hooks:
    """The hooks of a policy: its own methods, and those of its plugins."""
    plugins = [policy, *getattr(policy, "filters", ())]
    plugins += [plugin for plugin, _ in getattr(policy, "scorers", ())]
    plugins += getattr(policy, "extra", ())
    found: dict[str, list[Callable[..., Any]]] = {point: [] for point in POINTS}
    for point in POINTS:
        seen: list[Any] = []
        for plugin in plugins:
            method = getattr(plugin, point, None)
            if callable(method) and not any(plugin is other for other in seen):
                seen.append(plugin)
                found[point].append(method)
    return Hooks(**{point: tuple(methods) for point, methods in found.items()})


@attrs.frozen
class Setup:
    """What a configuration file says around its only profile, as an attribute `setup` of it.

    percentage: percentageOfNodesToScore, 0 for upstream's adaptive one. backoff: the virtual
    seconds of the first backoff and of the longest.
    """

    scheduler_name: str = DEFAULT_SCHEDULER
    percentage: int = 0
    backoff: Backoff = BACKOFF


@attrs.frozen(eq=False)
class Profiles:
    """The profiles of one scheduler by the spec.schedulerName that they serve.

    percentage: percentageOfNodesToScore, 0 for upstream's adaptive one; percentages: that of a
    profile, where it has one of its own. min_feasible: clusters of fewer nodes are searched whole.
    backoff: as of `Setup`.
    """

    by_name: Mapping[str, Policy]
    percentage: int = 0
    percentages: Mapping[str, int] = attrs.field(factory=dict)
    min_feasible: int = MIN_FEASIBLE_NODES
    backoff: Backoff = BACKOFF
    hooks: Mapping[str, Hooks] = attrs.field(init=False)
    hints: Hints | ProfileHints | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        hooks = {name: hooks_of(policy) for name, policy in self.by_name.items()}
        object.__setattr__(self, "hooks", hooks)
        by_name = {n: getattr(policy, "hints", None) for n, policy in self.by_name.items()}
        first = next(iter(by_name.values()))
        is_one = all(hints is first for hints in by_name.values())
        object.__setattr__(self, "hints", first if is_one else ProfileHints(by_name))

    @staticmethod
    def name_of(pod: Pod) -> str:
        """The scheduler that the pod asks for; an empty name is the default scheduler's."""
        return pod.spec.scheduler_name or DEFAULT_SCHEDULER

    def serves(self, pod: Pod) -> bool:
        return self.name_of(pod) in self.by_name

    def policy(self, pod: Pod) -> Policy:
        return self.by_name[self.name_of(pod)]

    @property
    def resources(self) -> tuple[str, ...]:
        """What the policies read besides pods and nodes, each once."""
        each = (getattr(policy, "resources", ()) for policy in self.by_name.values())
        return tuple(dict.fromkeys(resource for resources in each for resource in resources))

    def enough(self, pod: Pod, nodes: int) -> int:
        """numFeasibleNodesToFind: how many feasible nodes end the search; 0 where none do."""
        if nodes < self.min_feasible:
            return 0
        share = self.percentages.get(self.name_of(pod), self.percentage)
        share = share or max(50 - nodes // 125, 5)
        found = max(nodes * share // 100, self.min_feasible)
        return found if found < nodes else 0

    def sample(self, pod: Pod, nodes: int, start: int) -> Sample:
        """Where the search of a cycle starts, and what ends it."""
        return Sample(start % nodes if nodes else 0, self.enough(pod, nodes))

    def __iter__(self) -> Iterator[tuple[str, Policy]]:
        return iter(self.by_name.items())


def profiles_of(policy: Any, scheduler_name: str = DEFAULT_SCHEDULER) -> Profiles:
    """A set-up as it is, or that of a single policy, with what its `setup` says."""
    if isinstance(policy, Profiles):
        return policy
    setup = getattr(policy, "setup", None) or Setup(scheduler_name)
    by_name = {setup.scheduler_name: policy}
    return Profiles(by_name, percentage=setup.percentage, backoff=setup.backoff)
