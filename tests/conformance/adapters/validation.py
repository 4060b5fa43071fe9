"""Adapter of `validation`: upstream's function name picks ours."""

import re

from adapters import NotCovered, adapter
from kspec_models import validation as model


@adapter("validation")
def check_validation(case):
    given = case["input"]
    validator = getattr(model, python_name(given["call"]), None)
    if validator is None:
        raise NotCovered(f"validation call {given['call']!r}")
    limits = [given[name] for name in ("min", "max") if name in given]
    errors = validator(given["value"], *limits)
    assert (not errors) == case["expected"]["valid"], errors
    if "errors" in case["expected"]:
        assert list(errors) == case["expected"]["errors"]


def python_name(call):
    """`IsDNS1123Label` to `is_dns1123_label`; aliases of upstream's content package follow."""
    words = re.findall(r"IPv[46]|DNS\d+|[A-Z]+(?![a-z])\d*|[A-Z][a-z]*\d*", call)
    name = "_".join(words).lower()
    return ALIASES.get(name, name)


ALIASES = {
    "is_label_key": "is_qualified_name",
    "is_prefixed_label_key": "is_domain_prefixed_key",
    "is_label_value": "is_valid_label_value",
}
