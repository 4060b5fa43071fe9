"""Label selectors; field selectors are in field_selectors and offered here as well.

After staging/src/k8s.io/apimachinery/pkg/labels/selector.go and pkg/apis/meta/v1/helpers.go
(LabelSelectorAsSelector), Kubernetes 1.37 development.

A selector is a frozen tuple of requirements that must all match. Building one is memoised, so a
reconcile may build its selector anew each time.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import attrs

from kspec_models.field_selectors import FieldSelector, parse_field_selector
from kspec_models.selector_text import SelectorError, parse_requirements
from kspec_models.validation import is_qualified_name, is_valid_label_value

__all__ = [
    "EVERYTHING",
    "LABEL_SELECTOR_OPERATORS",
    "NODE_SELECTOR_OPERATORS",
    "NOTHING",
    "FieldError",
    "FieldSelector",
    "Requirement",
    "Selector",
    "SelectorError",
    "freeze_expression",
    "label_selector",
    "new_requirement",
    "parse_field_selector",
    "parse_selector",
    "requirement_errors",
    "selector_from_set",
]

IN, NOT_IN = "in", "notin"
EQUALS, DOUBLE_EQUALS, NOT_EQUALS = "=", "==", "!="
EXISTS, DOES_NOT_EXIST = "exists", "!"
GREATER_THAN, LESS_THAN = "gt", "lt"

_BINARY_OPERATORS = (IN, NOT_IN, EQUALS, DOUBLE_EQUALS, NOT_EQUALS, GREATER_THAN, LESS_THAN)
_OPERATORS = (*_BINARY_OPERATORS, EXISTS, DOES_NOT_EXIST)

LABEL_SELECTOR_OPERATORS = {
    "In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST,
}  # fmt: skip
NODE_SELECTOR_OPERATORS = LABEL_SELECTOR_OPERATORS | {"Gt": GREATER_THAN, "Lt": LESS_THAN}

_SYMBOLS = {
    EQUALS: "=", DOUBLE_EQUALS: "==", NOT_EQUALS: "!=", GREATER_THAN: ">", LESS_THAN: "<",
    IN: " in ", NOT_IN: " notin ",
}  # fmt: skip

Expression: TypeAlias = tuple[str, str, tuple[str, ...]]


@attrs.frozen
class FieldError:
    """One finding of a requirement: upstream's error type, the field, and what was expected."""

    type: str
    field: str
    detail: str


@attrs.frozen
class Requirement:
    """A key, an operator and its values; not validated by itself, see `new_requirement`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` satisfy this; a negative operator holds where the key is absent."""
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value is not None and value in self.values
            case "notin" | "!=":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "gt" | "lt":
                return value is not None and self._compares(value)
        return False

    def _compares(self, value: str) -> bool:
        if len(self.values) != 1:
            return False
        left, right = _parse_int64(value), _parse_int64(self.values[0])
        if left is None or right is None:
            return False
        return left > right if self.operator == GREATER_THAN else left < right

    def __str__(self) -> str:
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return f"!{self.key}"
        values = ",".join(sorted(self.values))
        if self.operator in (IN, NOT_IN):
            values = f"({values})"
        return f"{self.key}{_SYMBOLS.get(self.operator, '')}{values}"


@attrs.frozen(cache_hash=True)
class Selector:
    """Requirements that must all match; none match everything, `NOTHING` matches nothing."""

    requirements: tuple[Requirement, ...] = ()
    selects_nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        if self.selects_nothing:
            return False
        return all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is restricted: every object is selected."""
        return not self.requirements and not self.selects_nothing

    def add(self, *requirements: Requirement) -> "Selector":
        """This selector and more requirements, sorted by key; NOTHING stays NOTHING."""
        if self.selects_nothing:
            return self
        return Selector(_by_key((*self.requirements, *requirements)))

    def requires_exact_match(self, key: str) -> str | None:
        """The one value that the first requirement on `key` demands, if it demands one."""
        for requirement in self.requirements:
            if requirement.key == key:
                exact = requirement.operator in (EQUALS, DOUBLE_EQUALS, IN)
                return requirement.values[0] if exact and len(requirement.values) == 1 else None
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = Selector()
NOTHING = Selector(selects_nothing=True)


def requirement_errors(requirement: Requirement) -> tuple[FieldError, ...]:
    """What NewRequirement finds wrong with it, in upstream's order; empty means valid."""
    key, operator, values = requirement.key, requirement.operator, requirement.values
    errors = list[FieldError]()
    if found := is_qualified_name(key):
        errors.append(FieldError("FieldValueInvalid", "key", "; ".join(found)))
    errors += _operator_errors(operator, values)
    for index, value in enumerate(values):
        if found := is_valid_label_value(value):
            field = f"values[{index}][{key}]"
            errors.append(FieldError("FieldValueInvalid", field, "; ".join(found)))
    return tuple(errors)


