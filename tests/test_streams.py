"""A stream promises what a watch through a selector is told, and a fingerprint of the rest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kspec.values import MASK, fingerprint, mix
from kspec_models.host import Watch
from kspec_models.objects import Node, Pod
from kspec_models.store import Store
from kspec_models.streams import BASE, Stream, concerned, power

ALL, ON_N1, ON_N2 = Watch("pods"), Watch("pods", "n1"), Watch("pods", "n2")


def pod(name, node="", label=""):
    spec = {"nodeName": node, "containers": []}
    meta = {"name": name, "namespace": "default", "labels": {"v": label} if label else {}}
    return Pod.from_json({"metadata": meta, "spec": spec})


def observed(watch, *steps, store=None):
    """The stream after `(name, node)` puts and `name` deletes."""
    store = store or Store()
    stream = Stream(watch, store.bucket("pods"))
    for step in steps:
        if isinstance(step, str):
            store, change = store.delete(f"pods/default/{step}")
        else:
            store, change = store.put(f"pods/default/{step[0]}", pod(*step))
        stream = stream.observed(change)
    return stream


def told(stream):
    """Each event as ADDED, MODIFIED or DELETED and a key."""
    what = {(True, False): "DELETED", (False, True): "ADDED", (True, True): "MODIFIED"}
    return [(what[e.old is not None, e.new is not None], e.identity) for e in stream.events]


def test_a_watch_of_everything_is_told_every_change():
    stream = observed(ALL, ("a",), ("a", "n1"), "a", ("a",))
    assert told(stream) == [
        ("ADDED", "default/a@1"),
        ("MODIFIED", "default/a@2"),
        ("DELETED", "default/a@3"),
        ("ADDED", "default/a@1"),
    ]


def test_an_object_that_enters_a_selector_is_added_and_one_that_leaves_is_deleted():
    steps = (("a",), ("a", "n1"), ("a", "n1", "new"), ("a", "n2"), "a")
    assert told(observed(ON_N1, *steps)) == [
        ("ADDED", "default/a@2"),
        ("MODIFIED", "default/a@3"),
        ("DELETED", "default/a@4"),
    ]
    assert told(observed(ON_N2, *steps)) == [("ADDED", "default/a@4"), ("DELETED", "default/a@5")]


def test_a_change_that_a_selector_does_not_show_leaves_the_same_stream():
    store, change = Store().put("pods/default/a", pod("a"))
    stream = Stream(ON_N1, store.bucket("nothing"))
    assert stream.observed(change) is stream


def test_a_position_in_the_stream_is_a_snapshot_through_the_selector():
    stream = observed(ON_N1, ("a", "n1"), ("b", "n2"), ("b", "n1"), "a")
    names = [[e.value.name for e in stream.snapshot(i).entries()] for i in range(4)]
    assert names == [[], ["a"], ["a", "b"], ["b"]]


def test_a_stream_starts_from_what_there_was():
    store, _ = Store().put("pods/default/a", pod("a"))
    stream = observed(ALL, ("b",), store=store)
    assert [e.value.name for e in stream.snapshot(0).entries()] == ["a"]
    assert told(stream) == [("ADDED", "default/b@1")]


def test_a_branch_of_the_history_does_not_see_the_other():
    store, change = Store().put("pods/default/a", pod("a"))
    trunk = Stream(ALL, Store().bucket("pods")).observed(change)
    left = trunk.observed(store.put("pods/default/b", pod("b"))[1])
    right = trunk.observed(store.delete("pods/default/a")[1])
    assert [len(s.events) for s in (trunk, left, right)] == [1, 2, 2]
    assert told(left)[1] != told(right)[1]


def test_the_selectors_that_a_change_concerns_are_those_of_both_its_nodes():
    store, first = Store().put("pods/default/a", pod("a", "n1"))
    _, second = store.put("pods/default/a", pod("a", "n2"))
    assert concerned(first) == (ALL, ON_N1)
    assert concerned(second) == (ALL, ON_N1, ON_N2)
    node = Node.from_json({"metadata": {"name": "n1"}})
    assert concerned(Store().put("nodes/n1", node)[1]) == (Watch("nodes"), Watch("nodes", "n1"))
    assert concerned(Store().put("services/default/a", pod("a"))[1]) == (Watch("services"),)


def test_powers_are_those_of_the_base():
    assert [power(i) for i in range(200)] == [pow(BASE, i, 1 << 64) for i in range(200)]


# the fingerprint of what has not been seen

NAMES, NODES = st.sampled_from("abc"), st.sampled_from(["", "n1", "n2"])
operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, NODES),
        st.tuples(st.just("delete"), NAMES),
        st.tuples(st.just("receive"), st.integers(0, 2)),
        st.tuples(st.just("stop"), st.integers(0, 2)),
        st.tuples(st.just("list"), st.integers(0, 2), st.integers(0, 3)),
    ),
    max_size=25,
)
WEIGHTS = [3, 5, (1 << 63) + 1]


def hash_from_scratch(events):
    found = 0
    for event in events:
        gone = mix(fingerprint(event.key), 1)
        found = (found * BASE + (event.new.fingerprint if event.new else gone)) & MASK
    return found


@given(st.sampled_from([ALL, ON_N1]), operations)
def test_the_fingerprint_is_that_of_what_each_watcher_has_not_seen(watch, steps):
    store, positions = Store(), [None, None, None]
    stream = Stream(watch, store.bucket("pods"))
    for verb, *rest in steps:
        if verb == "put":
            store, change = store.put(f"pods/default/{rest[0]}", pod(*rest))
            stream = stream.observed(change)
        elif verb == "delete":
            store, change = store.delete(f"pods/default/{rest[0]}")
            stream = stream.observed(change) if change else stream
        else:
            watcher, before = rest[0], positions[rest[0]]
            if verb == "receive":
                if before is None or stream.next(before) is None:
                    continue
                moved = stream.moved(WEIGHTS[watcher], before, before + 1)
                assert stream.passed(WEIGHTS[watcher], before).fingerprint == moved.fingerprint
                positions[watcher] = before + 1
            elif verb == "list":
                after = max(0, len(stream.events) - rest[1])
                moved = stream.moved(WEIGHTS[watcher], before, after)
                positions[watcher] = after
            else:
                moved = stream.moved(WEIGHTS[watcher], before, None)
                positions[watcher] = None
            stream = moved
        expected = sum(
            weight * hash_from_scratch(stream.events.since(position))
            for weight, position in zip(WEIGHTS, positions, strict=True)
            if position is not None
        )
        assert stream.fingerprint == expected & MASK


@given(operations)
def test_what_a_selector_shows_follows_from_what_everybody_is_told(steps):
    """The filtered stream ends in the objects on its node, and tells each change of them once."""
    store = Store()
    filtered = Stream(ON_N1, store.bucket("pods"))
    for verb, *rest in steps:
        change = None
        if verb == "put":
            store, change = store.put(f"pods/default/{rest[0]}", pod(*rest))
        elif verb == "delete":
            store, change = store.delete(f"pods/default/{rest[0]}")
        filtered = filtered.observed(change) if change else filtered
        shown = {e.key: e for e in filtered.snapshot(len(filtered.events)).entries()}
        on_node = [e for e in store.bucket("pods").entries() if e.value.spec.node_name == "n1"]
        assert shown == {e.key: e for e in on_node}
    known = {}
    for event in filtered.events:
        assert known.get(event.key) == event.old and (event.old or event.new)
        known[event.key] = event.new
