"""What the visited set and the search log promise: exact answers in few bytes, in files too."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import graphs

from kspec.explore.exhaustive.log import LogFull, SearchLog, states_of_last_level, walk
from kspec.explore.exhaustive.sorted_marks import SortedMarks, StorageError
from kspec.explore.exhaustive.visited import BadMark, Visited
from kspec.values import fingerprint

MARKS = st.integers(0, 2**64 - 1) | st.integers(0, 9) | st.integers(2**64 - 9, 2**64 - 1)


def marks_of(begin, end):
    return [fingerprint(number) for number in range(begin, end)]


@given(st.lists(st.lists(MARKS, max_size=30), max_size=8), st.sampled_from([0, 3, 10, 1000]))
def test_visited_says_of_each_mark_whether_it_is_new(batches, large):
    visited, known = Visited(large=large), set()
    for batch in batches:
        expected = []
        for mark in batch:
            expected.append(mark not in known)
            known.add(mark)
        assert list(visited.add(batch)) == expected
    assert len(visited) == len(known)


@given(st.lists(st.lists(MARKS, max_size=30), max_size=8), st.sampled_from([0, 64, 400]))
def test_marks_in_files_are_as_known_as_those_in_memory(batches, memory):
    held, stored = SortedMarks(), SortedMarks(memory=memory)
    try:
        for batch in batches:
            marks = np.array(batch, np.uint64)
            assert list(held.add(marks)) == list(stored.add(marks))
        assert len(held) == len(stored) and held.file_bytes == 0
        assert stored.memory_bytes <= memory
    finally:
        stored.close()


def test_large_visited_set_takes_eight_bytes_a_mark():
    visited = Visited(large=1_000)
    for begin in range(0, 100_000, 5_000):
        flags = visited.add(marks_of(begin, begin + 5_000))
        assert all(flags) and not visited.is_table
    assert not any(visited.add(marks_of(0, 100_000)))
    assert len(visited) == 100_000 and visited.memory_bytes == 800_000


def test_files_of_marks_lie_in_the_directory_and_go_with_the_set(tmp_path):
    visited = Visited(memory=4_000, directory=tmp_path / "spill")
    for begin in range(0, 3_000, 500):
        visited.add(marks_of(begin, begin + 500))
    assert visited.memory_bytes <= 4_000 and visited.file_bytes >= 20_000
    assert sum(f.stat().st_size for f in tmp_path.rglob("part-*")) == visited.file_bytes
    assert not any(visited.add(marks_of(0, 3_000)))
    visited.close()
    assert not list((tmp_path / "spill").iterdir())


def test_marks_that_cannot_be_stored_are_an_error_in_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    visited = Visited(memory=0, directory=tmp_path / "file")
    with pytest.raises(StorageError, match=r"cannot store visited states: .* in .*file$"):
        visited.add(marks_of(0, 10))


@pytest.mark.parametrize("mark", [-1, 2**64, "text"])
def test_mark_of_more_than_64_bits_is_refused(mark):
    with pytest.raises(BadMark, match="no whole number of 64 bits"):
        Visited(large=0).add([1]) and Visited(large=1).add([mark])


def logged(log):
    """The log of a breadth-first search of two counters up to 2."""
    log.begin_level()
    log.extend([0], [0])
    log.begin_level()
    log.extend([0, 0], [0, 1])
    log.begin_level()
    log.extend([1, 1, 2], [0, 1, 1])
    return log


@pytest.mark.parametrize("memory", [None, 0, 20])
def test_log_gives_the_choices_to_each_state(memory, tmp_path):
    log = logged(SearchLog(memory, tmp_path))
    paths = [log.choices_to(index) for index in range(len(log))]
    assert paths == [[], [0], [1], [0, 0], [0, 1], [1, 1]]
    assert (log.memory_bytes + log.file_bytes, log.levels) == (36, [0, 1, 3])
    assert bool(log.file_bytes) is (memory is not None)
    log.close()


def test_log_makes_the_states_of_its_last_level_again():
    system, log = graphs.counters(2, 3), logged(SearchLog())
    assert states_of_last_level(system, log) == [(2, 0), (1, 1), (0, 2)]
    assert [state for _, state in walk(system, [0, 1, 1])] == [(1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize(("parent", "choice"), [(2**32, 0), (0, 2**16), (-1, 0)])
def test_log_refuses_what_would_wrap_around(parent, choice):
    log = SearchLog()
    log.extend([0, 2**32 - 1], [0, 2**16 - 1])
    with pytest.raises(LogFull, match=r"holds 4,294,967,296 states of up to 65,536 enabled"):
        log.extend([parent], [choice])
    assert (len(log), log.parent(1), log.choice(1)) == (2, 2**32 - 1, 2**16 - 1)


def test_log_that_cannot_be_stored_is_an_error_in_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot store the search log"):
        SearchLog(0, tmp_path / "file").extend(array("I", [0]), array("H", [0]))
