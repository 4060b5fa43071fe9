"""InterPodAffinity: a pod wants to be, or must not be, in the same topology domain as other pods.

After pkg/scheduler/framework/plugins/interpodaffinity/{plugin,filtering,scoring}.go at 1.36.
Required terms filter (`filtering`), preferred ones score (`scoring`); both count for the incoming
pod and, symmetrically, for the pods that are there already, except that required affinity of a
pod that is there only scores. Arguments are validated as ValidateInterPodAffinityArgs does.

The labels of namespaces come from the cache "namespaces"; without it no namespace is known, and
a namespaceSelector that asks for labels selects none. `resources` names that cache, which only
terms with a namespaceSelector read.

matchLabelKeys and mismatchLabelKeys are not read here, as upstream: the API server merges them
into the labelSelector when the pod is created (mutatePodAffinity in
pkg/registry/core/pod/strategy.go, kubernetes/kubernetes#116065, generally available since 1.33).

Left out: the fast path for the topology key kubernetes.io/hostname, later than 1.36, which
changes no answer (InterPodAffinityHostnameFastPath).
"""

from __future__ import annotations

from collections.abc import Sequence

from kspec.errors import InputError
from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context, PreFilterResult, PreScoreResult, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_models.scheduler.plugins.inter_pod_affinity import filtering, scoring
from kspec_models.scheduler.plugins.inter_pod_affinity.events import EVENTS
from kspec_models.scheduler.plugins.inter_pod_affinity.terms import NAME

__all__ = ["EVENTS", "NAME", "InterPodAffinity"]

_HIGHEST_WEIGHT = 100


class InterPodAffinity:
    """hard_pod_affinity_weight: what a required affinity term of a pod that is there already adds
    to the score, 0..100. ignore_preferred_terms_of_existing_pods: a pod without preferred terms of
    its own is not scored. Raises InputError for a weight outside the range.
    """

    name = NAME
    resources = ("namespaces",)

    def __init__(
        self,
        hard_pod_affinity_weight: int = 1,
        ignore_preferred_terms_of_existing_pods: bool = False,
    ) -> None:
        if not 0 <= hard_pod_affinity_weight <= _HIGHEST_WEIGHT:
            raise InputError(
                f"hardPodAffinityWeight {hard_pod_affinity_weight}", expected="a weight 0 to 100"
            )
        self.hard_pod_affinity_weight = hard_pod_affinity_weight
        self.ignore_preferred_terms_of_existing_pods = ignore_preferred_terms_of_existing_pods

    def is_idle(self, pod: Pod, context: Context) -> bool:
        """Whether neither the pod nor any that runs has an affinity; asked where there is a table
        of the nodes, instead of looking at each."""
        return not pod.spec.affinity and context.table.affinity == 0

    def pre_filter(self, pod: Pod, context: Context) -> PreFilterResult:
        """See `filtering.pre_filter`."""
        return filtering.pre_filter(pod, context)

    def filter_with(self, state: filtering.State, pod: Pod, node_info: NodeInfo) -> Status:
        """See `filtering.judge`."""
        return filtering.judge(state, node_info)

    def add_pod(
        self, state: filtering.State, pod: Pod, added: Pod, node_info: NodeInfo
    ) -> filtering.State:
        """The state if `added` were on that node as well."""
        return state.changed(added, node_info, 1)

    def remove_pod(
        self, state: filtering.State, pod: Pod, removed: Pod, node_info: NodeInfo
    ) -> filtering.State:
        """The state if `removed` were not on that node."""
        return state.changed(removed, node_info, -1)

    def pre_score(self, pod: Pod, feasible: Sequence[NodeInfo], context: Context) -> PreScoreResult:
        """See `scoring.pre_score`."""
        if self.ignore_preferred_terms_of_existing_pods and not scoring.has_preferred_terms(pod):
            return scoring.SKIPPED
        return scoring.pre_score(pod, context, self.hard_pod_affinity_weight)

    def score_with(self, state: scoring.State, pod: Pod, node_info: NodeInfo) -> int:
        """The sum of the weights that count for the domains of the node; may be negative."""
        return scoring.score(state, node_info)

    def normalize_with(
        self, state: scoring.State, scores: Sequence[int], node_infos: Sequence[NodeInfo]
    ) -> Sequence[int]:
        """See `scoring.normalized`."""
        return scoring.normalized(scores)
