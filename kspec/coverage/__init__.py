"""What an exploration exercised: actions, faults, antecedents, and branches of the components.

A promise that was kept says little if nothing ever put it to the test; this says what did.
"""

from kspec.coverage.branches import Branches
from kspec.coverage.recording import Recording
from kspec.coverage.summary import Coverage, FileCoverage, summarize

__all__ = ["Branches", "Coverage", "FileCoverage", "Recording", "summarize"]
