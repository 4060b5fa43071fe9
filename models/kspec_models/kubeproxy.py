"""kube-proxy of one node: program a rule for every service port from Services and EndpointSlices.

After pkg/proxy/{servicechangetracker,endpointslicecache,topology}.go, the syncProxyRules of
pkg/proxy/iptables/proxier.go and pkg/proxy/conntrack/cleanup.go at 1.36. What was notified is kept
in the proxy's own maps, not read from the informer caches; a sync writes what these maps say.

The first sync after a start rewrites all rules, so that those of Services deleted meanwhile go;
later ones rewrite only the Services that changed, as iptables' partial sync does. The first one is
put off until the handlers have been told of every object in the caches (OnServiceSynced and
OnEndpointSlicesSynced upstream); that the informers have synced is for the cluster to see to, which
runs no host before.

An endpoint that two slices show at once, with different conditions, is taken from the slice of the
lowest name; upstream takes either.

Left out: internalTrafficPolicy, externalTrafficPolicy and topology hints (every policy is Cluster);
IPv6; the bounded frequency and the periodic full sync, which only delay or repeat; health check
ports. A slice whose service-name label changes moves with it; upstream keeps its old endpoints too,
but no controller changes that label. Conntrack entries of SCTP are nobody's, as upstream.
"""

from __future__ import annotations

from typing import NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap
from kspec_models.dataplane import (
    EMPTY_DATAPLANE,
    IPTABLES,
    MODES,
    Dataplane,
    Rule,
    forget,
    program,
)
from kspec_models.host import Call, Notification, Outcome, View, Watch
from kspec_models.kubeproxy_tracking import (
    EMPTY_SLICE,
    Port,
    SliceInfo,
    service_key_of,
    service_ports,
    serving_backends,
    slice_info,
    usable_backends,
)
from kspec_models.objects import EndpointSlice
from kspec_models.requests import Request, Response

SYNC = "sync"
Slices = tuple[tuple[str, SliceInfo], ...]


class ProxyMemory(NamedTuple):
    """services: ports of every Service told, by key. slices: those of each Service, by name.

    slice_count: how many slices were told. changed: Services to rewrite at the next sync, sorted.
    requested: a sync was asked for. is_synced: all rules have been written once since the start.
    is_held: the first sync waits for the handlers.
    """

    services: FingerprintedMap[str, tuple[Port, ...]] = EMPTY_MAP
    slices: FingerprintedMap[str, Slices] = EMPTY_MAP
    slice_count: int = 0
    changed: tuple[str, ...] = ()
    requested: bool = True
    is_synced: bool = False
    is_held: bool = False

    def with_change(self, service: str) -> ProxyMemory:
        """This memory with a sync requested for one Service."""
        if not self.is_synced or service in self.changed:
            return self if self.requested else self._replace(requested=True)
        return self._replace(requested=True, changed=tuple(sorted((*self.changed, service))))


