"""ImageLocality: what upstream's tables do not show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec_models.objects import Node, Pod
from kspec_models.scheduler.framework import SKIP, Context
from kspec_models.scheduler.nodeinfo import node_info
from kspec_models.scheduler.plugins.image_locality import (
    MEBIBYTE,
    ImageLocality,
    normalized_image_name,
    priority,
)


def node(name, **sizes):
    images = [{"names": [f"{image}:latest"], "sizeBytes": size} for image, size in sizes.items()]
    return node_info(Node.from_json({"metadata": {"name": name}, "status": {"images": images}}))


def pod(*images, init=(), volumes=()):
    spec = {
        "containers": [{"name": f"c{i}", "image": image} for i, image in enumerate(images)],
        "initContainers": [{"name": f"i{i}", "image": image} for i, image in enumerate(init)],
        "volumes": [{"name": f"v{i}", "image": {"reference": v}} for i, v in enumerate(volumes)],
    }
    return Pod.from_json({"metadata": {"name": "p"}, "spec": spec})


def scores(incoming, *infos):
    plugin, at = ImageLocality(), Context(infos)
    status, state = plugin.pre_score(incoming, infos, at)
    if status.code == SKIP:
        return [0] * len(infos)
    raw = [plugin.score_with(state, incoming, info) for info in infos]
    return plugin.normalize_with(state, raw, infos)


BIG = 500 * MEBIBYTE


def test_an_image_counts_for_more_the_further_it_has_spread():
    alone = scores(pod("a"), node("n", a=BIG), node("m"), node("o"), node("p"))
    spread = scores(pod("a"), node("n", a=BIG), node("m", a=BIG), node("o"), node("p"))
    assert alone == [10, 0, 0, 0]  # (125 - 23) of (1000 - 23)
    assert spread == [23, 23, 0, 0]


def test_images_of_init_containers_and_volumes_count_and_bounds_grow_with_containers():
    assert scores(pod("a"), node("n", a=BIG)) == [48]
    assert scores(pod("x", init=["a"]), node("n", a=BIG)) == [24]
    assert scores(pod("x", volumes=["a"]), node("n", a=BIG)) == [48]
    assert scores(pod("a", "a"), node("n", a=BIG)) == [49]


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("a", "a:latest"),
        ("a:v1", "a:v1"),
        ("host:5000/a", "host:5000/a:latest"),
        ("host:5000/a:v1", "host:5000/a:v1"),
        ("a@sha256:0f", "a@sha256:0f"),
    ],
)
def test_a_name_without_a_tag_means_the_latest(name, full):
    assert normalized_image_name(name) == full


def test_the_plugin_is_skipped_where_no_node_has_an_image_of_the_pod():
    for infos in ([node("n"), node("m")], [node("n", a=BIG), node("m", a=BIG)]):
        assert ImageLocality().pre_score(pod("b"), infos, Context(tuple(infos))).status.code == SKIP


@given(st.integers(0, 2**53), st.integers(0, 40))
def test_a_score_is_within_0_and_100_and_grows_with_the_size(total, containers):
    assert 0 <= priority(total, containers) <= 100
    assert containers == 0 or priority(total, containers) <= priority(total + MEBIBYTE, containers)


SIZES = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2**33), max_size=3)


@given(st.lists(SIZES, min_size=1, max_size=4), st.lists(st.sampled_from("abcd"), max_size=3))
def test_the_order_of_nodes_images_and_containers_does_not_matter(reported, wanted):
    infos = [node(f"n{index}", **sizes) for index, sizes in enumerate(reported)]
    again = [node(f"n{i}", **dict(reversed(sizes.items()))) for i, sizes in enumerate(reported)]
    forth, back = scores(pod(*wanted), *infos), scores(pod(*reversed(wanted)), *reversed(again))
    assert forth == list(reversed(back))
    assert all(0 <= score <= 100 for score in forth)
