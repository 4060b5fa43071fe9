"""What ServiceAccounts and the Secrets with their tokens promise."""

from __future__ import annotations

from collections import Counter

from kspec.logic import HOLDS, Verdict, fails
from kspec.property import eventually_stable, sometimes, transition
from kspec_models.account_tokens import ACCOUNT_UID, account_of, is_filled, is_token
from kspec_models.objects import Secret
from kspec_models.state import State
from kspec_properties.faults import all_but
from kspec_properties.reading import fresh, newest, values, written

_SECRETS = "secrets"


def _is_made(secret: Secret) -> bool:
    """Whether the tokens controller itself made the Secret."""
    prefix = f"{account_of(secret)[0]}-token-"
    return is_token(secret) and secret.metadata.generate_name == prefix


@transition(
    reads=("objects",),
    source="https://github.com/kubernetes/kubernetes/pull/21706",
    faults=("none", "disconnect", "compaction", "node-loss"),
    companion="a-token-is-made",
    mutants=("tokens-are-forgotten",),
)
def at_most_one_token_is_made_for_an_account(before: State, after: State) -> Verdict:
    """Where the controller makes the tokens, an account never has two that it made.

    Unless the controller ends, or an answer is lost, between the Secret and its account's list.
    """
    if not any(change.previous is None for change in written(after, _SECRETS)):
        return HOLDS
    found = Counter(
        secret.metadata.annotations.get(ACCOUNT_UID, "")
        for secret in values(after, _SECRETS)
        if _is_made(secret)
    )
    for uid, count in found.items():
        if count > 1:
            return fails(f"{count} tokens were made for {uid}", "twice")
    return HOLDS


def _tokens_are_in_order(state: State) -> Verdict:
    for secret in values(state, _SECRETS):
        name, uid = account_of(secret)
        if not is_token(secret) or not name or secret.is_terminating:
            continue
        entry = newest(state, "serviceaccounts").get(f"serviceaccounts/{secret.namespace}/{name}")
        if entry is None or uid not in ("", entry.value.uid):
            return fails(f"{secret.key} outlives its account {name}", "left")
        if not is_filled(secret):
            return fails(f"{secret.key} has no token", "empty")
    return HOLDS


token_secrets_are_filled_or_gone = eventually_stable(
    "token-secrets-are-filled-or-gone",
    promise="In the end a Secret for an account's token has the token, or goes with the account.",
    conditions="Once the faults have ended.",
    source="https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/",
    when=lambda state: any(is_token(secret) for secret in fresh(state, _SECRETS)),
    then=_tokens_are_in_order,
    reads=("objects",),
    faults=all_but(),
    companion="a-token-is-filled-in",
    mutants=("tokens-are-not-filled-in",),
)


@sometimes(reads=("objects",), source="companion")
def a_token_is_made(state: State) -> bool:
    """The controller makes a Secret for an account."""
    return any(
        change.previous is None and change.entry is not None and _is_made(change.entry.value)
        for change in written(state, _SECRETS)
    )


@sometimes(reads=("objects",), source="companion")
def a_token_is_filled_in(state: State) -> bool:
    """A Secret that asked for a token gets it."""
    return any(
        change.entry is not None and is_token(change.entry.value) and is_filled(change.entry.value)
        for change in written(state, _SECRETS)
    )


PROPERTIES = (
    at_most_one_token_is_made_for_an_account,
    token_secrets_are_filled_or_gone,
    a_token_is_made,
    a_token_is_filled_in,
)
