"""RequestedToCapacityRatio: shapes, their bounds proved by z3, and arguments that make no shape."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec.errors import InputError
from kspec.smt import prove_implication
from kspec_models.objects import Node, Pod
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit, Weight
from kspec_models.scheduler.plugins.requested_to_capacity_ratio import (
    Point,
    RequestedToCapacityRatio,
    broken_linear,
    mean_of_positive,
    utilization,
)

RISING = RequestedToCapacityRatio([Point(0, 0), Point(100, 10)])
PEAK = RequestedToCapacityRatio([Point(20, 1), Point(50, 10), Point(90, 0)])
SHAPES = st.lists(
    st.builds(Point, st.integers(0, 100), st.integers(0, 10)),
    min_size=1,
    max_size=5,
    unique_by=lambda point: point.utilization,
).map(sorted)


def exact(points, at):
    """The line through the points, not rounded."""
    if at <= points[0].utilization:
        return Fraction(points[0].score)
    for (x, low), (y, high) in pairwise(points):
        if at <= y:
            return low + Fraction((high - low) * (at - x), y - x)
    return Fraction(points[-1].score)


@given(SHAPES, st.integers(-10, 110))
def test_a_shape_is_the_line_through_its_points_less_what_go_rounds_off(points, at):
    found, line = broken_linear(points, at), exact(points, at)
    assert abs(found - line) < 1
    assert min(p.score for p in points) <= found <= max(p.score for p in points)
    if at in {point.utilization for point in points}:
        assert found == line


def test_a_falling_line_is_rounded_towards_its_start_as_go_divides():
    assert broken_linear([Point(0, 10), Point(4, 9)], 1) == 10
    assert broken_linear([Point(0, 9), Point(4, 10)], 3) == 9


@pytest.mark.parametrize("shape", [RISING, PEAK], ids=["rising", "peak"])
def test_every_score_is_proved_to_be_within_0_and_100(shape):
    proof = prove_implication(
        "score",
        lambda v: 0 <= shape(v["requested"], v["allocatable"]) <= 100,
        lambda v: True,
        ("requested", "allocatable"),
        assuming=lambda v: 0 <= v["requested"] <= 2**50 and 0 <= v["allocatable"] <= 2**50,
    )
    assert proof.verdict == "Proved", proof


def test_more_of_a_rising_shape_is_proved_to_be_no_worse():
    proof = prove_implication(
        "monotone",
        lambda v: RISING(v["less"], 1000) <= RISING(v["more"], 1000),
        lambda v: True,
        ("less", "more"),
        assuming=lambda v: 0 <= v["less"] <= v["more"] <= 2**50,
    )
    assert proof.verdict == "Proved", proof


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_utilization_is_a_percentage_whatever_is_asked(requested, allocatable):
    found = utilization(requested, allocatable)
    assert 0 <= found <= 100
    if allocatable > 0 and requested <= allocatable:
        assert found == requested * 100 // allocatable


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 100)), max_size=6))
def test_the_mean_leaves_out_zeros_and_is_rounded_half_up_as_upstream_does(scores):
    counted = [(score, weight) for score, weight in scores if score > 0]
    if not counted:
        assert mean_of_positive(scores) == 0
        return
    total = sum(weight for _, weight in counted)
    upstream = sum(score * weight for score, weight in counted) / total
    assert mean_of_positive(scores) == int(upstream + 0.5)


def test_extended_resources_count_with_their_weights_where_the_pod_asks_for_them():
    def pod(**requests):
        containers = [{"resources": {"requests": requests}}]
        return Pod.from_json({"metadata": {"name": "p"}, "spec": {"containers": containers}})

    allocatable = {"cpu": "4", "memory": "1Gi", "example.com/a": "8", "example.com/b": "4"}
    info = node_info(
        Node.from_json({"metadata": {"name": "n"}, "status": {"allocatable": allocatable}})
    )
    weights = (Weight("example.com/a", 3), Weight("example.com/b", 1))
    plugin = NodeResourcesFit(RISING, weights)
    both = pod(**{"example.com/a": "2", "example.com/b": "4"})
    assert plugin.score(both.spec, info) == 44  # (25 * 3 + 100) / 4, rounded half up
    assert plugin.score(pod(**{"example.com/b": "1"}).spec, info) == 25
    assert plugin.score(pod(cpu="1").spec, info) == 0


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "at least one point"),
        ([Point(50, 1), Point(50, 2)], "increasing order"),
        ([Point(50, 1), Point(10, 2)], "increasing order"),
        ([Point(-1, 1)], "0 to 100"),
        ([Point(101, 1)], "0 to 100"),
        ([Point(0, -1)], "0 to 10"),
        ([Point(0, 11)], "0 to 10"),
    ],
)
def test_points_that_make_no_shape_are_refused(points, message):
    with pytest.raises(InputError, match=message):
        RequestedToCapacityRatio(points)
