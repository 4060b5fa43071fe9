"""The zoo: historical bugs of Kubernetes, each re-introduced by a module of its own."""

from __future__ import annotations

from kspec_properties.bugs import k8s_127792, k8s_82149, k8s_90794
from kspec_properties.bugs.bug import Bug

BUGS: tuple[Bug, ...] = (k8s_82149.BUG, k8s_127792.BUG, k8s_90794.BUG)
"""In the order of the report."""

__all__ = ["BUGS", "Bug"]
