"""The zoo: historical bugs of Kubernetes, each re-introduced by a module of its own."""

from __future__ import annotations

from kspec_properties.bugs import (
    descheduler_1237,
    k8s_8138,
    k8s_21706,
    k8s_27836,
    k8s_36311,
    k8s_38418,
    k8s_50442,
    k8s_59848,
    k8s_61886,
    k8s_72775,
    k8s_76703,
    k8s_80475,
    k8s_82149,
    k8s_90794,
    k8s_91008,
    k8s_123232,
    k8s_127792,
    k8s_135993,
)
from kspec_properties.bugs.bug import Bug

BUGS: tuple[Bug, ...] = (
    k8s_72775.BUG,
    k8s_135993.BUG,
    descheduler_1237.BUG,
    k8s_82149.BUG,
    k8s_127792.BUG,
    k8s_90794.BUG,
    k8s_8138.BUG,
    k8s_36311.BUG,
    k8s_61886.BUG,
    k8s_91008.BUG,
    k8s_123232.BUG,
    k8s_76703.BUG,
    k8s_80475.BUG,
    k8s_38418.BUG,
    k8s_21706.BUG,
    k8s_50442.BUG,
    k8s_59848.BUG,
    k8s_27836.BUG,
)
"""In the order of the report."""

__all__ = ["BUGS", "Bug"]
