"""What pods use of a node, compared with what it has."""

from __future__ import annotations

from kspec_models.kubelet_admission import Usage


def excess(used: Usage, have: Usage) -> str:
    """The first resource that is over-committed, with amounts; "" where everything fits."""
    if used.pods > have.pods:
        return f"pods {used.pods} of {have.pods}"
    names = ("cpu", "memory", "ephemeral-storage", *(name for name, _ in used.requests.scalar))
    for name in names:
        wanted, there = used.requests.amount(name), have.requests.amount(name)
        if wanted > there:
            unit = "m" if name == "cpu" else ""
            return f"{name} {wanted}{unit} of {there}{unit}"
    return ""
