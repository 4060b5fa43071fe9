"""The default policy on a large cluster: every pod through the whole scheduling cycle.

Queue, snapshot, filter, score, assume, binding, and its confirmation by the watch, on the host that
runs in a world; only the API server is left out, whose answers are all yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kspec.errors import KspecError
from kspec.explore.collector import seldom_collecting
from kspec_models.host import Call, Notification, View
from kspec_models.kubelet_admission import Usage, allocatable_of
from kspec_models.objects import Node, Pod
from kspec_models.objects.meta import ApiObject
from kspec_models.requests import Bind, Response
from kspec_models.resources import amounts_of
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.store import Entry, Snapshot
from kspec_properties.usage import excess

TEMPLATES = 12
"""How many kinds of pods there are; each asks for other amounts."""


def _node(number: int) -> Node:
    room = {
        "cpu": str(8 + 8 * (number % 3)),
        "memory": f"{32 + 16 * (number % 5)}Gi",
        "pods": "110",
        "ephemeral-storage": "100Gi",
    }
    name = f"node-{number:05}"
    labels = {
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/zone": f"zone-{number % 3}",
    }
    metadata = {"name": name, "uid": name, "labels": labels}
    return Node.from_json({"metadata": metadata, "status": {"allocatable": room}})


def _pod(number: int) -> Pod:
    kind = number % TEMPLATES
    requests = {"cpu": f"{100 + 50 * kind}m", "memory": f"{128 * (1 + kind % 4)}Mi"}
    name = f"pod-{number:06}"
    return Pod.from_json(
        {
            "metadata": {"name": name, "namespace": "bench", "uid": name},
            "spec": {"containers": [{"name": "main", "resources": {"requests": requests}}]},
        }
    )


class Cluster:
    """A scheduler with its informers' caches, which tell it of everything at once."""

    def __init__(self, *, is_plain: bool) -> None:
        self.host = Scheduler("scheduler", default_policy(), watched=(), is_plain=is_plain)
        self.memory = self.host.initial(None)
        self.caches = {"nodes": Snapshot(), "pods": Snapshot()}
        self.revision = 0

    @property
    def view(self) -> View:
        return View(self.caches, 0)

    def see(self, obj: ApiObject) -> None:
        """An object is added or changed."""
        key, cache = f"{obj.resource}/{obj.key}", self.caches[obj.resource]
        self.revision += 1
        entry = Entry(key, obj, self.revision, self.revision, self.revision)
        told = Notification(obj.resource, cache.get(key), entry)
        self.caches[obj.resource] = cache.patched(key, entry)
        self.memory = self.host.handle(self.memory, told, self.view)

    def cycle(self) -> bool:
        """One scheduling cycle and its binding; whether there was a pod to take."""
        keys = self.host.enabled(self.memory, 0)
        if not keys:
            return False
        outcome = self.host.run(self.memory, keys[0], self.view)
        self.memory = outcome.memory
        for request in outcome.requests:
            if isinstance(request, Bind):
                self._bound(request, Call(request.key, (), outcome.phase))
        return True

    def _bound(self, request: Bind, call: Call) -> None:
        answered = self.host.answer(self.memory, call, request, Response(), self.view)
        self.memory = answered.memory
        entry = self.caches["pods"].get(f"pods/{request.key}")
        if entry is None:
            raise KspecError(f"{request.key} was bound and is not there")
        spec = entry.value.spec.replace(node_name=request.node)
        self.see(entry.value.replace(spec=spec))


def schedule(
    nodes: int, pods: int, clock: Callable[[], float], *, is_plain: bool
) -> tuple[Mapping[str, str], float]:
    """The node of each pod that was placed, by the pod's key, and the seconds the cycles took.

    Raises KspecError where a node is over-committed, added up afresh.
    """
    cluster = Cluster(is_plain=is_plain)
    for number in range(nodes):
        cluster.see(_node(number))
    for number in range(pods):
        cluster.see(_pod(number))
    began = clock()
    with seldom_collecting():  # as the engine steps a world
        while cluster.cycle():
            pass
    seconds = clock() - began
    placed = [e.value for e in cluster.caches["pods"].entries() if e.value.spec.node_name]
    _check(cluster, placed)
    return {pod.key: pod.spec.node_name for pod in placed}, seconds


def _check(cluster: Cluster, placed: list[Pod]) -> None:
    used: dict[str, Usage] = {}
    for pod in placed:
        node = pod.spec.node_name
        used[node] = used.get(node, Usage()).plus(amounts_of(pod).requests)
    for entry in cluster.caches["nodes"].entries():
        name = entry.value.name
        over = excess(used.get(name, Usage()), allocatable_of(entry.value))
        if over:
            raise KspecError(f"node {name} is over-committed: {over}")
