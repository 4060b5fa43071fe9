"""A reflector promises client-go's order: list, Replace key by key, watch, resume or relist."""

from __future__ import annotations

import pytest
from cluster_runs import step_to

from kspec.errors import NotEnabled
from kspec_models import actions
from kspec_models.building import build
from kspec_models.host import Watch
from kspec_models.objects import Pod
from kspec_models.reflector import (
    DISCONNECTED,
    LISTING,
    REPLACING,
    WATCHING,
    Informer,
    Reflector,
    is_gone,
)
from kspec_models.store import Store
from kspec_models.streams import Stream
from kspec_models.world import World
from kspec_models.worlds import pod

PLAIN = Reflector(atomic=False)


class Feed:
    """A store, the stream of its pods, and an informer that follows it."""

    def __init__(self, *names, reflector=PLAIN):
        self.reflector = reflector
        self.store = Store()
        for name in names:
            self.put(name)
        self.stream = Stream(Watch("pods"), self.store.bucket("pods"))
        self.informer = reflector.started()

    def put(self, name, label="1"):
        meta = {"name": name, "namespace": "default", "labels": {"v": label}}
        self.store, change = self.store.put(
            f"pods/default/{name}", Pod.from_json({"metadata": meta})
        )
        if hasattr(self, "stream"):
            self.stream = self.stream.observed(change)

    def delete(self, name):
        self.store, change = self.store.delete(f"pods/default/{name}")
        self.stream = self.stream.observed(change)

    def list(self, behind=0):
        position = len(self.stream.events) - behind
        revision = self.stream.events[position - 1].revision if behind else self.store.revision
        self.informer = self.reflector.listed(self.informer, self.stream, position, revision)
        return self

    def pop(self, times=99):
        while self.informer.status is REPLACING and times:
            key = self.informer.remaining[0]
            self.informer = self.reflector.popped(self.informer, "pods", key)
            times -= 1
        return self

    def receive(self):
        self.informer = self.reflector.receive(self.informer, self.stream)

    def cached(self):
        return {e.value.name: e.value.metadata.labels["v"] for e in self.informer.cache.entries()}

    def told(self):
        """(old version, new version) of each notification, with the name of the object."""
        found = []
        for told in self.informer.told:
            old, new = told.notification.old, told.notification.new
            name = (new or old).value.name
            found.append((name, old and old.version, new and new.version))
        return found


def test_a_start_lists_everything_before_it_is_synced():
    feed = Feed("b", "a")
    assert feed.informer.status is LISTING
    feed.list()
    assert (feed.informer.status, feed.informer.synced, feed.cached()) == (REPLACING, False, {})
    feed.pop(1)
    assert (feed.informer.synced, feed.cached()) == (False, {"a": "1"})
    feed.pop()
    assert (feed.informer.status, feed.informer.synced) == (WATCHING, True)
    assert feed.told() == [("a", None, 1), ("b", None, 1)]


def test_a_list_without_objects_is_synced_at_once():
    feed = Feed().list()
    assert (feed.informer.status, feed.informer.synced) == (WATCHING, True)


def test_while_a_replace_is_popped_the_cache_is_two_snapshots():
    feed = Feed("a", "b", "c").list().pop()
    feed.put("a", "2")
    feed.delete("b")
    feed.put("c", "2")
    feed.list()
    assert feed.cached() == {"a": "1", "b": "1", "c": "1"}
    feed.pop(1)
    assert feed.cached() == {"a": "2", "b": "1", "c": "1"}
    feed.pop(1)
    assert feed.cached() == {"a": "2", "c": "1"}
    feed.pop()
    assert feed.cached() == {"a": "2", "c": "2"}
    assert feed.told()[3:] == [("a", 1, 2), ("b", 1, None), ("c", 1, 2)]


def test_what_comes_while_a_replace_is_popped_is_received_after_it():
    feed = Feed("a").list()
    feed.put("a", "2")
    feed.pop()
    assert (feed.cached(), len(feed.stream.events) - feed.informer.position) == ({"a": "1"}, 1)
    feed.receive()
    assert feed.told() == [("a", None, 1), ("a", 1, 2)]


