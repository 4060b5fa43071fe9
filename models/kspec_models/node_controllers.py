"""The controllers of kube-controller-manager that look after nodes, and when a world needs them."""

from __future__ import annotations

from typing import Final

from kspec_models.controllers.podgc import TERMINATED_POD_THRESHOLD, PodGCController
from kspec_models.controllers.tainteviction import TaintEvictionController
from kspec_models.needs import Needs, Wiring
from kspec_models.needs_nodes import (
    MANAGER,
    binds_to_unknown_nodes,
    has_taints,
    number,
)

_THRESHOLD: Final = "terminatedPodThreshold"


def _needs_pod_gc(needs: Needs) -> bool:
    """Nodes can go away or never be there, or finished pods shall not pile up."""
    has_threshold = _THRESHOLD in needs.options(MANAGER)
    return "nodes" in needs.deleted or has_threshold or binds_to_unknown_nodes(needs)


def _pod_gc(needs: Needs) -> PodGCController:
    return PodGCController(number(needs, _THRESHOLD, TERMINATED_POD_THRESHOLD))


def _needs_taint_eviction(needs: Needs) -> bool:
    return has_taints(needs, "NoExecute")


NODE_WIRINGS: Final = (
    Wiring("pod-garbage-collector-controller", _needs_pod_gc, _pod_gc),
    Wiring("taint-eviction-controller", _needs_taint_eviction, lambda _: TaintEvictionController()),
)
