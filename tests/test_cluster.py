"""The cluster promises the engine's contract: guards, enabled actions, spans, time, determinism."""

from __future__ import annotations

import pytest
from cluster_runs import ROOM, fifo, objects, settled, step_to, walk

from kspec.errors import InputError, NotEnabled
from kspec.explore import check_determinism
from kspec_models import actions
from kspec_models.building import build
from kspec_models.host import Notification
from kspec_models.objects import freeze
from kspec_models.world import World
from kspec_models.worlds import application, delete, deployment, pod, scale, service, set_image

FAULTS = dict.fromkeys(actions.FAULT_CLASSES.values(), 1)
SMALL = World(
    name="small",
    objects=(deployment("web", 2), service("web")),
    nodes=2,
    node_capacity=ROOM,
    operations=(set_image("web", "app:2"), scale("web", 1), delete("Service", "web")),
)
FAULTY = World(
    name="faulty",
    objects=(deployment("web", 2), pod("bare")),
    nodes=2,
    node_capacity=ROOM,
    operations=(delete("Pod", "bare"),),
    faults=FAULTS,
)
COARSE = World(name="coarse", objects=SMALL.objects, granularity="reconcile", faults=FAULTS)
TWO = World(name="two", objects=(pod("a"), pod("b")), schedulers=2, nodes=1)
WORLDS = [SMALL, FAULTY, COARSE, TWO, application()]
by_name = pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)


def is_span(action):
    """Those that `step` takes beyond what `enabled` lists, because traces need it."""
    return type(action) in (actions.Sync, actions.Handle, actions.Heal)


@by_name
def test_a_step_that_is_not_enabled_is_refused_and_changes_nothing(world):
    cluster = build(world)
    seen = {action for _, action, _ in walk(cluster, 1, 300)}
    refused = 0
    for state, _, _ in list(walk(cluster, 2, 200))[::40]:
        before, enabled = cluster.fingerprint(state), set(cluster.enabled(state))
        for action in sorted(seen - enabled):
            if not is_span(action):
                with pytest.raises(NotEnabled):
                    cluster.step(state, action)
                refused += 1
        assert (cluster.fingerprint(state), set(cluster.enabled(state))) == (before, enabled)
    assert refused > 10


@pytest.mark.parametrize(
    "action",
    [
        "Sync(nobody, pods, upto=default/a@1)",
        "Sync(scheduler, secrets, upto=default/a@1)",
        "Sync(scheduler, pods, upto=default/nothing@9)",
        "Handle(scheduler, secrets, upto=default/a@1)",
        "Handle(runtime/n1, pods, upto=default/a@1)",
        "List(scheduler, pods)",
        "Pop(scheduler, pods, default/a)",
        "Reconcile(scheduler, default/a)",
        "Schedule(scheduler, default/unknown)",
        "SyncPod(kubelet/n9, default/a)",
        "Deliver(scheduler, default/a, Bind pods default/a to n1)",
        "Progress(scheduler, start x/y)",
        "Progress(runtime/n1, start x/y)",
        "Start(scheduler)",
        "Start(nobody)",
        "Advance(to=5s)",
        "User(delete everything)",
        "Crash(scheduler)",
        "StaleList(scheduler, pods, behind=1)",
        "StaleList(scheduler, pods, behind=x)",
        "Disconnect(scheduler, pods)",
        "Compact(store)",
        "StaleList(scheduler, pods, behind=-1)",
        "LoseNode(n1)",
        "LoseNode(n9)",
        "Throttle(scheduler, default/a, Bind pods default/a to n1)",
    ],
)
@pytest.mark.parametrize("budget", [{}, FAULTS], ids=["none", "faults"])
def test_an_action_of_another_world_is_refused(action, budget):
    cluster = build(World(objects=(pod("a"),), nodes=1, faults=budget))
    state = cluster.init()
    decoded = cluster.decode(action)
    if decoded in cluster.enabled(state):
        assert budget and cluster.kind_of(decoded) == "fault"
        return
    with pytest.raises(NotEnabled):
        cluster.step(state, decoded)
    assert cluster.resolve(state, decoded) in (None, *cluster.enabled(state))


def test_what_is_no_action_is_refused():
    cluster = build(SMALL)
    with pytest.raises(NotEnabled):
        cluster.step(cluster.init(), "Sync")
    for text in ("Sync", "Sync()", "Explode(everything)", "Crash(a, b)", ""):
        with pytest.raises(InputError):
            cluster.decode(text)


def enabled_from_scratch(cluster, state):
    """Every slot asked afresh, and which processes are idle found from their informers."""
    t = state.draft()
    t.idle = frozenset(
        index
        for index, process in enumerate(cluster.layout.processes)
        if not state.slots[process.up]
        or process.name in state.environment.paused
        or not all(state.slots[slot].synced for slot in process.informers.values())
    )
    assert t.idle == state.idle
    t.system = tuple(
        action
        for slot in range(len(cluster.layout.slots))
        for action in cluster._actions_of(t, slot)
    )
    return t.system + cluster.environment.enabled(t, not t.system)


@by_name
def test_enabled_is_what_asking_every_slot_afresh_gives(world):
    cluster = build(world)
    assert cluster.enabled(cluster.init()) == enabled_from_scratch(cluster, cluster.init())
    for seed in range(3):
        for _, _, after in walk(cluster, seed, 250):
            enabled = cluster.enabled(after)
            assert enabled == enabled_from_scratch(cluster, after)
            assert len(set(enabled)) == len(enabled)


@by_name
def test_every_enabled_action_reads_back_from_its_text_and_resolves_to_itself(world):
    cluster = build(world)
    seen = set()
    for state, action, _ in walk(cluster, 5, 400):
        assert cluster.decode(cluster.encode(action)) == action
        assert cluster.resolve(state, action) == action
        seen.add(type(action))
    assert len(seen) >= 7


