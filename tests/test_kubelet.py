"""The kubelet runs what is bound to its node, no more than fits, and says truly how it is."""

import attrs
import pytest

from kspec.values import fingerprint
from kspec_models.apiserver.server import Api, ApiServer
from kspec_models.host import Call, Notification, View
from kspec_models.indexes import INDEXERS
from kspec_models.kubelet import Kubelet
from kspec_models.kubelet_admission import Usage, admitted_requests, running_requests
from kspec_models.objects import (
    Container,
    Namespace,
    Node,
    NodeStatus,
    ObjectMeta,
    Pod,
    PodSpec,
    ResourceRequirements,
    ServiceAccount,
    condition,
    freeze,
)
from kspec_models.requests import TIMEOUT, Create, Delete, Patch, Response, Update
from kspec_models.runtime import EXITED, ContainerRuntime
from kspec_models.store import Store

INIT = Container(name="init", image="web")
SIDECAR = Container(name="proxy", image="web", restart_policy="Always")


def pod(name="web", cpu="500m", **spec):
    requests = ResourceRequirements(requests=freeze({"cpu": cpu} if cpu else {}))
    app = Container(name="app", image="web", resources=requests)
    spec = {"containers": (app,), "node_name": "n1", "restart_policy": "Always", **spec}
    return Pod(metadata=ObjectMeta(name=name, namespace="default"), spec=PodSpec(**spec))


def status_patch(key, **status):
    return Patch("pods", key, freeze({"status": status}), "status")


class World:
    """One kubelet, one runtime, one API server; everything is delivered at once unless held."""

    def __init__(self, images=None, **options):
        self.server, self.api, self.now = ApiServer(), Api(store=Store(indexers=INDEXERS)), 0
        self.kubelet, self.machine = Kubelet("n1", **options), ContainerRuntime(1, images)
        self.runtime = self.machine.empty()
        self.memory = self.kubelet.initial(self.runtime)
        self.calls, self.sent, self.is_holding, self.is_deaf = [], [], False, False
        allocatable = freeze({"cpu": "2", "memory": "4Gi", "pods": "3"})
        self.write(Create(Namespace(metadata=ObjectMeta(name="default"))))
        account = ObjectMeta(name="default", namespace="default")
        self.write(Create(ServiceAccount(metadata=account)))
        status = NodeStatus(allocatable=allocatable)
        self.write(Create(Node(metadata=ObjectMeta(name="n1"), status=status)))

    @property
    def view(self):
        caches = {name: self.api.store.bucket(name) for name in ("pods", "nodes")}
        return View(caches, self.now, self.runtime)

    def write(self, request):
        """A write of somebody, told to the kubelet at once."""
        reply = self.server.apply(self.api, request, self.now)
        self.api = reply.api
        for change in () if self.is_deaf else reply.changes:
            resource = change.key.partition("/")[0]
            if resource in ("pods", "nodes"):
                self.tell(Notification(resource, change.previous, change.entry))
        return reply.response

    def tell(self, notification):
        self.memory = self.kubelet.handle(self.memory, notification, self.view)

    def settle_outcome(self, key, outcome):
        self.memory = outcome.memory
        self.runtime = outcome.node if outcome.node is not None else self.runtime
        if outcome.requests:
            self.calls.append(Call(key, outcome.requests, outcome.phase))

    def run(self, key):
        self.settle_outcome(key, self.kubelet.run(self.memory, key, self.view))
        while self.calls and not self.is_holding:
            self.deliver()

    def deliver(self, told=None):
        """Apply the oldest request in flight; `told` is a lost answer."""
        call = self.calls.pop(0)
        request, rest = call.requests[0], call._replace(requests=call.requests[1:])
        self.sent.append(request)
        response = told or self.write(request)
        outcome = self.kubelet.answer(self.memory, rest, request, response, self.view)
        self.settle_outcome(call.key, outcome)

    def progress(self, key):
        self.runtime, uid = self.machine.run(self.runtime, key)
        self.memory = self.kubelet.runtime_changed(self.memory, uid)

    def step(self):
        keys = self.kubelet.enabled(self.memory, self.now)
        if keys:
            self.run(keys[0])
        elif self.machine.enabled(self.runtime):
            self.progress(self.machine.enabled(self.runtime)[0])
        else:
            return False
        return True

    def settle(self):
        for _ in range(1000):
            if not self.step():
                return self
        raise AssertionError("does not come to rest")

    def restart(self):
        self.calls.clear()
        self.memory = self.kubelet.initial(self.runtime)
        for resource in ("nodes", "pods"):
            for entry in self.api.store.bucket(resource).entries():
                self.tell(Notification(resource, None, entry))

    def pod(self, name="web"):
        entry = self.api.store.get(f"pods/default/{name}")
        return entry.value if entry else None

    def condition(self, kind, name="web"):
        return condition(self.pod(name).status.conditions, kind)

    def phase(self, name="web"):
        return self.pod(name).status.phase if self.pod(name) else None

    def force_delete(self, name="web"):
        return self.write(Delete("pods", f"default/{name}", grace_period_seconds=0))


