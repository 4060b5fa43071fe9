"""A restarted kubelet listed its pods at resourceVersion 0, from an API server that lagged.

The list was answered from that server's watch cache, in which a pod of a StatefulSet was still
there that the kubelet had already confirmed to be gone: it started the pod again, beside its
successor on another node. Initial lists by WatchList, the default by now, wait until the server
knows what the store holds.
"""

from __future__ import annotations

import attrs

from kspec_models.components import Components
from kspec_models.reflector import Reflector
from kspec_models.world import World
from kspec_models.worlds import delete, node
from kspec_models.worlds_statefulset import running_member, stateful_set
from kspec_properties.bugs.bug import Bug


class ListsAtZero(Reflector):
    """As it was until WatchList: a first list may be as old as the server that answers it."""

    lists_at_zero = True


def _change(parts: Components) -> Components:
    return attrs.evolve(parts, reflector=ListsAtZero(atomic=parts.reflector.atomic))


_SET = stateful_set("web", 1)
_SET["spec"]["template"]["spec"]["nodeName"] = "n2"  # where the successor goes, and nobody decides

BUG = Bug(
    id="k8s-59848",
    title="Kubernetes is vulnerable to stale reads, violating critical pod safety guarantees",
    url="https://github.com/kubernetes/kubernetes/issues/59848",
    property="one-pod-runs-per-statefulset-identity",
    world=World(
        name="a-kubelet-restarts-beside-a-server-that-lags",
        objects=(node("n1"), node("n2"), _SET, running_member(_SET, 0, "n1")),
        operations=(delete("Pod", "web-0"),),
        granularity="reconcile",
        initial_lists="watchList",
        atomic_replace=True,
        keep_status=True,
        controllers=("statefulset-controller",),
        faults={"crash": 6, "pause": 1},
        components={"kube-apiserver": {"replicas": 3}},
    ),
    faults="crash,pause",
    estimate=10,
    change=_change,
)
