"""Which EndpointSlices a Service needs, and the writes that get there with few changes.

After k8s.io/endpointslice/{reconciler,utils}.go and util/endpointset.go at 1.36: endpoints are
grouped by the ports that their pods resolve to; slices that exist are corrected in place, changed
ones are filled up first, then one unchanged slice that the rest fits into, then new ones; a Service
without endpoints keeps one empty placeholder.

Where upstream takes "any" of a Go map, endpoints, slices and port groups come here in the order of
keys: one of the orders that upstream may take, and the endpoints published are the same.

Left out: IPv6 (a slice of another address type is deleted, as for a single-stack Service); topology
hints; and the trigger-time annotation, which serves a metric.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec.values import Memo
from kspec_models.controllers.endpointslice_endpoints import (
    PortKey,
    Ports,
    endpoint_of,
    endpoint_ports,
    port_key,
)
from kspec_models.controllers.endpointslice_marks import (
    IPV4,
    is_owned_by,
    new_slice,
    own_labels,
    slice_labels,
)
from kspec_models.objects import Endpoint, EndpointSlice, ObjectReference, Pod, Service
from kspec_models.service_pods import should_be_in_endpoints

MAX_ENDPOINTS_PER_SLICE: Final = 100

Identity = tuple[tuple[str, ...], str, str, str]
Endpoints = dict[Identity, Endpoint]


class Situation(NamedTuple):
    """All that one sync of a Service depends on; pods and slices in the order of keys."""

    service: Service
    pods: tuple[Pod, ...]
    slices: tuple[EndpointSlice, ...]
    limit: int = MAX_ENDPOINTS_PER_SLICE


class Plan(NamedTuple):
    """The writes of one sync.

    replaces are new slices that take the name of one that would be deleted; upstream sends them
    without a resource version, hence over any write that it has not seen.
    """

    creates: tuple[EndpointSlice, ...] = ()
    updates: tuple[EndpointSlice, ...] = ()
    replaces: tuple[EndpointSlice, ...] = ()
    deletes: tuple[EndpointSlice, ...] = ()


NOTHING: Final = Plan()


def _identity(endpoint: Endpoint) -> Identity:
    ref = endpoint.target_ref or ObjectReference()
    return tuple(sorted(endpoint.addresses)), endpoint.hostname, ref.namespace, ref.name


def _desired(situation: Situation) -> dict[PortKey, tuple[Ports, Endpoints]]:
    service = situation.service
    groups: dict[PortKey, tuple[Ports, Endpoints]] = {}
    for pod in situation.pods:
        if should_be_in_endpoints(pod, with_terminating=True):
            ports = endpoint_ports(service, pod)
            _, endpoints = groups.setdefault(port_key(ports), (ports, {}))
            endpoint = endpoint_of(pod, service)
            endpoints[_identity(endpoint)] = endpoint
    return groups


class _Packing:
    """The slices of one port group while its endpoints are being placed."""

    def __init__(self, service: Service, ports: Ports, desired: Endpoints, limit: int) -> None:
        self.service, self.ports, self.desired, self.limit = service, ports, desired, limit
        self.changed: list[EndpointSlice] = []
        self.unchanged: list[EndpointSlice] = []
        self.creates: list[EndpointSlice] = []
        self.deletes: list[EndpointSlice] = []

    def keep(self, old: EndpointSlice) -> None:
        """Take what is still desired out of an existing slice."""
        pairs = [(e, self.desired.pop(_identity(e), None)) for e in old.endpoints]
        kept = tuple(new for _, new in pairs if new is not None)
        same = len(kept) == len(pairs) and all(_is_same(e, new) for e, new in pairs)
        relabelled = own_labels(old.metadata.labels) != own_labels(self.service.metadata.labels)
        if not same and not kept:
            self.deletes.append(old)
        elif not same or relabelled:
            labelled = old.with_metadata(labels=slice_labels(self.service))
            self.changed.append(labelled if same else labelled.replace(endpoints=kept))
        else:
            self.unchanged.append(old)

    def place_rest(self) -> None:
        """Place the endpoints that no slice holds yet."""
        if self.desired:
            self.changed.sort(key=lambda s: -len(s.endpoints))
            self.changed = [self._filled(s) for s in self.changed]
        while self.desired:
            fitting = self._fitting()
            if fitting is not None:
                self.unchanged.remove(fitting)
                self.changed.append(self._filled(fitting))
            else:
                self.creates.append(self._filled(new_slice(self.service, self.ports)))

    def _fitting(self) -> EndpointSlice | None:
        space = self.limit - len(self.desired)
        fitting = [s for s in self.unchanged if len(s.endpoints) <= space]
        return max(fitting, key=lambda s: len(s.endpoints), default=None)

    def _filled(self, old: EndpointSlice) -> EndpointSlice:
        room = self.limit - len(old.endpoints)
        chosen = list(self.desired)[: max(0, room)]
        added = tuple(self.desired.pop(identity) for identity in chosen)
        return old.replace(endpoints=(*old.endpoints, *added)) if added else old


def _is_same(old: Endpoint, new: Endpoint | None) -> bool:
    return (
        new is not None
        and old.node_name == new.node_name
        and old.conditions == new.conditions
        and old.target_ref == new.target_ref
    )


def _is_placeholder(old: EndpointSlice, placeholder: EndpointSlice) -> bool:
    """Upstream compares no owner: the placeholder of a namesake Service passes for one's own."""
    mine, other = placeholder.metadata.labels, old.metadata.labels
    return (
        not old.endpoints
        and not old.ports
        and all(mine.get(key, "") == other.get(key, "") for key in (*mine, *other))
    )