def test_a_pod_goes_from_pending_over_running_to_ready():
    world = World(images=frozenset())
    world.now = 7
    world.write(Create(pod()))
    phases = []
    while world.step():
        phases.append((world.phase(), world.condition("Ready") and world.condition("Ready").status))
    assert list(dict.fromkeys(phases)) == [("Pending", "False"), ("Running", "True")]
    status = world.pod().status
    assert (status.pod_ip, status.host_ip, status.start_time) == ("10.1.0.1", "10.1.0.0", 7)
    assert status.container_statuses[0].ready and status.container_statuses[0].started
    assert {c.type for c in status.conditions if c.status == "True"} >= {
        *("PodScheduled", "Initialized", "ContainersReady", "Ready", "PodReadyToStartContainers")
    }


def test_a_pod_at_rest_is_written_no_more():
    world = World()
    world.write(Create(pod()))
    world.settle()
    assert [type(r) for r in world.sent] == [Patch, Patch]
    assert world.memory.queue.ready == world.memory.queue.processing == ()


def test_transition_times_move_only_when_the_status_does():
    world = World()
    world.write(Create(pod(containers=(Container(name="app", image="web", readiness_probe=1),))))
    while not world.condition("Ready"):
        world.step()
    world.now = 5
    world.settle()
    assert world.condition("Ready").last_transition_time == 5
    assert world.condition("Initialized").last_transition_time == 0


def test_deletion_stops_containers_first_and_then_deletes_with_grace_zero():
    world = World()
    world.write(Create(pod()))
    world.settle().write(Delete("pods", "default/web"))
    uid = world.pod().uid
    world.step()
    assert world.pod() is not None and world.runtime.pods[uid].is_up
    world.settle()
    assert world.sent[-1] == Delete("pods", "default/web", uid, grace_period_seconds=0)
    assert world.pod() is None and len(world.runtime.pods) == 0
    assert admitted_requests(world.memory) == Usage() and len(world.memory.workers) == 0


def test_a_pod_deleted_before_it_started_is_deleted_at_once():
    world = World()
    world.write(Create(pod()))
    world.write(Delete("pods", "default/web"))
    world.settle()
    assert world.pod() is None and len(world.runtime.pods) == 0


def test_a_terminal_phase_waits_for_the_last_container():
    """A task that is done is reported only when its sidecar has stopped too."""
    world = World()
    world.write(Create(pod(restart_policy="Never", init_containers=(INIT, SIDECAR))))
    while world.phase() != "Succeeded":
        assert world.step()
    assert not any(p.is_live for p in world.runtime.pods.values())
    assert admitted_requests(world.settle().memory) == Usage()


def test_init_containers_run_one_after_the_other():
    world = World()
    second = attrs.evolve(INIT, name="second")
    world.write(Create(pod(init_containers=(INIT, SIDECAR, second))))
    started = []
    while world.step():
        for sandbox in world.runtime.pods.values():
            started += [c.name for c in sandbox.containers if c.is_live and c.name not in started]
            done = {c.name for c in sandbox.containers if c.state == EXITED}
            assert "app" not in started or done == {"init", "second"}
    assert started == ["init", "proxy", "second", "app"]
    assert world.phase() == "Running"


