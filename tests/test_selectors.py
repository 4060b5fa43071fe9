"""Promises of label and field selectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec_models.selectors import (
    EVERYTHING,
    NOTHING,
    Requirement,
    SelectorError,
    label_selector,
    new_requirement,
    parse_field_selector,
    parse_selector,
    requirement_errors,
    selector_from_set,
)

NAMES = st.sampled_from(("a", "b", "in", "notin", "k8s.io/c"))
VALUES = st.sampled_from(("", "a", "b", "in", "7"))
LABELS = st.dictionaries(NAMES, VALUES)
REQUIREMENTS = st.one_of(
    st.builds(new_requirement, NAMES, st.sampled_from(("exists", "!"))),
    st.builds(
        new_requirement, NAMES, st.sampled_from(("=", "==", "!=")), VALUES.map(lambda v: (v,))
    ),
    st.builds(
        new_requirement,
        NAMES,
        st.sampled_from(("in", "notin")),
        st.lists(VALUES, min_size=1, unique=True),
    ),
    st.builds(new_requirement, NAMES, st.sampled_from(("gt", "lt")), st.just(("5",))),
)
SELECTORS = st.lists(REQUIREMENTS, max_size=4).map(lambda rs: EVERYTHING.add(*rs))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        (" x = a , y ", "x=a,y"),
        ("x in (b,a,b)", "x in (a,b)"),
        ("x in ()", "x in ()"),
        ("x notin (,)", "x notin ()"),
        ("x in (a,,b)", "x in (,a,b)"),
        ("z,!y,x", "x,!y,z"),
        ("in in (in)", "in in (in)"),
        ("x>1,y<2,z==3", "x>1,y<2,z==3"),
        ("x!=", "x!="),
    ],
)
def test_parsed_text_prints_canonically(text, canonical):
    assert str(parse_selector(text)) == canonical


@pytest.mark.parametrize(
    "text",
    ["x,", ",x", "x,,y", "!x=a", "!!x", "x=a||y", "x in a", "x in (a", "x in (a b)", "x in (a))",
     "x==!y", "x>a", "x>", "(x)", "=", "x y", "-x", "x=a/b", "x=" + "a" * 64, "x\0"],
)  # fmt: skip
def test_malformed_text_is_refused_in_one_line(text):
    with pytest.raises(SelectorError) as caught:
        parse_selector(text)
    assert len(str(caught.value).splitlines()) == 1


@given(SELECTORS)
def test_canonical_text_reads_back_as_the_same_selector(selector):
    assert parse_selector(str(selector)) == selector


@given(SELECTORS, LABELS)
def test_a_selector_is_the_conjunction_of_its_requirements(selector, labels):
    matched = [requirement.matches(labels) for requirement in selector.requirements]
    assert selector.matches(labels) == all(matched)


@given(NAMES, st.lists(VALUES, min_size=1), LABELS)
def test_notin_is_the_negation_of_in(key, values, labels):
    inside, outside = new_requirement(key, "in", values), new_requirement(key, "notin", values)
    assert inside.matches(labels) != outside.matches(labels)


@given(LABELS, LABELS)
def test_a_set_selects_its_supersets(wanted, labels):
    expected = wanted.items() <= labels.items()
    assert selector_from_set(wanted).matches(labels) == expected
    assert label_selector({"matchLabels": wanted}).matches(labels) == expected


def test_comparisons_need_an_integer_on_both_sides():
    selector = parse_selector("x>5")
    assert selector.matches({"x": "6"})
    assert not any(selector.matches({"x": x}) for x in ("5", "six", "", "1_0", str(2**63)))
    assert not selector.matches({})


def test_an_absent_label_selector_selects_nothing_and_an_empty_one_everything():
    assert label_selector(None) == NOTHING
    assert label_selector({}) == EVERYTHING
    assert not NOTHING.matches({})
    assert EVERYTHING.matches({})


def test_label_selector_joins_labels_and_expressions():
    selector = label_selector(
        {
            "matchLabels": {"b": "1"},
            "matchExpressions": [
                {"key": "a", "operator": "In", "values": ["y", "x"]},
                {"key": "c", "operator": "DoesNotExist"},
            ],
        }
    )
    assert str(selector) == "a in (x,y),b=1,!c"
    assert selector.requires_exact_match("b") == "1"
    assert selector.requires_exact_match("a") is None


@pytest.mark.parametrize("operator", ["in", "Gt", "", "Equals"])
def test_label_selector_refuses_operators_of_other_selectors(operator):
    with pytest.raises(SelectorError, match="expected one of In"):
        label_selector({"matchExpressions": [{"key": "a", "operator": operator, "values": ["1"]}]})


def test_requirement_errors_name_the_field():
    found = requirement_errors(Requirement("-", "gt", ("x", "/")))
    assert [(error.type, error.field) for error in found] == [
        ("FieldValueInvalid", "key"),
        ("FieldValueInvalid", "values"),
        ("FieldValueInvalid", "values[0]"),
        ("FieldValueInvalid", "values[1]"),
        ("FieldValueInvalid", "values[1][-]"),
    ]
    unsupported = requirement_errors(Requirement("x", "unsupported"))
    assert [(error.type, error.field) for error in unsupported] == [
        ("FieldValueNotSupported", "operator")
    ]


def test_field_selectors_compare_fields_and_an_absent_field_is_empty():
    selector = parse_field_selector("spec.nodeName=n1,metadata.name!=a")
    assert str(selector) == "metadata.name!=a,spec.nodeName=n1"
    assert selector.matches({"spec.nodeName": "n1"})
    assert not selector.matches({"spec.nodeName": "n1", "metadata.name": "a"})
    assert parse_field_selector("spec.nodeName==").matches({})
    assert selector.requires_exact_match("spec.nodeName") == "n1"
    assert selector.requires_exact_match("metadata.name") is None


@given(st.text("a\\,=!", max_size=6), st.text("a\\,=!", max_size=6))
def test_any_value_can_be_escaped_in_a_field_selector(first, second):
    escaped = ["".join(f"\\{c}" if c in "\\,=" else c for c in v) for v in (first, second)]
    selector = parse_field_selector(f"x={escaped[0]},y!={escaped[1]}")
    assert selector.requires_exact_match("x") == first
    assert not selector.matches({"x": first, "y": second})
    assert parse_field_selector(str(selector)) == selector


@pytest.mark.parametrize("text", ["x", "x=a=b", "x=\\", "x=\\a", "x>1"])
def test_malformed_field_selectors_are_refused(text):
    with pytest.raises(SelectorError, match="expected"):
        parse_field_selector(text)
