"""The tokens controller made a second Secret for an account whose first one it did not see yet.

Making one, it also lists it in the account; where the update of the account is seen before the new
Secret, the listed Secret is unknown, and it made another. Since #21706 it puts what it made into
its own store at once. The world has the controller as it was before 1.24, when it made Secrets at
all; unchanged, with that write-through, it makes one.
"""

from __future__ import annotations

from kspec_models.controllers.tokens import Remembered
from kspec_models.controllers.tokens_legacy import LegacyTokensController
from kspec_models.store import Entry
from kspec_models.worlds_quota import LEGACY_ACCOUNT
from kspec_properties.bugs.bug import Bug
from kspec_properties.mutants.mutant import replacing_controller


class OnlySeesItsCache(LegacyTokensController):
    """As it was until #21706: what it made it knows when its informer tells it."""

    def remembering(self, memory: Remembered, made: Entry, now: int) -> Remembered:
        return memory


BUG = Bug(
    id="k8s-21706",
    title="Ensure created service account tokens are available to the token controller",
    url="https://github.com/kubernetes/kubernetes/pull/21706",
    property="at-most-one-token-is-made-for-an-account",
    world=LEGACY_ACCOUNT,
    estimate=4,
    change=replacing_controller("tokens", lambda _: OnlySeesItsCache()),
)
