"""`kspec prove` without its command line: which claims there are, and their proofs with times."""

from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from kspec.errors import InputError
from kspec.smt import Claim, Proof
from kspec_models.scheduler.framework import Policy
from kspec_models.scheduler.policies.default import default_policy
from kspec_properties.proofs import filters, overcommit, progress, running_sum, watch_order


@attrs.frozen
class Result:
    """What became of a claim, the verdict that it should get, and how long it took.

    A claim that is known to be false is expected to be Refuted: its counterexample is the message.
    """

    claim: Claim
    proof: Proof
    expected: Literal["Proved", "Refuted"]
    seconds: float

    @property
    def is_as_expected(self) -> bool:
        """Whether the specification says of this claim what the proof says."""
        return self.proof.verdict == self.expected


def claims_for(policy: Policy) -> tuple[Claim, ...]:
    """What is to be proved; the claims about a scheduler policy are about this one."""
    return (
        running_sum.CLAIM,
        filters.claim(policy),
        progress.claim(policy),
        overcommit.claim(policy),
        watch_order.CLAIM,
    )


def known_false_for(policy: Policy) -> tuple[Claim, ...]:
    """Tempting claims that are false, kept with their counterexample."""
    return (overcommit.stale_view(policy),)


CLAIMS = claims_for(default_policy())
KNOWN_FALSE = known_false_for(default_policy())


def prove(
    names: Iterable[str] = (),
    policy: Policy | None = None,
    *,
    clock: Callable[[], float] = lambda: 0.0,
) -> list[Result]:
    """Prove the named claims, or all, in the order of the registry; `clock` gives seconds.

    Without a policy the default one is meant. Raises InputError for a name that no claim has.
    """
    chosen = policy or default_policy()
    known_false = known_false_for(chosen)
    claims = {claim.name: claim for claim in (*claims_for(chosen), *known_false)}
    wanted = tuple(names)
    for name in wanted:
        if name not in claims:
            raise InputError(f"no claim is called {name!r}", expected=f"one of {', '.join(claims)}")
    results = []
    for name, claim in claims.items():
        if wanted and name not in wanted:
            continue
        start = clock()
        proof = claim.check()
        expected: Literal["Proved", "Refuted"] = "Refuted" if claim in known_false else "Proved"
        results.append(Result(claim, proof, expected, clock() - start))
    return results
