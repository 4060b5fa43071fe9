"""Mutants that change nothing that anyone could see, marked by hand with the reason.

A key is (module below the model, what stands there, what the mutant puts there): it survives edits
elsewhere. An entry that matches no site any more does no harm.
"""

from __future__ import annotations

from kspec_properties.mutation.sites import MODEL, Site

EQUIVALENT: dict[tuple[str, str, str], str] = {}


def reason(site: Site) -> str:
    """Why a mutant is equivalent, or "" where nobody says so."""
    inner = site.module.removeprefix(MODEL + ".")
    return EQUIVALENT.get((inner, site.before, site.after), "")
