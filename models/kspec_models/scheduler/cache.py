"""The scheduler's cache: nodes with the pods that are bound, or assumed to be, on each.

After pkg/scheduler/backend/cache/cache.go at 1.36. A pod is *assumed* from the moment the cycle
picks a node until the watch confirms the binding, or the binding fails and it is forgotten. Pods
are found by uid. A pod on a node that is not known yet gets a NodeInfo without a node, which no
cycle sees.

Left out: image states, volume claims and pod groups. The expiry of assumed pods is off upstream as
well (durationToExpireAssumedPod is 0), so FinishBinding changes nothing that can be observed; it
stays as an operation, so that a mutant can bring the expiry back.

Where upstream stops the process over a corrupted cache (a pod that was updated or deleted is on
another node than the cache has it), `CorruptedCache` is raised.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from kspec.errors import KspecError
from kspec.values import EMPTY_MAP, FingerprintedMap, Memo
from kspec_models.objects import Node, Pod
from kspec_models.objects.core import PodSpec
from kspec_models.resources import AMOUNTS, NO_STATUS, amounts_of_spec, has_status_resources
from kspec_models.scheduler.node_table import NodeTable, table_of
from kspec_models.scheduler.nodeinfo import NodeInfo, cached


class CorruptedCache(KspecError):
    """The events of a pod contradict the cache; upstream's scheduler exits here."""


class PodState(NamedTuple):
    """A pod of the cache. is_assumed: charged, but its binding is not confirmed yet."""

    pod: Pod
    is_assumed: bool = False


class Order:
    """The nodes that exist, in the order of names; it follows from `Cache.node_infos`.

    So all orders are equal, and none adds to a fingerprint.
    """

    __slots__ = ("_table", "infos", "names")

    fingerprint = 0

    def __init__(
        self,
        names: tuple[str, ...] = (),
        infos: tuple[NodeInfo, ...] = (),
        table: NodeTable | None = None,
    ) -> None:
        self.names, self.infos, self._table = names, infos, table

    @property
    def table(self) -> NodeTable | None:
        """The nodes as columns of numbers, made when it is asked for; None for few nodes."""
        if self._table is None:
            self._table = table_of(self.infos)
        return self._table

    def changed(self, name: str, info: NodeInfo) -> Order:
        """This order after one NodeInfo changed, appeared or lost its node."""
        at = bisect_left(self.names, name)
        known = at < len(self.names) and self.names[at] == name
        if not known and info.node is None:
            return self
        after = at + 1 if known else at
        names, infos = self.names, self.infos
        if info.node is None:
            return Order((*names[:at], *names[after:]), (*infos[:at], *infos[after:]))
        if not known:
            return Order((*names[:at], name, *names[at:]), (*infos[:at], info, *infos[at:]))
        old, table = infos[at], self._table
        if table is not None:
            table = table.changed(at, old, info)
        return Order(names, (*infos[:at], info, *infos[after:]), table)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order)

    def __hash__(self) -> int:
        return 0


