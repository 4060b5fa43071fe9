"""The scheduler's cache: what each operation charges to which node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec.values import fingerprint
from kspec_models.objects import Node, Pod
from kspec_models.scheduler import accounting
from kspec_models.scheduler.cache import EMPTY_CACHE, CorruptedCache
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info


def node(name="n", cpu="4"):
    return Node.from_json(
        {"metadata": {"name": name}, "status": {"allocatable": {"cpu": cpu, "pods": "10"}}}
    )


def pod(uid="u", cpu=1000, on="", name=None, labels=None, port=0):
    requests = {"requests": {"cpu": f"{cpu}m"}}
    ports = [{"hostPort": port, "containerPort": port}] if port else []
    return Pod.from_json(
        {
            "metadata": {
                "name": name or uid, "namespace": "d", "uid": uid, "labels": labels or {},
            },
            "spec": {"nodeName": on, "containers": [{"resources": requests, "ports": ports}]},
        }
    )  # fmt: skip


def requested(cache, name="n"):
    info = cache.node_infos.get(name)
    return info.requested.milli_cpu if info is not None else 0


def with_node(*names):
    cache = EMPTY_CACHE
    for name in names:
        cache = cache.set_node(node(name))
    return cache


def test_an_assumed_pod_is_charged_until_it_is_forgotten():
    empty = with_node("n")
    cache = empty.assume(pod(), "n")
    assert requested(cache) == 1000 and cache.is_assumed("u")
    assert cache.pod("u").spec.node_name == "n"
    assert cache.assume(pod(), "n") is None
    assert cache.forget("u", "n") == empty


def test_the_watch_confirms_an_assumed_pod_once():
    cache = with_node("n").assume(pod(), "n").finish_binding("u").add_pod(pod(on="n"))
    assert requested(cache) == 1000 and not cache.is_assumed("u")
    assert cache.add_pod(pod(on="n")) is cache
    assert cache.forget("u", "n") is None


def test_confirming_an_assumed_pod_changes_no_node_info():
    """So a bind does not invalidate what is memoised about the node."""
    assumed = with_node("n").assume(pod(), "n")
    assert assumed.add_pod(pod(on="n")).node_infos == assumed.node_infos


def test_a_pod_confirmed_on_another_node_moves_its_charge():
    cache = with_node("a", "b").assume(pod(), "a").add_pod(pod(on="b"))
    assert (requested(cache, "a"), requested(cache, "b")) == (0, 1000)


def test_forgetting_a_pod_that_is_gone_changes_nothing():
    cache = with_node("n")
    assert cache.forget("u", "n") is cache


def test_a_removed_pod_gives_back_its_charge_even_if_only_assumed():
    empty = with_node("n")
    assert empty.assume(pod(), "n").remove_pod(pod()) == empty
    assert empty.add_pod(pod(on="n")).remove_pod(pod(on="n")) == empty
    assert empty.remove_pod(pod(on="n")) is empty


def test_an_update_replaces_the_charge_and_waits_for_the_add_of_an_assumed_pod():
    cache = with_node("n").add_pod(pod(on="n"))
    assert requested(cache.update_pod(pod(on="n"), pod(on="n", cpu=300))) == 300
    assumed = with_node("n").assume(pod(), "n")
    assert assumed.update_pod(pod(on="n"), pod(on="n", cpu=300)) is assumed


def test_an_update_of_the_status_alone_changes_nothing():
    cache = with_node("n").add_pod(pod(on="n"))
    running = pod(on="n").replace(status=pod().status.replace(phase="Running"))
    assert cache.update_pod(pod(on="n"), running) is cache


def test_events_that_contradict_the_cache_are_an_error():
    cache = with_node("a", "b").add_pod(pod(on="a"))
    with pytest.raises(CorruptedCache):
        cache.update_pod(pod(on="a"), pod(on="b"))
    with pytest.raises(CorruptedCache):
        cache.remove_pod(pod(on="b"))


def test_pods_may_come_before_their_node_and_outlive_it():
    early = EMPTY_CACHE.add_pod(pod(on="n"))
    assert early.snapshot() == () and requested(early) == 1000
    both = early.set_node(node())
    assert [info.name for info in both.snapshot()] == ["n"]
    assert both.snapshot()[0].requested.milli_cpu == 1000
    ghost = both.remove_node("n")
    assert ghost == early and ghost.snapshot() == ()
    assert ghost.remove_pod(pod(on="n")) == EMPTY_CACHE


def test_the_snapshot_is_in_the_order_of_names_and_follows_each_change():
    cache = with_node("c", "a", "b").assume(pod(), "b")
    assert [info.name for info in cache.snapshot()] == ["a", "b", "c"]
    assert cache.snapshot()[1] is cache.node_infos["b"]
    assert [info.name for info in cache.remove_node("b").snapshot()] == ["a", "c"]


def test_host_ports_are_taken_and_freed_with_the_pod():
    info = node_info(node(), (pod(port=80),))
    assert info.ports == (("0.0.0.0", "TCP", 80),)
    assert info.without_pod("u").ports == ()


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["assume", "forget", "add", "update", "remove", "node", "no node"]),
        st.integers(0, 3),
        st.integers(0, 2),
        st.integers(0, 3000),
    ),
    max_size=25,
)


def apply(cache, operation, index, where, cpu):
    """One operation, and the change of the sum on the pod's node that accounting predicts."""
    uid, name = f"u{index}", f"n{where}"
    known = cache.pod(uid)
    home = known.spec.node_name if known is not None else name
    made = pod(uid, cpu, home)
    if operation == "assume":
        return cache.assume(pod(uid, cpu), name) or cache
    if operation == "forget":
        return cache.forget(uid, home) or cache
    if operation == "add":
        return cache.add_pod(made)
    if operation == "update":
        return cache.update_pod(made, made)
    if operation == "remove":
        return cache.remove_pod(made)
    return cache.set_node(node(name)) if operation == "node" else cache.remove_node(name)


