"""`kspec prove` without its command line: which claims there are, and their proofs with times."""

from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from kspec.errors import InputError
from kspec.smt import Claim, Proof
from kspec_models.scheduler.extender.policy import Extended
from kspec_models.scheduler.framework import Policy
from kspec_models.scheduler.policies.default import default_policy
from kspec_models.scheduler.policies.several import SeveralProfiles
from kspec_properties.proofs import (
    filters,
    overcommit,
    progress,
    running_sum,
    scores,
    watch_order,
)
from kspec_properties.proofs.kept import forget

Expected = Literal["Proved", "Refuted", "Unknown"]


@attrs.frozen
class Result:
    """What became of a claim, the verdict that it should get, and how long it took.

    A claim that is known to be false is expected to be Refuted: its counterexample is the message.
    One that is known to be beyond the proofs (floats) is expected to be Unknown.
    """

    claim: Claim
    proof: Proof
    expected: Expected
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
        scores.claim(policy),
        progress.claim(policy),
        overcommit.claim(policy),
        watch_order.CLAIM,
    )


def known_false_for(policy: Policy) -> tuple[Claim, ...]:
    """Tempting claims that are false, kept with their counterexample."""
    return (overcommit.stale_view(policy), scores.of_any_quantity())


def known_open_for(policy: Policy) -> tuple[Claim, ...]:
    """Claims that no proof decides, each with its reason."""
    return scores.open_claims(policy)


CLAIMS = claims_for(default_policy())
KNOWN_FALSE = known_false_for(default_policy())
KNOWN_OPEN = known_open_for(default_policy())


def prove(
    names: Iterable[str] = (),
    policy: Policy | None = None,
    *,
    clock: Callable[[], float] = lambda: 0.0,
) -> list[Result]:
    """Prove the named claims, or all, in the order of the registry; `clock` gives seconds.

    Without a policy the default one is meant. Raises InputError for a name that no claim has, and
    for a policy of several profiles or with an extender.
    """
    chosen = policy or default_policy()
    if isinstance(chosen, Extended | SeveralProfiles):
        expected_form = "one profile without extenders; kspec policy check takes both"
        raise InputError(f"policy {chosen.name} is not proved as a whole", expected=expected_form)
    expected: dict[str, tuple[Claim, Expected]] = {}
    expected |= {claim.name: (claim, "Proved") for claim in claims_for(chosen)}
    expected |= {claim.name: (claim, "Unknown") for claim in known_open_for(chosen)}
    expected |= {claim.name: (claim, "Refuted") for claim in known_false_for(chosen)}
    wanted = tuple(names)
    for name in wanted:
        if name not in expected:
            known = ", ".join(expected)
            raise InputError(f"no claim is called {name!r}", expected=f"one of {known}")
    forget()
    results = []
    for name, (claim, verdict) in expected.items():
        if wanted and name not in wanted:
            continue
        start = clock()
        proof = claim.check()
        results.append(Result(claim, proof, verdict, clock() - start))
    return results
