"""Which events may make a pod schedulable that InterPodAffinity rejected.

After EventsToRegister, isSchedulableAfterPodChange and isSchedulableAfterNodeChange of
pkg/scheduler/framework/plugins/interpodaffinity/plugin.go at 1.36, with the pod's own labels
(kubernetes/kubernetes#135394) and the anti-affinity of a deleted pod (#135325). As in that
release, a hint about anti-affinity asks that all terms mean the other pod (any one does since
#139161, later), and a namespaceSelector other than the empty one means no namespace, since hints
have no cache of namespaces (#141953). So some pods wait for the flush, as they do upstream.

Left out: that a preCheck may hide the addition of a node, for which upstream asks for changes of
taints as well: they are asked for here too.
"""

from __future__ import annotations

from collections.abc import Mapping

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.events import (
    ADD,
    DELETE,
    NODE,
    POD,
    UPDATE_NODE_LABEL,
    UPDATE_NODE_TAINT,
    UPDATE_POD_LABEL,
    ClusterEvent,
    Hint,
)
from kspec_models.scheduler.plugins.inter_pod_affinity.terms import (
    Term,
    matches_all,
    subject_of,
    terms_of,
)


def _after_pod_change(pod: Pod, event: ClusterEvent) -> bool:
    old, new = event.old, event.new
    if new is not None and new.metadata.uid == pod.metadata.uid:
        return True
    if not all(each.spec.node_name for each in (old, new) if each is not None):
        return False
    terms = terms_of(pod)
    near, away = terms.required_affinity, terms.required_anti_affinity
    if terms.errors:
        return True
    if new is None:
        return _means(away, old) or _means(terms_of(old).required_anti_affinity, pod)
    if old is None:
        return _means(near, new)
    return (not _means(near, old) and _means(near, new)) or (
        _means(away, old) and not _means(away, new)
    )


def _means(terms: tuple[Term, ...], pod: Pod) -> bool:
    return matches_all(terms, subject_of(pod))


def _after_node_change(pod: Pod, event: ClusterEvent) -> bool:
    terms = terms_of(pod)
    if terms.errors:
        return True
    if event.old is None:
        # A node without the topology key takes any pod that has anti-affinity alone.
        has_key = any(t.topology_key in event.new.metadata.labels for t in terms.required_affinity)
        return has_key or bool(terms.required_anti_affinity)
    return any(
        _moved(term, event.old, event.new, into=True) for term in terms.required_affinity
    ) or any(
        _moved(term, event.old, event.new, into=False) for term in terms.required_anti_affinity
    )


def _moved(term: Term, old: Node, new: Node, *, into: bool) -> bool:
    """Whether the node came into a domain of the term, or left one: another domain is both."""
    before, after = (node.metadata.labels.get(term.topology_key) for node in (old, new))
    return before != after and (after if into else before) is not None


EVENTS: Mapping[tuple[str, str], Hint] = {
    (POD, ADD): _after_pod_change,
    (POD, UPDATE_POD_LABEL): _after_pod_change,
    (POD, DELETE): _after_pod_change,
    (NODE, ADD): _after_node_change,
    (NODE, UPDATE_NODE_LABEL): _after_node_change,
    (NODE, UPDATE_NODE_TAINT): _after_node_change,
}
