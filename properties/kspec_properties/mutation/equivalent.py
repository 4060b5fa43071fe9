"""Mutants that change nothing that anyone could see, marked by hand with the reason.

A key is (module below the model, source line, what stands there, what the mutant puts there): it
survives edits elsewhere, and an entry that matches no site any more does no harm.
"""

from __future__ import annotations

from kspec_properties.mutation.sites import MODEL, Site

_ONLY_COMPARED = "the numbers are only compared with each other"
_NEGATIVE = "every negative number says the same"

EQUIVALENT: dict[tuple[str, str, str, str], str] = {
    (
        "controllers.ranking",
        "on_node[pod.spec.node_name] = on_node.get(pod.spec.node_name, 0) + 1",
        "1",
        "2",
    ): _ONLY_COMPARED,
    ("controllers.ranking", "return -1", "1", "2"): _NEGATIVE,
    (
        "steps",
        "last = pending(stream.events, old.position, action.upto) "
        "if old.status is WATCHING else -1",
        "1",
        "2",
    ): _NEGATIVE,
    (
        "controllers.replicaset_pods",
        'labels = dict(wanted.get("matchLabels") or {}) if wanted is not None else {}',
        "wanted is not None",
        "wanted is None",
    ): "without labels the index is not used; the selector decides all the same",
    (
        "controllers.replicaset_status",
        "return 1 if replicas is None else replicas",
        "1",
        "2",
    ): "the API server has set spec.replicas of every ReplicaSet",
    (
        "kubeproxy",
        "if ports == before:",
        "if ports == before: return memory",
        "if ports == before: pass",
    ): "a sync of rules that have not changed changes none",
    (
        "controllers.namespace",
        "if response.reason == NOT_FOUND:",
        "if response.reason == NOT_FOUND: return Worked(memory)",
        "if response.reason == NOT_FOUND: pass",
    ): "one more try finds that the namespace is gone, and ends there",
    (
        "scheduler.plugins.node_affinity",
        "own = parse_affinity(spec.affinity).weight(node_info.node) if spec.affinity else 0",
        "0",
        "1",
    ): "a pod without affinity gets the same score on every node",
}


def reason(site: Site) -> str:
    """Why a mutant is equivalent, or "" where nobody says so."""
    inner = site.module.removeprefix(MODEL + ".")
    return EQUIVALENT.get((inner, site.source, site.before, site.after), "")
