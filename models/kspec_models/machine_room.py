"""How many processes of the control plane there are, which of them are elected, and whom they ask.

After cmd/kube-controller-manager/app/options and cmd/kube-scheduler/app/options at Kubernetes 1.36:
`replicas` of kube-controller-manager, kube-scheduler and kube-apiserver, and the flags of leader
election, as options of a world's components. One process of each, which needs no election and no
second opinion, is the default and costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from kspec.errors import InputError
from kspec_models.election import Elector, first_identity
from kspec_models.heartbeat import NODE_LEASES, node_lease
from kspec_models.objects import ApiObject, Namespace, Node, ServiceAccount
from kspec_models.world import World

API_SERVER: Final = "kube-apiserver"
MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
PROCESSES: Final = {MANAGER: "controller-manager", SCHEDULER: "scheduler"}
"""What a process of a component is called; several have their number behind it."""
MOST: Final = 5
_JITTER: Final = 1.2
"""renewDeadline must be longer than retryPeriod times this, as JitterFactor of client-go."""


@attrs.frozen(kw_only=True)
class Election:
    """The flags of leader election of one component, in seconds."""

    component: str
    lease_duration: int = 15
    renew_deadline: int = 10
    retry_period: int = 2

    @property
    def lease(self) -> str:
        """The Lease that its processes compete for."""
        return f"kube-system/{self.component}"

    def elector(self, process: str) -> Elector:
        """The elector of one of its processes."""
        return Elector(
            name=f"leader-election/{process}",
            process=process,
            lease=self.lease,
            lease_duration=self.lease_duration,
            renew_deadline=self.renew_deadline,
            retry_period=self.retry_period,
        )


@attrs.frozen(kw_only=True)
class MachineRoom:
    """The processes of one world.

    managers: the processes of the controller manager. elections: by component. servers: the API
    servers, where there are several; clients: the one that a process asks first, where it is not
    the first of them.
    """

    managers: tuple[str, ...] = ("controller-manager",)
    elections: Mapping[str, Election] = attrs.field(factory=dict)
    servers: tuple[str, ...] = ()
    clients: Mapping[str, str] = attrs.field(factory=dict)

    def elector(self, component: str, process: str) -> tuple[Elector, ...]:
        """The elector of a process, if its component is elected."""
        election = self.elections.get(component)
        return (election.elector(process),) if election is not None else ()


def machine_room(world: World) -> MachineRoom:
    """What the components of a world ask for; raises InputError where they cannot be had."""
    servers = _whole(world, API_SERVER, "replicas", 1, MOST)
    managers = _whole(world, MANAGER, "replicas", 1, MOST)
    names = tuple(f"{API_SERVER}-{i}" for i in range(1, servers + 1)) if servers > 1 else ()
    found = (_election(world, component) for component in PROCESSES)
    return MachineRoom(
        managers=tuple(_numbered(PROCESSES[MANAGER], managers)),
        elections={election.component: election for election in found if election is not None},
        servers=names,
        clients=_clients(world, names),
    )


def scheduler_count(world: World) -> int:
    """The processes of kube-scheduler: `schedulers`, or the replicas of the component."""
    replicas = _whole(world, SCHEDULER, "replicas", world.schedulers, MOST)
    if world.schedulers > 1 and replicas != world.schedulers:
        raise InputError(
            f"schedulers is {world.schedulers}, and components: {SCHEDULER}.replicas is {replicas}",
            expected="one of the two",
        )
    return replicas


def _numbered(name: str, count: int) -> Iterator[str]:
    yield name
    for number in range(2, count + 1):
        yield f"{name}-{number}"


def _options(world: World, component: str) -> Mapping[str, Any]:
    return world.components.get(component, {})


def _whole(world: World, component: str, name: str, default: int, most: int = 86_400) -> int:
    value = _options(world, component).get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InputError(
            f"components: {component}.{name} is {value!r}",
            expected=f"a whole number from 1 to {most}",
        )
    return value


def _election(world: World, component: str) -> Election | None:
    """The election of a component; without `leaderElect` there is one where it has replicas."""
    replicas = _whole(world, component, "replicas", 1, MOST)
    is_elected = _options(world, component).get("leaderElect", replicas > 1)
    if not isinstance(is_elected, bool):
        raise InputError(
            f"components: {component}.leaderElect is {is_elected!r}", expected="true or false"
        )
    if not is_elected:
        return None
    lease = _whole(world, component, "leaseDuration", 15)
    renew = _whole(world, component, "renewDeadline", 10)
    retry = _whole(world, component, "retryPeriod", 2)
    if not lease > renew > retry * _JITTER:
        raise InputError(
            f"components: {component} renews for {renew} s and retries after {retry} s a lease of "
            f"{lease} s",
            expected="leaseDuration > renewDeadline > 1.2 * retryPeriod",
        )
    return Election(
        component=component, lease_duration=lease, renew_deadline=renew, retry_period=retry
    )


def _clients(world: World, servers: tuple[str, ...]) -> dict[str, str]:
    given = _options(world, API_SERVER).get("clients", {})
    if not isinstance(given, Mapping) or any(v not in servers for v in given.values()):
        raise InputError(
            f"components: {API_SERVER}.clients is {given!r}",
            expected=f"a process and its server, one of {', '.join(servers) or 'several replicas'}",
        )
    return dict(given)


def election_objects(
    room: MachineRoom, schedulers: tuple[str, ...]
) -> tuple[Mapping[str, Any], ...]:
    """The Leases that the first processes hold at the start, as documents."""
    first = {MANAGER: room.managers[0], SCHEDULER: schedulers[0]}
    return tuple(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": component, "namespace": "kube-system"},
            "spec": {
                "holderIdentity": first_identity(first[component]),
                "leaseDurationSeconds": election.lease_duration,
            },
        }
        for component, election in room.elections.items()
    )


def heartbeats(objects: tuple[ApiObject, ...]) -> tuple[ApiObject, ...]:
    """The Lease of each node, and the namespace that they are in."""
    known = {obj.key for obj in objects if obj.resource in ("leases", "namespaces")}
    leases = tuple(
        node_lease(obj.name, obj.uid or f"nodes/{obj.name}#0")
        for obj in objects
        if isinstance(obj, Node)
    )
    space = NODE_LEASES
    made: tuple[ApiObject, ...] = ()
    if space not in known:
        account = {"metadata": {"name": "default", "namespace": space}}
        made = (
            Namespace.from_json({"metadata": {"name": space}}),
            ServiceAccount.from_json(account),
        )
    return (*made, *objects, *(lease for lease in leases if lease.key not in known))
