"""The fields of a KubeSchedulerConfiguration and of the arguments of the in-tree plugins.

After k8s.io/kube-scheduler/config/v1 (types.go, types_pluginargs.go) and
k8s.io/component-base/config/v1alpha1 at 1.36.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models.scheduler.configuration.shape import (
    ANY,
    BOOLEAN,
    DURATION,
    FLOAT,
    INT32,
    INT64,
    STRING,
    ListOf,
)

GROUP_VERSION: Final = "kubescheduler.config.k8s.io/v1"
KIND: Final = "KubeSchedulerConfiguration"

POINTS: Final = (
    *("preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score"),
    *("reserve", "permit", "preBind", "bind", "postBind"),
)
"""The extension points that a profile configures one by one."""

POD_GROUP_POINTS: Final = (
    *("placementGenerate", "placementScore", "placementFeasible", "podGroupPostFilter"),
)
"""The extension points of pod groups, which need gates that are off by default."""

_TYPE = {"apiVersion": STRING, "kind": STRING}
_PLUGIN = {"name": STRING, "weight": INT32}
_PLUGIN_SET = {"enabled": ListOf(_PLUGIN), "disabled": ListOf(_PLUGIN)}
_PROFILE = {
    "schedulerName": STRING,
    "percentageOfNodesToScore": INT32,
    "percentageOfPlacementsToScore": INT32,
    "plugins": dict.fromkeys((*POINTS, "multiPoint", *POD_GROUP_POINTS), _PLUGIN_SET),
    "pluginConfig": ListOf({"name": STRING, "args": ANY}),
}
EXTENDER: dict[str, Any] = {
    **dict.fromkeys(("urlPrefix", "filterVerb", "preemptVerb", "prioritizeVerb"), STRING),
    "weight": INT64,
    "bindVerb": STRING,
    "enableHTTPS": BOOLEAN,
    "tlsConfig": {
        "insecure": BOOLEAN,
        **dict.fromkeys(("serverName", "certFile", "keyFile", "caFile"), STRING),
        **dict.fromkeys(("certData", "keyData", "caData"), STRING),
    },
    "httpTimeout": DURATION,
    "nodeCacheCapable": BOOLEAN,
    "managedResources": ListOf({"name": STRING, "ignoredByScheduler": BOOLEAN}),
    "ignorable": BOOLEAN,
}
CONFIGURATION: dict[str, Any] = {
    **_TYPE,
    "parallelism": INT32,
    "leaderElection": {
        "leaderElect": BOOLEAN,
        **dict.fromkeys(("leaseDuration", "renewDeadline", "retryPeriod"), DURATION),
        **dict.fromkeys(("resourceLock", "resourceName", "resourceNamespace"), STRING),
    },
    "clientConnection": {
        **dict.fromkeys(("kubeconfig", "acceptContentTypes", "contentType"), STRING),
        "qps": FLOAT,
        "burst": INT32,
    },
    "enableProfiling": BOOLEAN,
    "enableContentionProfiling": BOOLEAN,
    "percentageOfNodesToScore": INT32,
    "percentageOfPlacementsToScore": INT32,
    "podInitialBackoffSeconds": INT64,
    "podMaxBackoffSeconds": INT64,
    "profiles": ListOf(_PROFILE),
    "extenders": ListOf(EXTENDER),
    "delayCacheUntilActive": BOOLEAN,
}

_REQUIREMENTS = ListOf({"key": STRING, "operator": STRING, "values": ListOf(STRING)})
_TERM = {"matchExpressions": _REQUIREMENTS, "matchFields": _REQUIREMENTS}
_RESOURCES = ListOf({"name": STRING, "weight": INT64})
_SHAPE = ListOf({"utilization": INT32, "score": INT32})
_CONSTRAINT = {
    **dict.fromkeys(("maxSkew", "minDomains"), INT32),
    **dict.fromkeys(("topologyKey", "whenUnsatisfiable"), STRING),
    **dict.fromkeys(("nodeAffinityPolicy", "nodeTaintsPolicy"), STRING),
    "labelSelector": ANY,
    "matchLabelKeys": ListOf(STRING),
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "DefaultPreemption": {
        **_TYPE,
        "minCandidateNodesPercentage": INT32,
        "minCandidateNodesAbsolute": INT32,
    },
    "DynamicResources": {**_TYPE, "filterTimeout": DURATION, "bindingTimeout": DURATION},
    "InterPodAffinity": {
        **_TYPE,
        "hardPodAffinityWeight": INT32,
        "ignorePreferredTermsOfExistingPods": BOOLEAN,
    },
    "NodeAffinity": {
        **_TYPE,
        "addedAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": ListOf(_TERM)},
            "preferredDuringSchedulingIgnoredDuringExecution": ListOf(
                {"weight": INT32, "preference": _TERM}
            ),
        },
    },
    "NodeResourcesBalancedAllocation": {**_TYPE, "resources": _RESOURCES},
    "NodeResourcesFit": {
        **_TYPE,
        "ignoredResources": ListOf(STRING),
        "ignoredResourceGroups": ListOf(STRING),
        "scoringStrategy": {
            "type": STRING,
            "resources": _RESOURCES,
            "requestedToCapacityRatio": {"shape": _SHAPE},
        },
    },
    "PodTopologySpread": {
        **_TYPE,
        "defaultConstraints": ListOf(_CONSTRAINT),
        "defaultingType": STRING,
    },
    "VolumeBinding": {**_TYPE, "bindTimeoutSeconds": INT64, "shape": _SHAPE},
}
"""By plugin, the fields of its arguments. Other plugins take none."""