class KubeProxy:
    """The kube-proxy of one node; `mode` is how the node's dataplane chooses a backend."""

    watches = (Watch("services"), Watch("endpointslices"))

    def __init__(self, node_name: str, mode: str = IPTABLES) -> None:
        if mode not in MODES:
            raise ValueError(f"no kube-proxy mode {mode!r}: write one of {', '.join(MODES)}")
        self.node_name, self.mode = node_name, mode
        self.name = f"kube-proxy/{node_name}"

    def initial(self, node: Dataplane | None) -> ProxyMemory:
        return ProxyMemory()

    def handle(self, memory: ProxyMemory, notification: Notification, view: View) -> ProxyMemory:
        """Take a change into the proxy's maps."""
        if notification.resource == "services":
            memory = _with_service(memory, notification)
        else:
            memory = _with_slice(memory, notification)
        if memory.is_held and _is_caught_up(memory, view):
            return memory._replace(is_held=False)
        return memory

    def enabled(self, memory: ProxyMemory, now: int) -> tuple[str, ...]:
        return (SYNC,) if memory.requested and not memory.is_held else ()

    def run(self, memory: ProxyMemory, key: str, view: View) -> Outcome:
        """Write the rules of what changed, and delete the UDP flows that became stale."""
        dataplane: Dataplane = view.node if view.node is not None else EMPTY_DATAPLANE
        if memory.is_synced:
            services = memory.changed
        elif not _is_caught_up(memory, view):
            return Outcome(memory._replace(is_held=True))
        else:
            told = (key for key, _ in memory.services.sorted_items())
            known = (key for key, _ in dataplane.rules.sorted_items())
            services = tuple(sorted({*told, *known}))
        for service in services:
            dataplane = program(dataplane, service, _rules(memory, service))
        dataplane = _without_stale_flows(memory, dataplane)
        memory = memory._replace(changed=(), requested=False, is_synced=True)
        return Outcome(memory, node=dataplane)

    def answer(
        self, memory: ProxyMemory, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        """Never asked: kube-proxy writes to its node only."""
        return Outcome(memory)

    def relative(self, memory: ProxyMemory, now: int) -> ProxyMemory:
        return memory

    def deadline(self, memory: ProxyMemory) -> int | None:
        return None


def _with_service(memory: ProxyMemory, event: Notification) -> ProxyMemory:
    key = event.key
    before = memory.services.get(key)
    if event.new is None:
        if before is None:
            return memory
        memory = memory._replace(services=memory.services.without(key))
        return memory.with_change(key) if before else memory
    ports = service_ports(event.new.value)
    if ports == before:
        return memory
    memory = memory._replace(services=memory.services.set(key, ports))
    return memory.with_change(key) if ports or before else memory


def _with_slice(memory: ProxyMemory, event: Notification) -> ProxyMemory:
    old: EndpointSlice | None = event.old.value if event.old else None
    new: EndpointSlice | None = event.new.value if event.new else None
    if old is not None and (new is None or service_key_of(old) != service_key_of(new)):
        memory = _placed(memory, service_key_of(old), old.name, None)
    if new is not None:
        memory = _placed(memory, service_key_of(new), new.name, slice_info(new))
    return memory


def _placed(memory: ProxyMemory, service: str, name: str, info: SliceInfo | None) -> ProxyMemory:
    """The memory with one slice of a Service as `info`, or without it."""
    group: Slices = memory.slices.get(service, ())
    before = next((known for other, known in group if other == name), None)
    if before == info:
        return memory
    rest = tuple(item for item in group if item[0] != name)
    placed = rest if info is None else tuple(sorted((*rest, (name, info)), key=_name_of))
    memory = memory._replace(
        slices=memory.slices.set(service, placed) if placed else memory.slices.without(service),
        slice_count=memory.slice_count + (info is not None) - (before is not None),
    )
    empty = (None, EMPTY_SLICE)
    return memory if before in empty and info in empty else memory.with_change(service)


def _name_of(item: tuple[str, SliceInfo]) -> str:
    return item[0]


def _is_caught_up(memory: ProxyMemory, view: View) -> bool:
    """Whether the proxy has been told of every object in both caches."""
    services, slices = view.caches.get("services"), view.caches.get("endpointslices")
    if services is None or slices is None:
        return False
    if len(memory.services) < len(services) or memory.slice_count < len(slices):
        return False
    return all(e.value.key in memory.services for e in services.entries()) and all(
        any(e.value.name == name for name, _ in memory.slices.get(service_key_of(e.value), ()))
        for e in slices.entries()
    )


def _infos(memory: ProxyMemory, service: str) -> tuple[SliceInfo, ...]:
    return tuple(info for _, info in memory.slices.get(service, ()))


def _rules(memory: ProxyMemory, service: str) -> tuple[Rule, ...]:
    infos = _infos(memory, service)
    return tuple(
        Rule(port.name, port.cluster_ip, port.port, usable_backends((port.name, infos)))
        for port in memory.services.get(service, ())
    )


def _without_stale_flows(memory: ProxyMemory, dataplane: Dataplane) -> Dataplane:
    """Delete the UDP flows that lead to no serving endpoint of the Service they were sent to.

    Flows to a Service without any serving endpoint stay, and so do those to a deleted one.
    """
    for flow, backend in dataplane.flows.sorted_items():
        rule = dataplane.rule_to(flow.destination)
        if rule is not None:
            serving = serving_backends((rule.name, _infos(memory, rule.name.service)))
            if serving and backend not in serving:
                dataplane = forget(dataplane, flow)
    return dataplane
