"""Which taints a toleration covers: asked by several components.

After k8s.io/component-helpers/scheduling/corev1/helpers.go at 1.36.

The operators Gt and Lt compare a taint's value as an integer (TaintTolerationComparisonOperators);
a pod can only carry them where the API server admits them, so they are always understood here.
"""

from __future__ import annotations

from collections.abc import Sequence

from kspec_models.objects import Taint, Toleration


def is_tolerated(taint: Taint, tolerations: Sequence[Toleration]) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(tolerates(toleration, taint) for toleration in tolerations)


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers one taint; an empty key or effect stands for any."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator in ("", "Equal"):
        return toleration.value == taint.value
    if toleration.operator in ("Gt", "Lt"):
        return _compares(toleration, taint)
    return toleration.operator == "Exists"


def _compares(toleration: Toleration, taint: Taint) -> bool:
    wanted, found = _integer(toleration.value), _integer(taint.value)
    if wanted is None or found is None:
        return False
    return found > wanted if toleration.operator == "Gt" else found < wanted


def _integer(text: str) -> int | None:
    """A decimal int64 without superfluous zeros or a plus sign, or None."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or str(int(text)) != text:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
