"""A profile over all nodes at once: the same decisions as the plain form, by numpy.

The plain form (`cycle.find`, `Profile.filter`, `Profile.score`) is the specification and what the
proofs are about; a test compares the two. This form knows the in-tree plugins that look at one
node; what they say of a node object alone (taints, affinity, names, cordon) is kept per pod's
constraints, and what changes with every pod (requested amounts) is computed in columns. Plugins
that look at the cluster are asked as in the plain form, about the nodes that are left.

`find` answers None wherever the plain form has to: for pods with host ports, extended resources
or a nomination, while pods are nominated, and for a pod that fits nowhere, whose reasons are asked
for. A profile with other plugins has no vectorised form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kspec.values import Memo, fingerprint_of, mix
from kspec_models.objects import Pod
from kspec_models.objects.core import PodSpec
from kspec_models.resources import CPU, EPHEMERAL_STORAGE, MEMORY, PodAmounts, amounts_of_spec
from kspec_models.scheduler import node_table as columns
from kspec_models.scheduler.framework import MAX_NODE_SCORE, Context
from kspec_models.scheduler.local import judge_local
from kspec_models.scheduler.node_table import NodeTable
from kspec_models.scheduler.nodeinfo import NodeInfo, host_ports, node_info
from kspec_models.scheduler.plugins.node_affinity import NodeAffinity
from kspec_models.scheduler.plugins.node_name import NodeName
from kspec_models.scheduler.plugins.node_ports import NodePorts
from kspec_models.scheduler.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation,
)
from kspec_models.scheduler.plugins.node_resources_fit import (
    NodeResourcesFit,
    least_allocated,
    most_allocated,
    weighted_mean,
)
from kspec_models.scheduler.plugins.node_unschedulable import NodeUnschedulable
from kspec_models.scheduler.plugins.taint_toleration import TaintToleration

_OF_NODE = (NodeUnschedulable, NodeName, TaintToleration, NodeAffinity)
_REQUESTED = {CPU: columns.REQUESTED_MILLI_CPU, MEMORY: columns.REQUESTED_MEMORY}
_REQUESTED[EPHEMERAL_STORAGE] = columns.REQUESTED_EPHEMERAL_STORAGE
_ALLOCATABLE = {CPU: columns.ALLOCATABLE_MILLI_CPU, MEMORY: columns.ALLOCATABLE_MEMORY}
_ALLOCATABLE[EPHEMERAL_STORAGE] = columns.ALLOCATABLE_EPHEMERAL_STORAGE
_NON_ZERO = {CPU: columns.NON_ZERO_MILLI_CPU, MEMORY: columns.NON_ZERO_MEMORY}
_LARGEST = 2**53

Array = Any
Score = Callable[[PodSpec, PodAmounts, Array], Array | None]


class Static(NamedTuple):
    """What the plugins say of node objects alone. relative: raw scores by plugin, in order."""

    accepts: Array
    relative: tuple[Array, ...]


class Found(NamedTuple):
    """positions: of the feasible nodes, ascending. looked: at how many nodes."""

    positions: Array
    looked: int


class Vectorised:
    """The vectorised form of a profile, made by `vectorised`."""

    def __init__(self, profile: Any, filters: Sequence[Any], own: Any, relative: Any) -> None:
        self.profile = profile
        self._of_node = tuple(p for p in filters if type(p) in _OF_NODE)
        self._fits = any(type(p) is NodeResourcesFit for p in filters)
        self._ports = any(type(p) is NodePorts for p in filters)
        self._own, self._relative = own, relative
        self._infos: tuple[NodeInfo, ...] = ()
        self._statics: Memo[tuple[int, int], Static] = Memo("static columns", self._static, 2_000)
        self._asked: PodSpec | None = None

    def find(self, pod: Pod, context: Context, started: Context, sample: Any) -> Found | None:
        """The feasible nodes; None where the plain form has to look."""
        spec, table = pod.spec, context.table
        amounts = amounts_of_spec(spec)
        if (self._ports and host_ports(spec)) or not _is_plain(amounts):
            return None
        accepts = self._static_of(spec, context, table).accepts
        if self._fits:
            accepts = accepts & _fits(amounts, table.numbers)
        start, enough = sample
        positions = np.flatnonzero(accepts)
        if start:
            cut = int(np.searchsorted(positions, start))
            positions = np.concatenate((positions[cut:], positions[:cut]))
        if started.states:
            positions = self._accepted(pod, positions, started, enough)
        count = len(context.nodes)
        looked = count
        if enough and len(positions) >= enough:
            positions = positions[:enough]
            looked = (int(positions[-1]) - start) % count + 1
        return Found(np.sort(positions) if start else positions, looked)

    def _accepted(self, pod: Pod, positions: Array, started: Context, enough: int) -> Array:
        """Those of the positions that the plugins which look at the cluster accept as well."""
        judge, nodes, states = self.profile.judge_by_cluster, started.nodes, started.states
        found = []
        for position in positions.tolist():
            if judge(states, pod, nodes[position]).ok:
                found.append(position)
                if len(found) == enough:
                    break
        return np.array(found, np.int64)

    def scores(self, pod: Pod, found: Found, context: Context, started: Context) -> Array:
        """The total score of each feasible node."""
        spec, table, positions = pod.spec, context.table, found.positions
        amounts, numbers = amounts_of_spec(spec), table.numbers[:, positions]
        totals = np.zeros(len(positions), np.int64)
        for score, weight in self._own:
            part = score(spec, amounts, numbers)
            if part is not None:
                totals += weight * part
        static = self._static_of(spec, context, table)
        for (plugin, weight), raw in zip(self._relative, static.relative, strict=True):
            totals += weight * _normalized(raw[positions], type(plugin) is TaintToleration)
        compared = self.profile.compared_scores(pod, positions.tolist(), started)
        return totals + np.array(compared, np.int64) if compared else totals

    def _static_of(self, spec: PodSpec, context: Context, table: NodeTable) -> Static:
        constraints = fingerprint_of(spec.node_name)
        for part in (spec.node_selector, spec.affinity, spec.tolerations):
            constraints = mix(constraints, fingerprint_of(part))
        self._asked, self._infos = spec, context.nodes
        return self._statics((constraints, table.nodes))

    def _static(self, key: tuple[int, int]) -> Static:
        spec, infos = self._asked, self._infos
        assert spec is not None
        empty = [node_info(info.node) for info in infos]
        accepts = [judge_local(self._of_node, spec, info).ok for info in empty]
        relative = tuple(
            np.array([plugin.score(spec, info) for info in empty], np.int64)
            for plugin, _ in self._relative
        )
        return Static(np.array(accepts, bool), relative)


def _is_plain(amounts: PodAmounts) -> bool:
    """Whether only CPU, memory and storage are asked for, in amounts that a float holds."""
    cpu, memory, storage, scalar = amounts.requests
    largest = max(cpu, memory, storage, amounts.non_zero_milli_cpu, amounts.non_zero_memory)
    return not scalar and largest < _LARGEST


def _fits(amounts: PodAmounts, numbers: Array) -> Array:
    """`node_resources_fit.has_room` of every node."""
    fits = numbers[columns.PODS] < numbers[columns.ALLOWED_PODS]
    for resource in (CPU, MEMORY, EPHEMERAL_STORAGE):
        amount = amounts.requests.amount(resource)
        if amount > 0:
            left = numbers[_ALLOCATABLE[resource]] - numbers[_REQUESTED[resource]]
            fits = fits & (amount <= left)
    return fits


def _normalized(raw: Array, reverse: bool) -> Array:
    """`framework.default_normalize` of scores of at least 0."""
    highest = int(raw.max(initial=0))
    if highest == 0:
        return np.full(len(raw), MAX_NODE_SCORE, np.int64) if reverse else raw
    scaled = MAX_NODE_SCORE * raw // highest
    return MAX_NODE_SCORE - scaled if reverse else scaled


def _fit_score(plugin: NodeResourcesFit) -> Score | None:
    """`NodeResourcesFit.score`; None for a strategy or a resource without a vectorised form."""
    is_least = plugin.strategy is least_allocated
    if not (is_least or plugin.strategy is most_allocated) or plugin.mean is not weighted_mean:
        return None
    if any(resource not in _NON_ZERO for resource, _ in plugin.weights):
        return None

    def score(spec: PodSpec, amounts: PodAmounts, numbers: Array) -> Array:
        asked = {CPU: amounts.non_zero_milli_cpu, MEMORY: amounts.non_zero_memory}
        total = np.zeros(numbers.shape[1], np.int64)
        weights = np.zeros(numbers.shape[1], np.int64)
        for resource, weight in plugin.weights:
            offered = numbers[_ALLOCATABLE[resource]]
            taken = np.minimum(numbers[_NON_ZERO[resource]] + asked[resource], offered)
            part = offered - taken if is_least else taken
            counts = offered > 0
            shares = part * MAX_NODE_SCORE // np.where(counts, offered, 1)
            total += np.where(counts, shares * weight, 0)
            weights += np.where(counts, weight, 0)
        return np.where(weights > 0, total // np.where(weights > 0, weights, 1), 0)

    return score


def _balanced_score(plugin: NodeResourcesBalancedAllocation) -> Score | None:
    """`NodeResourcesBalancedAllocation.score` for two resources; None for any other number."""
    resources = tuple(resource for resource, _ in plugin.weights)
    if len(resources) != 2 or any(resource not in _REQUESTED for resource in resources):
        return None

    def score(spec: PodSpec, amounts: PodAmounts, numbers: Array) -> Array | None:
        if plugin.is_skipped(spec):
            return None
        shares, counts = [], []
        for resource in resources:
            offered = numbers[_ALLOCATABLE[resource]]
            taken = numbers[_REQUESTED[resource]] + amounts.requests.amount(resource)
            counts.append(offered > 0)
            shares.append(np.minimum(taken / np.where(offered > 0, offered, 1), 1.0))
        deviation = np.abs((shares[0] - shares[1]) / 2)
        both = counts[0] & counts[1]
        deviation = np.where(both, deviation, 0.0)
        return ((1 - deviation) * MAX_NODE_SCORE).astype(np.int64)

    return score


def vectorised(profile: Any) -> Vectorised | None:
    """The vectorised form of a profile; None where a plugin has none."""
    known = (*_OF_NODE, NodePorts, NodeResourcesFit)
    local = [p for p in profile.filters if not hasattr(p, "filter_with")]
    if any(type(plugin) not in known for plugin in local):
        return None
    if any(type(p) is NodeResourcesFit and p.ignored for p in local):
        return None
    own: list[tuple[Score, int]] = []
    relative: list[tuple[Any, int]] = []
    for plugin, weight in profile.scorers:
        if hasattr(plugin, "score_with"):
            continue
        if type(plugin) in (TaintToleration, NodeAffinity):
            relative.append((plugin, weight))
            continue
        score = None
        if type(plugin) is NodeResourcesFit:
            score = _fit_score(plugin)
        elif type(plugin) is NodeResourcesBalancedAllocation:
            score = _balanced_score(plugin)
        if score is None:
            return None
        own.append((score, weight))
    return Vectorised(profile, local, tuple(own), tuple(relative))
