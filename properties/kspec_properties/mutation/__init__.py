"""How much of the model the properties really hold: small changes of its source, judged by them.

`python -m kspec_properties.mutation` draws a sample of all places where an operator can change the
model, makes each change in a process of its own, and asks which judge notices. What no judge
notices is a survivor: a change of nothing, or a promise or a world that is missing.
"""
