"""Other model checkers beside this one: the same small model, counts compared, times as ratios."""
