"""What node IPAM promises: no two nodes share an address."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import pairwise

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import invariant, sometimes
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import nodes, written

_LAGGING = ("pause", "partition", "failover")
"""Under these the controller may know less than what was true before time last advanced."""


@invariant(
    reads=("nodes",),
    source="https://github.com/kubernetes/kubernetes/issues/127792",
    faults=all_but("stale-list", "lost-answer", *_LAGGING),
    companion="a-node-gets-its-range",
    mutants=("node-ranges-are-released-early",),
)
def node_ranges_are_apart(state: State) -> Verdict:
    """The pod CIDRs of any two nodes that exist are disjoint.

    Of those that the node IPAM controller gave. A patch whose answers are lost three times gives
    its range back; a controller that starts from a stale list sees old nodes go and releases what
    newer ones have since been given.
    """
    taken: list[tuple[int, int, str]] = []
    for node in nodes(state):
        for text in node.spec.pod_cidrs:
            net = ip_network(text, strict=False)
            taken.append((int(net.network_address), int(net.broadcast_address), node.name))
    taken.sort()
    for (_, end, one), (start, _, other) in pairwise(taken):
        if start <= end and one != other:
            return fails(f"{one} and {other} share addresses", "overlap")
    return HOLDS


@sometimes(reads=("nodes",), source="companion")
def a_node_gets_its_range(state: State) -> bool:
    """A node is given a pod CIDR."""
    return any(
        change.entry is not None
        and bool(change.entry.value.spec.pod_cidrs)
        and (change.previous is None or not change.previous.value.spec.pod_cidrs)
        for change in written(state, "nodes")
    )


PROPERTIES = (node_ranges_are_apart, a_node_gets_its_range)
