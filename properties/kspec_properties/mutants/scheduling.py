"""Mutants of the scheduler, of binding and of a kubelet's admission."""

from __future__ import annotations

from typing import Any

import attrs

from kspec_models.apiserver.server import ApiServer, Reply
from kspec_models.components import Components
from kspec_models.host import Call, Notification, Outcome, View
from kspec_models.kubelet import Kubelet
from kspec_models.objects import Pod
from kspec_models.requests import Bind, Request, Response
from kspec_models.scheduler.scheduler import Scheduler
from kspec_models.world import World
from kspec_models.worlds import delete, node, pod
from kspec_properties.mutants.mutant import (
    Change,
    ModelMutant,
    WrappedPolicy,
    replacing,
    with_policy,
)

_TIGHT = {"cpu": "4", "memory": "1Gi", "pods": "10", "ephemeral-storage": "10Gi"}
_TWO_LARGE = (pod("a", memory="600Mi"), pod("b", memory="600Mi"))
_FULL_NODE = World(name="full-node", nodes=1, node_capacity=_TIGHT, objects=_TWO_LARGE)
_RIVALS = attrs.evolve(_FULL_NODE, name="rival-schedulers", schedulers=2)


class ForgetsMemory(WrappedPolicy):
    def filter(self, pod: Pod, node_info: Any, context: Any) -> Any:
        return self.policy.filter(_without_memory(pod), node_info, context)


def _without_memory(obj: Pod) -> Pod:
    def spared(container: Any) -> Any:
        requests = container.resources.requests.without("memory")
        return container.replace(resources=container.resources.replace(requests=requests))

    containers = tuple(spared(c) for c in obj.spec.containers)
    return obj.replace(spec=obj.spec.replace(containers=containers))


class ForgetsPodCount(WrappedPolicy):
    def filter(self, pod: Pod, node_info: Any, context: Any) -> Any:
        roomy = node_info.node.status.allocatable.set("pods", "1000")
        status = node_info.node.status.replace(allocatable=roomy)
        return self.policy.filter(
            pod, node_info.with_node(node_info.node.replace(status=status)), context
        )


class DoesNotChargeAssumed(Scheduler):
    def _decide(self, memory: Any, queued: Any, nodes: Any, view: View, to: str) -> Outcome:
        outcome = super()._decide(memory, queued, nodes, view, to)
        return outcome._replace(memory=outcome.memory._replace(cache=memory.cache))


class ForgetsPendingPods(Scheduler):
    """No event and no flush takes a pod out of the unschedulable pool."""

    def handle(self, memory: Any, notification: Notification, view: View) -> Any:
        after = super().handle(memory, notification, view)
        is_new_pod = notification.resource == "pods" and notification.old is None
        return after if is_new_pod else after._replace(queue=memory.queue)

    def deadline(self, memory: Any) -> int | None:
        return None


class ForgetsFailedBinds(Scheduler):
    def answer(
        self, memory: Any, call: Call, request: Request, response: Response, view: View
    ) -> Outcome:
        outcome = super().answer(memory, call, request, response, view)
        if isinstance(request, Bind) and not response.ok:
            return Outcome(outcome.memory._replace(queue=memory.queue))
        return outcome


class KeepsDeletedPods(Scheduler):
    def handle(self, memory: Any, notification: Notification, view: View) -> Any:
        new = notification.new
        is_over = new is None or new.value.status.phase in ("Succeeded", "Failed")
        if notification.resource == "pods" and is_over:
            return memory
        return super().handle(memory, notification, view)


class BindOverwrites(ApiServer):
    def bind(self, state: Any, request: Any, now: int) -> Reply:
        old = state.store.get(f"pods/{request.key}")
        if old is None or not old.value.spec.node_name:
            return super().bind(state, request, now)
        moved = old.value.replace(spec=old.value.spec.replace(node_name=request.node))
        store, change = state.store.put(old.key, moved)
        return Reply(attrs.evolve(state, store=store), Response("", change.entry), (change,))


class AdmitsEverything(Kubelet):
    """Believes that its node has a thousand times what it has."""

    def handle(self, memory: Any, notification: Notification, view: View) -> Any:
        after = super().handle(memory, notification, view)
        if notification.resource != "nodes" or after.allocatable is None:
            return after
        have = after.allocatable.requests
        vast = have._replace(milli_cpu=have.milli_cpu * 1000, memory=have.memory * 1000)
        return after._replace(allocatable=after.allocatable._replace(pods=9999, requests=vast))


def _with_scheduler(cls: type[Scheduler]) -> Change:
    def change(parts: Components) -> Components:
        made = tuple(cls(s.name, s.policy, watched=s.watched) for s in parts.schedulers)  # type: ignore[attr-defined]
        return attrs.evolve(parts, schedulers=made)

    return change


MUTANTS = (
    ModelMutant(
        name="filter-forgets-memory",
        description="NodeResourcesFit does not look at memory",
        property="no-over-committed-binding",
        world=_FULL_NODE,
        change=with_policy(ForgetsMemory),
    ),
    ModelMutant(
        name="filter-forgets-pod-count",
        description="NodeResourcesFit does not look at the number of pods",
        property="no-over-committed-binding",
        world=World(
            name="one-pod-node",
            nodes=1,
            node_capacity={**_TIGHT, "pods": "1"},
            objects=(pod("a"), pod("b")),
        ),
        change=with_policy(ForgetsPodCount),
    ),
    ModelMutant(
        name="assume-is-not-charged",
        description="an assumed pod is not charged to its node until its bind is confirmed",
        property="no-over-committed-binding",
        world=_FULL_NODE,
        change=_with_scheduler(DoesNotChargeAssumed),
    ),
    ModelMutant(
        name="kubelet-admits-everything",
        description="a kubelet admits pods that do not fit its node",
        property="no-kubelet-runs-too-much",
        world=_RIVALS,
        change=replacing(kubelet=AdmitsEverything),
    ),
    ModelMutant(
        name="bind-overwrites",
        description="pods/binding accepts a pod that is assigned already",
        property="a-bound-pod-is-never-rebound",
        world=World(
            name="rivals-with-a-choice",
            schedulers=2,
            objects=(
                node("n1", cpu="10", memory="1Ti"),
                node("n2", cpu="5", memory="1Ti"),
                pod("a", cpu="1"),
                pod("b", cpu="1500m"),
            ),
        ),
        change=replacing(api_server=BindOverwrites()),
    ),
    ModelMutant(
        name="pending-pods-are-forgotten",
        description="neither events nor the flush retry a pod that was unschedulable",
        property="eventual-binding",
        world=attrs.evolve(_FULL_NODE, name="room-is-made", operations=(delete("Pod", "a"),)),
        change=_with_scheduler(ForgetsPendingPods),
    ),
    ModelMutant(
        name="failed-binds-are-forgotten",
        description="a pod whose bind failed is not queued again",
        property="eventual-binding",
        world=World(name="one-pod", nodes=1, objects=(pod("a"),)),
        change=_with_scheduler(ForgetsFailedBinds),
        faults="lost-request",
    ),
    ModelMutant(
        name="deleted-pods-stay-charged",
        description="the scheduler does not notice that a pod has ended or is gone",
        property="scheduler-caches-settle",
        world=World(
            name="deleted-pod", nodes=1, objects=(pod("a"),), operations=(delete("Pod", "a"),)
        ),
        change=_with_scheduler(KeepsDeletedPods),
    ),
)
