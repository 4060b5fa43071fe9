"""Where a DaemonSet's pods belong: which nodes should run one, and the pod that is made for a node.

After NodeShouldRunDaemonPod, NewPod and predicates in pkg/controller/daemon/daemon_controller.go
and pkg/controller/daemon/util/daemonset_util.go at Kubernetes 1.36. The default scheduler places
the pods: each carries a node affinity that only its node's name fulfils.

Left out: the label with the deprecated template generation, which upstream writes but never finds
again (it compares it with the text of a pointer), so that nothing depends on it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kspec.values import Memo
from kspec_models import node_affinity
from kspec_models.controllers.history import REVISION_LABEL
from kspec_models.controllers.pods import pod_from_template
from kspec_models.node_affinity import NAME_FIELD, REQUIRED
from kspec_models.objects import (
    EMPTY,
    DaemonSet,
    FrozenMap,
    Node,
    Pod,
    PodSpec,
    PodTemplateSpec,
    Toleration,
    freeze,
)
from kspec_models.tolerations import is_tolerated

_ADDED: Final = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_OF_HOST_NETWORK: Final = (("node.kubernetes.io/network-unavailable", "NoSchedule"),)


class Fit(NamedTuple):
    """Whether a node should get a daemon pod if it has none, and may keep one that it has."""

    should_run: bool
    should_continue: bool


def _with_tolerations(spec: PodSpec) -> PodSpec:
    """AddOrUpdateDaemonPodTolerations: a toleration replaces one of the same key and effect."""
    tolerations = list(spec.tolerations)
    for key, effect in (*_ADDED, *(_OF_HOST_NETWORK if spec.host_network else ())):
        new = Toleration(key=key, operator="Exists", effect=effect)
        same = [i for i, t in enumerate(tolerations) if _is_same(t, new)]
        if same:
            tolerations[same[0]] = new
        else:
            tolerations.append(new)
    return spec.replace(tolerations=tuple(tolerations))


def _is_same(one: Toleration, other: Toleration) -> bool:
    """MatchToleration: everything but how long."""
    return (one.key, one.effect, one.operator, one.value) == (
        *(other.key, other.effect, other.operator, other.value),
    )


_daemon_spec: Memo[PodSpec, PodSpec] = Memo("daemon pod specs", _with_tolerations)


def _fit(case: tuple[Node, PodSpec]) -> Fit:
    node, given = case
    spec = _daemon_spec(given)
    if given.node_name not in ("", node.name) or not node_affinity.accepts(spec, node):
        return Fit(False, False)
    taints = [t for t in node.spec.taints if not is_tolerated(t, spec.tolerations)]
    if any(t.effect == "NoExecute" for t in taints):
        return Fit(False, False)
    return Fit(all(t.effect != "NoSchedule" for t in taints), True)


_fits: Memo[tuple[Node, PodSpec], Fit] = Memo("nodes of a daemonset", _fit)


def fit(node: Node, daemon_set: DaemonSet) -> Fit:
    """NodeShouldRunDaemonPod: by name, node selector, required affinity and taints."""
    return _fits((node, daemon_set.spec.template.spec))


def _only_on(affinity: Any, node: str) -> FrozenMap[Any]:
    """The affinity with its required node affinity replaced by the name of a node."""
    term = freeze({"matchFields": [{"key": NAME_FIELD, "operator": "In", "values": [node]}]})
    given: FrozenMap[Any] = affinity or EMPTY
    of_nodes: FrozenMap[Any] = given.get("nodeAffinity") or EMPTY
    required: FrozenMap[Any] = of_nodes.get(REQUIRED) or EMPTY
    return given.set(
        "nodeAffinity", of_nodes.set(REQUIRED, required.set("nodeSelectorTerms", (term,)))
    )


def _template_for(case: tuple[PodTemplateSpec, str, str]) -> PodTemplateSpec:
    template, revision, node = case
    spec = _daemon_spec(template.spec)
    labels = template.metadata.labels.set(REVISION_LABEL, revision)
    return template.replace(
        metadata=template.metadata.replace(labels=labels),
        spec=spec.replace(affinity=_only_on(spec.affinity, node)),
    )


_templates: Memo[tuple[PodTemplateSpec, str, str], PodTemplateSpec] = Memo(
    "templates of daemon pods", _template_for
)


def pod_for(daemon_set: DaemonSet, revision: str, node: str) -> Pod:
    """The pod to create for a node, labelled with the revision of its template."""
    return pod_from_template(daemon_set, _templates((daemon_set.spec.template, revision, node)))


def target_node(pod: Pod) -> str:
    """GetTargetNodeName: where a pod runs or is meant to run; "" where neither is said."""
    if pod.spec.node_name:
        return pod.spec.node_name
    of_nodes = (pod.spec.affinity or EMPTY).get("nodeAffinity") or EMPTY
    required = of_nodes.get(REQUIRED) or EMPTY
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == NAME_FIELD and field.get("operator") == "In":
                values: tuple[str, ...] = field.get("values") or ()
                return str(values[0]) if len(values) == 1 else ""
    return ""


def has_revision(pod: Pod, revision: str) -> bool:
    """IsPodUpdated: whether the pod was made from that revision."""
    return bool(revision) and pod.metadata.labels.get(REVISION_LABEL) == revision
