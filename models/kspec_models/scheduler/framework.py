"""The scheduler framework: statuses, what a plugin is at each extension point, what a policy is.

After k8s.io/kube-scheduler/framework (interface.go, Code, Status, CycleState) and
pkg/scheduler/framework/runtime at 1.36.

A policy decides where a pod goes: `filter` says which nodes can take it, and `score` rates those.
Write one as a class with these two methods (see `Policy`), as a list of plugins (see `profile`),
or, to have it proved by z3 too, over plain numbers (see `NumericPolicy`).

A plugin is pure: what upstream keeps in a CycleState is returned by `pre_filter` and `pre_score`
and handed back. A plugin that needs no more than the pod's spec and one NodeInfo says so by the
plain methods `filter` and `score`, and its answers are memoised on the two; one that looks at the
whole cluster has `filter_with` and `score_with`, which get the state of the cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from kspec.errors import KspecError
from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.objects.record import EMPTY
from kspec_models.scheduler.nodeinfo import NodeInfo

MAX_NODE_SCORE: Final = 100
DEFAULT_SCHEDULER: Final = "default-scheduler"
"""The scheduler of a pod that asks for none."""

SUCCESS_CODE: Final = "Success"
ERROR: Final = "Error"
UNSCHEDULABLE: Final = "Unschedulable"
UNRESOLVABLE: Final = "UnschedulableAndUnresolvable"
SKIP: Final = "Skip"


class Status(NamedTuple):
    """What a plugin says of a node: a code, upstream's reasons, and the plugin that said so."""

    code: str = SUCCESS_CODE
    reasons: tuple[str, ...] = ()
    plugin: str = ""

    @property
    def ok(self) -> bool:
        return self.code == SUCCESS_CODE

    @property
    def is_rejected(self) -> bool:
        """Whether the pod does not fit, as opposed to an error of the plugin."""
        return self.code in (UNSCHEDULABLE, UNRESOLVABLE)


SUCCESS: Final = Status()


class PluginError(KspecError):
    """AddPod or RemovePod of a plugin failed; raised by it, since they return a state alone.

    extension: "AddPod" or "RemovePod". The node that was looked at gets an Error status.
    """

    def __init__(self, extension: str, plugin: str, problem: str) -> None:
        super().__init__(f'running {extension} on PreFilter plugin "{plugin}": {problem}')


class Context(NamedTuple):
    """What a policy may look at besides the pod and the node.

    nodes: the snapshot of all nodes in the order of names. caches: the informer caches by
    resource, of the resources that the policy names in `resources`; a resource that cannot occur
    in the world is absent. states: what `pre_filter` of each plugin left for this cycle, by the
    plugin's name; None before PreFilter has run. A plugin that is to be skipped has no entry.
    nominated: by node, the pods that are nominated to run there and not bound yet. table: the nodes
    as columns of numbers, for the vectorised form of a policy; None where the plain form decides.
    """

    nodes: tuple[NodeInfo, ...] = ()
    caches: Mapping[str, Any] = EMPTY
    states: Mapping[str, Any] | None = None
    nominated: Mapping[str, tuple[Pod, ...]] = EMPTY
    table: Any = None


class PreFilterResult(NamedTuple):
    """What PreFilter of a plugin found.

    status: Skip: the plugin's filter is not asked; a rejection: no node can take the pod.
    nodes: the names of the only nodes that can, sorted, or None where the plugin names none.
    state: handed to `filter_with`, `add_pod` and `remove_pod`.
    """

    status: Status = SUCCESS
    nodes: tuple[str, ...] | None = None
    state: Any = None


class PreScoreResult(NamedTuple):
    """What PreScore of a plugin found. status: Skip: its scores do not count."""

    status: Status = SUCCESS
    state: Any = None


class Nomination(NamedTuple):
    """What PostFilter found: the node that is nominated ("" for none), and whom to evict there.

    keeps: the pod may not preempt now; what was nominated before stays (upstream's nil result).
    """

    node: str = ""
    victims: tuple[Pod, ...] = ()
    status: Status = SUCCESS
    keeps: bool = False


class FilterPlugin(Protocol):
    """Says whether a node can take a pod, from the pod's spec and the NodeInfo alone."""

    @property
    def name(self) -> str: ...

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status: ...


