"""The proofs as a section of a policy's report card.

A refutation is a charge, with its counterexample as the objects that a user would write, and as a
trace where the engine reproduces it. What could not be followed is Unknown with its reason: a
float, a number that had to become concrete, a solver that gave up, a limit, a call that does not
come back. Nothing but a proof is called Proved.
"""

import re
from collections.abc import Callable, Iterator

import attrs
import yaml

from kspec.smt import Proof
from kspec.trial import Charge, Finding, Section
from kspec.trial.card import FAILS, PROVED, UNKNOWN
from kspec_models.scheduler.extender.policy import Extended
from kspec_models.scheduler.framework import Policy
from kspec_models.scheduler.policies.several import SeveralProfiles
from kspec_properties.proofs import filters, overcommit, progress, scores
from kspec_properties.proofs.concrete import counterexample_manifests, is_replayable
from kspec_properties.proofs.hard_constraints import RESOURCES, resource_fits
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.kept import forget
from kspec_properties.proofs.patience import NOT_BACK, within
from kspec_properties.proofs.replaying import Replay
from kspec_properties.proofs.scene import INPUTS, MOST_PODS

NAME = "proofs"
SECONDS, IMPATIENT = 10.0, 1.0
"""How long one proof may take before it is Unknown; and after one did not come back."""
LEAKED = "has no truth value outside an exploration"
"""What a symbolic number says that a policy has kept."""

Clock = Callable[[], float]

SLUGS = (
    ("leaves the range of int64", "leaves-int64"),
    ("raises ", "raises"),
    ("accepts no input at all", "filter-refuses-too-much"),
    ("accepts an input", "filter-accepts-too-much"),
    ("accepts in spite of", "filter-accepts-too-much"),
    ("refuses", "filter-refuses-too-much"),
    ("scores below", "score-out-of-range"),
    ("scores above", "score-out-of-range"),
    ("gives a score of type", "wrong-type"),
    ("one score per node", "wrong-number-of-scores"),
    ("a node is picked if one is feasible", "picks-no-feasible-node"),
    ("the node that is picked is feasible", "picks-an-infeasible-node"),
    ("a binding fits", "over-commits"),
)
"""What a reason says, and the charge of it; the first that is found."""

PLAINLY = {
    "accepts an input that breaks the goal": "the filter accepts a pod that does not fit",
    "refuses an input that meets the goal": "the filter refuses a pod that fits",
    "accepts in spite": "the filter accepts in spite",
    "refuses what is allowed": "the filter refuses what is allowed",
    "bind: breaks a binding fits in": "a binding over-commits",
    "cycle: breaks the node that is picked is feasible": "the cycle picks a node without room",
    "cycle: breaks a node is picked if one is feasible": "the cycle picks no node",
}
"""What a reason says, in a charge."""


@attrs.frozen
class Question:
    """One thing to prove about a policy, and what the answer is about."""

    name: str
    about: str
    check: Callable[[], Proof]


def questions(policy: Policy) -> Iterator[Question]:
    """What is to be proved of a policy, or of each of its profiles, one finding each."""
    if isinstance(policy, Extended):
        yield Question(NAME, "programs over HTTP", _not_in_python)
    elif isinstance(policy, SeveralProfiles):
        for name, profile in policy.by_name.items():
            for question in questions(profile):
                yield attrs.evolve(question, name=f"{question.name}, profile {name}")
    else:
        yield from _questions(policy)


def _not_in_python() -> Proof:
    why = "it asks programs over HTTP, to which no symbolic number can be sent"
    return Proof(NAME, "Unknown", why, 0)


