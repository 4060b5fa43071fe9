"""The zoo: hunting historical bugs, re-introduced one at a time."""
