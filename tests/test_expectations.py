"""Expectations hold a controller back until its cache has seen what it wrote."""

from hypothesis import given
from hypothesis import strategies as st

from kspec.values import fingerprint
from kspec_models.controllers.expectations import TIMEOUT_SECONDS, ControllerExpectations

NONE = ControllerExpectations()
KEY = "default/web"


def test_a_key_without_expectations_is_satisfied():
    assert NONE.are_satisfied(KEY, 0)


def test_creations_are_satisfied_once_each_was_observed():
    one_left = NONE.expect_creations(KEY, 2, 0).creation_observed(KEY)
    assert not one_left.are_satisfied(KEY, 0)
    assert one_left.creation_observed(KEY).are_satisfied(KEY, 0)


def test_only_an_expected_deletion_counts():
    expected = NONE.expect_deletions(KEY, ["default/a"], 0)
    assert expected.deletion_observed(KEY, "default/b") is expected
    assert expected.deletion_observed(KEY, "default/a").are_satisfied(KEY, 0)


def test_a_deletion_seen_twice_counts_once():
    """The update with a deletion timestamp and the delete event report the same pod."""
    seen = NONE.expect_deletions(KEY, ["default/a", "default/b"], 0)
    for _ in range(2):
        seen = seen.deletion_observed(KEY, "default/a")
    assert not seen.are_satisfied(KEY, 0)


def test_expectations_expire_after_five_minutes():
    expected = NONE.expect_creations(KEY, 1, 10)
    assert not expected.are_satisfied(KEY, 10 + TIMEOUT_SECONDS)
    assert expected.are_satisfied(KEY, 10 + TIMEOUT_SECONDS + 1)


def test_new_expectations_replace_old_ones():
    expected = NONE.expect_creations(KEY, 3, 0).expect_deletions(KEY, ["default/a"], 5)
    assert expected.deletion_observed(KEY, "default/a").are_satisfied(KEY, 5)


def test_keys_do_not_touch_each_other():
    expected = NONE.expect_creations(KEY, 1, 0)
    assert expected.creation_observed("default/other") is expected
    assert expected.forget("default/other") is expected
    assert expected.are_satisfied("default/other", 0)


@given(st.lists(st.sampled_from(["create", "a", "b", "forget"]), max_size=6))
def test_a_satisfied_key_leaves_no_trace(events):
    """Memories that behave alike are equal, so that a search meets them as one state."""
    expectations = NONE.expect_creations(KEY, 1, 0)
    for event in events:
        if event == "create":
            expectations = expectations.creation_observed(KEY)
        elif event == "forget":
            expectations = expectations.forget(KEY)
        else:
            expectations = expectations.deletion_observed(KEY, event)
    if expectations.are_satisfied(KEY, 0):
        assert expectations == NONE
        assert fingerprint(expectations) == fingerprint(NONE)
