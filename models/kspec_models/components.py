"""What a cluster is made of, and where each part runs.

`Components` is what a mutant of the model changes: it replaces one part by a subclass with one
method overridden, and everything else stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kspec.errors import InputError
from kspec_models import actions
from kspec_models.apiserver.server import Api, ApiServer
from kspec_models.apiserver.validate import problems
from kspec_models.controllers.worker import Controller, Worker
from kspec_models.dump import clock_of, reported, running
from kspec_models.heartbeat import NodeLease
from kspec_models.host import Host, Watch
from kspec_models.indexes import INDEXERS
from kspec_models.kubelet_nodestatus import NodeStatus
from kspec_models.kubelet_volumes import VolumeManager
from kspec_models.layout import Layout, NodeSlot
from kspec_models.machine_room import MANAGER, SCHEDULER, MachineRoom
from kspec_models.objects import ApiObject, Node, Pod
from kspec_models.reflector import Reflector
from kspec_models.requests import Create
from kspec_models.runtime import Runtime
from kspec_models.serving import ADMISSION, admission_of
from kspec_models.state import BIT
from kspec_models.store import Snapshot, Store


@attrs.frozen(eq=False)
class Passive:
    """State of a node that only its owner changes, like the dataplane."""

    initial: Any

    def empty(self) -> Any:
        return self.initial

    def enabled(self, state: Any) -> tuple[str, ...]:
        return ()


@attrs.frozen(kw_only=True)
class Components:
    """The parts of one cluster.

    schedulers: one host per kube-scheduler process. others: optional components, one process each.
    kubelet, runtime, proxy, dataplane: made per node. objects: created at the start, in this
    order, or loaded as a dump gave them where `keep_status`.
    nodes: the names of all nodes that have processes.
    """

    api_server: ApiServer
    reflector: Reflector
    controllers: tuple[Controller, ...]
    schedulers: tuple[Host, ...]
    kubelet: Callable[[str], Host]
    runtime: Callable[[str], Any]
    proxy: Callable[[str], Host]
    dataplane: Callable[[str], Any]
    others: tuple[Controller, ...] = ()
    objects: tuple[ApiObject, ...] = ()
    nodes: tuple[str, ...] = ()
    keep_status: bool = False
    room: MachineRoom = attrs.field(factory=MachineRoom)

    def layout(self) -> Layout:
        """Where everything is: schedulers, controller managers, node by node, API servers."""
        layout = Layout()
        for scheduler in self.schedulers:
            hosts = ((scheduler, actions.Schedule), *self._electors(SCHEDULER, scheduler.name))
            layout.add_process(scheduler.name, hosts, topic=BIT["schedulers"])
        for name in self.room.managers:
            self._add_manager(layout, name)
        for other in self.others:
            host = ((Worker(other), actions.Reconcile),)
            layout.add_process(other.name, host, topic=BIT["controllers"])
        for node in self.nodes:
            self._add_node(layout, node)
        if self.room.servers:
            self._add_servers(layout)
        return layout.sealed()

    def _electors(self, component: str, process: str) -> tuple[tuple[Host, Any], ...]:
        return tuple((e, actions.Renew) for e in self.room.elector(component, process))

    def _add_manager(self, layout: Layout, name: str) -> None:
        """A process of the controller manager; its informers wait where it has to be elected."""
        number = name.removeprefix(self.room.managers[0])
        workers = tuple((Worker(c, c.name + number), actions.Reconcile) for c in self.controllers)
        electors = self._electors(MANAGER, name)
        layout.add_process(
            name, (*workers, *electors), topic=BIT["controllers"], starts_late=bool(electors)
        )

    def _add_servers(self, layout: Layout) -> None:
        """API servers whose watch caches hold what anybody watches and what admission reads."""
        layout.servers, layout.homes = self.room.servers, dict(self.room.clients)
        unknown = [name for name in layout.homes if name not in layout.by_process]
        if unknown:
            raise InputError(
                f"components: kube-apiserver.clients names {unknown[0]!r}, which is no process",
                expected=f"one of {', '.join(layout.by_process)}",
            )
        resources = dict.fromkeys(watch.resource for watch in layout.streams)
        watches = tuple(Watch(resource) for resource in resources)
        admitting = tuple(Watch(resource) for resource in ADMISSION)
        for name in self.room.servers:
            layout.add_process(name, (), extra=watches, is_server=True)
            layout.add_process(admission_of(name), (), extra=admitting, is_server=True)

    def _add_node(self, layout: Layout, node: str) -> None:
        runtime = layout.add_node_state(
            node, f"runtime/{node}", self.runtime(node), BIT["runtimes"] | BIT["sandboxes"]
        )
        kubelet: tuple[tuple[Host, Any], ...] = ((self.kubelet(node), actions.SyncPod),)
        if any(getattr(c, "reads_node_leases", False) for c in self.controllers):
            status = Worker(NodeStatus(node))
            kubelet = (*kubelet, (NodeLease(node), actions.Renew), (status, actions.Reconcile))
        if any(getattr(c, "hands_over_volumes", False) for c in self.controllers):
            kubelet = (*kubelet, (Worker(VolumeManager(node)), actions.Reconcile))
        layout.add_process(
            f"kubelet/{node}", kubelet, node=node, node_state=runtime, topic=BIT["kubelets"]
        )
        dataplane = layout.add_node_state(
            node, f"dataplane/{node}", self.dataplane(node), BIT["dataplanes"]
        )
        proxy = ((self.proxy(node), actions.SyncProxyRules),)
        layout.add_process(f"kube-proxy/{node}", proxy, node=node, node_state=dataplane)

    def initial_api(self) -> Api:
        """The API server after the creation of all objects; raises InputError if it refuses one."""
        api = Api(Store(INDEXERS))
        for obj in self.objects:
            if self.keep_status and obj.name:
                api = self._loaded(api, obj)
                continue
            reply = self.api_server.apply(api, Create(obj), 0)
            if not reply.response.ok:
                raise InputError(
                    f"{reply.response.reason}: {reply.response.message}",
                    where=f"{type(obj).__name__} {obj.key}",
                )
            api = reply.api
        return api

    def _loaded(self, api: Api, given: Any) -> Api:
        """The object of a dump, with its status, uid, times and binding; no admission any more."""
        meta, key = given.metadata, f"{given.resource}/{given.key}"
        given = given.with_metadata(uid=meta.uid or f"{key}#0")
        kept = self.api_server.as_created(given, meta.creation_timestamp or 0)
        kept = kept.with_metadata(
            generation=meta.generation or kept.metadata.generation,
            deletion_timestamp=meta.deletion_timestamp,
            deletion_grace_period_seconds=meta.deletion_grace_period_seconds,
        )
        if hasattr(kept, "status") and given.status != type(given.status)():
            kept = kept.replace(status=given.status)
        if isinstance(kept, Pod) and kept.spec.node_name in self.nodes:
            host_ip = self.runtime(kept.spec.node_name).empty().host_ip
            kept = reported(kept, host_ip, self.clock)
        invalid = problems(kept)
        if invalid:
            raise InputError(invalid[0], where=f"{type(given).__name__} {given.key}")
        store, _ = api.store.put(key, kept)
        return attrs.evolve(api, store=store)

    @property
    def clock(self) -> int:
        """The virtual second at which the world starts."""
        return clock_of(self.objects) if self.keep_status else 0

    def node_state(self, place: NodeSlot, api: Api) -> Any:
        """What is on a node at the start: nothing, or the containers that a dump says run there."""
        empty = place.machine.empty()
        if not self.keep_status or not isinstance(empty, Runtime):
            return empty
        pods = (entry.value for entry in api.store.bucket("pods").entries())
        return running(empty, pods, place.node)

    def selected(self, whole: Snapshot, watch: Watch) -> Snapshot:
        """The part of a snapshot that a watch of one node selects."""
        if watch.resource == "pods":
            entries = whole.indexed(f"node/{watch.node}")
        else:
            entries = tuple(e for e in whole.entries() if e.value.name == watch.node)
        selected = Snapshot()  # a kubelet asks its cache for no index
        for entry in entries:
            selected = selected.patched(entry.key, entry)
        return selected


def node_names(objects: tuple[ApiObject, ...]) -> tuple[str, ...]:
    """The names of the nodes among the objects, in the order given."""
    return tuple(obj.name for obj in objects if isinstance(obj, Node))
