"""What is proved by z3, for all inputs, about code that runs in the model.

Each module states one promise, the code it is about and the domain it holds in. Importing this
package imports z3: do it only where something is to be proved.
"""

from kspec_properties.proofs.concrete import counterexample_manifests
from kspec_properties.proofs.run import (
    CLAIMS,
    KNOWN_FALSE,
    KNOWN_OPEN,
    Result,
    claims_for,
    known_false_for,
    prove,
)

__all__ = [
    "CLAIMS",
    "KNOWN_FALSE",
    "KNOWN_OPEN",
    "Result",
    "claims_for",
    "counterexample_manifests",
    "known_false_for",
    "prove",
]