def _operator_errors(operator: str, values: tuple[str, ...]) -> list[FieldError]:
    if operator not in _OPERATORS:
        detail = f"{operator!r}: expected one of {' '.join(_OPERATORS)}"
        return [FieldError("FieldValueNotSupported", "operator", detail)]
    detail = ""
    if operator in (IN, NOT_IN):
        detail = "" if values else "for 'in', 'notin' operators, values set can't be empty"
    elif operator in (EXISTS, DOES_NOT_EXIST):
        detail = "values set must be empty for exists and does not exist" if values else ""
    elif len(values) != 1:
        ordered = operator in (GREATER_THAN, LESS_THAN)
        detail = (
            "for 'Gt', 'Lt' operators, exactly one value is required"
            if ordered
            else "exact-match compatibility requires one single value"
        )
    errors = [FieldError("FieldValueInvalid", "values", detail)] if detail else []
    if operator in (GREATER_THAN, LESS_THAN):
        detail = "for 'Gt', 'Lt' operators, the value must be an integer"
        errors += [
            FieldError("FieldValueInvalid", f"values[{index}]", detail)
            for index, value in enumerate(values)
            if _parse_int64(value) is None
        ]
    return errors


def new_requirement(key: str, operator: str, values: Sequence[str] = ()) -> Requirement:
    """A valid requirement with sorted values, or SelectorError.

    `operator` is upstream's text, one of: in notin = == != gt lt exists !
    """
    requirement = Requirement(key, operator, tuple(values))
    if errors := requirement_errors(requirement):
        found = "; ".join(f"{error.field}: {error.detail}" for error in errors)
        raise SelectorError(f"requirement {key!r} {operator} {list(values)}: {found}")
    return attrs.evolve(requirement, values=tuple(sorted(values)))


@lru_cache(maxsize=4096)
def parse_selector(text: str) -> Selector:
    """The selector that `text` writes ("x in (a,b),!y"), sorted by key; raises SelectorError."""
    parsed = parse_requirements(text)
    return Selector(_by_key(tuple(new_requirement(*requirement) for requirement in parsed)))


def label_selector(selector: Mapping[str, Any] | None) -> Selector:
    """The selector of a LabelSelector in JSON form (matchLabels, matchExpressions).

    None selects nothing and an empty one everything. Raises SelectorError.
    """
    if selector is None:
        return NOTHING
    labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    return _label_selector(
        tuple(sorted(labels.items())), tuple(freeze_expression(e) for e in expressions)
    )


def freeze_expression(expression: Mapping[str, Any]) -> Expression:
    """(key, operator, values) of a match expression in JSON form."""
    values = tuple(expression.get("values") or ())
    return expression.get("key", ""), expression.get("operator", ""), values


@lru_cache(maxsize=4096)
def _label_selector(
    labels: tuple[tuple[str, str], ...], expressions: tuple[Expression, ...]
) -> Selector:
    requirements = [new_requirement(key, EQUALS, (value,)) for key, value in labels]
    for key, operator, values in expressions:
        if operator not in LABEL_SELECTOR_OPERATORS:
            expected = ", ".join(LABEL_SELECTOR_OPERATORS)
            raise SelectorError(f"operator {operator!r}: expected one of {expected}")
        requirements.append(new_requirement(key, LABEL_SELECTOR_OPERATORS[operator], values))
    return Selector(_by_key(tuple(requirements)))


def selector_from_set(labels: Mapping[str, str]) -> Selector:
    """Selects objects that have all of `labels`; not validated, as upstream's SelectorFromSet."""
    return _selector_from_set(tuple(sorted(labels.items())))


@lru_cache(maxsize=4096)
def _selector_from_set(labels: tuple[tuple[str, str], ...]) -> Selector:
    return Selector(tuple(Requirement(key, EQUALS, (value,)) for key, value in labels))


def _by_key(requirements: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=lambda requirement: requirement.key))


def _parse_int64(text: str) -> int | None:
    """A decimal int64 as Go's strconv.ParseInt reads it, or None."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()) or len(digits.lstrip("0")) > 19:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
