"""kubernetes#127792: the range of a node that is held by a finalizer is given to another node."""

from __future__ import annotations

from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller
from kspec_properties.mutants.nodes import RELEASED, ReleasesEarly

BUG = Bug(
    id="k8s-127792",
    title="kube-controller-manager re-allocates a pod CIDR that is in use",
    url="https://github.com/kubernetes/kubernetes/issues/127792",
    property="node-ranges-are-apart",
    world=RELEASED,
    estimate=3,
    change=replacing_controller("nodeipam", lambda old: ReleasesEarly(old.ranges, old.service)),
)
