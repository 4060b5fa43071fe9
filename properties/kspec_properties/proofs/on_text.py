"""A refutation by symbolic amounts, tried on objects whose amounts are text.

A policy may read the text itself, which a symbolic scene does not have; then its refutation says
nothing, and is Unknown unless the policy does the same on real objects.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from kspec.smt import Proof
from kspec.smt.places import place_of
from kspec_models.objects import Pod
from kspec_models.scheduler.framework import Context
from kspec_properties.proofs.score_scene import read

Manifests = tuple[Mapping[str, Any], ...]
Decided = Callable[[Pod, Context], object]


def borne_out(
    proof: Proof, written: Manifests, by_amounts: Callable[[], object], decided: Decided
) -> Proof:
    """The proof; Unknown where the objects of its counterexample are judged otherwise.

    A policy that raises on them is refuted by that.
    """
    infos, pod = read(written)
    try:
        by_text = decided(pod, Context(infos))
    except Exception as error:
        reason = f"raises {type(error).__name__}: {error}, at {place_of(error)}"
        return attrs.evolve(proof, verdict="Refuted", reason=reason)
    if proof.verdict != "Refuted" or by_text == by_amounts():
        return proof
    why = "not when its objects are built from text: the policy reads quantities of its own"
    return attrs.evolve(proof, verdict="Unknown", reason=f"{proof.reason}, but {why}")
