"""What DaemonSets promise about their expectations."""

from __future__ import annotations

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import invariant, sometimes
from kspec_models.layout import HostSlot
from kspec_models.reflector import WATCHING
from kspec_models.state import State
from kspec_properties.daemonsets import owned
from kspec_properties.faults import all_but
from kspec_properties.reading import hosts, newest
from kspec_properties.workloads import is_leaving


def _is_under_way(state: State, place: HostSlot, key: str) -> bool:
    """Whether something is still to happen that can meet an expectation of a DaemonSet."""
    host = state.slots[state.layout.by_host[place.host.name]]
    if any(sending.call.key == key for sending in host.calls):
        return True
    slot, listener = place.sources["pods"]
    informer, stream = state.slots[slot], state.streams[state.layout.slots[slot].stream]
    if informer.status is not WATCHING or informer.pending(listener):
        return True
    if informer.position < len(stream.events):
        return True
    found = newest(state, "daemonsets").get(f"daemonsets/{key}")
    if found is None or is_leaving(state, found.value.namespace):
        return True
    return any(pod.is_terminating for pod in owned(newest(state, "pods"), found.value))


@invariant(
    reads=("pods", "deliveries", "controllers", "namespaces"),
    source="https://github.com/kubernetes/kubernetes/pull/91008",
    faults=all_but("compaction"),
    companion="a-daemonset-expects-something",
    mutants=("daemonset-expects-too-much",),
)
def a_daemonset_expects_only_what_can_come(state: State) -> Verdict:
    """While a DaemonSet expects pods to come or go, something is under way that can tell of it.

    Until its expectations are met it makes and deletes no pod, for up to five minutes. Under way is
    a request of its own, an event of a pod that it has not been told of, and a pod that is being
    deleted. In a namespace that is being deleted nothing is expected to come. A list after a
    compaction may join the creation and the deletion of a pod, and tell of neither.
    """
    for place, memory in hosts(state, "daemonset"):
        for key, counts in memory.own.expectations.of.sorted_items():
            if not _is_under_way(state, place, key):
                left = f"{counts.creations} pods to come and {counts.deletions} to go"
                return fails(f"{key} expects {left}, of which nothing can tell", "expectation")
    return HOLDS


@sometimes(reads=("controllers",), source="companion")
def a_daemonset_expects_something(state: State) -> bool:
    """A DaemonSet waits for events of its own writes."""
    return any(memory.own.expectations.of for _, memory in hosts(state, "daemonset"))


PROPERTIES = (a_daemonset_expects_only_what_can_come, a_daemonset_expects_something)
