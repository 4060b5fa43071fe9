"""What `--scale` promises: from the smallest topology up, and the smallest one that fails."""

from __future__ import annotations

import pytest
from toys import suite as tank

from kspec.check import Options
from kspec.check.scaling import check_scale, lines, name_of, topologies
from kspec.errors import InputError
from kspec_models.scaling import scaled
from kspec_models.world import World
from kspec_models.worlds import deployment, node


def test_topologies_grow_from_the_smallest():
    names = [name_of(sizes) for sizes in topologies("nodes=1..2,replicas=2..3")]
    assert names == [
        "nodes=1, replicas=2",
        "nodes=1, replicas=3",
        "nodes=2, replicas=2",
        "nodes=2, replicas=3",
    ]
    assert topologies(" nodes = 3 ") == ({"nodes": 3},)


@pytest.mark.parametrize("text", ["", "nodes", "nodes=3..1", "nodes=0..2", "nodes=1,nodes=2"])
def test_a_scale_that_cannot_be_read_says_what_was_expected(text):
    with pytest.raises(InputError, match="expected"):
        topologies(text)


def test_too_many_topologies_are_refused():
    with pytest.raises(InputError, match="1,000,000 topologies"):
        topologies("nodes=1..1000,replicas=1..1000")


def test_scale_stops_at_the_smallest_topology_that_fails(tmp_path):
    options = Options(steps=30_000, out=tmp_path, faults="none", properties=("no-overflow",))
    found = check_scale(tank.SUITE, options, "pumps=1..3,capacity=2")
    failing = found.smallest_failing
    assert failing is not None and failing.sizes == {"pumps": 2, "capacity": 2}
    assert [t.report.has_failed for t in found.checked] == [False, True]
    assert found.exit_status == 1 and found.to_json()["smallest_failing"] == failing.sizes
    assert "the smallest topology that fails: pumps=2, capacity=2" in list(lines(found))


def test_scale_that_finds_nothing_says_so(tmp_path):
    options = Options(steps=3_000, out=tmp_path, faults="none", properties=("no-overflow",))
    found = check_scale(tank.SUITE, options, "orders=1..3")
    assert found.exit_status == 0 and found.smallest_failing is None
    assert list(lines(found))[-1] == "none of the 3 topologies failed"


def test_scaling_changes_nodes_replicas_and_schedulers():
    world = World(objects=(deployment("web", 2), deployment("api", 1)))
    larger = scaled(world, {"nodes": 5, "replicas": 4, "schedulers": 2})
    assert (larger.nodes, larger.schedulers) == (5, 2)
    assert [data["spec"]["replicas"] for data in larger.objects] == [4, 4]


def test_scaling_refuses_what_a_world_does_not_have():
    with pytest.raises(InputError, match="holds Node objects"):
        scaled(World(objects=(node("n1"),)), {"nodes": 2})
    with pytest.raises(InputError, match="no object of the world has any"):
        scaled(World(), {"replicas": 2})
    with pytest.raises(InputError, match="no axis is called 'moons'"):
        scaled(World(), {"moons": 2})
