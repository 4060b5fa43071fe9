"""DotProd: the default filters, and the node least like the request.

The formula, its tie rule and its choices, also for pods without GPU, are in
`kspec_models.placement.dot_product`.
"""

from __future__ import annotations

from functools import cache

from kspec_models.placement.dot_product import DotProduct
from kspec_models.scheduler.policies.gpu_policy import Placer, gpu_policy
from kspec_models.scheduler.profile import Profile


@cache
def dot_product() -> Profile:
    """The policy `dot-product`."""
    return gpu_policy(Placer("dot-product", lambda typical: DotProduct()))
