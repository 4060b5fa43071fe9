"""Explorers: random search by a portfolio of strategies, and exhaustive breadth-first search."""

from kspec.explore.determinism import Nondeterministic, check_determinism
from kspec.explore.exhaustive.bfs import bfs
from kspec.explore.exploration import Exploration, Suffix, Violation, judge
from kspec.explore.search import search

__all__ = [
    "Exploration",
    "Nondeterministic",
    "Suffix",
    "Violation",
    "bfs",
    "check_determinism",
    "judge",
    "search",
]
