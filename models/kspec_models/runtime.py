"""The container runtime of one node: sandboxes and containers, which outlive the kubelet.

After the Container Runtime Interface (staging/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto)
and the order in which pkg/kubelet/kuberuntime/kuberuntime_manager.go at 1.36 calls it. The kubelet
changes a `Runtime` synchronously; what happens by itself (a pull ends, a process comes up, the
application becomes ready, a process exits) is one key each of `ContainerRuntime`.

A container starts only on a call of a kubelet: a pull that ends while the kubelet is down leaves
an image behind and no container. Sidecars get their signal when all other containers are gone, in
the reverse order of their start.

Left out: grace periods in seconds (a process that was asked to stop may exit at any time and is
sure to under fairness, which includes the SIGKILL at the deadline); pull errors and back-off (they
only delay; the fault layer may hold a pull back); liveness and startup probes; image garbage
collection; exits of servers by themselves, which are faults (`crash`). Containers that are not
restarted always are tasks and end by themselves (`endings` says with what).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from kspec.errors import NotEnabled
from kspec.values import EMPTY_MAP, FingerprintedMap, Memo, fingerprint_of, mix, recurring
from kspec_models.objects import Container, PodSpec
from kspec_models.restart_policy import RestartPolicy, restart_policy_of

WAITING: Final = "waiting"
PULLING: Final = "pulling"
CREATED: Final = "created"
RUNNING: Final = "running"
STOPPING: Final = "stopping"
EXITED: Final = "exited"

INIT: Final = "init"
SIDECAR: Final = "sidecar"
TASK: Final = "task"
SERVER: Final = "server"

KILLED: Final = 137
TERMINATED: Final = 143
_LIVE = (CREATED, RUNNING, STOPPING)


@recurring
class RuntimeContainer(NamedTuple):
    """One container. role: INIT and TASK end by themselves, SIDECAR and SERVER do not.

    is_probed: it becomes ready by a readiness probe, else as soon as it runs.
    restarts: how often it was started again; last_exit_code: of the run before this one.
    policy: whether it is started again after its end. exit_codes: what a task may end with.
    exits_after: how many seconds a task runs, 0 as long as it likes. until: the virtual second at
    which it ends, or may be started again, where time decides.
    """

    name: str
    image: str
    role: str
    is_probed: bool = False
    state: str = WAITING
    is_ready: bool = False
    exit_code: int = 0
    restarts: int = 0
    last_exit_code: int | None = None
    policy: RestartPolicy = RestartPolicy()
    exit_codes: tuple[int, ...] = (0,)
    exits_after: int = 0
    until: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether it has a process, or is about to."""
        return self.state in _LIVE


class RuntimePod(NamedTuple):
    """A pod sandbox with its containers, init containers first, in the order of the spec.

    address: the pod's IP. demand: what its cgroup reserves, as the kubelet put it there.
    """

    uid: str
    key: str
    address: str
    demand: Any
    containers: tuple[RuntimeContainer, ...]
    is_stopping: bool = False

    @property
    def is_live(self) -> bool:
        """Whether a container of it has a process."""
        return any(c.state in _LIVE for c in self.containers)

    @property
    def is_up(self) -> bool:
        """Whether it holds its resources: until it was told to stop and every process is gone."""
        return not self.is_stopping or self.is_live


def _planned(spec: PodSpec) -> tuple[RuntimeContainer, ...]:
    found = []
    for container in spec.init_containers:
        role = SIDECAR if container.restart_policy == "Always" else INIT
        found.append(_of_role(container, role, spec))
    for container in spec.containers:
        policy = restart_policy_of(container, spec.restart_policy)
        found.append(_of_role(container, SERVER if policy.is_always else TASK, spec))
    return tuple(found)


def _of_role(container: Container, role: str, spec: PodSpec) -> RuntimeContainer:
    return RuntimeContainer(
        container.name,
        container.image,
        role,
        container.readiness_probe is not None,
        policy=restart_policy_of(container, spec.restart_policy),
    )


containers_of: Memo[PodSpec, tuple[RuntimeContainer, ...]] = Memo("containers of a pod", _planned)
"""The containers of a pod before any of them has run."""


def _may_exit(pod: RuntimePod, container: RuntimeContainer) -> bool:
    if container.state == RUNNING:
        return container.role in (INIT, TASK) and not container.exits_after
    if container.state != STOPPING:
        return False
    if container.role != SIDECAR:
        return True
    live = [c for c in pod.containers if c.is_live]
    return all(c.role == SIDECAR for c in live) and live[-1] is container


