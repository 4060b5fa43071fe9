"""Scores on real objects: beside a proof that is Unknown, and to believe a counterexample.

A sample is no proof and is never called one. The scenes are every combination of a few amounts per
resource, small, large and exactly full, on one node and on three; and pods with preferences of
each kind over three nodes in two zones, with 0 to 2 pods each that these match.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from kspec.smt import Proof
from kspec_models.objects import Node, Pod, Service
from kspec_models.scheduler.framework import MAX_NODE_SCORE, Context, Policy
from kspec_models.scheduler.nodeinfo import NodeInfo, node_info
from kspec_models.store import Entry, Snapshot
from kspec_properties.proofs.kept import kept
from kspec_properties.proofs.score_judging import highest_of, judged
from kspec_properties.proofs.score_scene import (
    LARGEST,
    OF_NODE,
    REQUESTED,
    manifests,
    read,
)

AMOUNTS = (  # allocatable, used, request
    (0, 0, 0),
    (3, 1, 1),
    (64, 32, 32),
    (64, 0, 64),
    (2**40, 2**39, 1),
    (LARGEST, 0, LARGEST),
    (LARGEST, LARGEST - 1, 1),
)
MATCHING = (0, 1, 2)
APP = {"app": "a"}
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
Scores = Callable[[Pod, tuple[NodeInfo, ...], Context], Sequence[int]]


@attrs.frozen
class Scorer:
    """What gives scores, to be tried on real objects. highest None: only that none is below 0.

    normalize: what is done to the scores of all nodes afterwards.
    """

    name: str
    scores: Scores
    highest: int | None = MAX_NODE_SCORE
    normalize: Callable[[Sequence[int]], Sequence[int]] | None = None
    skips: Callable[[Pod, tuple[NodeInfo, ...], Context], bool] = lambda *_: False

    def judge(self, pod: Pod, nodes: tuple[NodeInfo, ...], context: Context) -> str | None:
        """What is wrong with its scores, before and after they are normalised.

        None where it has nothing to say of the pod.
        """
        if self.skips(pod, nodes, context):
            return None

        def raw() -> Sequence[int]:
            return self.scores(pod, nodes, context)

        wrong = judged(self.name, raw, len(nodes), self.highest)
        normalize = self.normalize
        if wrong or normalize is None:
            return wrong
        name = f"{self.name}, normalised,"
        return judged(name, lambda: normalize(raw()), len(nodes), MAX_NODE_SCORE)


@attrs.frozen
class Scene:
    """A pending pod and the nodes to score, all of them feasible; the amounts, where they are the
    point, for that many nodes."""

    pod: Pod
    context: Context
    values: Mapping[str, int]


def of_policy(policy: Policy) -> Scorer:
    """What a policy returns."""
    return Scorer(policy.name, policy.score, highest_of(policy))


def of_plugin(plugin: Any) -> Scorer:
    """A plugin that looks at one node."""

    def scores(pod: Pod, nodes: tuple[NodeInfo, ...], context: Context) -> list[int]:
        return [plugin.score(pod.spec, info) for info in nodes]

    highest = None if plugin.is_relative else MAX_NODE_SCORE
    return Scorer(plugin.name, scores, highest, plugin.normalize)


def of_cluster_plugin(plugin: Any) -> Scorer:
    """A plugin that looks at the cluster, after normalisation: before it any score may be."""

    def scores(pod: Pod, nodes: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        state = plugin.pre_score(pod, nodes, context).state
        raw = [plugin.score_with(state, pod, info) for info in nodes]
        given: Sequence[int] = plugin.normalize_with(state, raw, nodes)
        return given

    def skips(pod: Pod, nodes: tuple[NodeInfo, ...], context: Context) -> bool:
        return not plugin.pre_score(pod, nodes, context).status.ok

    return Scorer(f"{plugin.name}, normalised,", scores, skips=skips)


def tried(proof: Proof, scorer: Scorer) -> Proof:
    """The proof, as far as real objects, whose amounts are text, bear it out.

    A counterexample must break the promise there as well; whatever was not refuted is refuted by a
    sample that breaks the promise.
    """
    if proof.verdict == "Refuted":
        return _believed(proof, scorer)
    for scene in scenes():
        wrong = scorer.judge(scene.pod, scene.context.nodes, scene.context)
        if wrong:
            return attrs.evolve(proof, verdict="Refuted", reason=wrong, counterexample=scene.values)
    if proof.verdict != "Unknown":
        return proof
    beside = f"no score is out of range in {len(scenes())} scenes of real objects"
    reason = f"{_what(proof.reason)}; beside it, no proof: {beside}"
    return attrs.evolve(proof, reason=reason)


def _what(reason: str) -> str:
    return f"computes with floating point: {reason}" if "float" in reason else reason


def _believed(proof: Proof, scorer: Scorer) -> Proof:
    values = proof.counterexample
    if values is None or "int64" in proof.reason:
        return proof
    infos, pod = read(manifests(values))
    said = scorer.judge(pod, infos, Context(infos))
    if said == proof.reason:
        return proof
    reason = f"{proof.reason}, but on objects read from text: {said or 'nothing is wrong'}"
    return attrs.evolve(proof, verdict="Unknown", reason=reason)


@kept
def scenes() -> tuple[Scene, ...]:
    """All of them; the objects are immutable, so they are made once."""
    return (*_of_amounts(), *_of_preferences())


def _of_amounts() -> Iterator[Scene]:
    for cpu, memory, missing in itertools.product(AMOUNTS, AMOUNTS, (0, 1)):
        values = dict.fromkeys((*REQUESTED, *OF_NODE), 0)
        values |= {"used.pods": 1, "allocatable.pods": 2}
        for name, amounts in (("cpu", cpu), ("memory", memory)):
            values |= {f"missing.{kind}.{name}": missing for kind in ("request", "used")}
            for kind, amount in zip(("allocatable", "used", "request"), amounts, strict=True):
                values[f"{kind}.{name}"] = amount
        yield _of_values(values)
        yield _of_values(values | _fuller(values, "node-2.") | _emptier(values, "node-3."))


def _of_values(values: Mapping[str, int]) -> Scene:
    infos, pod = read(manifests(values))
    return Scene(pod, Context(infos), values)


def _fuller(values: Mapping[str, int], prefix: str) -> dict[str, int]:
    """The same node with nothing left beside the pod."""
    full = {f"allocatable.{r}": values[f"used.{r}"] + values[f"request.{r}"] for r in _RESOURCES}
    return {prefix + name: full.get(name, values[name]) for name in OF_NODE}


def _emptier(values: Mapping[str, int], prefix: str) -> dict[str, int]:
    """The largest node, empty."""
    large = {f"allocatable.{r}": LARGEST for r in (*_RESOURCES, "pods")}
    return {prefix + name: large.get(name, 0) for name in OF_NODE}


_RESOURCES = ("cpu", "memory")

_TERM = {"topologyKey": ZONE, "labelSelector": {"matchLabels": APP}}
_WEIGHTED = [{"weight": 100, "podAffinityTerm": _TERM}]
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
PREFERENCES: tuple[Mapping[str, Any], ...] = (
    {},
    {"affinity": {"podAffinity": {_PREFERRED: _WEIGHTED}}},
    {"affinity": {"podAntiAffinity": {_PREFERRED: _WEIGHTED}}},
    {
        "affinity": {
            "nodeAffinity": {
                _PREFERRED: [
                    {"weight": 100, "preference": {"matchExpressions": [_in_zone]}}
                    for _in_zone in ({"key": ZONE, "operator": "In", "values": ["a"]},)
                ]
            }
        }
    },
    {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": ZONE,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": APP},
            }
        ]
    },
)
"""What the pending pod prefers; with none the default constraints spread its service."""


def _of_preferences() -> Iterator[Scene]:
    service = Service.from_json(
        {"metadata": {"name": "a", "namespace": "default"}, "spec": {"selector": APP}}
    )
    key = "services/default/a"
    caches = {"services": Snapshot().patched(key, Entry(key, service, 1, 1, 1))}
    for preference, *counts in itertools.product(PREFERENCES, *(MATCHING,) * 3):
        infos = tuple(
            node_info(_zoned(f"node-{k + 1}", zone), _matching(f"node-{k + 1}", count))
            for k, (zone, count) in enumerate(zip(("a", "a", "b"), counts, strict=True))
        )
        yield Scene(_pod("pending", preference), Context(infos, caches), {})


def _zoned(name: str, zone: str) -> Node:
    taint = {"key": "k", "effect": "PreferNoSchedule"}
    offered = {"cpu": "4", "memory": "4Gi", "pods": "9"}
    image = {"names": ["pause:latest"], "sizeBytes": 500 * 2**20}
    return Node.from_json(
        {
            "metadata": {"name": name, "labels": {HOSTNAME: name, ZONE: zone}},
            "spec": {"taints": [taint] if zone == "b" else []},
            "status": {"allocatable": offered, "images": [image] if zone == "a" else []},
        }
    )


def _matching(node: str, count: int) -> tuple[Pod, ...]:
    return tuple(_pod(f"bound-{node}-{k}", {"nodeName": node}) for k in range(count))


def _pod(name: str, spec: Mapping[str, Any]) -> Pod:
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": APP}
    return Pod.from_json(
        {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "pause"}], **spec}}
    )
