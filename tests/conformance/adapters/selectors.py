"""Adapters of `selector_parse`, `selector_match` and `selector_requirement`."""

from adapters import adapter
from kspec_models.selectors import (
    NOTHING,
    Requirement,
    Selector,
    SelectorError,
    label_selector,
    parse_selector,
    requirement_errors,
    selector_from_set,
)


@adapter("selector_parse")
def check_parse(case):
    given, expected = case["input"], case["expected"]
    try:
        selector, is_valid = build(given)
    except SelectorError:
        selector, is_valid = None, False
    assert is_valid == expected["valid"]
    if expected.get("canonical") is not None and (selector is not None or is_valid):
        assert str(selector) == expected["canonical"]
    if expected.get("requirements") is not None:
        assert selector == raw_selector(expected["requirements"])
    if is_valid and "selector" in expected:
        assert selector == named(expected["selector"])


def build(given):
    """The selector of the input, and whether upstream would call it valid."""
    if "text" in given:
        return parse_selector(given["text"]), True
    if "requirements" in given:
        selector = raw_selector(given["requirements"])
        return selector, not any(map(requirement_errors, selector.requirements))
    return label_selector(given["labelSelector"]), True


def named(text):
    """The selector that the case's text stands for."""
    if text == "nothing":
        return NOTHING
    return Selector() if text == "everything" else parse_selector(text)


def raw_selector(requirements):
    """Requirements as they stand, neither validated nor sorted: upstream builds such ones too."""
    return Selector(
        tuple(
            Requirement(r.get("key", ""), r.get("operator", ""), tuple(r.get("strValues") or ()))
            for r in requirements
        )
    )


@adapter("selector_match")
def check_match(case):
    given = case["input"]
    if "selector" in given:
        selector = parse_selector(given["selector"])
    elif "requirements" in given:
        selector = raw_selector(given["requirements"] or ())
    else:
        selector = selector_from_set(given["matchLabels"] or {})
    assert selector.matches(given.get("labels") or {}) == case["expected"]["match"]


@adapter("selector_requirement")
def check_requirement(case):
    given, expected = case["input"], case["expected"]
    values = tuple(given.get("values") or ())
    errors = requirement_errors(Requirement(given["key"], given["operator"], values))
    assert (not errors) == expected["valid"]
    if "errors" in expected:
        found = [{"type": error.type, "field": error.field} for error in errors]
        assert found == [{"type": e["type"], "field": e["field"]} for e in expected["errors"]]
