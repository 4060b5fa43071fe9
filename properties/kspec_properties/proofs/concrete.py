"""A counterexample as the objects that a user would write, for a replay on the engine."""

from collections.abc import Mapping
from typing import Any

from kspec.smt import Proof
from kspec_properties.proofs import memory_scene, score_scene
from kspec_properties.proofs.discrete import scene_of
from kspec_properties.proofs.hard_constraints import RESOURCES
from kspec_properties.proofs.scene import INPUTS

NODE, PENDING = "node", "pending"
Manifest = dict[str, Any]


def is_replayable(proof: Proof) -> bool:
    """Whether the engine has a property that the counterexample's objects may break.

    It has none for the range of a score.
    """
    return proof.counterexample is not None and not proof.name.startswith("score-range")


def counterexample_manifests(proof: Proof) -> tuple[Manifest, ...]:
    """The node, the pods bound to it, and last the pending pod, as Kubernetes JSON.

    () where there is no counterexample, and for one that is not about nodes and a pod. All that is
    used on a node is requested by its first bound pod. CPU is in milli-cores, memory and storage in
    bytes.
    """
    values = proof.counterexample
    if values is None:
        return ()
    scene = scene_of(values)
    if scene is not None:
        return tuple(each.to_json() for each in scene.objects)
    if set(score_scene.REQUESTED) <= set(values):
        return score_scene.manifests(values)
    if "used.node-1" in values:
        return memory_scene.manifests(values)
    if not set(INPUTS) <= set(values):
        return ()
    bound = [
        _pod(f"bound-{k}", _quantities(values, "used") if k == 0 else {}, NODE)
        for k in range(values["used.pods"])
    ]
    return (_node(values), *bound, _pod(PENDING, _quantities(values, "request"), ""))


def _quantities(values: Mapping[str, int], kind: str) -> dict[str, str]:
    """The amounts as text; what is not requested is left out, what is not offered is 0."""
    amounts = {name: values[f"{kind}.{name}"] for name in RESOURCES}
    return {
        name: f"{amount}m" if name == "cpu" else str(amount)
        for name, amount in amounts.items()
        if amount or kind == "allocatable"
    }


def _node(values: Mapping[str, int]) -> Manifest:
    offered = _quantities(values, "allocatable") | {"pods": str(values["allocatable.pods"])}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE},
        "status": {"allocatable": offered, "capacity": offered},
    }


def _pod(name: str, requests: Mapping[str, str], node: str) -> Manifest:
    container: Manifest = {"name": "main", "image": "pause", "resources": {"requests": requests}}
    spec: Manifest = {"containers": [container]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {**spec, "nodeName": node} if node else spec,
    }
