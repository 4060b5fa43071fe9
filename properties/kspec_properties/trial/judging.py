"""One scheduling decision of a policy in full: every node's verdict, every score, the best nodes.

`kspec_models.scheduler.cycle` chooses one node among the best; what a policy is judged by here is
the whole set, so that no tie rule stands in for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kspec_models.objects import Pod
from kspec_models.scheduler.cycle import find
from kspec_models.scheduler.framework import Context, Status, highest


class Judgement(NamedTuple):
    """best: the names of the nodes of the highest score, sorted; () where none is feasible.

    feasible, scores: the nodes that were rated, in the order the policy saw them; one that is
    feasible alone is not rated, and scores is (). refusals: by name, why the others are not.
    refusal: an error, or what PreFilter said of all nodes; None otherwise.
    """

    best: tuple[str, ...] = ()
    feasible: tuple[str, ...] = ()
    scores: tuple[int, ...] = ()
    refusals: tuple[tuple[str, Status], ...] = ()
    refusal: Status | None = None

    def __str__(self) -> str:
        if not self.feasible:
            return "no node"
        if not self.scores:
            return self.best[0]
        rated = zip(self.feasible, self.scores, strict=True)
        listed = ", ".join(f"{name} {score}" for name, score in sorted(rated))
        return f"{' or '.join(self.best)} (scores {listed})"


def judge(policy: Any, pod: Pod, context: Context) -> Judgement:
    """Filter and score all nodes of the context."""
    found = find(policy, pod, context)
    refusals = tuple(sorted(found.statuses.items()))
    if not found.feasible:
        refusal = None if found.refusal.ok else found.refusal
        return Judgement(refusals=refusals, refusal=refusal)
    names = tuple(info.name for info in found.feasible)
    if len(names) == 1:
        return Judgement(names, names, (), refusals)
    scores = policy.score(pod, found.feasible, found.context)
    best = sorted(info.name for info in highest(found.feasible, scores))
    return Judgement(tuple(best), names, tuple(scores), refusals)
