"""What an update of a Node may not change.

After ValidateNodeUpdate of pkg/apis/core/validation/validation.go at 1.36: a range, once given,
stays. Left out: what a Node may hold at all, which no modelled component relies on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kspec_models.apiserver.strategy import Strategy
from kspec_models.objects import Node


def _changes(old: Node, new: Node) -> Iterator[str]:
    if old.spec.pod_cidrs and old.spec.pod_cidrs != new.spec.pod_cidrs:
        yield (
            'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'
        )
    if old.spec.provider_id and old.spec.provider_id != new.spec.provider_id:
        yield (
            "spec.providerID: Forbidden: node updates may not change providerID except "
            'from "" to valid'
        )


STRATEGIES: Mapping[str, Strategy] = {
    "nodes": Strategy(changes=_changes, has_generation=False, has_status=False),
}