class Cache(NamedTuple):
    """node_infos: by the node's name. pods: by uid. order: the nodes that exist."""

    node_infos: FingerprintedMap[str, NodeInfo] = EMPTY_MAP
    pods: FingerprintedMap[str, PodState] = EMPTY_MAP
    order: Order = Order()

    def snapshot(self) -> tuple[NodeInfo, ...]:
        """The NodeInfos of the nodes that exist, in the order of names."""
        return self.order.infos

    def is_assumed(self, uid: str) -> bool:
        state = self.pods.get(uid)
        return state is not None and state.is_assumed

    def pod(self, uid: str) -> Pod | None:
        """The pod as the cache has it, with the node it was assumed on or bound to."""
        state = self.pods.get(uid)
        return state.pod if state is not None else None

    def assume(self, pod: Pod, node: str) -> Cache | None:
        """Charge a pod to a node before it is bound; None where the cache has the pod already."""
        if pod.metadata.uid in self.pods:
            return None
        return self._charge(assumed_pod((pod, node)), True)

    def finish_binding(self, uid: str) -> Cache:
        """The binding was answered; starts the clock of an expiry that is off."""
        return self

    def forget(self, uid: str, node: str) -> Cache | None:
        """Undo an assume. The same cache where the pod is gone from it; None where it cannot be
        forgotten, because it is not assumed any more or is on another node."""
        state = self.pods.get(uid)
        if state is None:
            return self
        if state.pod.spec.node_name != node or not state.is_assumed:
            return None
        return self._discharge(state.pod)

    def add_pod(self, pod: Pod) -> Cache:
        """The watch shows a bound pod: confirms an assumed one, on whatever node it landed.

        A pod that was added before is left as it is.
        """
        state = self.pods.get(pod.metadata.uid)
        if state is None:
            return self._charge(pod, False)
        if not state.is_assumed:
            return self
        if state.pod == cached(pod):  # as it was assumed: its node stays as it is
            pods = self.pods.set(pod.metadata.uid, PodState(state.pod, False))
            return Cache(self.node_infos, pods, self.order)
        return self._discharge(state.pod)._charge(pod, False)

    def update_pod(self, old: Pod, new: Pod) -> Cache:
        """The watch shows a new version of a bound pod. An assumed one waits for its add."""
        state = self.pods.get(old.metadata.uid)
        if state is None or state.is_assumed:
            return self
        if state.pod.spec.node_name != new.spec.node_name:
            raise CorruptedCache(f"pod {new.key} moved to node {new.spec.node_name}")
        if old.metadata.uid == new.metadata.uid and state.pod == cached(new):
            return self
        return self._discharge(state.pod)._charge(new, False)

    def remove_pod(self, pod: Pod) -> Cache:
        """The watch shows that a bound pod is gone, even if it is only assumed here."""
        state = self.pods.get(pod.metadata.uid)
        if state is None:
            return self
        if pod.spec.node_name not in ("", state.pod.spec.node_name):
            raise CorruptedCache(f"pod {pod.key} was deleted on node {pod.spec.node_name}")
        return self._discharge(state.pod)

    def set_node(self, node: Node) -> Cache:
        """A node was added or updated; pods that were there before it keep their charge."""
        name = node.metadata.name
        info = self.node_infos.get(name) or _NOTHING
        return self._with_info(name, info.with_node(node))

    def remove_node(self, name: str) -> Cache:
        """A node was deleted; its NodeInfo stays as a ghost while pods are known on it."""
        info = self.node_infos.get(name)
        if info is None:
            return self
        return self._with_info(name, info.with_node(None))

    def _charge(self, pod: Pod, assumed: bool) -> Cache:
        pod = cached(pod)
        info = self.node_infos.get(pod.spec.node_name) or _NOTHING
        pods = self.pods.set(pod.metadata.uid, PodState(pod, assumed))
        return self._with_info(pod.spec.node_name, info.with_pod(pod), pods)

    def _discharge(self, pod: Pod) -> Cache:
        name, uid = pod.spec.node_name, pod.metadata.uid
        info = self.node_infos[name].without_pod(uid)
        return self._with_info(name, info, self.pods.without(uid))

    def _with_info(
        self, name: str, info: NodeInfo, pods: FingerprintedMap[str, PodState] | None = None
    ) -> Cache:
        if info.node is None and not info.pods:
            node_infos = self.node_infos.without(name)
        else:
            node_infos = self.node_infos.set(name, info)
        order = self.order.changed(name, info)
        return Cache(node_infos, self.pods if pods is None else pods, order)


def _assumed_spec(key: tuple[PodSpec, str]) -> PodSpec:
    spec, node = key
    assumed = spec.replace(node_name=node)
    AMOUNTS.table.setdefault((assumed, NO_STATUS), amounts_of_spec(spec))  # a node changes none
    return assumed


def _assumed(key: tuple[Pod, str]) -> Pod:
    pod, node = key
    status = pod.status if has_status_resources(pod.status) else NO_STATUS
    return pod.replace(spec=_ASSUMED_SPEC((pod.spec, node)), status=status)


_ASSUMED_SPEC: Memo[tuple[PodSpec, str], PodSpec] = Memo("assumed pod's spec", _assumed_spec)
assumed_pod: Memo[tuple[Pod, str], Pod] = Memo("assumed pod", _assumed)
"""The pod as it would be, bound to that node, as the cache keeps it."""

_NOTHING = NodeInfo()
EMPTY_CACHE = Cache()