def test_a_pod_that_does_not_fit_is_rejected_for_good():
    world = World()
    world.write(Create(pod("big", cpu="1500m")))
    world.write(Create(pod("late", cpu="1")))
    world.settle()
    rejected = world.pod("late").status
    assert (rejected.phase, rejected.reason) == ("Failed", "OutOfcpu")
    assert "requested: 1000, used: 1500, capacity: 2000" in rejected.message
    world.write(Delete("pods", "default/big"))
    assert world.settle().phase("late") == "Failed"


@pytest.mark.parametrize(
    ("resources", "reason"),
    [({"memory": "5Gi"}, "OutOfmemory"), ({"ephemeral-storage": "1"}, "OutOfephemeral-storage")],
)
def test_the_first_short_resource_is_the_reason(resources, reason):
    world = World()
    requests = ResourceRequirements(requests=freeze(resources))
    world.write(Create(pod(containers=(Container(name="app", image="w", resources=requests),))))
    assert world.settle().pod().status.reason == reason


def test_an_extended_resource_that_the_node_does_not_have_is_not_judged():
    world = World()
    requests = ResourceRequirements(requests=freeze({"example.com/gpu": "1"}))
    world.write(Create(pod("g", containers=(Container(name="a", image="w", resources=requests),))))
    assert world.settle().phase("g") == "Running"


def test_no_more_pods_than_the_node_takes():
    world = World()
    for name in "abcd":
        world.write(Create(pod(name, cpu="")))
    world.settle()
    assert [world.phase(name) for name in "abcd"] == ["Running"] * 3 + ["Failed"]
    assert world.pod("d").status.reason == "OutOfpods"


def test_a_finished_pod_gives_its_room_back():
    world = World()
    world.write(Create(pod("job", cpu="2", restart_policy="Never")))
    world.settle().write(Create(pod("next", cpu="2")))
    assert (world.settle().phase("job"), world.phase("next")) == ("Succeeded", "Running")


def test_a_crashed_container_is_started_again():
    world = World()
    world.write(Create(pod()))
    uid = world.settle().pod().uid
    world.runtime = world.runtime.crash(uid, "app", 2)
    world.memory = world.kubelet.runtime_changed(world.memory, uid)
    world.step()
    assert world.condition("Ready").status == "False" and world.phase() == "Running"
    status = world.settle().pod().status.container_statuses[0]
    assert (status.restart_count, status.ready) == (1, True)
    assert status.last_state["terminated"]["exitCode"] == 2


def test_a_restart_starts_nothing_twice_and_changes_no_status():
    world = World()
    for name in ("a", "b"):
        world.write(Create(pod(name)))
    before, revision = world.settle().runtime, world.api.store.revision
    world.restart()
    world.settle()
    assert world.runtime == before
    assert world.api.store.revision == revision
    assert admitted_requests(world.memory).requests.milli_cpu == 1000
    assert world.memory.leaving == ()


def test_a_restart_in_the_middle_loses_nothing():
    """Whenever the kubelet dies, the pod runs in the end, in one sandbox, started once."""
    for steps in range(8):
        world = World(images=frozenset())
        world.write(Create(pod(init_containers=(INIT,))))
        for _ in range(steps):
            world.step()
        world.restart()
        world.settle()
        (sandbox,) = world.runtime.pods.values()
        assert world.phase() == "Running" and sandbox.containers[1].restarts == 0


def test_after_a_restart_older_pods_are_admitted_first():
    """Also where the list tells the younger one first."""
    world = World()
    world.now = 1
    world.write(Create(pod("z", cpu="1500m")))
    world.settle()
    world.now, world.is_deaf = 2, True
    world.write(Create(pod("a", cpu="1500m")))
    world.is_deaf = False
    world.restart()
    world.settle()
    assert (world.phase("z"), world.phase("a")) == ("Running", "Failed")


