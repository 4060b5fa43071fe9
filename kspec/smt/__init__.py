"""Proofs by z3 of plain Python over integers; imported only when it is used.

Symbolic numbers run the very function that runs in the model (numbers), once per feasible path
(paths); claims about all inputs (prove) and about all operations (induction) are judged on those
paths. What could not be followed is Unknown.
"""

from kspec.smt.induction import Operation, inductive, unbounded
from kspec.smt.numbers import Bool, Int, integers, term_of, truncated_div, truncated_mod
from kspec.smt.paths import Concretised, Overflow, Path, Undecided, explore
from kspec.smt.promises import prove_promise
from kspec.smt.prove import Claim, Proof, prove_implication
from kspec.smt.solving import Limits, smallest_model
from kspec.smt.tables import Row, Table

__all__ = [
    "Bool",
    "Claim",
    "Concretised",
    "Int",
    "Limits",
    "Operation",
    "Overflow",
    "Path",
    "Proof",
    "Row",
    "Table",
    "Undecided",
    "explore",
    "inductive",
    "integers",
    "prove_implication",
    "prove_promise",
    "smallest_model",
    "term_of",
    "truncated_div",
    "truncated_mod",
    "unbounded",
]
