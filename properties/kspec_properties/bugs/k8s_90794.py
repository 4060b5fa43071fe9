"""kubernetes#90794: pods are deleted although the taint that was to evict them is gone."""

from __future__ import annotations

from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller
from kspec_properties.mutants.nodes import TRANSIENT, OutlivingTimers

BUG = Bug(
    id="k8s-90794",
    title="Pods are deleted even if the NoExecute taint that triggered deletion is removed",
    url="https://github.com/kubernetes/kubernetes/issues/90794",
    property="a-pod-is-waited-for-only-while-a-taint-limits-it",
    world=TRANSIENT,
    estimate=5,
    change=replacing_controller("tainteviction", lambda _: OutlivingTimers()),
)
