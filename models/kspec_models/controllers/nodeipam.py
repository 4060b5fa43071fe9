"""Node IPAM: give every node a pod CIDR of its own out of the cluster CIDR.

After pkg/controller/nodeipam/ipam/range_allocator.go at 1.36. Before its first node the allocator
lists the nodes live and occupies what they have. A node with a range occupies it, one without gets
the next free one by a patch that is tried three times; a range is free again after the delete event
of its node and, as upstream does it, when the patch failed, whatever became of it.

Left out: a second cluster CIDR (dual stack) and the cloud allocators, which run instead of this
one; that the process ends when it finds a range outside the cluster CIDR, which here occupies
nothing.
"""

from __future__ import annotations

from typing import Final

import attrs

from kspec_models.controllers.nodeipam_ranges import Ranges, Taken
from kspec_models.controllers.worker import Worked
from kspec_models.host import Call, Notification, View, Watch
from kspec_models.objects import Node, freeze
from kspec_models.requests import List, Patch, Request, Response

UPDATE_RETRIES: Final = 3


@attrs.frozen
class NodeIpamController:
    """service: the range of Services, which no node gets. Keys are the names of nodes."""

    ranges: Ranges
    service: str = ""
    name: str = "nodeipam"
    watches: tuple[Watch, ...] = (Watch("nodes"),)

    def initial(self) -> Taken:
        taken = Taken()
        return taken.occupied(self.ranges.covered(self.service)) if self.service else taken

    def handle(
        self, memory: Taken, event: Notification, view: View
    ) -> tuple[Taken, tuple[str, ...]]:
        """Every change of a node is looked at; with its deletion its range is free at once."""
        if event.new is None:
            assert event.old is not None
            memory = self.released(memory, event.old.value)
        return memory, (event.key,)

    def released(self, memory: Taken, node: Node) -> Taken:
        """ReleaseCIDR."""
        for text in node.spec.pod_cidrs:
            memory = memory.released(self.ranges.covered(text))
        return memory

    def _occupied(self, memory: Taken, node: Node) -> Taken:
        for text in node.spec.pod_cidrs:
            memory = memory.occupied(self.ranges.covered(text))
        return memory

    def reconcile(self, memory: Taken, key: str, view: View) -> Worked:
        """syncNode, once the nodes have been listed."""
        if not memory.has_listed:
            return Worked(memory, (List("nodes"),))
        entry = view.caches["nodes"].get(f"nodes/{key}")
        return self.sync(memory, entry.value) if entry is not None else Worked(memory)

    def sync(self, memory: Taken, node: Node) -> Worked:
        """AllocateOrOccupyCIDR: terminating nodes keep what they have."""
        if node.spec.pod_cidrs:
            return Worked(self._occupied(memory, node))
        memory, number = memory.allocated(self.ranges.total)
        if number is None:
            return Worked(memory, failed=True)
        return Worked(memory, (self._patch(node.name, number),), (number, 1))

    def _patch(self, name: str, number: int) -> Patch:
        text = self.ranges.text(number)
        return Patch("nodes", name, freeze({"spec": {"podCIDR": text, "podCIDRs": [text]}}))

    def answer(
        self, memory: Taken, call: Call, request: Request, response: Response, view: View
    ) -> Worked:
        """The list of the start, or a patch: tried again, and then its range is given back."""
        if isinstance(request, List):
            if not response.ok:
                return Worked(memory, failed=True)
            for entry in response.entries:
                memory = self._occupied(memory, entry.value)
            return self.reconcile(memory._replace(has_listed=True), call.key, view)
        number, attempts = call.phase
        if response.ok:
            return Worked(memory)
        if attempts < UPDATE_RETRIES:
            return Worked(memory, (request,), (number, attempts + 1))
        return Worked(memory.released(range(number, number + 1)), failed=True)
