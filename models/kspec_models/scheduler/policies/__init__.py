"""The policies by name, one per file, and how a user's own is found.

Importing this package imports every policy; a single one is in its own module.
"""

from __future__ import annotations

from kspec_models.scheduler.policies.errors import PolicyError
from kspec_models.scheduler.policies.numeric import Numeric
from kspec_models.scheduler.policies.registry import (
    POLICIES,
    as_policy,
    load_configuration,
    load_policy,
)

__all__ = [
    "POLICIES",
    "Numeric",
    "PolicyError",
    "as_policy",
    "load_configuration",
    "load_policy",
]
