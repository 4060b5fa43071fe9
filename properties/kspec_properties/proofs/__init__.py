"""What is proved by z3, for all inputs, about code that runs in the model.

Each module states one promise, the code it is about and the domain it holds in; `run` has them all.
Most of them import z3: do it only where something is to be proved.
"""
