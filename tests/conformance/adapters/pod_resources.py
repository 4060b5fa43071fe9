"""Upstream's cases of PodRequests and PodLimits (component-helpers/resource)."""

from adapters import NotCovered, adapter
from kspec_models.objects import Pod
from kspec_models.objects.record import freeze
from kspec_models.quantity import parse
from kspec_models.resources import Options, pod_limits, pod_requests

GATED = {
    "inPlacePodLevelResourcesVerticalScalingEnabled": "pod-level resize in place is gated",
    "useDRANodeAllocatableResourceClaimStatus": "node resources of device claims are gated",
}
KNOWN = {
    "excludeOverhead": "exclude_overhead",
    "useStatusResources": "use_status_resources",
    "skipPodLevelResources": "skip_pod_level_resources",
    "skipContainerLevelResources": "skip_container_level_resources",
}


def options_of(given):
    for name, reason in GATED.items():
        if given.get(name):
            raise NotCovered(reason)
    unknown = set(given) - set(GATED) - set(KNOWN) - {"nonMissingContainerRequests"}
    if any(given[name] for name in unknown):
        raise NotCovered(f"options not modelled: {', '.join(sorted(unknown))}")
    fill = freeze(given.get("nonMissingContainerRequests") or {})
    named = {field: bool(given.get(name)) for name, field in KNOWN.items()}
    return Options(**named, non_missing_container_requests=fill)


def assert_equal(found, expected):
    names = {name: parse(str(text)) for name, text in expected.items()}
    zero = parse("0")
    for name in sorted(set(found) | set(names)):
        mine, theirs = found.get(name, zero), names.get(name, zero)
        assert mine.cmp(theirs) == 0, f"{name}: got {mine}, expected {theirs}"


@adapter("pod_resources")
def check_pod_resources(case):
    pod = Pod.from_json(case["input"]["pod"])
    options = options_of(case["input"].get("options") or {})
    expected = case["expected"]
    if "requests" in expected:
        assert_equal(pod_requests(pod.spec, pod.status, options), expected["requests"] or {})
    if "limits" in expected:
        assert_equal(pod_limits(pod.spec, pod.status, options), expected["limits"] or {})
