"""The traces of what Kubernetes does not keep: one file per known-false property.

Found by `kspec check --property NAME` on a world that shows it, and minimized. They are replayed
by the tests, so that a change of the model cannot make a limit of Kubernetes disappear unnoticed.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from kspec_properties.catalogue import PROPERTIES

KNOWN_FALSE = tuple(prop for prop in PROPERTIES if prop.known_false)


def trace_of(name: str) -> Path:
    """The path of the trace that breaks the known-false property of that name."""
    return Path(str(resources.files("kspec_properties").joinpath("traces", f"{name}.yaml")))
