"""Documents and worlds of quotas, limit ranges and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.account_tokens import ACCOUNT_NAME, TOKEN_TYPE


def resource_quota(name: str, hard: Mapping[str, str], **spec: Any) -> dict[str, Any]:
    """A ResourceQuota in `default`."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"hard": dict(hard), **spec},
    }


def limit_range(name: str, *limits: Mapping[str, Any]) -> dict[str, Any]:
    """A LimitRange in `default`."""
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"limits": [dict(item) for item in limits]},
    }


def service_account(name: str) -> dict[str, Any]:
    """A ServiceAccount in `default`."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": "default"},
    }


def token_secret(name: str, account: str = "default") -> dict[str, Any]:
    """A Secret in `default` that asks for the token of an account."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": "default",
            "annotations": {ACCOUNT_NAME: account},
        },
        "type": TOKEN_TYPE,
    }
