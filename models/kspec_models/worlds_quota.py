"""Documents and worlds of quotas, limit ranges and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kspec_models.account_tokens import ACCOUNT_NAME, TOKEN_TYPE
from kspec_models.world import World
from kspec_models.worlds import pod


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


def counted(quota: Mapping[str, Any], used: Mapping[str, str]) -> dict[str, Any]:
    """A quota whose status is counted, for worlds that keep the status."""
    return {**quota, "status": {"hard": dict(quota["spec"]["hard"]), "used": dict(used)}}


def bounded_pod(name: str, cpu: str) -> dict[str, Any]:
    """A pod whose one container is limited to so much CPU, and requests as much."""
    body = pod(name, cpu=cpu)
    body["spec"]["containers"][0]["resources"]["limits"] = {"cpu": cpu}
    return body


_TWO = counted(resource_quota("q", {"pods": "2"}), {"pods": "1"})
_ONLY_QUOTAS = ("resourcequota-controller",)

COUNTED = World(
    name="a-quota-leaves-room-for-one",
    nodes=1,
    objects=(_TWO, pod("a")),
    operations=({"apply": pod("b")}, {"apply": pod("c")}),
    keep_status=True,
    controllers=_ONLY_QUOTAS,
)
"""Of two pods that users apply one fits the quota."""

FULL = World(
    name="a-full-quota",
    nodes=1,
    objects=(counted(resource_quota("q", {"pods": "1"}), {"pods": "1"}), pod("a")),
    operations=({"apply": pod("b")},),
    granularity="reconcile",
    keep_status=True,
    controllers=_ONLY_QUOTAS,
)
"""A pod uses all of a quota, and a user applies another one."""

LIMITED = World(
    name="limits-for-containers",
    nodes=1,
    objects=(
        limit_range("bounds", {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "50m"}}),
    ),
    operations=({"apply": pod("small")}, {"apply": bounded_pod("large", cpu="2")}),
)
"""Of two pods that users apply one is too large for the namespace."""

LEGACY_ACCOUNT = World(
    name="an-account-gets-its-token",
    nodes=1,
    operations=({"apply": service_account("robot")},),
    granularity="reconcile",
    controllers=("serviceaccount-token-controller",),
    components={"serviceaccount-token-controller": {"autoGenerate": True}},
)
"""As before 1.24: the controller makes a Secret for each account."""

RAISED = World(
    name="a-quota-is-raised-while-pods-are-made",
    nodes=1,
    objects=(counted(resource_quota("q", {"pods": "1"}), {"pods": "0"}),),
    operations=(
        {
            "patch": {
                "kind": "ResourceQuota",
                "name": "q",
                "patch": {"spec": {"hard": {"pods": "2"}}},
            }
        },
        *({"apply": pod(name)} for name in "abc"),
    ),
    granularity="reconcile",
    keep_status=True,
    controllers=_ONLY_QUOTAS,
)
"""The controller may count for the new limit before it sees the first of the pods."""
