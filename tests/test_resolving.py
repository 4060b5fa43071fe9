"""What a recorded delivery stands for where earlier writes were left out."""

from kspec_models import actions
from kspec_models.building import build
from kspec_models.world import World
from kspec_models.worlds import pod


def pending(cluster, state):
    slot = cluster.layout.by_informer["scheduler", "pods"]
    place, start = cluster.layout.slots[slot], state.slots[slot].position
    return [event.identity for event in state.streams[place.stream].events.since(start)]


def test_a_delivery_of_a_later_version_goes_up_to_the_last_that_was_written():
    cluster = build(World(objects=(pod("a"),), nodes=1, granularity="reconcile"))
    state = cluster.init()
    take = next(a for a in cluster.enabled(state) if type(a) is actions.Schedule)
    state = cluster.step(state, take)
    (written,) = pending(cluster, state)
    key, _, version = written.rpartition("@")
    sync = actions.Sync("scheduler", "pods", written)
    assert cluster.resolve(state, sync) == sync
    later = sync._replace(upto=f"{key}@{int(version) + 7}")
    assert cluster.resolve(state, later) == sync
    for nothing in (f"{key}@1", "default/b@9", f"{key}@x", "x"):
        assert cluster.resolve(state, sync._replace(upto=nothing)) is None
    assert cluster.resolve(state, sync._replace(actor="nobody")) is None
