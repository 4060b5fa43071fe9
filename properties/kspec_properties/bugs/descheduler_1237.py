"""RemoveDuplicates spreads the pods of an owner over nodes that have no room for them.

What a node should have at most is the average over the nodes whose taints and labels suit. Where
some of those are full, a "duplicate" is evicted and the scheduler, which asks for room, puts its
replacement back. Closed without a fix: nodeFit, off by default, keeps such a pod where it is.
"""

from __future__ import annotations

from kspec_models.worlds_kivi import duplicates
from kspec_properties.bugs.bug import Bug

BUG = Bug(
    id="descheduler-1237",
    title="The getTargetNodes in RemoveDuplicates does not respect node resources",
    url="https://github.com/kubernetes-sigs/descheduler/issues/1237",
    property="an-eviction-is-not-in-vain",
    world=duplicates(3),
    estimate=5,
)
