"""The append-only log: a value whose versions never see each other's later items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec.log import Log


def test_an_append_leaves_the_shorter_log_as_it_was():
    short = Log((1, 2))
    long = short.append(3)
    assert (list(short), list(long)) == ([1, 2], [1, 2, 3])
    assert (len(short), len(long)) == (2, 3)


def test_a_log_has_no_item_beyond_its_own_length():
    """Not even where a longer log shares its list, and not counted from the end."""
    short = Log((1,))
    short.append(2)
    for index in (1, -1):
        with pytest.raises(IndexError):
            short[index]


def test_since_begins_at_a_position():
    log = Log(("a", "b", "c"))
    assert [list(log.since(start)) for start in (0, 2, 3, 9)] == [["a", "b", "c"], ["c"], [], []]


def test_an_iteration_ends_where_the_log_ended_when_it_began():
    log = Log((1, 2))
    items = iter(log)
    assert next(items) == 1
    log.append(3)
    assert list(items) == [2]


def test_appending_along_one_line_copies_nothing():
    first = log = Log()
    for item in range(100):
        log = log.append(item)
    assert log.items is first.items


def test_a_branch_copies_once_and_then_appends_in_place():
    trunk = Log((1,))
    trunk.append(2)
    branch = trunk.append(3)
    assert branch.items is not trunk.items
    assert branch.append(4).items is branch.items


@given(appends=st.lists(st.tuples(st.integers(0, 1_000), st.integers())))
def test_every_version_of_every_branch_keeps_its_items(appends):
    """Append to any version so far, in any order: each stays equal to a tuple of its own."""
    versions = [(Log(), ())]
    for choice, item in appends:
        log, items = versions[choice % len(versions)]
        versions.append((log.append(item), (*items, item)))
    for log, items in versions:
        assert tuple(log) == items
        assert tuple(log[index] for index in range(len(log))) == items
