"""Scores: each stays within 0 and 100, before it is normalised and after.

Promise: a scorer of a profile rates a node from 0 to 100, or, where its scores mean something only
together, at least 0; normalised over the feasible nodes they are from 0 to 100. What a policy of
another form returns is one whole score per node, from 0 to 100 or its own `highest_score`. No
score raises. No intermediate result of a plugin of upstream's leaves int64; where one of a user's
does, that is told and no charge.

About: the scorer's own `score`, `normalize` and `normalize_with`; the policy's own `score`.

Domain: see score_scene. A scorer that is given one node, as a plain scorer and a numeric policy
are, is proved for any number of nodes; normalising for 1 to 3 scores, any that the scorer may give;
what sees all nodes at once for 1 and 2, with 0 to 2 pods on the first and none on the other. A
score that computes with floats is Unknown; score_samples runs it on real objects, which is no
proof.

The bound on quantities is needed: (allocatable - requested) * 100 leaves int64 beyond it, here and
upstream (least_allocated.go). That form is kept as known false.

Source: pkg/scheduler/framework/runtime/framework.go (RunScorePlugins), plugins/noderesources.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

from kspec.smt import Claim, Proof
from kspec.smt.solving import INT64_MAX
from kspec_models.scheduler.framework import MAX_NODE_SCORE, Policy
from kspec_models.scheduler.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation,
)
from kspec_models.scheduler.plugins.node_resources_fit import NodeResourcesFit
from kspec_models.scheduler.policies.numeric import Numeric
from kspec_models.scheduler.profile import Profile
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.score_proving import (
    INT64,
    NAME,
    NORMALISED_TOGETHER,
    SEEN_TOGETHER,
    in_python,
    normalised,
    of_numeric,
    of_one_node,
    together,
)
from kspec_properties.proofs.score_samples import (
    Scorer,
    of_cluster_plugin,
    of_plugin,
    of_policy,
    tried,
)
from kspec_properties.proofs.score_scene import LARGEST

UNBOUNDED = f"{NAME}-of-any-quantity"
UPSTREAM = "kspec_models.scheduler.plugins."
"""Where the plugins are that follow upstream's."""
TOGETHER = f"{' and '.join(map(str, SEEN_TOGETHER))} nodes, all quantities"


@attrs.frozen
class Part:
    """One part of the claim: a scorer, or the normalising of its scores, and its domain.

    is_open: it is known that no proof decides it.
    """

    label: str
    about: str
    check: Callable[[], Proof]
    is_open: bool = False


def parts(policy: Policy) -> tuple[Part, ...]:
    """What is to be proved of the scores of a policy, one after the other."""
    if isinstance(policy, Profile) and type(policy).score is Profile.score:
        return tuple(part for plugin, _ in policy.scorers for part in _of_plugin(plugin))
    scorer = of_policy(policy)
    if type(policy) is Numeric:
        proved = partial(of_numeric, policy.numeric, scorer)
        return (Part(NAME, "any number of nodes, all quantities", proved),)
    return (Part(NAME, TOGETHER, lambda: tried(_of_nodes(scorer, False), scorer)),)


def check(policy: Policy) -> Proof:
    """Judge the scores of a policy, but for what is known to be open."""
    decided = [part for part in parts(policy) if not part.is_open]
    if not decided:
        return Proof(NAME, "Proved", "there is no score to prove it of", 0, None, True)
    return joined(NAME, (part.check() for part in decided))


def _of_plugin(plugin: Any) -> Iterator[Part]:
    label = f"{NAME} of {plugin.name}"
    if hasattr(plugin, "score_with"):
        yield Part(label, TOGETHER, partial(_of_cluster_plugin, plugin), _is_upstream(plugin))
        return
    highest = None if plugin.is_relative else MAX_NODE_SCORE
    yield Part(
        label,
        "any number of nodes, all quantities",
        partial(_of_local_plugin, plugin, highest),
        type(plugin) is NodeResourcesBalancedAllocation,
    )
    yield Part(
        f"{label}, normalised",
        f"1 to {NORMALISED_TOGETHER[-1]} nodes, any scores from 0 to {highest or LARGEST:,}",
        partial(normalised, plugin, highest or LARGEST),
    )


def _is_upstream(plugin: Any) -> bool:
    return type(plugin).__module__.startswith(UPSTREAM)


def _of_local_plugin(plugin: Any, highest: int | None) -> Proof:
    prove = partial(of_one_node, plugin, highest, LARGEST)
    proof = prove(INT64) if _is_upstream(plugin) else in_python(prove)
    if _is_upstream(plugin) and proof.verdict == "Proved":
        return proof
    return tried(proof, of_plugin(plugin))


def _of_cluster_plugin(plugin: Any) -> Proof:
    """After normalisation: before it any score may be."""
    scorer = of_cluster_plugin(plugin)
    proof = _of_nodes(scorer, _is_upstream(plugin))
    if proof.reason.startswith("vacuous"):
        why = f"{plugin.name} has no score for a pod without preferences"
        proof = attrs.evolve(proof, reason=why)
    return tried(proof, scorer)


def _of_nodes(scorer: Scorer, is_upstream: bool) -> Proof:
    def of(size: int) -> Proof:
        prove = partial(together, scorer, size)
        return prove(INT64) if is_upstream else in_python(prove)

    return joined(NAME, (of(size) for size in SEEN_TOGETHER))


def claim(policy: Policy) -> Claim:
    """The claim about one policy."""
    return Claim(
        NAME,
        "a score stays in 0..100 before and after normalisation, and never raises",
        f"scores of policy {policy.name}; quantities up to {LARGEST:,}",
        lambda: check(policy),
    )


def open_claims(policy: Policy) -> tuple[Claim, ...]:
    """The scorers that no proof follows: they compute with floats, or look at the whole cluster."""
    return tuple(
        Claim(
            part.label.replace(" of ", "-of-"),
            "a score stays in 0..100 before and after normalisation",
            f"policy {policy.name}; {part.about}",
            part.check,
        )
        for part in parts(policy)
        if part.is_open
    )


def of_any_quantity() -> Claim:
    """The claim that is false: the default score for every quantity in int64, as upstream."""
    plugin = NodeResourcesFit()
    return Claim(
        UNBOUNDED,
        "a score of LeastAllocated stays in int64, whatever the quantities",
        "NodeResourcesFit of the default profile; upstream multiplies by 100 in int64 as well",
        lambda: attrs.evolve(of_one_node(plugin, 100, INT64_MAX, INT64), name=UNBOUNDED),
    )
