"""The hard constraints that are not symbolic: small vocabularies, every combination run as it is.

Domain: see each vocabulary. The objects are real and their quantities are text, so that a policy
that reads them in a way of its own is judged as well.
"""

from collections.abc import Mapping

from kspec.smt import Proof
from kspec.smt.places import place_of
from kspec_models.scheduler.framework import Policy
from kspec_properties.proofs import (
    vocabulary_affinity,
    vocabulary_node,
    vocabulary_pods,
    vocabulary_requests,
    vocabulary_spread,
)
from kspec_properties.proofs.vocabulary import Scene, Vocabulary

VOCABULARIES = (
    vocabulary_node.VOCABULARY,
    vocabulary_requests.VOCABULARY,
    vocabulary_affinity.VOCABULARY,
    vocabulary_pods.VOCABULARY,
    vocabulary_spread.VOCABULARY,
)


def scene_of(values: Mapping[str, int]) -> Scene | None:
    """The scene of a counterexample; None for values that are no combination."""
    for vocabulary in VOCABULARIES:
        if set(vocabulary.options) == set(values):
            return vocabulary.scene(values)
    return None


def check_discrete(name: str, policy: Policy, vocabulary: Vocabulary) -> Proof:
    """The policy accepts a combination if and only if the documentation allows it.

    A policy that raises is Refuted by the combination that provokes it.
    """
    tried, accepted = 0, False
    for chosen in vocabulary.combinations():
        tried += 1
        scene = vocabulary.scene(chosen)
        try:
            accepts = policy.filter(scene.pending, scene.nodes[0], scene.context).ok
        except Exception as error:
            what = f"raises {type(error).__name__}: {error}, at {place_of(error)}"
            return Proof(name, "Refuted", what, tried, chosen, accepted)
        accepted = accepted or accepts
        if accepts == bool(scene.refused_by):
            broken_ones = ", ".join(scene.refused_by)
            what = f"accepts in spite of {broken_ones}" if accepts else "refuses what is allowed"
            return Proof(name, "Refuted", what, tried, chosen, accepted)
    reason = f"in {tried} combinations of {vocabulary.name}"
    return Proof(name, "Proved", reason, tried, None, accepted)
