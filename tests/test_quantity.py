"""Promises of Quantity: exact values, one canonical text, int64 views that saturate."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec_models.quantity import (
    BINARY_SI,
    DECIMAL_EXPONENT,
    DECIMAL_SI,
    MICRO,
    MILLI,
    NANO,
    Quantity,
    QuantityError,
    milli,
    parse,
    quantity,
    unmarshal_json,
    whole,
)

FORMATS = st.sampled_from((DECIMAL_SI, BINARY_SI, DECIMAL_EXPONENT))
NUMBERS = st.integers(-(2**70), 2**70)
QUANTITIES = st.builds(Quantity, NUMBERS, st.integers(NANO, 18), FORMATS)
SUFFIXES = ("", "n", "u", "m", "k", "M", "G", "T", "P", "E", "e3", "E-3", "e+0")
BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
TEXTS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("", "+", "-")),
    st.integers(0, 10**6),
    st.sampled_from(("", ".", ".5", ".000", ".123456789")),
    st.sampled_from(SUFFIXES + BINARY),
)


@pytest.mark.parametrize(
    ("text", "value", "format"),
    [
        ("100m", Fraction(1, 10), DECIMAL_SI),
        ("1.5Gi", Fraction(3 * 2**29), BINARY_SI),
        ("1e3", Fraction(1000), DECIMAL_EXPONENT),
        ("50E", Fraction(50 * 10**18), DECIMAL_SI),
        (".5", Fraction(1, 2), DECIMAL_SI),
        ("-0.5Ki", Fraction(-512), BINARY_SI),
        ("0.1Ki", Fraction(1024, 10), BINARY_SI),
        ("0.0001Ki", Fraction(1024, 10**4), DECIMAL_SI),
        ("+", Fraction(0), DECIMAL_SI),
        ("Ki", Fraction(0), BINARY_SI),
    ],
)
def test_parse_reads_value_and_format(text, value, format):
    assert (parse(text).as_fraction(), parse(text).format) == (value, format)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1i", "1mi", "1e", "1ee3", "1.2.3", "--1", "0x1", "1_0", "1,5", "nan", "inf",
     "\u0661", "1\n", "1e99999999999999999999", "1e3000000000", "9223372036854775808", "9" * 5000],
)  # fmt: skip
def test_parse_refuses_what_is_no_quantity_in_one_line(text):
    with pytest.raises(QuantityError, match="expected") as caught:
        parse(text)
    assert len(str(caught.value).splitlines()) == 1


def test_parse_rounds_below_nano_away_from_zero():
    assert str(parse("0.0000000001")) == "1n"
    assert str(parse("-1.0000000001u")) == "-1001n"
    assert str(parse("1e-2000000000")) == "1e-9"


def test_parse_caps_binary_but_not_decimal_values():
    assert parse("8Ei").equals(Quantity.new(2**63 - 1))
    assert parse("-9999999Ei").equals(Quantity.new(-(2**63 - 1)))
    assert parse("100000E").as_fraction() == 10**23


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1.5", "1500m"),
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("1000k", "1M"),
        ("0.5Ki", "512"),
        ("1023", "1023"),
        ("1500.5Ki", "1536512"),
        ("1025.0001Ki", "1049600102400u"),
        ("12e5", "1200e3"),
        ("0.001e0", "1e-3"),
        ("1000E", "1000E"),
        ("-0", "0"),
        ("+1.500", "1500m"),
    ],
)
def test_text_is_canonical(text, canonical):
    assert str(parse(text)) == canonical


@given(TEXTS)
def test_canonical_text_is_a_fixed_point(text):
    canonical = str(parse(text))
    assert str(parse(canonical)) == canonical


@given(TEXTS)
def test_parsing_the_text_of_a_quantity_gives_its_value(text):
    assert parse(str(parse(text))).equals(parse(text))


@given(QUANTITIES)
def test_canonical_text_has_a_whole_mantissa_and_the_largest_suffix(value):
    text = str(value)
    mantissa = int(text.rstrip("numkKMGTPEi").partition("e")[0])
    if text.endswith("i"):
        assert mantissa % 1024 or text.endswith("Ei")
    elif value.format != BINARY_SI:
        assert mantissa == 0 or mantissa % 1000 or text.endswith("E")


@given(QUANTITIES, QUANTITIES)
def test_arithmetic_is_exact(a, b):
    assert a.add(b).as_fraction() == a.as_fraction() + b.as_fraction()
    assert a.sub(b).as_fraction() == a.as_fraction() - b.as_fraction()
    assert a.neg().as_fraction() == -a.as_fraction()
    assert a.mul(7).as_fraction() == 7 * a.as_fraction()


@given(QUANTITIES, QUANTITIES)
def test_cmp_orders_by_value(a, b):
    x, y = a.as_fraction(), b.as_fraction()
    assert a.cmp(b) == (x > y) - (x < y)
    assert a.equals(b) == (x == y)


@given(QUANTITIES)
def test_equal_quantities_have_one_representation(value):
    spelled = Quantity(value.unscaled * 1000, value.scale - 3, value.format)
    assert spelled == value
    assert (hash(spelled), str(spelled)) == (hash(value), str(value))


def test_a_sum_keeps_its_format_unless_it_starts_from_zero():
    assert str(parse("1Ki").add(parse("1024"))) == "2Ki"
    assert str(parse("0").add(parse("1Ki"))) == "1Ki"
    assert str(parse("0").sub(parse("1Ki"))) == "-1Ki"


@given(QUANTITIES, st.integers(-9, 18))
def test_round_up_goes_away_from_zero_to_a_multiple(value, scale):
    rounded = value.round_up(scale)
    unit = Fraction(10) ** scale
    distance = abs(rounded.as_fraction()) - abs(value.as_fraction())
    assert 0 <= distance < unit
    assert (rounded.as_fraction() / unit).denominator == 1


@given(QUANTITIES, st.sampled_from((NANO, MICRO, MILLI, 0, 3)))
def test_scaled_value_rounds_away_from_zero_within_int64(value, scale):
    ratio = abs(value.as_fraction()) / Fraction(10) ** scale
    expected = value.sign * math.ceil(ratio)
    assert value.scaled_value(scale) == max(-(2**63), min(2**63 - 1, expected))


def test_absurd_exponents_answer_at_once():
    huge, tiny = parse("1e2000000000"), Quantity.new_scaled(1, -(10**9))
    assert (huge.value(), tiny.value(), huge.cmp(tiny)) == (2**63 - 1, 1, 1)
    assert (huge.as_float(), tiny.as_float()) == (math.inf, 0.0)
    assert (huge.neg().as_float_exact(), tiny.as_float_exact()) == (-math.inf, 0.0)
    with pytest.raises(QuantityError, match="expected scales within"):
        huge.add(tiny)


def test_floats_follow_upstream_to_the_last_bit():
    assert parse("734003.2").as_float() == 734003.2000000001
    assert parse("734003.2").as_float_exact() == 734003.2


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_mul_tells_whether_the_product_fits_int64(a, b):
    assert Quantity.new(a).mul_fits_int64(b) == (-(2**63) <= a * b < 2**63)


def test_json_may_hold_text_numbers_spaces_and_null():
    assert [str(unmarshal_json(t)) for t in ('"1Ki"', "10", '" -1 "', " 1 ", "null")] == [
        "1Ki", "10", "-1", "1", "0",
    ]  # fmt: skip


def test_milli_and_whole_take_what_yaml_gives():
    assert [milli(v) for v in ("100m", 2, 0.5, parse("1500u"))] == [100, 2000, 500, 2]
    assert [whole(v) for v in ("1.5Gi", 2, "100m")] == [3 * 2**29, 2, 1]


@pytest.mark.parametrize("value", [True, None, [], float("nan")])
def test_quantity_refuses_other_types(value):
    with pytest.raises(QuantityError, match="expected"):
        quantity(value)