def _questions(policy: Policy) -> Iterator[Question]:
    yield Question(
        f"{filters.NAME} for quantities",
        f"{filters.nodes_of(policy)}, 0 to {MOST_PODS} pods there, all quantities in int64",
        lambda: joined(filters.NAME, (part() for part in filters.numbers(policy))),
    )
    yield Question(
        f"{filters.NAME} for other constraints",
        "up to three nodes, every combination of small vocabularies",
        lambda: joined(filters.NAME, (part() for part in filters.constraints(policy))),
    )
    for part in scores.parts(policy):
        yield Question(part.label, part.about, part.check)
    several = " and ".join(map(str, progress.SIZES))
    about = f"{several} nodes, memory in int64, any scores"
    yield Question(progress.NAME, about, lambda: progress.check(policy))
    about = "each resource in int64, any number of bindings, given that assumed >= stored"
    yield Question(overcommit.NAME, about, lambda: overcommit.check(policy))


def findings(policy: Policy, clock: Clock = lambda: 0.0, replay: Replay | None = None) -> Section:
    """The section "proofs" of a policy's card; `clock` gives seconds.

    replay: runs the counterexample of a proof on the engine, and gives the trace's path and its
    number of actions, or None where the engine does not reproduce it.
    """
    start, found, rows = clock(), [], []
    seconds = SECONDS
    forget()
    for question in questions(policy):
        began = clock()
        proof = within(seconds, question.name, question.check)
        if LEAKED in proof.reason:
            why = "it keeps what it is given from one call to the next, where it was symbolic"
            proof = attrs.evolve(proof, verdict="Unknown", reason=why, counterexample=None)
        if proof.reason.startswith(NOT_BACK):
            seconds = IMPATIENT
        found.append(_finding(question, proof, replay))
        rows.append(
            {
                "claim": question.name,
                "verdict": proof.verdict,
                "about": question.about,
                "paths": proof.paths,
                "seconds": round(clock() - began, 3),
            }
        )
    return Section(NAME, tuple(found), tuple(rows), clock() - start)


def _finding(question: Question, proof: Proof, replay: Replay | None) -> Finding:
    if proof.verdict == "Proved":
        return Finding(question.name, PROVED, f"{question.about}: {proof.reason}")
    if proof.verdict == "Unknown":
        return Finding(question.name, UNKNOWN, proof.reason)
    charge = charge_of(proof)
    if replay is not None and is_replayable(proof):
        trace, actions = replay(proof) or ("", None)
        charge = attrs.evolve(charge, trace=trace, actions=actions)
    return Finding(question.name, FAILS, charge.text, charge)


def charge_of(proof: Proof) -> Charge:
    """A refutation as a charge."""
    slug = next((slug for said, slug in SLUGS if said in proof.reason), proof.name)
    place = re.search(r" at (\S+\.py:\d+)", proof.reason)
    reason = proof.reason
    for said, plainly in PLAINLY.items():
        reason = reason.replace(said, plainly)
    text = f"{reason}{_witness(proof)}"
    return Charge(NAME, slug, text, counterexample(proof), place[1] if place else "")


def _witness(proof: Proof) -> str:
    """What the resources say that decide a counterexample of quantities."""
    values = proof.counterexample
    if values is None or "accepts an input" not in proof.reason or not set(INPUTS) <= set(values):
        return ""
    over = [r for r in RESOURCES if not resource_fits(values, r)]
    short = [
        f"{r}: {values[f'used.{r}']} used and {values[f'request.{r}']} requested"
        f" of {values[f'allocatable.{r}']}"
        for r in over
    ]
    if values["used.pods"] + 1 > values["allocatable.pods"]:
        short.append(f"pods: {values['used.pods']} there of {values['allocatable.pods']} allowed")
    return f" ({'; '.join(short)})"


def counterexample(proof: Proof) -> str:
    """The counterexample as YAML: objects where it is one of objects, else the numbers."""
    if proof.counterexample is None:
        return ""
    objects = counterexample_manifests(proof)
    if objects:
        return _yaml(objects)
    return _yaml((dict(proof.counterexample),))


def _yaml(documents: tuple[object, ...]) -> str:
    return str(yaml.dump_all(documents, Dumper=_Plain, sort_keys=False))


class _Plain(yaml.SafeDumper):
    """YAML without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True
