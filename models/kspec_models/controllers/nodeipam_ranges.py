"""The ranges of a cluster CIDR, one for each node, and which of them are taken.

After pkg/controller/nodeipam/ipam/cidrset/cidr_set.go at 1.36: the next free range after the one
that was given last, in a circle; occupying or releasing what is so already does nothing.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

Network = IPv4Network | IPv6Network


class Ranges(NamedTuple):
    """A cluster CIDR cut into ranges of one size."""

    cluster: Network
    mask_size: int

    @property
    def total(self) -> int:
        return int(1 << (self.mask_size - self.cluster.prefixlen))

    @property
    def size(self) -> int:
        """How many addresses a range has."""
        return int(1 << (self.cluster.max_prefixlen - self.mask_size))

    def text(self, index: int) -> str:
        """The range of that number, such as 10.244.3.0/24."""
        first = int(self.cluster.network_address) + index * self.size
        return f"{type(self.cluster.network_address)(first)}/{self.mask_size}"

    def covered(self, text: str) -> range:
        """The numbers of the ranges that share addresses with a CIDR; none for one outside."""
        try:
            net = ip_network(text, strict=False)
        except ValueError:
            return range(0)
        if net.version != self.cluster.version:
            return range(0)
        start = int(self.cluster.network_address)
        first = (int(net.network_address) - start) // self.size
        last = (int(net.broadcast_address) - start) // self.size
        return range(max(first, 0), min(last, self.total - 1) + 1)


class Taken(NamedTuple):
    """What the controller remembers: has it listed the nodes, where to look next, what is taken."""

    has_listed: bool = False
    next_candidate: int = 0
    used: frozenset[int] = frozenset()

    def occupied(self, numbers: range) -> Taken:
        return self if self.used.issuperset(numbers) else self._replace(used=self.used | {*numbers})

    def released(self, numbers: range) -> Taken:
        """Without these."""
        return self if self.used.isdisjoint(numbers) else self._replace(used=self.used - {*numbers})

    def allocated(self, count: int) -> tuple[Taken, int | None]:
        """With the next free range taken, and its number; None where none is free."""
        for step in range(count):
            candidate = (self.next_candidate + step) % count
            if candidate not in self.used:
                taken = self._replace(
                    next_candidate=(candidate + 1) % count, used=self.used | {candidate}
                )
                return taken, candidate
        return self, None
