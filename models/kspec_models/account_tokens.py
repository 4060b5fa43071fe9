"""Secrets that hold the token of a ServiceAccount.

After pkg/serviceaccount/util.go (IsServiceAccountToken) and k8s.io/api/core/v1/types.go at 1.36.
The token itself is a text that names its account: nothing in the model reads it.
"""

from __future__ import annotations

from typing import Any, Final

from kspec_models.objects import FrozenMap, Secret, ServiceAccount

TOKEN_TYPE: Final = "kubernetes.io/service-account-token"
ACCOUNT_NAME: Final = "kubernetes.io/service-account.name"
ACCOUNT_UID: Final = "kubernetes.io/service-account.uid"


def is_token(obj: Any) -> bool:
    """Whether a Secret is for the token of an account."""
    return bool(obj.type == TOKEN_TYPE)


def account_of(secret: Secret) -> tuple[str, str]:
    """Name and uid of the account that a token names; either may be empty."""
    notes = secret.metadata.annotations
    return notes.get(ACCOUNT_NAME, ""), notes.get(ACCOUNT_UID, "")


def is_token_of(secret: Secret, account: ServiceAccount) -> bool:
    """Whether a Secret holds a token of this account, of no earlier one with its name."""
    name, uid = account_of(secret)
    is_named = name == account.name and uid in ("", account.uid)
    return is_token(secret) and secret.namespace == account.namespace and is_named


def is_filled(secret: Secret) -> bool:
    """Whether everything that a token needs is there."""
    return all(secret.data.get(name) for name in ("ca.crt", "namespace", "token"))


def filled(secret: Secret, account: ServiceAccount) -> Secret:
    """The Secret with the token, and with the uid of its account."""
    given = {"ca.crt": "ca", "namespace": secret.namespace, "token": f"token-of-{account.uid}"}
    missing = {name: text for name, text in given.items() if not secret.data.get(name)}
    notes = {ACCOUNT_NAME: account.name, ACCOUNT_UID: account.uid}
    annotations = FrozenMap({**secret.metadata.annotations, **notes})
    data = FrozenMap({**secret.data, **missing})
    return secret.replace(data=data).with_metadata(annotations=annotations)
