"""A rolling update of a DaemonSet: which old pods go, and which nodes get a new one beside the old.

After rollingUpdate, findUpdatedPodsOnNode and updatedDesiredNodeCounts in
pkg/controller/daemon/update.go and SurgeCount and UnavailableCount in util/daemonset_util.go at
Kubernetes 1.36. Without surge old pods are deleted, as many as maxUnavailable leaves room for, and
`manage` makes new ones; with surge new ones are made beside the old, which go once the new ones are
available.

Left out: Go's random order of a map of nodes; they are taken by name.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.errors import InputError
from kspec_models.controllers.daemonset_nodes import fit, has_revision
from kspec_models.controllers.daemonset_pods import ByNode, Change
from kspec_models.controllers.pods import is_available, scaled_value
from kspec_models.controllers.steps import WriteFailed
from kspec_models.objects import DaemonSet, Node, Pod
from kspec_models.objects.record import IntOrString
from kspec_models.requests import NOT_FOUND, Response

ROLLING_UPDATE = "RollingUpdate"
ON_DELETE = "OnDelete"


class Rollout(NamedTuple):
    """What a rolling update looks at."""

    daemon_set: DaemonSet
    nodes: tuple[Node, ...]
    revision: str
    pods: ByNode
    now: int

    def is_available(self, pod: Pod) -> bool:
        return is_available(pod, self.daemon_set.spec.min_ready_seconds, self.now)

    def should_run(self, name: str) -> bool:
        """Whether the node of that name should run a daemon pod."""
        return any(n.name == name and fit(n, self.daemon_set).should_run for n in self.nodes)

    @property
    def desired(self) -> int:
        """The number of nodes that should run a daemon pod."""
        return sum(fit(node, self.daemon_set).should_run for node in self.nodes)

    def places(self) -> tuple[str, ...]:
        """The nodes that have or should have a pod, by name."""
        wanted = {n.name for n in self.nodes if fit(n, self.daemon_set).should_run}
        return tuple(sorted({*self.pods, *wanted}))


class OnNode(NamedTuple):
    """The living pods of a node, one of each kind at most; is_clear: there are no more."""

    new: Pod | None
    old: Pod | None
    is_clear: bool


def _limit(daemon_set: DaemonSet, name: str, desired: int) -> int:
    """A limit of the rolling update, a percentage of the desired pods rounded up."""
    strategy = daemon_set.spec.update_strategy
    if strategy.type != ROLLING_UPDATE or strategy.rolling_update is None:
        return 0
    value: IntOrString | None = getattr(strategy.rolling_update, name)
    return 0 if value is None else scaled_value(value, desired, round_up=True)


def max_surge(daemon_set: DaemonSet, desired: int) -> int:
    """How many nodes may have a new pod beside an available old one."""
    return _limit(daemon_set, "max_surge", desired)


def max_unavailable(daemon_set: DaemonSet, desired: int) -> int:
    """How many nodes may be without an available pod because of the update; at least one, where
    neither this nor surge would let it move."""
    count = _limit(daemon_set, "max_unavailable", desired)
    return count or int(desired > 0 and max_surge(daemon_set, desired) == 0)


def allows_surge(daemon_set: DaemonSet) -> bool:
    """Whether a node may have two pods at a time."""
    try:
        return max_surge(daemon_set, 1) > 0
    except InputError:
        return False


def on_node(pods: tuple[Pod, ...], revision: str) -> OnNode:
    """findUpdatedPodsOnNode."""
    living = [pod for pod in pods if not pod.is_terminating]
    new = [pod for pod in living if has_revision(pod, revision)]
    old = [pod for pod in living if not has_revision(pod, revision)]
    if len(new) > 1 or len(old) > 1:
        return OnNode(None, None, False)
    return OnNode(new[0] if new else None, old[0] if old else None, True)


def plan_rollout(rollout: Rollout) -> Change:
    """What a rolling update changes now; with surge, raises WriteFailed for a pod without node."""
    if max_surge(rollout.daemon_set, rollout.desired) == 0:
        return _replacing(rollout)
    return _surging(rollout)


def _replacing(rollout: Rollout) -> Change:
    """Old pods that are not available go first; they count as unavailable like new ones."""
    limit = max_unavailable(rollout.daemon_set, rollout.desired)
    unavailable = 0
    broken: list[str] = []
    candidates: list[str] = []
    for name in rollout.places():
        new, old, is_clear = on_node(rollout.pods.get(name, ()), rollout.revision)
        if not is_clear or (old is None) == (new is None):
            unavailable += 1  # the manage step makes or deletes what is missing or too many
        elif new is not None:
            unavailable += not rollout.is_available(new)
        elif old is not None and not rollout.is_available(old):
            broken.append(old.key)
            unavailable += 1
        elif old is not None:
            candidates.append(old.key)
    room = max(limit - unavailable, 0)
    return Change(pods=(*broken, *candidates[:room]))


class _Surge(NamedTuple):
    """What to do about one node: counts towards the surge, and where its pod or node goes.

    place: "" nowhere, else one of delete, leave, needed and candidate.
    """

    surging: int = 0
    place: str = ""


def _surge_on(rollout: Rollout, name: str, found: OnNode) -> _Surge:
    new, old, is_clear = found
    if not is_clear:
        return _Surge(surging=1)
    if old is None:
        return _Surge()
    if new is not None:
        return _Surge(place="delete") if rollout.is_available(new) else _Surge(surging=1)
    if all(node.name != name for node in rollout.nodes):
        raise WriteFailed(Response(NOT_FOUND, message=f"node {name}"))
    should_run = rollout.should_run(name)
    if not rollout.is_available(old):
        return _Surge(place="needed" if should_run else "delete")
    return _Surge(place="candidate" if should_run else "leave")


def _surging(rollout: Rollout) -> Change:
    """New pods beside old ones, and away with old ones that are replaced.

    A node that should run none any more keeps its available pod until enough others are available.
    """
    surging = available = 0
    places: dict[str, list[tuple[str, Pod | None]]] = {}
    for name in rollout.places():
        found = on_node(rollout.pods.get(name, ()), rollout.revision)
        shown = found.old if found.old is not None else found.new
        available += shown is not None and rollout.is_available(shown)
        surge = _surge_on(rollout, name, found)
        surging += surge.surging
        places.setdefault(surge.place, []).append((name, found.old))
    limit = max_surge(rollout.daemon_set, rollout.desired)
    room = max(limit - surging, 0)
    spare = max(available - rollout.desired, 0)
    gone = (*places.get("delete", ()), *places.get("leave", ())[:spare])
    made = (*places.get("needed", ()), *places.get("candidate", ())[:room])
    return Change(
        tuple(name for name, _ in made), tuple(pod.key for _, pod in gone if pod is not None)
    )
