"""Field selectors: `spec.nodeName=node1,status.phase!=Failed`.

After staging/src/k8s.io/apimachinery/pkg/fields/selector.go, Kubernetes 1.37 development. In a
value, `\\`, `,` and `=` are written with a backslash before them.

Left out: which fields a kind supports; that is the API server's rule for each kind.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import attrs

from kspec_models.selector_text import SelectorError

_OPERATORS = ("!=", "==", "=")
_ESCAPED = "\\,="
_ESCAPE = re.compile(r"\\([\\,=])")
_VALUE = re.compile(r"(?:\\[\\,=]|[^\\,=])*", re.DOTALL)


@attrs.frozen
class FieldTerm:
    """One comparison of a field with a value."""

    field: str
    value: str
    is_negated: bool = False

    def __str__(self) -> str:
        escaped = "".join(f"\\{c}" if c in _ESCAPED else c for c in self.value)
        return f"{self.field}{'!=' if self.is_negated else '='}{escaped}"


@attrs.frozen(cache_hash=True)
class FieldSelector:
    """Terms that must all match; no terms match everything."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether an object with these fields is selected; an absent field counts as empty."""
        return all((fields.get(t.field, "") == t.value) != t.is_negated for t in self.terms)

    @property
    def is_empty(self) -> bool:
        return not self.terms

    def requires_exact_match(self, field: str) -> str | None:
        """The value that `field` must have, or None where no term demands one."""
        for term in self.terms:
            if term.field == field and not term.is_negated:
                return term.value
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


@lru_cache(maxsize=4096)
def parse_field_selector(text: str) -> FieldSelector:
    """The field selector that `text` writes, its terms sorted; raises SelectorError."""
    return FieldSelector(tuple(_term(part, text) for part in sorted(_parts(text)) if part))


def _parts(text: str) -> Iterator[str]:
    """The text between commas that no backslash escapes."""
    start, is_escaped = 0, False
    for position, letter in enumerate(text):
        if letter == "," and not is_escaped:
            yield text[start:position]
            start = position + 1
        is_escaped = letter == "\\" and not is_escaped
    yield text[start:]


def _term(part: str, text: str) -> FieldTerm:
    for position in range(len(part)):
        for operator in _OPERATORS:
            if part.startswith(operator, position):
                value = _unescape(part[position + len(operator) :], text)
                return FieldTerm(part[:position], value, operator == "!=")
    raise SelectorError(
        f"field selector {text!r}: expected field=value or field!=value, found {part!r}"
    )


def _unescape(value: str, text: str) -> str:
    if _VALUE.fullmatch(value) is None:
        raise SelectorError(
            f"field selector {text!r}: expected a backslash before each of \\ , = "
            f"and before nothing else, found {value!r}"
        )
    return _ESCAPE.sub(r"\1", value)
