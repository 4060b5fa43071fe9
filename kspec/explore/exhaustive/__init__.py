"""Exhaustive search: every reachable state of a system, or every one within a bound."""
