"""The controllers of kube-controller-manager that look after nodes, and when a world needs them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from kspec.errors import InputError
from kspec_models.controllers.nodeipam import NodeIpamController
from kspec_models.controllers.nodeipam_ranges import Ranges
from kspec_models.controllers.nodelifecycle import NodeLifecycleController
from kspec_models.controllers.nodelifecycle_health import Graces
from kspec_models.controllers.nodelifecycle_zones import Rates
from kspec_models.controllers.podgc import TERMINATED_POD_THRESHOLD, PodGCController
from kspec_models.controllers.tainteviction import TaintEvictionController
from kspec_models.needs import Needs, Wiring
from kspec_models.needs_nodes import (
    MANAGER,
    has_taints,
    may_fall_silent,
    may_lack_nodes,
    number,
    reports_conditions,
)

_THRESHOLD: Final = "terminatedPodThreshold"


def _needs_pod_gc(needs: Needs) -> bool:
    """Nodes can go away or never be there, or finished pods shall not pile up."""
    has_threshold = _THRESHOLD in needs.options(MANAGER)
    return has_threshold or may_lack_nodes(needs)


def _pod_gc(needs: Needs) -> PodGCController:
    return PodGCController(number(needs, _THRESHOLD, TERMINATED_POD_THRESHOLD))


def _needs_node_ipam(needs: Needs) -> bool:
    """Upstream's --allocate-node-cidrs, which is off unless it is asked for."""
    return needs.options(MANAGER).get("allocateNodeCIDRs") is True


def _cidr(needs: Needs, name: str, default: str) -> str:
    value = needs.options(MANAGER).get(name, default)
    try:
        return str(ip_network(value)) if value else ""
    except ValueError as error:
        raise InputError(
            f"components: {MANAGER}.{name} is {value!r}: {error}",
            expected="a CIDR such as 10.244.0.0/16",
        ) from None


def _node_ipam(needs: Needs) -> NodeIpamController:
    cluster = ip_network(_cidr(needs, "clusterCIDR", "10.244.0.0/16"))
    mask = number(needs, "nodeCIDRMaskSize", 24 if cluster.version == 4 else 64)
    if not cluster.prefixlen <= mask <= min(cluster.max_prefixlen, cluster.prefixlen + 16):
        raise InputError(
            f"components: {MANAGER}.nodeCIDRMaskSize is {mask}",
            expected=f"at least that of clusterCIDR, {cluster.prefixlen}, and at most 16 more",
        )
    return NodeIpamController(Ranges(cluster, mask), _cidr(needs, "serviceCIDR", ""))


def _needs_taint_eviction(needs: Needs) -> bool:
    return has_taints(needs, "NoExecute") or _needs_node_lifecycle(needs)


def _needs_node_lifecycle(needs: Needs) -> bool:
    """Something can keep a kubelet from reporting, or a node is given that is not simply ready."""
    given = has_taints(needs, "NoExecute") or reports_conditions(needs)
    return given or may_fall_silent(needs) or "nodeMonitorGracePeriod" in needs.options(MANAGER)


def _node_lifecycle(needs: Needs) -> NodeLifecycleController:
    graces, rates = Graces(), Rates()
    return NodeLifecycleController(
        Graces(
            number(needs, "nodeStartupGracePeriod", graces.startup, 1),
            number(needs, "nodeMonitorGracePeriod", graces.monitor, 1),
        ),
        Rates(
            number(needs, "secondsPerNodeEviction", rates.primary),
            number(needs, "secondsPerSecondaryNodeEviction", rates.secondary),
            number(needs, "largeClusterSizeThreshold", rates.large),
            number(needs, "unhealthyZoneThresholdPercent", rates.unhealthy_percent),
        ),
    )


NODE_WIRINGS: Final = (
    Wiring("node-ipam-controller", _needs_node_ipam, _node_ipam),
    Wiring("pod-garbage-collector-controller", _needs_pod_gc, _pod_gc),
    Wiring("taint-eviction-controller", _needs_taint_eviction, lambda _: TaintEvictionController()),
    Wiring("node-lifecycle-controller", _needs_node_lifecycle, _node_lifecycle),
)
