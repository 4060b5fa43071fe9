"""The policies by name, one per file, and how a user's own is found.

Each policy is in a module of its own, which is imported when it is asked for.
"""

from __future__ import annotations

from kspec_models.scheduler.policies.errors import PolicyError
from kspec_models.scheduler.policies.registry import (
    POLICIES,
    as_policy,
    load_configuration,
    load_policy,
)

__all__ = [
    "POLICIES",
    "PolicyError",
    "as_policy",
    "load_configuration",
    "load_policy",
]
