"""Why a violation came about, what nearby would have avoided it, and which failures are one bug."""

from kspec.explain.causality import Explanation, explain
from kspec.explain.grouping import Group, group
from kspec.explain.nearest import Nearest

__all__ = ["Explanation", "Group", "Nearest", "explain", "group"]