def _progress(pod: RuntimePod) -> tuple[str, ...]:
    keys = []
    for container in pod.containers:
        name = f"{pod.uid}/{container.name}"
        if container.state == PULLING:
            keys.append(f"pull {name}")
        elif container.state == CREATED:
            keys.append(f"start {name}")
        elif container.state == RUNNING and container.is_probed and not container.is_ready:
            keys.append(f"ready {name}")
        if _may_exit(pod, container):
            keys.append(f"exit {name}")
            others = container.exit_codes[1:] if container.state == RUNNING else ()
            keys += [f"exit:{code} {name}" for code in others]
    return tuple(keys)


progress_of: Memo[RuntimePod, tuple[str, ...]] = Memo("progress of a pod", _progress)
"""What can happen to a pod by itself, as keys `<verb> <uid>/<container>`.

Of several exit codes the first is `exit`, another `exit:<code>`.
"""


class Runtime:
    """The state of one runtime. `progress` holds the keys of all pods, sorted.

    images: on the node; None says that every image is. addresses: pod IPs given out so far, which
    names only and so is not part of the fingerprint, like uids and revisions.
    """

    __slots__ = ("addresses", "fingerprint", "images", "number", "pods", "progress")

    def __init__(
        self,
        number: int,
        images: frozenset[str] | None,
        pods: FingerprintedMap[str, RuntimePod] = EMPTY_MAP,
        progress: tuple[str, ...] = (),
        addresses: int = 0,
    ) -> None:
        self.number, self.images, self.pods = number, images, pods
        self.progress, self.addresses = progress, addresses
        self.fingerprint = mix(fingerprint_of((number, images)), pods.fingerprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Runtime) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint

    @property
    def host_ip(self) -> str:
        """The node's own address."""
        return _address(self.number, 0)

    def pod(self, uid: str) -> RuntimePod | None:
        found: RuntimePod | None = self.pods.get(uid)
        return found

    def _with(self, pod: RuntimePod) -> Runtime:
        old = self.pod(pod.uid)
        progress = self._moved(progress_of(old) if old is not None else (), progress_of(pod))
        pods = self.pods.set(pod.uid, pod)
        return Runtime(self.number, self.images, pods, progress, self.addresses)

    def _moved(self, before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
        if before == after:
            return self.progress
        return tuple(sorted((*(k for k in self.progress if k not in before), *after)))

    def _changed(self, pod: RuntimePod, container: RuntimeContainer) -> Runtime:
        containers = tuple(container if c.name == container.name else c for c in pod.containers)
        return self._with(pod._replace(containers=containers))

    def run_sandbox(
        self, uid: str, key: str, demand: Any, containers: tuple[RuntimeContainer, ...]
    ) -> Runtime:
        """RunPodSandbox: a new sandbox with an address of its own, no container started."""
        number = self.addresses + 1
        pod = RuntimePod(uid, key, _address(self.number, number), demand, containers)
        runtime = self._with(pod)
        runtime.addresses = number
        return runtime

    def pull_and_start(self, uid: str, name: str) -> Runtime:
        """PullImage, or CreateContainer and StartContainer where the image is on the node."""
        pod, container = self._find(uid, name)
        is_here = self.images is None or container.image in self.images
        changes: dict[str, Any] = {"state": CREATED if is_here else PULLING, "until": None}
        if container.state == EXITED:
            changes["restarts"] = container.restarts + 1
            changes["last_exit_code"], changes["exit_code"] = container.exit_code, 0
        return self._changed(pod, container._replace(**changes))

    def with_containers(self, uid: str, containers: tuple[RuntimeContainer, ...]) -> Runtime:
        """Environment: the containers of a pod as time has left them."""
        return self._with(self.pods[uid]._replace(containers=containers))

    def stop_pod(self, uid: str) -> Runtime:
        """StopContainer of all containers: who runs is told to stop, who does not never will."""
        pod = self.pods[uid]
        if pod.is_stopping:
            return self
        containers = tuple(_stopped(c) for c in pod.containers)
        return self._with(pod._replace(containers=containers, is_stopping=True))

    def remove(self, uid: str) -> Runtime:
        """StopPodSandbox and RemovePodSandbox, with whatever is left in it."""
        pod = self.pod(uid)
        if pod is None:
            return self
        progress = self._moved(progress_of(pod), ())
        pods = self.pods.without(uid)
        return Runtime(self.number, self.images, pods, progress, self.addresses)

    def crash(self, uid: str, name: str, exit_code: int = 1) -> Runtime:
        """Environment: a running container exits by itself (0 too: a server that ends)."""
        pod, container = self._find(uid, name)
        if container.state not in (RUNNING, STOPPING):
            raise NotEnabled(
                f"container {name} of {uid} is {container.state}: only one that runs can crash"
            )
        return self._changed(
            pod, container._replace(state=EXITED, is_ready=False, exit_code=exit_code, until=None)
        )

    def set_ready(self, uid: str, name: str, is_ready: bool) -> Runtime:
        """Environment: the readiness probe of a running container changes its answer."""
        pod, container = self._find(uid, name)
        return self._changed(pod, container._replace(is_ready=is_ready))

    def holding(self, pods: tuple[RuntimePod, ...], addresses: tuple[str, ...]) -> Runtime:
        """Environment: this runtime with sandboxes from before the start, and their images.

        Of `addresses` it gives out none again.
        """
        runtime, images = self, self.images
        for pod in pods:
            runtime = runtime._with(pod)
            if images is not None:
                images |= {c.image for c in pod.containers if c.state != WAITING}
        taken = [self.addresses, *(_number(self.number, text) for text in addresses)]
        return Runtime(self.number, images, runtime.pods, runtime.progress, max(taken))

    def rebooted(self) -> Runtime:
        """Environment: the node lost power. Images stay, sandboxes and containers are gone."""
        return Runtime(self.number, self.images, addresses=self.addresses)

    def progressed(self, verb: str, uid: str, name: str) -> Runtime:
        """After one key of `progress`, in its three parts."""
        pod, container = self._find(uid, name)
        if verb == "pull":
            return self._pulled(pod, container)
        if verb.startswith("exit"):
            return self.crash(uid, name, exit_code=_exit_code(container, verb))
        is_ready = verb == "ready" or not container.is_probed
        return self._changed(pod, container._replace(state=RUNNING, is_ready=is_ready))

    def _find(self, uid: str, name: str) -> tuple[RuntimePod, RuntimeContainer]:
        pod = self.pods[uid]
        return pod, next(c for c in pod.containers if c.name == name)

    def _pulled(self, pod: RuntimePod, container: RuntimeContainer) -> Runtime:
        assert self.images is not None
        runtime = self._changed(pod, container._replace(state=WAITING))
        images = self.images | {container.image}
        return Runtime(self.number, images, runtime.pods, runtime.progress, self.addresses)


def _exit_code(container: RuntimeContainer, verb: str) -> int:
    """What a container ends with by itself; a task that is stopped dies of its signal."""
    if container.state == STOPPING:
        return TERMINATED if container.role == TASK else 0
    _, _, code = verb.partition(":")
    return int(code) if code else container.exit_codes[0]


def _stopped(container: RuntimeContainer) -> RuntimeContainer:
    if container.state == RUNNING:
        return container._replace(state=STOPPING)
    return container._replace(state=WAITING) if container.state in (PULLING, CREATED) else container


def _address(node: int, number: int) -> str:
    return f"{10 + (node >> 8)}.{node & 255}.{number >> 8}.{number & 255}"


def _number(node: int, address: str) -> int:
    """Which of the node's addresses it is, as `_address` counts them; 0 for any other."""
    parts = address.split(".")
    if len(parts) != 4 or parts[:2] != _address(node, 0).split(".")[:2]:
        return 0
    return int(parts[2]) * 256 + int(parts[3])


class ContainerRuntime:
    """What the node does by itself. `images`: on the node at first; None says every image."""

    def __init__(self, number: int, images: frozenset[str] | None = frozenset()) -> None:
        self.number, self.images = number, images

    def empty(self) -> Runtime:
        """A runtime without pods. After a power loss prefer `Runtime.rebooted`: it gives out no
        address a second time."""
        return Runtime(self.number, self.images)

    def enabled(self, runtime: Runtime) -> tuple[str, ...]:
        """The keys of all progress that is possible now, sorted."""
        return runtime.progress

    def run(self, runtime: Runtime, key: str) -> tuple[Runtime, str]:
        """One step of progress: the new runtime and the uid of the pod that changed."""
        if key not in runtime.progress:
            raise NotEnabled(f"{key!r} is not enabled; expected a key of enabled()")
        verb, _, rest = key.partition(" ")
        uid, _, name = rest.rpartition("/")
        return runtime.progressed(verb, uid, name), uid