def test_a_finished_pod_is_not_charged_after_a_restart():
    """kubernetes#105523: a pod that was over took the room of one that ran."""
    world = World()
    world.write(Create(pod("a-job", cpu="2", restart_policy="Never")))
    world.settle().write(Create(pod("web", cpu="2")))
    world.settle().restart()
    assert (world.settle().phase("a-job"), world.phase("web")) == ("Succeeded", "Running")
    assert admitted_requests(world.memory).requests.milli_cpu == 2000


def test_a_force_deleted_pod_is_no_longer_charged_but_still_runs_until_killed():
    world = World()
    world.write(Create(pod()))
    world.settle().force_delete()
    assert admitted_requests(world.memory) == Usage()
    assert running_requests(world.runtime).requests.milli_cpu == 500
    world.settle()
    assert running_requests(world.runtime) == Usage()
    assert len(world.runtime.pods) == len(world.memory.workers) == 0


def test_what_the_api_forgot_while_the_kubelet_was_down_is_killed():
    world = World()
    world.write(Create(pod("gone")))
    world.write(Create(pod("kept")))
    world.settle().is_deaf = True
    world.force_delete("gone")
    world.is_deaf = False
    world.restart()
    world.settle()
    assert [p.key for p in world.runtime.pods.values()] == ["default/kept"]


def recreate(world, *, as_one_update):
    """Force-delete the pod and create it again under the same name."""
    old = world.api.store.get("pods/default/web")
    world.is_deaf = True
    world.force_delete()
    world.write(Create(pod()))
    world.is_deaf = False
    new = world.api.store.get("pods/default/web")
    if as_one_update:
        world.tell(Notification("pods", old, new))
    else:
        world.tell(Notification("pods", old, None))
        world.tell(Notification("pods", None, new))
    return old.value.uid, new.value.uid


@pytest.mark.parametrize("as_one_update", [True, False])
def test_a_new_incarnation_waits_for_the_old(as_one_update):
    world = World(waits_for_predecessor=True)
    world.write(Create(pod()))
    old, new = recreate(world.settle(), as_one_update=as_one_update)
    while world.step():
        up = [p.uid for p in world.runtime.pods.values() if p.is_live]
        assert len(up) <= 1
    assert up == [new] and old != new and world.phase() == "Running"


def test_upstream_starts_a_new_incarnation_beside_the_old():
    world = World(waits_for_predecessor=False)
    world.write(Create(pod()))
    old, new = recreate(world.settle(), as_one_update=True)
    world.run("default/web")
    world.progress(f"start {new}/app")
    assert all(world.runtime.pods[uid].is_live for uid in (old, new))
    assert [p.uid for p in world.settle().runtime.pods.values()] == [new]


def test_after_a_restart_a_new_incarnation_waits_for_the_orphan():
    world = World(waits_for_predecessor=True)
    world.write(Create(pod()))
    world.settle().is_deaf = True
    world.force_delete()
    world.write(Create(pod()))
    world.is_deaf = False
    world.restart()
    while world.step():
        assert sum(p.is_live for p in world.runtime.pods.values()) <= 1
    assert world.phase() == "Running"


@pytest.mark.parametrize("is_applied", [True, False])
def test_a_write_without_an_answer_is_tried_again_after_the_period(is_applied):
    world = World()
    world.is_holding = True
    world.write(Create(pod()))
    world.run("default/web")
    if is_applied:
        world.write(world.calls[0].requests[0])
    world.deliver(told=Response(TIMEOUT))
    world.is_holding = False
    assert world.kubelet.deadline(world.memory) == 10
    world.settle()
    assert world.phase() == "Running"
    world.now = 10
    assert world.settle().kubelet.deadline(world.memory) is None


@pytest.mark.parametrize("is_applied", [True, False])
def test_a_final_delete_without_an_answer_leaves_nothing_behind(is_applied):
    world = World()
    world.write(Create(pod()))
    world.settle().write(Delete("pods", "default/web"))
    world.is_holding = True
    while not world.calls or not isinstance(world.calls[0].requests[0], Delete):
        if world.calls:
            world.deliver()
        world.step()
    if is_applied:
        world.write(world.calls[0].requests[0])
    world.deliver(told=Response(TIMEOUT))
    world.is_holding = False
    world.settle()
    world.now = 10
    world.settle()
    assert world.pod() is None
    assert len(world.runtime.pods) == len(world.memory.workers) == 0
    assert world.memory.leaving == ()


