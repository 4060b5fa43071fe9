"""What the rules of a node promise to a connection, under every kube-proxy mode."""

from collections import Counter

import pytest

from kspec.values import fingerprint
from kspec_models.dataplane import (
    EMPTY_DATAPLANE,
    IPTABLES,
    IPVS,
    NFTABLES,
    Backend,
    Destination,
    Flow,
    Rule,
    ServicePortName,
    choose,
    connect,
    forget,
    program,
)

WEB = ServicePortName("default/web", "http", "TCP")
DNS = ServicePortName("kube-system/dns", "dns", "UDP")
ONE, TWO, THREE = Backend("10.0.0.1", 80), Backend("10.0.0.2", 80), Backend("10.0.0.3", 80)
TO_DNS = Destination("10.96.0.10", 53, "UDP")


def web(*backends):
    return program(EMPTY_DATAPLANE, "default/web", (Rule(WEB, "10.96.0.1", 80, backends),))


def dns(*backends, base=EMPTY_DATAPLANE):
    return program(base, "kube-system/dns", (Rule(DNS, "10.96.0.10", 53, backends),))


@pytest.mark.parametrize("mode", [IPTABLES, NFTABLES])
def test_every_backend_is_equally_likely(mode):
    chosen = Counter(choose(web(ONE, TWO, THREE), WEB, mode, draw)[0] for draw in range(6))
    assert chosen == {ONE: 2, TWO: 2, THREE: 2}


def test_a_random_mode_leaves_no_trace():
    plane = web(ONE, TWO)
    assert choose(plane, WEB, IPTABLES, 1) == (TWO, plane)


def test_ipvs_takes_turns_whatever_the_draw():
    plane, order = web(ONE, TWO, THREE), []
    for draw in (5, 5, 5, 5):
        backend, plane = choose(plane, WEB, IPVS, draw)
        order.append(backend)
    assert order == [ONE, TWO, THREE, ONE]


def test_ipvs_goes_on_from_its_place_when_that_backend_is_gone():
    _, plane = choose(web(ONE, TWO, THREE), WEB, IPVS, 0)
    _, plane = choose(plane, WEB, IPVS, 0)
    plane = program(plane, "default/web", (Rule(WEB, "10.96.0.1", 80, (ONE, THREE)),))
    assert choose(plane, WEB, IPVS, 0)[0] == THREE


def test_ipvs_forgets_its_place_with_the_service_port():
    _, plane = choose(web(ONE, TWO), WEB, IPVS, 0)
    gone = program(plane, "default/web", ())
    assert gone == EMPTY_DATAPLANE
    assert gone.fingerprint == EMPTY_DATAPLANE.fingerprint


def test_a_service_without_backends_refuses():
    assert choose(web(), WEB, IPTABLES, 0) == (None, web())
    assert choose(EMPTY_DATAPLANE, WEB, IPTABLES, 0) == (None, EMPTY_DATAPLANE)


def test_a_udp_flow_stays_with_its_first_backend():
    backend, plane = connect(dns(ONE, TWO), "client:9", TO_DNS, IPTABLES, 0)
    assert backend == ONE
    plane = dns(TWO, base=plane)
    assert connect(plane, "client:9", TO_DNS, IPTABLES, 1)[0] == ONE
    assert connect(plane, "client:8", TO_DNS, IPTABLES, 1)[0] == TWO


def test_a_tcp_connection_is_chosen_anew_and_not_tracked():
    plane = web(ONE, TWO)
    destination = Destination("10.96.0.1", 80, "TCP")
    assert connect(plane, "c:1", destination, IPTABLES, 0) == (ONE, plane)
    assert connect(plane, "c:1", destination, IPTABLES, 1) == (TWO, plane)


def test_a_udp_flow_begun_before_the_rule_is_a_black_hole():
    """The packet is tracked untranslated, so the rule that comes later does not help it."""
    backend, plane = connect(EMPTY_DATAPLANE, "c:1", TO_DNS, IPTABLES, 0)
    assert backend is None
    plane = dns(ONE, base=plane)
    assert connect(plane, "c:1", TO_DNS, IPTABLES, 0)[0] is None
    assert connect(forget(plane, Flow("c:1", TO_DNS)), "c:1", TO_DNS, IPTABLES, 0)[0] == ONE


def test_a_refused_udp_packet_is_not_tracked():
    assert connect(dns(), "c:1", TO_DNS, IPTABLES, 0) == (None, dns())


def test_an_address_moves_to_the_service_that_was_programmed_last():
    other = ServicePortName("default/new", "http", "TCP")
    plane = program(web(ONE), "default/new", (Rule(other, "10.96.0.1", 80, (TWO,)),))
    plane = program(plane, "default/web", ())
    rule = plane.rule_to(Destination("10.96.0.1", 80, "TCP"))
    assert rule is not None and rule.name == other


def test_equal_rules_have_equal_fingerprints_whatever_the_path():
    direct = dns(ONE, base=web(TWO))
    detour = program(dns(ONE, base=web(ONE, TWO)), "default/web", web(TWO).all_rules())
    assert direct == detour and hash(direct) == hash(detour)
    assert fingerprint(direct) == fingerprint(detour) != fingerprint(web(TWO))
    assert program(direct, "kube-system/dns", direct.rules["kube-system/dns"]) is direct
