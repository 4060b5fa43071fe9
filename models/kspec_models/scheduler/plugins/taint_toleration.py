"""TaintToleration: taints keep pods away that do not tolerate them.

After pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go and
k8s.io/component-helpers/scheduling/corev1/helpers.go at 1.36. A taint of effect NoSchedule or
NoExecute filters; PreferNoSchedule lowers the score by how many such taints are not tolerated.

The operators Gt and Lt compare a taint's value as an integer (TaintTolerationComparisonOperators);
a pod can only carry them where the API server admits them, so they are always understood here.
"""

from __future__ import annotations

from collections.abc import Sequence

from kspec_models.objects import Node, Taint, Toleration
from kspec_models.objects.core import PodSpec
from kspec_models.scheduler.framework import SUCCESS, UNRESOLVABLE, Status, default_normalize
from kspec_models.scheduler.nodeinfo import NodeInfo

NAME = "TaintToleration"
_FILTERING = ("NoSchedule", "NoExecute")
_REJECTED = Status(UNRESOLVABLE, ("node(s) had untolerated taint(s)",), NAME)


class TaintToleration:
    name = NAME
    is_relative = True

    def filter(self, spec: PodSpec, node_info: NodeInfo) -> Status:
        assert node_info.node is not None
        return SUCCESS if accepts(spec, node_info.node) else _REJECTED

    def score(self, spec: PodSpec, node_info: NodeInfo) -> int:
        """How many PreferNoSchedule taints the pod does not tolerate; fewer is better."""
        assert node_info.node is not None
        taints = [t for t in node_info.node.spec.taints if t.effect == "PreferNoSchedule"]
        if not taints:
            return 0
        tolerations = [t for t in spec.tolerations if t.effect in ("", "PreferNoSchedule")]
        return sum(not _is_tolerated(taint, tolerations) for taint in taints)

    def normalize(self, scores: Sequence[int]) -> Sequence[int]:
        return default_normalize(scores, reverse=True)


def accepts(spec: PodSpec, node: Node) -> bool:
    """Whether the pod tolerates every taint of the node that keeps pods away."""
    return all(
        _is_tolerated(taint, spec.tolerations)
        for taint in node.spec.taints
        if taint.effect in _FILTERING
    )


def _is_tolerated(taint: Taint, tolerations: Sequence[Toleration]) -> bool:
    return any(tolerates(toleration, taint) for toleration in tolerations)


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers one taint; an empty key or effect stands for any."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator in ("", "Equal"):
        return toleration.value == taint.value
    if toleration.operator in ("Gt", "Lt"):
        return _compares(toleration, taint)
    return toleration.operator == "Exists"


def _compares(toleration: Toleration, taint: Taint) -> bool:
    wanted, found = _integer(toleration.value), _integer(taint.value)
    if wanted is None or found is None:
        return False
    return found > wanted if toleration.operator == "Gt" else found < wanted


def _integer(text: str) -> int | None:
    """A decimal int64 without superfluous zeros or a plus sign, or None."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or str(int(text)) != text:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