def test_a_status_for_a_pod_that_is_gone_is_dropped():
    world = World()
    world.is_holding = True
    world.write(Create(pod()))
    world.run("default/web")
    world.force_delete()
    world.deliver()
    world.is_holding = False
    world.settle()
    assert len(world.runtime.pods) == len(world.memory.workers) == 0
    assert world.kubelet.deadline(world.memory) is None


def test_what_others_write_into_its_part_of_the_status_is_repaired():
    """As the node lifecycle controller does with Ready when a node was lost and came back."""
    world = World()
    world.write(Create(pod()))
    world.settle()
    ready = {"type": "Ready", "status": "False", "reason": "NodeNotReady"}
    world.write(status_patch("default/web", conditions=[ready]))
    assert world.condition("Ready").status == "False"
    world.settle()
    assert (world.condition("Ready").status, world.condition("Ready").reason) == ("True", "")


def test_what_others_write_beside_its_part_is_left_alone():
    world = World()
    world.write(Create(pod()))
    world.settle()
    target = {"type": "DisruptionTarget", "status": "True"}
    world.write(status_patch("default/web", conditions=[target], nominatedNodeName="n2"))
    before = world.api.store.revision
    world.settle()
    assert world.api.store.revision == before


def test_a_readiness_gate_holds_ready_back():
    world = World()
    world.write(Create(pod(readiness_gates=freeze([{"conditionType": "example.com/lb"}]))))
    world.settle()
    assert world.condition("ContainersReady").status == "True"
    assert world.condition("Ready").reason == "ReadinessGatesNotReady"
    gate = {"type": "example.com/lb", "status": "True"}
    world.write(status_patch("default/web", conditions=[gate]))
    world.settle()
    assert world.condition("Ready").status == "True"


def test_a_finalizer_keeps_the_pod_but_not_its_containers():
    world = World()
    world.write(Create(pod().with_metadata(finalizers=("example.com/keep",))))
    world.settle().write(Delete("pods", "default/web"))
    world.settle()
    assert world.pod().is_terminating and len(world.runtime.pods) == 0
    world.write(Update(world.pod().with_metadata(finalizers=())))
    assert world.settle().pod() is None


def test_after_a_power_loss_containers_start_again_with_their_counts():
    world = World()
    world.write(Create(pod(init_containers=(INIT,))))
    world.write(Create(pod("once", restart_policy="Never")))
    world.settle()
    world.runtime = world.runtime.rebooted()
    world.restart()
    world.settle()
    assert world.pod().status.container_statuses[0].restart_count == 1
    assert (world.phase(), world.phase("once")) == ("Running", "Succeeded")


def test_a_pod_that_failed_in_the_api_is_stopped():
    """As the pod garbage collector and the eviction API fail a pod."""
    world = World()
    world.write(Create(pod()))
    world.settle().write(status_patch("default/web", phase="Failed", reason="Evicted"))
    world.settle()
    assert running_requests(world.runtime) == admitted_requests(world.memory) == Usage()
    assert (world.phase(), world.pod().status.reason) == ("Failed", "Evicted")


def test_nothing_is_admitted_before_the_node_is_known():
    world = World()
    world.restart()
    world.memory = world.memory._replace(allocatable=None)
    world.write(Create(pod()))
    assert not world.step()
    node = world.api.store.get("nodes/n1")
    world.tell(Notification("nodes", None, node))
    assert world.settle().phase() == "Running"


def test_every_memory_has_a_canonical_encoding():
    world = World(images=frozenset())
    world.write(Create(pod(init_containers=(INIT, SIDECAR))))
    while world.step():
        assert fingerprint(world.memory) and hash(world.memory) is not None
        assert fingerprint(world.runtime)
