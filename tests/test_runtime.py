"""The container runtime keeps containers, starts them only when asked, and forgets nothing."""

import pytest

from kspec.errors import NotEnabled
from kspec_models.objects import Container, PodSpec
from kspec_models.runtime import (
    CREATED,
    EXITED,
    RUNNING,
    STOPPING,
    WAITING,
    ContainerRuntime,
    Runtime,
    containers_of,
)

UID = "pods/default/web#0"


def machine(images=None):
    return ContainerRuntime(3, images)


def with_pod(runtime, spec, uid=UID):
    return runtime.run_sandbox(uid, "default/web", (), containers_of(spec))


def settle(runtime, node):
    while node.enabled(runtime):
        runtime, _ = node.run(runtime, node.enabled(runtime)[0])
    return runtime


def states(runtime, uid=UID):
    return [c.state for c in runtime.pods[uid].containers]


SERVER = PodSpec(containers=(Container(name="app", image="web"),))
PROBED = PodSpec(containers=(Container(name="app", image="web", readiness_probe=True),))
SIDECARS = PodSpec(
    init_containers=(
        Container(name="proxy", image="web", restart_policy="Always"),
        Container(name="log", image="web", restart_policy="Always"),
    ),
    containers=(Container(name="app", image="web"),),
)


def test_a_missing_image_is_pulled_and_starts_nothing_by_itself():
    node = machine(frozenset())
    runtime = with_pod(node.empty(), SERVER).pull_and_start(UID, "app")
    assert node.enabled(runtime) == (f"pull {UID}/app",)
    runtime, changed = node.run(runtime, f"pull {UID}/app")
    assert (changed, states(runtime), node.enabled(runtime)) == (UID, [WAITING], ())
    assert states(runtime.pull_and_start(UID, "app")) == [CREATED]


def test_a_container_without_a_probe_is_ready_once_it_runs():
    node = machine()
    runtime = settle(with_pod(node.empty(), SERVER).pull_and_start(UID, "app"), node)
    assert [(c.state, c.is_ready) for c in runtime.pods[UID].containers] == [(RUNNING, True)]


def test_a_probed_container_becomes_ready_by_itself():
    node = machine()
    runtime = with_pod(node.empty(), PROBED).pull_and_start(UID, "app")
    runtime, _ = node.run(runtime, f"start {UID}/app")
    assert not runtime.pods[UID].containers[0].is_ready
    assert node.enabled(runtime) == (f"ready {UID}/app",)
    assert settle(runtime, node).pods[UID].containers[0].is_ready


def test_servers_run_until_stopped_and_tasks_end():
    node = machine()
    task = SERVER.replace(restart_policy="Never")
    assert states(settle(with_pod(node.empty(), task).pull_and_start(UID, "app"), node)) == [EXITED]
    runtime = settle(with_pod(node.empty(), SERVER).pull_and_start(UID, "app"), node).stop_pod(UID)
    assert states(runtime) == [STOPPING]
    assert runtime.pods[UID].is_up
    runtime = settle(runtime, node)
    assert states(runtime) == [EXITED]
    assert not runtime.pods[UID].is_up


def test_sidecars_stop_last_and_in_reverse():
    node = machine()
    runtime = with_pod(node.empty(), SIDECARS)
    for name in ("proxy", "log", "app"):
        runtime = runtime.pull_and_start(UID, name)
    runtime = settle(runtime, node).stop_pod(UID)
    order = []
    while node.enabled(runtime):
        (key,) = node.enabled(runtime)
        order.append(key.rpartition("/")[2])
        runtime, _ = node.run(runtime, key)
    assert order == ["app", "log", "proxy"]


def test_a_crashed_container_restarts_with_its_count_and_last_exit():
    node = machine()
    runtime = settle(with_pod(node.empty(), SERVER).pull_and_start(UID, "app"), node)
    runtime = runtime.crash(UID, "app", 3).pull_and_start(UID, "app")
    container = settle(runtime, node).pods[UID].containers[0]
    assert (container.state, container.restarts, container.last_exit_code) == (RUNNING, 1, 3)


def test_what_is_not_enabled_raises():
    node = machine()
    runtime = with_pod(node.empty(), SERVER)
    with pytest.raises(NotEnabled, match="not enabled"):
        node.run(runtime, f"start {UID}/app")
    with pytest.raises(NotEnabled, match="can crash"):
        runtime.crash(UID, "app")


def test_addresses_are_never_given_out_twice():
    """Not after a removal, not after a power loss."""
    runtime = with_pod(machine().empty(), SERVER)
    first = runtime.pods[UID].address
    runtime = runtime.remove(UID).rebooted()
    second = with_pod(runtime, SERVER).pods[UID].address
    assert (first, second, runtime.host_ip) == ("10.3.0.1", "10.3.0.2", "10.3.0.0")


def test_the_fingerprint_forgets_what_is_gone():
    empty = machine().empty()
    assert with_pod(empty, SERVER).remove(UID).fingerprint == empty.fingerprint
    assert with_pod(empty, SERVER) == with_pod(Runtime(3, None), SERVER)
    assert with_pod(empty, SERVER) != with_pod(empty, PROBED)
