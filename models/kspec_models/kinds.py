"""The kinds of Kubernetes 1.36: which are modelled, which are passive, which act but are not yet.

A passive kind is stored and listed as uninterpreted. A kind of Kubernetes' own groups that creates,
moves or scales pods and is not modelled is refused: a world that ignored it would answer for
another application than the one given.
"""

from __future__ import annotations

import re

import attrs

from kspec_models.objects import MODELLED, ApiObject
from kspec_models.validation import is_dns1035_label, is_dns1123_subdomain

_PASSIVE_NAMESPACED = {
    "v1": "ConfigMap PodTemplate",
    "networking.k8s.io/v1": "Ingress NetworkPolicy",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    "storage.k8s.io/v1": "CSIStorageCapacity",
    "events.k8s.io/v1": "Event",
    "resource.k8s.io/v1": "ResourceClaim ResourceClaimTemplate",
}
_PASSIVE_GLOBAL = {
    "networking.k8s.io/v1": "IngressClass IPAddress ServiceCIDR",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "storage.k8s.io/v1": "CSIDriver VolumeAttributesClass",
    "node.k8s.io/v1": "RuntimeClass",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "resource.k8s.io/v1": "DeviceClass ResourceSlice",
    "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
    "admissionregistration.k8s.io/v1": (
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration "
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
    ),
}
_ACTING = {
    "scheduling.k8s.io/v1alpha2": "PodGroup Workload",
}


@attrs.frozen
class Kind:
    """One kind. `type` is the class of its objects, None for a passive or an unmodelled one."""

    api_version: str
    name: str
    plural: str
    is_namespaced: bool = True
    type: type[ApiObject] | None = None
    is_acting: bool = False


def plural_of(kind: str) -> str:
    """The resource name that a kind is served under, guessed as English forms its plurals."""
    lower = kind.lower()
    if lower == "endpoints":
        return lower
    if lower.endswith("y") and lower[-2:-1] not in tuple("aeiou"):
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith(("s", "x", "ch", "sh")) else "s")


def _table() -> dict[tuple[str, str], Kind]:
    found = {
        (cls.API_VERSION, cls.KIND): Kind(
            cls.API_VERSION, cls.KIND, cls.RESOURCE, cls.NAMESPACED, cls
        )
        for cls in MODELLED
    }
    for names, namespaced, acting in (
        (_PASSIVE_NAMESPACED, True, False),
        (_PASSIVE_GLOBAL, False, False),
        (_ACTING, True, True),
    ):
        for version, text in names.items():
            for kind in text.split():
                known = Kind(version, kind, plural_of(kind), namespaced, None, acting)
                found.setdefault((version, kind), known)
    return found


KINDS: dict[tuple[str, str], Kind] = _table()

_BUILTIN_GROUPS = {version.rpartition("/")[0] for version, _ in KINDS} | {
    "authentication.k8s.io",
    "authorization.k8s.io",
    "internal.apiserver.k8s.io",
    "storagemigration.k8s.io",
}
_CUSTOM_KIND = re.compile(r"[A-Za-z]([A-Za-z0-9]{0,61}[A-Za-z0-9])?")


def is_builtin_group(api_version: str) -> bool:
    """Whether an apiVersion belongs to Kubernetes itself and not to a custom resource.

    Custom resources may be of groups below k8s.io too (gateway.networking.k8s.io).
    """
    group = api_version.rpartition("/")[0]
    return "." not in group or group in _BUILTIN_GROUPS


def lookup(api_version: str, kind: str) -> Kind | None:
    """The kind, a passive stand-in for a custom resource, or None if it does not exist."""
    known = KINDS.get((api_version, kind))
    if known is not None or is_builtin_group(api_version) or not _CUSTOM_KIND.fullmatch(kind):
        return known
    group, _, version = api_version.rpartition("/")
    if is_dns1123_subdomain(group) or is_dns1035_label(version):
        return None
    # Another group may serve a resource of the same name.
    return Kind(api_version, kind, f"{plural_of(kind)}.{group}")


def by_name(kind: str) -> Kind | None:
    """The modelled kind of that name, as a world's operations name it."""
    return next((k for k in KINDS.values() if k.name == kind and k.type is not None), None)