class ScorePlugin(Protocol):
    """Rates a node, from the pod's spec and the NodeInfo alone; higher is better at the end.

    is_relative: its scores mean something only after `normalize`; otherwise they are 0..100.
    """

    @property
    def name(self) -> str: ...

    @property
    def is_relative(self) -> bool: ...

    def score(self, spec: PodSpec, node_info: NodeInfo) -> int: ...

    def normalize(self, scores: Sequence[int]) -> Sequence[int]:
        """The scores of all feasible nodes, brought to 0..100."""
        ...


class CycleFilterPlugin(Protocol):
    """Says whether a node can take a pod, from the whole cluster."""

    @property
    def name(self) -> str: ...

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """Once in a cycle, before any node is looked at."""
        ...

    def filter_with(self, state: Any, pod: Pod, node_info: NodeInfo) -> Status: ...

    def add_pod(self, state: Any, pod: Pod, added: Pod, node_info: NodeInfo) -> Any:
        """PreFilterExtensions.AddPod: the state if `added` were on that node as well."""
        ...

    def remove_pod(self, state: Any, pod: Pod, removed: Pod, node_info: NodeInfo) -> Any:
        """PreFilterExtensions.RemovePod: the state if `removed` were not on that node."""
        ...


class CycleScorePlugin(Protocol):
    """Rates nodes from the whole cluster."""

    @property
    def name(self) -> str: ...

    def pre_score(self, pod: Pod, feasible: Sequence[NodeInfo], context: Context) -> PreScoreResult:
        """Once in a cycle, when it is known which nodes are feasible."""
        ...

    def score_with(self, state: Any, pod: Pod, node_info: NodeInfo) -> int: ...

    def normalize_with(
        self, state: Any, scores: Sequence[int], node_infos: Sequence[NodeInfo]
    ) -> Sequence[int]:
        """The scores of all feasible nodes, brought to 0..100."""
        ...


class Policy(Protocol):
    """Where pods go.

    A policy may have more methods, each as at its extension point:
    `pre_filter(pod, context) -> (Status, Context)` once in a cycle; `with_pod` and
    `without_pod(pod, context, other, node_info) -> Context`, the context as if another pod were or
    were not there; `post_filter(pod, statuses, context) -> Nomination` for a pod that fits nowhere
    (without it nobody is preempted); `reserve(pod, node_info, context)`, annotations that go with
    the binding, or a Status that rejects; `permit(pod, node, context) -> binding.Permit`;
    `pre_bind(pod, node_info, context)`, requests that are sent before the binding.

    Optional attributes: `resources`, the resources besides pods and nodes whose caches it reads;
    `hints`, the queueing hints of its rejections (without any, every event retries a pod);
    `highest_score`, what no score exceeds (100 without it); `ties`, "random" where each of several
    equals is a choice of its own; `normalises` and `rounds`, true where nodes that it refuses, or
    the scale of all quantities, may change a decision. The latter two are attributes of a plugin
    too, and a profile has them of its plugins.
    """

    @property
    def name(self) -> str: ...

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        """Whether the node can take the pod. Only nodes that exist are asked about."""
        ...

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        """A score per feasible node, higher is better. Not asked for when only one is feasible."""
        ...


def highest(node_infos: Sequence[NodeInfo], scores: Sequence[int]) -> list[NodeInfo]:
    """All nodes of the highest score, in order."""
    best = max(scores)
    return [info for info, score in zip(node_infos, scores, strict=True) if score == best]


def choose(node_infos: Sequence[NodeInfo], scores: Sequence[int]) -> NodeInfo:
    """The node of the highest score; the first in order (the lowest name) among equals."""
    best, best_score = node_infos[0], scores[0]
    for info, score in zip(node_infos[1:], scores[1:], strict=True):
        if score > best_score:
            best, best_score = info, score
    return best


def default_normalize(scores: Sequence[int], reverse: bool) -> Sequence[int]:
    """Scale scores of at least 0 so that the highest is 100; `reverse` makes low ones high.

    As DefaultNormalizeScore: with no score above 0 all are 0, or all 100 in reverse.
    """
    highest = max(scores, default=0)
    if highest == 0:
        return [MAX_NODE_SCORE] * len(scores) if reverse else scores
    scaled = [MAX_NODE_SCORE * score // highest for score in scores]
    return [MAX_NODE_SCORE - score for score in scaled] if reverse else scaled


PolicyFactory = Callable[[], Policy]
