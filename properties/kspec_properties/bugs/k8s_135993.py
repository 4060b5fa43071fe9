"""A rollout of three replicas that may not share a node, on three nodes, never ends.

maxUnavailable 25 % of three rounds down to none, maxSurge up to one: the pod more has no node to go
to, and no old pod may go before it is available. Upstream has not fixed it.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models.world import World
from kspec_models.worlds import set_image
from kspec_models.worlds_running import deployment_of, machine, pod_template, running
from kspec_properties.bugs.bug import Bug

_NAMES: Final = ("n1", "n2", "n3")
_TERM: Final[dict[str, Any]] = {
    "labelSelector": {"matchLabels": {"app": "web"}},
    "topologyKey": "kubernetes.io/hostname",
}
_APART: Final = {"requiredDuringSchedulingIgnoredDuringExecution": [_TERM]}
_TEMPLATE: Final = pod_template("100m", "64Mi", affinity={"podAntiAffinity": _APART})

BUG = Bug(
    id="k8s-135993",
    title="Fix deployment deadlock with antiPodAffinity",
    url="https://github.com/kubernetes/kubernetes/pull/135993",
    property="a-rollout-that-could-finish-finishes",
    world=World(
        name="three-replicas-apart-on-three-nodes",
        objects=(*map(machine, _NAMES), *running(deployment_of(_TEMPLATE, 3), _NAMES)),
        operations=(set_image("web", "app:2"),),
        granularity="reconcile",
        keep_status=True,
    ),
    estimate=4,
)