@by_name
def test_the_same_seed_gives_the_same_states(world):
    check_determinism(build(world), steps=300)
    first, second = (list(walk(build(world), 7, 200)) for _ in range(2))
    assert [a for _, a, _ in first] == [a for _, a, _ in second]


@by_name
def test_a_step_leaves_the_state_before_it_as_it_was(world):
    cluster = build(world)
    kept = [(s, cluster.fingerprint(s), cluster.enabled(s)) for s, _, _ in walk(cluster, 3, 250)]
    for state, fingerprint, enabled in kept:
        again = cluster.step(state, enabled[0])
        assert cluster.fingerprint(again) == cluster.fingerprint(cluster.step(state, enabled[0]))
        assert (cluster.fingerprint(state), cluster.enabled(state)) == (fingerprint, enabled)


@pytest.mark.parametrize("granularity", ["request", "reconcile"])
def test_a_sync_over_several_events_is_the_same_as_one_after_another(granularity):
    world = World(objects=(pod("a"), pod("b"), pod("c")), nodes=1, granularity=granularity)
    cluster = build(world)
    names = [("Schedule(", "Deliver("), ("Schedule(",)][granularity == "reconcile"]
    state = step_to(cluster, cluster.init(), *names, *names)
    slot = cluster.layout.by_informer["scheduler", "pods"]
    events = state.streams[cluster.layout.slots[slot].stream].events
    last = events[len(events) - 1].identity
    single = step_to(cluster, state, "Sync(scheduler, pods", "Sync(scheduler, pods")
    span = cluster.step(state, actions.Sync("scheduler", "pods", last))
    assert cluster.fingerprint(span) == cluster.fingerprint(single)
    assert cluster.enabled(span) == cluster.enabled(single)
    told = [Notification("pods", e.old, e.new, e.revision) for e in events]
    assert len(told) == 2 and [d.notification for d in span.delivered] == told
    if granularity == "request":
        one = step_to(cluster, span, "Handle(scheduler, pods", "Handle(scheduler, pods")
        all_at_once = cluster.step(span, actions.Handle("scheduler", "pods", last))
        assert cluster.fingerprint(all_at_once) == cluster.fingerprint(one)


def test_a_recorded_delivery_finds_its_call_although_its_target_moved():
    cluster = build(World(objects=(pod("a"),), nodes=1))
    state = step_to(cluster, cluster.init(), "Schedule(")
    (enabled,) = (a for a in cluster.enabled(state) if type(a) is actions.Deliver)
    moved = enabled._replace(request="Bind pods default/a to n7")
    assert cluster.resolve(state, moved) == enabled
    assert cluster.resolve(state, moved._replace(key="default/b")) is None


def outcome(state):
    """The objects at the end, without what only names them or says when."""
    found = {}
    for name in ("deployments", "replicasets", "services"):
        for obj in objects(state, name):
            status = obj.to_json().get("status", {})
            status.pop("conditions", None)
            found[name, obj.key] = freeze(status)
    pods = objects(state, "pods")
    found["pods"] = sorted((p.metadata.generate_name, p.status.phase) for p in pods)
    slices = objects(state, "endpointslices")
    found["endpoints"] = sorted((s.metadata.generate_name, len(s.endpoints)) for s in slices)
    return found


@pytest.mark.parametrize("world", [SMALL, TWO, application()], ids=lambda world: world.name)
def test_coarse_steps_reach_the_same_objects_as_fine_ones(world):
    ends = {}
    for granularity in ("request", "reconcile"):
        data = world.to_json()
        data["spec"]["granularity"] = granularity
        ends[granularity] = outcome(settled(build(World.from_json(data))))
    assert ends["request"] == ends["reconcile"]


def test_coarse_steps_leave_no_request_and_no_notification_behind():
    cluster = build(COARSE)
    for _, action, _ in walk(cluster, 4, 400):
        assert type(action) not in (actions.Deliver, actions.Handle, actions.Pop)


# time


@by_name
def test_time_advances_only_when_nothing_else_of_the_system_can_be_done(world):
    cluster = build(world)
    advances = 0
    for seed in range(2):
        for state, action, after in walk(cluster, seed, 600):
            if cluster.kind_of(action) == "clock":
                advances += 1
                kinds = {cluster.kind_of(a) for a in cluster.enabled(state)}
                assert "system" not in kinds and after.clock > state.clock
            else:
                assert after.clock == state.clock
    for action, _ in fifo(cluster):
        advances += cluster.kind_of(action) == "clock"
    assert advances or world is TWO


def recurring():
    """A pod that fits nowhere: it is tried again, for ever."""
    cluster = build(World(objects=(pod("huge", cpu="64"),), nodes=1))
    marks = []
    state = cluster.init()
    for _ in range(200):
        enabled = cluster.enabled(state)
        if cluster.kind_of(enabled[0]) == "clock":
            marks.append((state.clock, cluster.recurrence(state), cluster.fingerprint(state)))
        state = cluster.step(state, enabled[0])
    return marks


def test_states_that_differ_in_time_only_recur():
    marks = recurring()[1:]
    clocks, recurrences, fingerprints = (set(column) for column in zip(*marks, strict=True))
    assert len(clocks) == len(fingerprints) == len(marks) > 5
    assert len(recurrences) < len(marks) / 2


def test_states_that_differ_in_more_than_time_do_not_recur():
    cluster = build(World(objects=(deployment("web", 2),), nodes=1))
    states = [after for _, after in fifo(cluster)]
    marks = {cluster.fingerprint(s): cluster.recurrence(s) for s in states}
    assert len(set(marks.values())) == len(marks)
