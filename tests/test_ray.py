"""What a Ray cluster promises: the counts and traces of one process, whatever nodes come and go."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from itertools import count

import attrs
import pytest
from worker_toys import Mortal, Toy

from kspec.distribute.bfs import fleet_bfs
from kspec.errors import InputError
from kspec.explore import bfs, search

COMMIT = Toy("two_phase_commit", (4,), ("consistent", "all_commit", "someone_dances"))
STORE = 80 * 2**20
NODE = {"num_cpus": 1, "object_store_memory": STORE}
ADDRESSES = (f"127.0.0.{number}" for number in count(2))
"""A loopback address for each node: Ray takes 127.0.0.1 for the address of the machine."""


def node():
    return {**NODE, "node_ip_address": next(ADDRESSES)}


LONGEST = 240
"""Seconds after which a test here fails, because Ray waits for ever for what does not come."""


@pytest.fixture(autouse=True)
def is_bounded():
    def too_long(number, frame):
        raise TimeoutError(f"more than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def nodes():
    """Ray's own cluster utility: a head and one more node, each with one core, on this machine."""
    pytest.importorskip("ray", reason='Ray is not installed: pip install "kspec[ray]"')
    from kspec.distribute.ray_cluster import QUIET

    os.environ.update(QUIET)
    from ray.cluster_utils import Cluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                **node(),
                "include_dashboard": False,
                "_system_config": {
                    "health_check_period_ms": 1_000,
                    "health_check_failure_threshold": 5,
                },
            },
        )
        cluster.add_node(**node())
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def cluster(nodes):
    from kspec.distribute.ray_cluster import connected

    with connected(nodes.address) as found:
        yield found


def alone(recipe):
    built = recipe()
    return plain(bfs(built.system, built.properties))


def plain(exploration):
    return attrs.evolve(exploration, memory=None)


def at(depth, act):
    """Something to do once, when the search has got so deep."""
    left = [act]

    def tell(transitions, states, now):
        if now == depth and left:
            left.pop()()

    return tell


def test_tasks_report_what_one_process_does(cluster):
    built = COMMIT()
    options = {"seed": 3, "steps": 2_000, "ahead": cluster.ahead}
    found = search(built.system, built.properties, executor=cluster.executor(COMMIT), **options)
    assert found == search(built.system, built.properties, **options)


def test_an_interrupted_search_keeps_what_it_had(cluster):
    def interrupt(steps, states, runs):
        if steps > 500:
            raise KeyboardInterrupt

    built = COMMIT()
    found = search(
        built.system,
        built.properties,
        seed=3,
        steps=1_000_000,
        executor=cluster.executor(COMMIT),
        on_progress=interrupt,
    )
    assert found.interrupted and found.steps > 500


def test_an_error_of_the_model_comes_through(cluster):
    recipe = Toy("die_hard", (), ("consistent",))
    built = recipe()
    with pytest.raises(AttributeError, match="managers"):
        search(built.system, built.properties, seed=0, steps=9, executor=cluster.executor(recipe))
    with pytest.raises(AttributeError, match="managers"):
        fleet_bfs(cluster.fleet, recipe)


def test_a_cluster_exhausts_as_one_process_does(cluster):
    assert plain(fleet_bfs(cluster.fleet, Toy("binding", (2,)))) == alone(Toy("binding", (2,)))


def test_a_shard_that_is_lost_is_made_again(cluster):
    fleets = []

    def make(*given):
        fleets.append(cluster.fleet(*given))
        return fleets[0]

    def lose():
        cluster.ray.kill(fleets[0].shards[1])

    found = fleet_bfs(make, COMMIT, on_progress=at(6, lose))
    assert plain(found) == alone(COMMIT)


def test_an_interrupted_driver_resumes_from_its_checkpoint(cluster, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    stopped = fleet_bfs(cluster.fleet, COMMIT, checkpoint=tmp_path, on_progress=at(5, interrupt))
    assert stopped.interrupted and 0 < stopped.states < 1_568
    assert plain(fleet_bfs(cluster.fleet, COMMIT, checkpoint=tmp_path)) == alone(COMMIT)


def test_a_task_whose_worker_dies_is_done_again(cluster, tmp_path):
    fuse = tmp_path / "fuse"
    recipe = Mortal(str(fuse))
    built = recipe()
    expected = search(built.system, built.properties, seed=5, steps=1_000)
    fuse.touch()
    executor = cluster.executor(recipe)
    assert (
        search(built.system, built.properties, seed=5, steps=1_000, executor=executor) == expected
    )
    assert not fuse.exists()


def test_counts_are_exact_although_nodes_leave_and_join(nodes, cluster):
    """The node that leaves takes a worker and a shard with it; the one that joins is used."""
    (leaving,), fleets = nodes.worker_nodes, []

    def make(*given):
        fleets.append(cluster.fleet(*given))
        return fleets[0]

    def leave():
        nodes.remove_node(leaving, allow_graceful=False)

    def join():
        nodes.add_node(**node())
        for _ in range(100):
            if len(fleets[0].members) < 2:
                fleets[0].wait(1.0)

    leaves, joins = at(5, leave), at(9, join)

    def change(*progress):
        leaves(*progress)
        joins(*progress)

    found = fleet_bfs(make, COMMIT, on_progress=change)
    assert plain(found) == alone(COMMIT)
    assert fleets[0].born >= 3


def test_no_cluster_at_an_address_is_an_input_error(nodes):
    pytest.importorskip("ray")
    from kspec.distribute.ray_cluster import connected

    with pytest.raises(InputError, match="no Ray cluster at"), connected("not an address"):
        pass


def test_ray_that_is_not_installed_is_an_input_error(monkeypatch):
    from kspec.distribute.ray_cluster import connected

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'pip install "kspec\[ray\]"'), connected():
        pass
