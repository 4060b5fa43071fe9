"""One-cycle progress: whenever a node is feasible, the scheduling cycle picks a feasible one.

Promise: the cycle picks a node if any has room, none if no node has, and never one without room.
Eventual binding is more than that (retries, events, fairness) and belongs to the explorers.

About: `kspec_models.scheduler.cycle.decide` with the policy's own filter (see plain_form), and
whatever the scores are: each is an arbitrary integer, so no score can spoil it. A policy's own
scores, which may compute with floats, are run on every combination of a few small nodes.

Domain: 2 and 3 nodes with one bound pod each; request, used and allocatable memory in int64, as
long as their sums stay in it; nodes over-committed already only for a pod that asks for more.

Source: pkg/scheduler/schedule_one.go, schedulePod; "Scheduling framework" in the documentation.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import attrs

from kspec.smt import Claim, Limits, Operation, Proof, inductive
from kspec.smt.places import place_of
from kspec_models.objects import Pod
from kspec_models.scheduler.cycle import decide
from kspec_models.scheduler.framework import Context, Policy, Status
from kspec_models.scheduler.nodeinfo import NodeInfo
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.kept import kept
from kspec_properties.proofs.memory_scene import (
    cluster,
    has_room,
    in_domain,
    inputs,
    manifests,
    node_names,
)
from kspec_properties.proofs.on_text import borne_out
from kspec_properties.proofs.scene import Values
from kspec_properties.proofs.score_scene import read

NAME = "one-cycle-progress"
SIZES = (2, 3)
NOWHERE = 0
SMALL_NODES = ((64, 0), (64, 32), (64, 64), (128, 64))
SMALL_REQUESTS = (0, 32, 64)


@attrs.frozen
class AnyScores:
    """A policy's filter, and scores that are given."""

    policy: Policy
    scores: Mapping[str, int]

    @property
    def name(self) -> str:
        return self.policy.name

    def filter(self, pod: Pod, node_info: NodeInfo, context: Context) -> Status:
        """The policy's answer."""
        return self.policy.filter(pod, node_info, context)

    def score(self, pod: Pod, node_infos: tuple[NodeInfo, ...], context: Context) -> Sequence[int]:
        """The given score of each node."""
        return [self.scores[info.name] for info in node_infos]


def chosen_by(policy: Policy, values: Values, names: Sequence[str]) -> int:
    """The position, from 1, of the node that a cycle picks; 0 for none."""
    with cluster(values, names) as (pod, context):
        return _position(decide(policy, pod, context).node, names)


def _position(node: str, names: Sequence[str]) -> int:
    return names.index(node) + 1 if node else NOWHERE


def promises(names: Sequence[str]) -> dict[str, Callable[[Values, Values], bool]]:
    """What a cycle keeps: of (before, after), where only `chosen` differs."""

    def picks_if_any(before: Values, after: Values) -> bool:
        return after["chosen"] != NOWHERE or not any(has_room(after, name) for name in names)

    def picks_a_feasible_one(before: Values, after: Values) -> bool:
        picked = after["chosen"]
        return all(has_room(after, name) for k, name in enumerate(names) if picked == k + 1)

    return {
        "a node is picked if one is feasible": picks_if_any,
        "the node that is picked is feasible": picks_a_feasible_one,
    }


def check_size(policy: Policy, size: int) -> Proof:
    """For that many nodes, all quantities and all scores."""
    names = node_names(size)
    scores = {name: f"score.{name}" for name in names}

    def cycle(state: Values, given: Values) -> dict[str, int] | None:
        if not in_domain(state, names):
            return None
        rated = AnyScores(policy, {name: given[score] for name, score in scores.items()})
        return {"chosen": chosen_by(rated, state, names)}

    proof = inductive(
        NAME,
        (*inputs(names), "chosen"),
        {},
        lambda state: True,
        (Operation("cycle", cycle, tuple(scores.values())),),
        transitions=promises(names),
        limits=Limits(int64=True),
    )
    values = proof.counterexample
    if values is None:
        return proof
    rated = AnyScores(policy, {name: values.get(score, 0) for name, score in scores.items()})
    return borne_out(
        proof,
        manifests(values),
        lambda: chosen_by(rated, values, names),
        lambda pod, context: _position(decide(rated, pod, context).node, names),
    )


def check_own_scores(policy: Policy) -> Proof:
    """The policy as it is, its scores included, on every choice of three of the small nodes."""
    names, tried = node_names(3), 0
    for request, nodes in itertools.product(
        SMALL_REQUESTS, itertools.product(SMALL_NODES, repeat=3)
    ):
        tried += 1
        values = {"request": request}
        for name, (allocatable, used) in zip(names, nodes, strict=True):
            values |= {f"used.{name}": used, f"allocatable.{name}": allocatable}
        try:
            infos, pod = _real(tuple(values.items()))
            node = decide(policy, pod, Context(infos)).node
            after = values | {"chosen": _position(node, names)}
        except Exception as error:
            reason = f"the cycle raises {type(error).__name__}: {error}, at {place_of(error)}"
            return Proof(NAME, "Refuted", reason, tried, values)
        for promise, holds in promises(names).items():
            if not holds(values, after):
                return Proof(NAME, "Refuted", f"cycle: breaks {promise}", tried, after)
    return Proof(NAME, "Proved", f"own scores in {tried} combinations", tried, None, True)


@kept
def _real(values: tuple[tuple[str, int], ...]) -> tuple[tuple[NodeInfo, ...], Pod]:
    return read(manifests(dict(values)))


def check(policy: Policy) -> Proof:
    """Judge the cycle with the filter and the scores of a policy."""
    parts = (*(partial(check_size, policy, k) for k in SIZES), partial(check_own_scores, policy))
    return joined(NAME, (part() for part in parts))


def claim(policy: Policy) -> Claim:
    """The claim about one policy."""
    return Claim(
        NAME,
        "whenever a node is feasible the cycle picks a feasible one, whatever the scores",
        f"scheduler.cycle.decide with policy {policy.name}; 2 and 3 nodes, memory in int64",
        lambda: check(policy),
    )