def test_a_replace_tells_a_recreated_object_as_one_update():
    feed = Feed("a").list().pop()
    feed.delete("a")
    feed.put("a", "2")
    feed.list().pop()
    assert feed.told()[1:] == [("a", 1, 1)]
    old, new = feed.informer.told[1].notification[1:3]
    assert old.create_revision < new.create_revision


def test_an_event_reaches_the_cache_and_the_resume_revision():
    feed = Feed("a").list().pop()
    feed.put("a", "2")
    feed.receive()
    assert (feed.cached(), feed.informer.resume) == ({"a": "2"}, feed.store.revision)


def test_a_broken_watch_keeps_its_cache_and_resumes_where_it_was():
    feed = Feed("a").list().pop()
    feed.put("a", "2")
    broken = PLAIN.disconnected(feed.informer)
    assert (broken.status, broken.synced, broken.cache) == (DISCONNECTED, True, feed.informer.cache)
    feed.informer = PLAIN.resumed(broken, compacted=-1)
    assert feed.informer.status is WATCHING
    feed.receive()
    assert feed.told()[1:] == [("a", 1, 2)]


@pytest.mark.parametrize(
    ("resume", "compacted", "gone"), [(5, -1, False), (5, 5, False), (5, 6, False), (5, 7, True)]
)
def test_a_watch_is_gone_once_an_event_that_it_misses_is_compacted(resume, compacted, gone):
    assert is_gone(resume, compacted) is gone
    informer = Informer().evolve(status=DISCONNECTED, resume=resume)
    assert PLAIN.resumed(informer, compacted).status is (LISTING if gone else WATCHING)


BINDS = tuple(
    f"{verb}(scheduler, default/{name}" for name in "ab" for verb in ("Schedule", "Deliver")
)


def test_an_idle_filtered_watch_meets_410_although_it_missed_nothing():
    """Its resume revision is that of the last event received: nothing moved it."""
    faults = {"disconnect": 2, "compaction": 1}
    cluster = build(World(objects=(pod("a"), pod("b")), nodes=2, faults=faults))
    state = step_to(cluster, cluster.init(), *BINDS, "Sync(scheduler, pods", "Sync(scheduler, pods")
    state = step_to(cluster, state, "Compact(store")
    for actor, resource, status in (
        ("kubelet/n2", "nodes", LISTING),
        ("scheduler", "pods", WATCHING),
    ):
        state = step_to(cluster, state, f"Disconnect({actor}, {resource}")
        informer = state.slots[cluster.layout.by_informer[actor, resource]]
        assert not state.streams[cluster.layout.stream_index[Watch("nodes", "n2")]].events
        state = step_to(cluster, state, f"Rewatch({actor}, {resource}")
        resumed = state.slots[cluster.layout.by_informer[actor, resource]]
        assert (resumed.status, resumed.cache) == (status, informer.cache)


def test_after_410_a_relist_replaces_and_the_process_stays_synced():
    faults = {"disconnect": 1, "compaction": 1}
    cluster = build(World(objects=(pod("a"), pod("b")), nodes=1, faults=faults))
    nodes = cluster.layout.by_informer["scheduler", "nodes"]
    state = step_to(
        cluster,
        cluster.init(),
        *(*BINDS, "Compact(store", "Disconnect(scheduler, nodes", "Rewatch(scheduler, nodes"),
        "List(scheduler, nodes",
    )
    assert (state.slots[nodes].status, state.slots[nodes].synced) == (REPLACING, True)
    state = step_to(cluster, state, "Pop(scheduler, nodes, n1)", "Handle(scheduler, nodes")
    assert state.slots[nodes].status is WATCHING