@given(OPERATIONS)
def test_every_sum_is_the_sum_over_the_pods_and_every_fingerprint_that_of_a_fresh_node_info(steps):
    cache = EMPTY_CACHE
    for step in steps:
        cache = apply(cache, *step)
    homes = {}
    for state in cache.pods.values():
        homes.setdefault(state.pod.spec.node_name, []).append(state.pod)
    for name, info in cache.node_infos.sorted_items():
        fresh = node_info(info.node, tuple(homes.get(name, ())))
        assert info == fresh and info.requested == fresh.requested
        assert info.non_zero_milli_cpu == fresh.non_zero_milli_cpu
    assert set(homes) <= {name for name, _ in cache.node_infos.sorted_items()}
    assert cache.snapshot() == tuple(
        info for _, info in cache.node_infos.sorted_items() if info.node is not None
    )
    assert fingerprint(cache) == fingerprint(type(cache)(*cache))


@given(*[st.integers(0, 10**6)] * 3)
def test_the_cache_moves_the_sum_as_accounting_says(before, old, new):
    """The functions that are proved are those that run."""
    base = with_node("n").add_pod(pod("other", before, "n"))
    assumed = base.assume(pod(cpu=old), "n")
    added = base.add_pod(pod(cpu=old, on="n"))
    changes = {
        "assume": (base, assumed, (old,)),
        "forget": (assumed, assumed.forget("u", "n"), (old,)),
        "confirm": (assumed, assumed.add_pod(pod(cpu=new, on="n")), (old, new)),
        "add": (base, added, (old,)),
        "update": (added, added.update_pod(pod(on="n"), pod(cpu=new, on="n")), (old, new)),
        "remove": (added, added.remove_pod(pod(on="n")), (old,)),
    }
    assert set(changes) == set(accounting.OPERATIONS)
    for name, (start, end, amounts) in changes.items():
        assert requested(end) == accounting.OPERATIONS[name](requested(start), *amounts)


def test_two_equal_node_infos_hash_alike_whatever_their_history():
    a = NodeInfo().with_pod(pod("a")).with_pod(pod("b")).with_node(node())
    b = NodeInfo().with_node(node()).with_pod(pod("b")).with_pod(pod("a"))
    assert a == b and hash(a) == hash(b) and a.pods == b.pods
