"""The dataplane of one node: Service rules and tracked UDP flows. They outlive kube-proxy.

After pkg/proxy/iptables/proxier.go, pkg/proxy/ipvs/proxier.go and pkg/proxy/conntrack at 1.36, and
the kernel parts that they drive: a chain of rules of which the i-th of n takes 1 in n-i, IPVS round
robin, and conntrack, which sends the packets of a known UDP flow where its first packet went.

Left out: node ports, external addresses and session affinity; TCP flows, which end with their
backend; the time-out of a UDP flow (`forget` is the environment's to call); the kernel's
refusal of a write. nftables chooses as iptables does, at random and evenly.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kspec.values import EMPTY_MAP, FingerprintedMap, mix

IPTABLES: Final = "iptables"
IPVS: Final = "ipvs"
NFTABLES: Final = "nftables"
MODES: Final = (IPTABLES, IPVS, NFTABLES)


class ServicePortName(NamedTuple):
    """A port of a Service by name, as kube-proxy's ServicePortName."""

    service: str
    port: str
    protocol: str


class Destination(NamedTuple):
    """What a client connects to."""

    ip: str
    port: int
    protocol: str


class Backend(NamedTuple):
    """Where a connection ends up: a pod."""

    ip: str
    port: int


class Rule(NamedTuple):
    """Where connections to a service port go: evenly to the backends, refused without any."""

    name: ServicePortName
    cluster_ip: str
    port: int
    backends: tuple[Backend, ...] = ()

    @property
    def destination(self) -> Destination:
        return Destination(self.cluster_ip, self.port, self.name.protocol)


class Flow(NamedTuple):
    """A UDP flow in conntrack by its original direction."""

    client: str
    destination: Destination


class Dataplane(NamedTuple):
    """rules: by the key of the Service, one per port. owners: the Service of each destination.

    flows: the backend of each tracked UDP flow, None where no rule translated its first packet.
    last: the backend that IPVS chose last for a service port.
    """

    rules: FingerprintedMap[str, tuple[Rule, ...]] = EMPTY_MAP
    owners: FingerprintedMap[Destination, str] = EMPTY_MAP
    flows: FingerprintedMap[Flow, Backend | None] = EMPTY_MAP
    last: FingerprintedMap[ServicePortName, Backend] = EMPTY_MAP

    @property
    def fingerprint(self) -> int:
        # `owners` follows from `rules`.
        return mix(mix(self.rules.fingerprint, self.flows.fingerprint), self.last.fingerprint)

    def rule(self, name: ServicePortName) -> Rule | None:
        """The rule of a service port."""
        rules: tuple[Rule, ...] = self.rules.get(name.service, ())
        return next((rule for rule in rules if rule.name == name), None)

    def rule_to(self, destination: Destination) -> Rule | None:
        """The rule that connections to an address meet."""
        service = self.owners.get(destination)
        rules: tuple[Rule, ...] = self.rules.get(service, ()) if service is not None else ()
        return next((rule for rule in rules if rule.destination == destination), None)

    def all_rules(self) -> tuple[Rule, ...]:
        """Every rule in the order of the Services' keys."""
        return tuple(rule for _, rules in self.rules.sorted_items() for rule in rules)


EMPTY_DATAPLANE: Final = Dataplane()


def program(dataplane: Dataplane, service: str, rules: tuple[Rule, ...]) -> Dataplane:
    """The dataplane with these rules for one Service, in place of those it had."""
    before: tuple[Rule, ...] = dataplane.rules.get(service, ())
    if before == rules:
        return dataplane
    owners, last = dataplane.owners, dataplane.last
    for old in before:
        if owners.get(old.destination) == service:
            owners = owners.without(old.destination)
        if all(new.name != old.name for new in rules):
            last = last.without(old.name)
    for new in rules:
        owners = owners.set(new.destination, service)
    written = dataplane.rules.set(service, rules) if rules else dataplane.rules.without(service)
    return dataplane._replace(rules=written, owners=owners, last=last)


def choose(
    dataplane: Dataplane, name: ServicePortName, mode: str, draw: int
) -> tuple[Backend | None, Dataplane]:
    """The backend of a new connection to a service port, None where it is refused.

    iptables and nftables: each backend is as likely as any other, because the i-th rule of the
    chain takes one of the n-i outcomes that the rules before it left; `draw`, taken modulo n, says
    which. ipvs: the backend after the one chosen last, whatever the draw.
    """
    rule = dataplane.rule(name)
    if rule is None or not rule.backends:
        return None, dataplane
    if mode != IPVS:
        return rule.backends[draw % len(rule.backends)], dataplane
    previous = dataplane.last.get(name)
    later = (b for b in rule.backends if previous is None or b > previous)
    chosen = next(later, rule.backends[0])
    return chosen, dataplane._replace(last=dataplane.last.set(name, chosen))


def connect(
    dataplane: Dataplane, client: str, destination: Destination, mode: str, draw: int
) -> tuple[Backend | None, Dataplane]:
    """Where a packet of `client` to a destination goes, None where it reaches no backend.

    A UDP packet without a rule is tracked too: the flow stays untranslated, even when a rule comes
    later, until it is deleted. A refused packet is not tracked.
    """
    is_udp = destination.protocol == "UDP"
    flow = Flow(client, destination)
    if is_udp and flow in dataplane.flows:
        return dataplane.flows[flow], dataplane
    rule = dataplane.rule_to(destination)
    backend: Backend | None = None
    if rule is not None:
        backend, dataplane = choose(dataplane, rule.name, mode, draw)
    if is_udp and (rule is None or backend is not None):
        dataplane = dataplane._replace(flows=dataplane.flows.set(flow, backend))
    return backend, dataplane


def forget(dataplane: Dataplane, flow: Flow) -> Dataplane:
    """The dataplane without a tracked flow."""
    if flow not in dataplane.flows:
        return dataplane
    return dataplane._replace(flows=dataplane.flows.without(flow))
