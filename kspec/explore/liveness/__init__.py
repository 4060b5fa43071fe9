"""Liveness of whole graphs: a property that is not kept is broken by a fair lasso, found here."""
