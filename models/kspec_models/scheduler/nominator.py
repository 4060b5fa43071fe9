"""The nominator: which pods are nominated to which node, and not bound yet.

After pkg/scheduler/backend/queue/nominator.go at 1.36. A pod is nominated by a preemption, or by
its status.nominatedNodeName when it enters the queue. Other pods' cycles count it as if it ran
there, unless they are of higher priority.

Left out: the lister that keeps a pod out which was bound in the meantime: here the failure of a
cycle asks the informer's cache before it nominates.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.objects import Pod


class Nominated(NamedTuple):
    """A pod and the node that it is nominated to."""

    node: str
    pod: Pod


class Nominator(NamedTuple):
    """by_uid: the nominated pods."""

    by_uid: FingerprintedMap[str, Nominated] = EMPTY_MAP

    def add(self, pod: Pod, node: str | None = None) -> Nominator:
        """Nominate a pod to a node, "" to none, None to the one that its status names."""
        target = pod.status.nominated_node_name if node is None else node
        without = self.delete(pod.uid)
        if not target:
            return without
        return Nominator(without.by_uid.set(pod.uid, Nominated(target, pod)))

    def update(self, old: Pod, new: Pod) -> Nominator:
        """A pod changed; a nomination that its status does not tell yet is kept."""
        if not self.by_uid and not new.status.nominated_node_name:
            return self
        known = self.by_uid.get(old.uid)
        is_told = old.status.nominated_node_name or new.status.nominated_node_name
        kept = known.node if known is not None and not is_told else None
        return self.delete(old.uid).add(new, kept)

    def delete(self, uid: str) -> Nominator:
        """Forget a nomination; the same nominator where there is none."""
        return Nominator(self.by_uid.without(uid)) if uid in self.by_uid else self

    def by_node(self) -> dict[str, tuple[Pod, ...]]:
        """The nominated pods of each node, in the order of uids."""
        found: dict[str, tuple[Pod, ...]] = {}
        for _, (node, pod) in self.by_uid.sorted_items():
            found[node] = (*found.get(node, ()), pod)
        return found


NOBODY = Nominator()
