"""Deliberately wrong scheduler policies, one a module; the class's docstring says the crime."""
