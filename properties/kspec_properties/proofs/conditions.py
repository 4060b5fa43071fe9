"""Connectives for promises over symbolic numbers."""


def every(*conditions: bool) -> bool:
    """All of them hold, as one condition: `and` would fork the proof at each part."""
    holds = True
    for condition in conditions:
        holds = condition & holds
    return holds