def _plan(situation: Situation) -> Plan:
    service = situation.service
    existing = [s for s in situation.slices if s.address_type == IPV4]
    deletes = [s for s in existing if not is_owned_by(s, service)]
    by_ports: dict[PortKey, list[EndpointSlice]] = {}
    for owned in existing:
        if is_owned_by(owned, service):
            by_ports.setdefault(port_key(owned.ports), []).append(owned)

    creates: list[EndpointSlice] = []
    updates: list[EndpointSlice] = []
    for key, (ports, endpoints) in _desired(situation).items():
        packing = _Packing(service, ports, endpoints, situation.limit)
        for old in by_ports.pop(key, ()):
            packing.keep(old)
        packing.place_rest()
        creates += packing.creates
        updates += packing.changed
        deletes += packing.deletes
    for unwanted in by_ports.values():
        deletes += unwanted

    if len(existing) == len(deletes) and not creates:
        placeholder = new_slice(service, ())
        if len(deletes) == 1 and _is_placeholder(deletes[0], placeholder):
            deletes = []
        else:
            creates.append(placeholder)
    foreign = [s for s in situation.slices if s.address_type != IPV4]
    return _economised(service, creates, updates, deletes, foreign)


def _economised(
    service: Service,
    creates: list[EndpointSlice],
    updates: list[EndpointSlice],
    deletes: list[EndpointSlice],
    foreign: list[EndpointSlice],
) -> Plan:
    """The plan where a slice to be created takes the place of one to be deleted.

    A Service that is being deleted gets no new slice, or the garbage collector could never finish.
    """
    replaces, rest = [], []
    for old in deletes:
        if creates and is_owned_by(old, service):
            meta = old.metadata
            replaces.append(
                creates.pop().with_metadata(
                    name=meta.name,
                    uid=meta.uid,
                    generation=meta.generation,
                    creation_timestamp=meta.creation_timestamp,
                )
            )
        else:
            rest.append(old)
    allowed = () if service.is_terminating else tuple(creates)
    return Plan(allowed, tuple(updates), tuple(replaces), (*rest, *foreign))


plan: Memo[Situation, Plan] = Memo("endpoint slices of a service", _plan, limit=50_000)
"""The writes that bring the slices of a Service in line; memoised on all that it depends on."""
