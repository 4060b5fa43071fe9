"""The model of the store: what it promises without a real etcd (tests/etcd has one)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec_models.store import (
    DELETE,
    NEVER_COMPACTED,
    PUT,
    CompactedError,
    EmptyRangeError,
    Entry,
    FutureRevisionError,
    Snapshot,
    Store,
)

PODS = ("pods/", "pods0")


def written(*steps, store=None):
    """A store after `(key, value)` puts and `key` deletes."""
    store = store or Store()
    for step in steps:
        store, _ = store.delete(step) if isinstance(step, str) else store.put(*step)
    return store


def counters(entry):
    return entry.create_revision, entry.mod_revision, entry.version


def keys(found):
    return [each.key for each in found]


def revisions(changes):
    return [change.revision for change in changes]


def test_the_first_write_makes_revision_two():
    store, change = Store().put("pods/a", "1")
    assert (Store().revision, store.revision, change.revision) == (1, 2, 2)
    assert counters(store.get("pods/a")) == (2, 2, 1)


def test_a_second_put_keeps_the_create_revision_and_counts_the_version():
    store = written(("pods/a", "1"), ("pods/b", "1"), ("pods/a", "1"))
    assert counters(store.get("pods/a")) == (2, 4, 2)


def test_a_key_created_again_starts_a_new_version():
    store = written(("pods/a", "1"), ("pods/a", "2"), "pods/a", ("pods/a", "3"))
    assert counters(store.get("pods/a")) == (5, 5, 1)


def test_a_change_carries_the_entry_before_and_after():
    store, put = written(("pods/a", "1")).put("pods/a", "2")
    assert (put.type, put.previous.value, put.entry.value) == (PUT, "1", "2")
    _, deletion = store.delete("pods/a")
    assert (deletion.type, deletion.previous, deletion.entry) == (DELETE, put.entry, None)
    assert (put.identity, deletion.identity) == ("a@2", "a@3")


def test_deleting_an_absent_key_writes_nothing():
    store = written(("pods/a", "1"))
    assert store.delete("pods/b") == (store, None)


def test_a_write_leaves_the_store_it_began_from_as_it_was():
    before = written(("pods/a", "1"))
    before.put("pods/a", "2")
    assert (before.revision, before.get("pods/a").value) == (2, "1")
    assert revisions(before.watch(*PODS, 1)) == [2]


def test_two_stores_that_begin_from_one_do_not_see_each_other():
    trunk = written(("pods/a", "1"))
    left, right = written(("pods/b", "left"), store=trunk), written("pods/a", store=trunk)
    assert list(map(str, left.watch(*PODS, 3))) == ["PUT pods/b at 3"]
    assert list(map(str, right.watch(*PODS, 3))) == ["DELETE pods/a at 3"]
    assert keys(left.range(*PODS)) == ["pods/a", "pods/b"]
    assert keys(right.range(*PODS)) == []


def test_compare_and_put_writes_only_at_the_expected_revision():
    store = written(("pods/a", "1"), ("pods/b", "1"))
    after, change = store.compare_and_put("pods/a", 2, "2")
    assert (after.get("pods/a").value, change.revision) == ("2", 4)
    for stale in (0, 1, 3, 4):
        assert store.compare_and_put("pods/a", stale, "2") == (store, None)
    created, change = store.compare_and_put("pods/c", 0, "1")
    assert counters(change.entry) == (4, 4, 1)
    assert created.compare_and_put("pods/c", 0, "2") == (created, None)
    assert created.compare_and_put("pods/d", 4, "1") == (created, None)


def test_compare_and_delete_deletes_only_at_the_expected_revision():
    store = written(("pods/a", "1"), ("pods/a", "2"))
    assert store.compare_and_delete("pods/a", 2) == (store, None)
    after, change = store.compare_and_delete("pods/a", 3)
    assert (after.get("pods/a"), change.type) == (None, DELETE)
    for expected in (0, 2, 3):  # at 0 etcd's comparison succeeds and finds nothing to delete
        assert after.compare_and_delete("pods/a", expected) == (after, None)


def test_a_range_is_in_the_order_of_keys_across_buckets():
    """The "-" sorts before the "/": bucket by bucket would be another order."""
    in_order = ["nodes/a", "pods", "pods-x/a", "pods/a", "pods/b"]
    store = written(*((key, "1") for key in reversed(in_order)))
    assert keys(store.range("nodes/", "pods0")) == in_order
    assert keys(store.range(*PODS)) == ["pods/a", "pods/b"]


def test_the_end_of_a_range_is_outside_and_no_end_means_one_key():
    store = written(("pods/a", "1"), ("pods/b", "1"))
    assert keys(store.range("pods/a", "pods/b")) == ["pods/a"]
    assert keys(store.range("pods/a")) == ["pods/a"]
    assert keys(store.range("pods/")) == []
    assert [store.range("pods/a", end) for end in ("pods/a", "nodes/a", "")] == [(), (), ()]


@given(steps=st.lists(st.tuples(st.sampled_from(("pods/a", "nodes/a")), st.none() | st.text("xy"))))
def test_a_read_of_an_old_revision_is_the_newest_read_of_that_time(steps):
    stores = [Store()]
    for key, value in steps:
        last = stores[-1]
        after, change = last.delete(key) if value is None else last.put(key, value)
        stores += [after] if change else []
    for bounds in (PODS, ("nodes/a", None)):
        for old in stores:
            assert stores[-1].range(*bounds, old.revision) == old.range(*bounds)


def test_a_read_of_a_future_or_negative_revision_is_refused():
    for revision, error in ((2, FutureRevisionError), (-1, ValueError)):
        with pytest.raises(error):
            Store().range("pods/a", None, revision)


def test_a_watch_tells_each_change_of_its_range_from_its_revision_on():
    store = written(("pods/a", "1"), ("nodes/a", "1"), ("pods/b", "1"), "pods/a")
    assert revisions(store.watch(*PODS, 1)) == [2, 4, 5]
    assert revisions(store.watch(*PODS, 3)) == [4, 5]
    assert revisions(store.watch("pods/a", "pods/b", 2)) == [2, 5]
    assert revisions(store.watch("pods/a", None, 2)) == [2, 5]


def test_a_watch_from_zero_or_the_future_tells_nothing_that_is_past():
    store = written(("pods/a", "1"), ("pods/a", "2"))
    assert revisions(store.watch(*PODS, 0)) == []
    assert revisions(store.watch(*PODS, store.revision + 1)) == []
    assert revisions(store.watch(*PODS, store.revision + 9)) == []


def test_a_watch_is_refused_at_once_and_not_only_when_it_is_read():
    store = written(("pods/a", "1"), ("pods/a", "2")).compact(3)
    with pytest.raises(CompactedError):
        store.watch(*PODS, 2)
    with pytest.raises(EmptyRangeError):
        store.watch("pods/b", "pods/a", 3)


def test_a_compaction_forbids_only_what_is_before_it():
    store = written(("pods/a", "1"), ("pods/a", "2"), ("pods/a", "3")).compact(3)
    assert store.range("pods/a", None, 3)[0].value == "2"
    assert revisions(store.watch(*PODS, 3)) == [3, 4]
    with pytest.raises(CompactedError, match="3"):
        store.range("pods/a", None, 2)


def test_a_compaction_keeps_what_has_not_changed_since():
    store = written(("pods/a", "1"), ("nodes/a", "1")).compact(3)
    assert keys(store.range(*PODS)) == keys(store.range(*PODS, 3)) == ["pods/a"]


def test_the_change_at_the_compaction_comes_without_its_previous_entry():
    """The API server needs it to tell a DELETED object, and reports an error without it."""
    store = written(("pods/a", "1"), "pods/a", ("pods/a", "2"), ("pods/a", "3")).compact(3)
    deletion, creation, update = store.watch(*PODS, 3)
    assert (deletion.type, deletion.previous, deletion.identity) == (DELETE, None, "a@2")
    assert (creation.previous, update.previous.value) == (None, "2")


@pytest.mark.parametrize("revision", [NEVER_COMPACTED, 0, 1, 3])
def test_a_compaction_only_moves_forward(revision):
    with pytest.raises(CompactedError):
        written(("pods/a", "1"), ("pods/a", "2")).compact(3).compact(revision)


def test_the_first_compaction_may_be_at_zero_but_not_in_the_future():
    with pytest.raises(FutureRevisionError):
        Store().compact(2)
    with pytest.raises(CompactedError):
        Store().compact(0).compact(0)


WRITES = st.lists(
    st.tuples(
        st.sampled_from(("pods/a", "pods/b", "pods/c")), st.none() | st.text("xyz", max_size=4)
    )
)


@given(writes=WRITES)
def test_patched_indexes_are_the_indexes_computed_anew(writes):
    snapshot = Snapshot(tuple)  # a text is filed under each of its characters
    for revision, (key, value) in enumerate(writes):
        entry = None if value is None else Entry(key, value, revision, revision, 1)
        snapshot = snapshot.patched(key, entry)
        for character in "xyz":
            anew = tuple(entry for entry in snapshot.entries() if character in entry.value)
            assert snapshot.indexed(character) == anew
    assert set(snapshot._index) == set().union(*(entry.value for entry in snapshot.entries()))


@given(writes=WRITES)
def test_patched_fingerprints_are_the_fingerprints_computed_anew(writes):
    store = written(*(key if value is None else (key, value) for key, value in writes))
    anew = 0
    for entry in store.range(*PODS):
        anew ^= entry.fingerprint
    assert store.fingerprint == store.bucket("pods").fingerprint == anew


@given(
    values=st.dictionaries(
        st.sampled_from(("pods/a", "pods/b", "nodes/a", "nodes/b")),
        st.lists(st.text("xy", max_size=2), min_size=1, max_size=3),
    ),
    data=st.data(),
)
def test_the_fingerprint_does_not_tell_in_which_order_the_keys_were_written(values, data):
    """Each key gets its own values in their order; the keys take turns in two ways."""
    turns = [key for key, each in values.items() for _ in each]
    stores = []
    for order in (turns, data.draw(st.permutations(turns))):
        rest = {key: iter(each) for key, each in values.items()}
        stores.append(written(*((key, next(rest[key])) for key in order)))
    assert stores[0].fingerprint == stores[1].fingerprint


def test_the_fingerprint_tells_key_value_and_version_but_no_revision():
    one = written(("pods/a", "1")).fingerprint
    assert one == written(("pods/b", "1"), "pods/b", ("pods/a", "1")).fingerprint
    others = (), (("pods/b", "1"),), (("pods/a", "2"),), (("pods/a", "1"), ("pods/a", "1"))
    assert len({one, *(written(*other).fingerprint for other in others)}) == 5