def test_a_stale_list_moves_the_cursor_back_and_the_events_come_again():
    world = World(objects=(pod("a"),), nodes=1, faults={"crash": 1, "stale-list": 1})
    cluster = build(world)
    state = step_to(cluster, cluster.init(), "Schedule(scheduler", "Deliver(scheduler")
    state = step_to(cluster, state, "Sync(scheduler, pods", "Crash(scheduler", "Start(scheduler")
    state = step_to(cluster, state, "StaleList(scheduler, pods, behind=1")
    informer = state.slots[cluster.layout.by_informer["scheduler", "pods"]]
    assert informer.position == 0 and informer.target.get("pods/default/a").version == 1
    state = step_to(cluster, state, "Pop(scheduler, pods", "Sync(scheduler, pods")
    informer = state.slots[cluster.layout.by_informer["scheduler", "pods"]]
    versions = [told.notification.new.version for told in informer.told]
    assert (versions, informer.cache.get("pods/default/a").version) == ([1, 2], 2)


def test_a_list_that_would_be_older_than_the_history_is_not_enabled():
    world = World(objects=(pod("a"),), nodes=1, faults={"crash": 1, "stale-list": 1})
    cluster = build(world)
    state = step_to(cluster, cluster.init(), "Crash(scheduler", "Start(scheduler")
    assert not [a for a in cluster.enabled(state) if type(a) is actions.StaleList]
    with pytest.raises(NotEnabled):
        cluster.step(state, actions.StaleList("scheduler", "pods", "1"))


def test_each_host_takes_the_same_notifications_in_its_own_time():
    feed = Feed("a", "b").list().pop()
    everything = feed.informer.left_with(((0, 0), (1, 0)))
    informer, swapped = everything.taken(1, 2), everything.taken(0, 2)
    assert [informer.pending(host) for host in (0, 1)] == [2, 0]
    assert [swapped.pending(host) for host in (0, 1)] == [0, 2]
    assert [everything.taken(0, 1).pending(host) for host in (0, 1)] == [1, 2]
    assert informer.fingerprint != swapped.fingerprint


@pytest.mark.parametrize(("atomic", "pops"), [(False, 2), (True, 0)])
def test_an_atomic_replace_is_one_step_and_tells_the_same(atomic, pops):
    world = World(objects=(pod("a"), pod("b")), nodes=1, atomic_replace=atomic, faults={"crash": 1})
    cluster = build(world)
    state = step_to(cluster, cluster.init(), "Crash(scheduler", "Start(scheduler")
    state = step_to(cluster, state, "List(scheduler, pods")
    informer = state.slots[cluster.layout.by_informer["scheduler", "pods"]]
    assert len(informer.remaining) == pops
    for _ in range(pops):
        state = step_to(cluster, state, "Pop(scheduler, pods")
    informer = state.slots[cluster.layout.by_informer["scheduler", "pods"]]
    assert informer.synced and [t.identity for t in informer.told] == ["default/a@1", "default/b@1"]


def two_ways_to_the_same_store():
    """Two informers before the same last event, whose caches differ."""
    feeds = Feed("a").list().pop(), Feed("a").list().pop()
    for feed, label in zip(feeds, "23", strict=True):
        feed.put("a", label)
        feed.put("a", "4")
        feed.receive()
    assert feeds[0].store.fingerprint == feeds[1].store.fingerprint
    return feeds


def test_two_caches_differ_although_the_same_events_are_to_come():
    one, other = two_ways_to_the_same_store()
    assert one.stream.hash_since(1) == other.stream.hash_since(1)
    assert (one.cached(), other.cached()) == ({"a": "2"}, {"a": "3"})
    assert one.informer.fingerprint != other.informer.fingerprint


def test_two_pending_notifications_differ_by_what_was_before():
    one, other = two_ways_to_the_same_store()
    for feed in (one, other):
        feed.receive()
        feed.informer = feed.informer.left_with(((0, feed.informer.told.length - 1),))
    assert one.cached() == other.cached() and one.informer.pending(0) == 1
    assert one.informer.fingerprint != other.informer.fingerprint
