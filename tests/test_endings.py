"""Containers that end: with what and when, and which of them are started again."""

import pytest
from cluster_runs import fifo, get, settled, walk

from kspec.errors import InputError
from kspec_models.building import build
from kspec_models.endings import EXIT_CODE, EXITS_AFTER, Ending, ending_of
from kspec_models.objects import Container, freeze
from kspec_models.restart_policy import ContainerRun, restart_policy_of, should_be_restarted
from kspec_models.world import World
from kspec_models.worlds import pod


def told(policy="Never", *, code="", after="", **container):
    """A bare pod `once` whose only container ends as the annotations say."""
    body = pod("once", restartPolicy=policy)
    texts = {EXIT_CODE: code, EXITS_AFTER: after}
    body["metadata"]["annotations"] = {name: text for name, text in texts.items() if text}
    body["spec"]["containers"][0].update(container)
    return body


def cluster(*given, **options):
    return build(World(nodes=1, objects=given, granularity="reconcile", **options))


def seen(state):
    return get(state, "pods/default/once").status


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Never", "", "Succeeded"), ("Never", "3", "Failed"), ("OnFailure", "0", "Succeeded")],
)
def test_a_pod_ends_as_its_containers_do(policy, code, phase):
    assert seen(settled(cluster(told(policy, code=code)))).phase == phase


def test_a_container_runs_for_as_long_as_it_is_told():
    world = cluster(told(after="30"))
    running = [s.clock for _, s in fifo(world) if seen(s).phase == "Running"]
    assert (running[0], seen(settled(world)).phase) == (0, "Succeeded")
    assert settled(world).clock == 30


def test_the_environment_chooses_among_exit_codes():
    world = cluster(told(code="0,4"))
    codes = set()
    for seed in range(20):
        for _, _, state in walk(world, seed, 60):
            for status in seen(state).container_statuses:
                if "terminated" in status.state:
                    codes.add(status.state["terminated"]["exitCode"])
    assert codes == {0, 4}


def test_a_container_that_fails_again_waits_longer_each_time():
    world = cluster(told("OnFailure", code="1"))
    at = {}
    for _, state in fifo(world):
        for status in seen(state).container_statuses:
            at.setdefault(status.restart_count, state.clock)
        if len(at) > 7:
            break
    assert at == {0: 0, 1: 0, 2: 10, 3: 30, 4: 70, 5: 150, 6: 310, 7: 610}


def test_a_restarted_kubelet_keeps_to_the_second_at_which_a_container_ends():
    world = cluster(told(after="30"), faults={"crash": 1})
    state = world.init()
    for _, after in fifo(world, state):
        state = after
        if seen(state).phase == "Running":
            break
    crash = next(a for a in world.enabled(state) if world.encode(a) == "Crash(kubelet/n1)")
    state = settled(world, world.step(state, crash))
    assert (state.clock, seen(state).phase) == (30, "Succeeded")


def test_a_task_that_is_stopped_fails():
    world = cluster(told(after="60"), operations=({"delete": {"kind": "Pod", "name": "once"}},))
    phases = [p.status.phase for _, s in fifo(world) if (p := get(s, "pods/default/once"))]
    assert "Succeeded" not in phases


@pytest.mark.parametrize("text", ["one", "-1", "256", "1,", "1.5"])
def test_what_is_no_exit_code_is_refused(text):
    with pytest.raises(InputError):
        ending_of({EXIT_CODE: text})
    with pytest.raises(InputError, match=r"metadata\.annotations: Invalid value"):
        cluster(told(code=text))


def test_annotations_are_read():
    assert ending_of({}) == Ending()
    assert ending_of({EXIT_CODE: "1, 0", EXITS_AFTER: "7"}) == Ending((1, 0), 7)


RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
OTHERS = {"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 1]}}


@pytest.mark.parametrize(
    ("pod_policy", "own", "rules", "code", "restart"),
    [
        ("Always", "", [], 0, True),
        ("OnFailure", "", [], 0, False),
        ("OnFailure", "", [], 2, True),
        ("Never", "", [], 2, False),
        ("Never", "Always", [], 0, True),
        ("Always", "Never", [], 1, False),
        ("Never", "OnFailure", [], 1, True),
        ("Never", "Never", [RULE], 42, True),
        ("Never", "Never", [RULE], 1, False),
        ("Never", "", [RULE], 42, False),  # rules need a policy beside them
        ("Never", "Never", [OTHERS], 2, True),
        ("Never", "Never", [OTHERS], 1, False),
        ("Never", "Never", [{**RULE, "action": "Unknown"}, OTHERS], 42, False),
    ],
)
def test_a_containers_own_policy_and_rules_go_before_the_pods(
    pod_policy, own, rules, code, restart
):
    extra = freeze({"restartPolicyRules": rules})
    container = Container(name="c", restart_policy=own, extra=extra)
    policy = restart_policy_of(container, pod_policy)
    history = (ContainerRun("exited", code), ContainerRun("exited", 1 - code))
    assert should_be_restarted(policy, history, is_pod_deleted=False) == restart
    assert not should_be_restarted(policy, history, is_pod_deleted=True)


def test_a_container_with_rules_restarts_in_a_pod_that_never_does():
    rules = {"restartPolicy": "Never", "restartPolicyRules": [RULE]}
    world = cluster(told("Never", code="42,0", **rules))
    for seed in range(30):
        for _, _, state in walk(world, seed, 80):
            if any(c.restart_count for c in seen(state).container_statuses):
                return
    raise AssertionError("it is never restarted")
