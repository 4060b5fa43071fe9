"""The scores of a policy or a plugin on symbolic amounts; what is promised is said in scores."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from kspec.smt import Limits, Proof, prove_promise
from kspec_models.scheduler.framework import MAX_NODE_SCORE, Context
from kspec_models.scheduler.policies.numeric import NumericPolicy
from kspec_properties.proofs.conditions import every
from kspec_properties.proofs.joined import joined
from kspec_properties.proofs.scene import MOST_PODS, Values
from kspec_properties.proofs.score_judging import judge_of
from kspec_properties.proofs.score_samples import Scorer, tried
from kspec_properties.proofs.score_scene import (
    in_domain,
    inputs,
    node_numbers,
    pod_numbers,
    prefixes,
    scored,
)

NAME = "score-range"
INT64 = Limits(int64=True)
UNBOUNDED_INTEGERS = Limits()
OVERFLOW = "leaves the range of int64"
NORMALISED_TOGETHER = (1, 2, 3)
SEEN_TOGETHER = (1, 2)
ONE_POD = {"used.pods": 1, "allocatable.pods": 2}


def in_python(prove: Callable[[Limits], Proof]) -> Proof:
    """A user's score is computed by Python, whose integers have no end: Go's is only told."""
    proof = prove(INT64)
    if proof.verdict != "Refuted" or OVERFLOW not in proof.reason:
        return proof
    wide = prove(UNBOUNDED_INTEGERS)
    reason = f"{wide.reason}, in Python; written in Go, {proof.reason}"
    return wide if wide.verdict == "Refuted" else attrs.evolve(wide, reason=reason)


def of_one_node(plugin: Any, highest: int | None, largest: int, limits: Limits) -> Proof:
    """A plugin that is given one node; highest None: only that no score is below 0."""

    def scores(values: Values) -> Sequence[int]:
        with scored({**values, **ONE_POD}, (1,)) as (pod, (info,)):
            return [plugin.score(pod.spec, info)]

    proof = prove_promise(
        NAME,
        judge_of(plugin.name, scores, 1, highest),
        (name for name in inputs(1) if name not in ONE_POD),
        assuming=lambda values: in_domain({**values, **ONE_POD}, "", largest),
        limits=limits,
    )
    if proof.counterexample is None:
        return proof
    return attrs.evolve(proof, counterexample={**proof.counterexample, **ONE_POD})


def normalised(plugin: Any, highest: int) -> Proof:
    """The scores of a plugin after normalisation, if they are from 0 to `highest` before it."""

    def of(count: int) -> Proof:
        names = tuple(f"score.node-{k + 1}" for k in range(count))

        def assuming(values: Values) -> bool:
            return every(*((values[n] >= 0) & (values[n] <= highest) for n in names))

        def scores(values: Values) -> Sequence[int]:
            given: Sequence[int] = plugin.normalize([values[n] for n in names])
            return given

        judge = judge_of(f"{plugin.name}, normalised,", scores, count, MAX_NODE_SCORE)
        return prove_promise(NAME, judge, names, assuming=assuming, limits=INT64)

    return joined(NAME, (of(count) for count in NORMALISED_TOGETHER))


def of_numeric(numeric: NumericPolicy, scorer: Scorer) -> Proof:
    """A policy over plain numbers, which is given one node; `scorer` is the same on objects."""

    def scores(values: Values) -> Sequence[int]:
        return [numeric.score(pod_numbers(values), node_numbers(values))]

    def prove(limits: Limits) -> Proof:
        return prove_promise(
            NAME,
            judge_of(numeric.name, scores, 1, scorer.highest),
            inputs(1),
            assuming=lambda values: in_domain(values, ""),
            limits=limits,
        )

    return tried(in_python(prove), scorer)


def together(scorer: Scorer, size: int, limits: Limits) -> Proof:
    """The scores of that many nodes, from what sees all of them."""

    def judge(values: Values) -> str | None:
        pods = [
            next(n for n in range(MOST_PODS + 1) if values[f"{prefix}used.pods"] == n)
            for prefix in prefixes(size)
        ]
        with scored(values, pods) as (pod, infos):
            return scorer.judge(pod, infos, Context(infos))

    def assuming(values: Values) -> bool:
        most = {prefix: 0 if prefix else MOST_PODS for prefix in prefixes(size)}
        return every(
            *(in_domain(values, prefix) for prefix in most),
            *(values[f"{prefix}used.pods"] <= pods for prefix, pods in most.items()),
        )

    return prove_promise(NAME, judge, inputs(size), assuming=assuming, limits=limits)
