"""Adapter of `quantity`: one function per operation of a case."""

import math

from adapters import NotCovered, adapter
from kspec_models import quantity as model
from kspec_models.quantity import Quantity, QuantityError


@adapter("quantity")
def check_quantity(case):
    operation = OPERATIONS.get(case["input"]["op"])
    if operation is None:
        raise NotCovered(f"quantity operation {case['input']['op']!r}")
    given, expected = case["input"], case["expected"]
    if expected.get("error"):
        try:
            result = operation(given, expected)
        except QuantityError:
            return
        raise AssertionError(f"expected an error, got {result}")
    compare(operation(given, expected), expected)


def compare(result, expected):
    """Compare each part of the answer that the case tells."""
    if "value" in expected and isinstance(result, Quantity):
        assert result.equals(Quantity.new_decimal(expected["value"])), f"value of {result}"
    elif "value" in expected:
        assert result == int(expected["value"])
    if "format" in expected:
        assert result.format == expected["format"]
    if "text" in expected:
        assert str(result) == expected["text"]
    if "cmp" in expected:
        assert result == expected["cmp"]
    if "float" in expected:
        wanted = float(expected["float"])
        assert result == wanted or (math.isnan(result) and math.isnan(wanted))


def operand(given):
    """{text} or {value, format}; a bare number or text stands for itself."""
    if isinstance(given, int):
        return Quantity.new(given)
    if isinstance(given, str):
        return model.parse(given)
    if "text" in given:
        return model.parse(given["text"])
    return Quantity.new_decimal(given["value"], given.get("format", ""))


def subject(given):
    """The one operand of a unary operation, given as `q`, `a` or in the input itself."""
    return operand(given.get("q", given.get("a", given)))


def run_canonical(given, expected):
    result = subject(given)
    alternate = given.get("alternate")
    if alternate:
        assert str(model.parse(alternate)) == expected["text"], "alternate text"
    return result


def run_round_up(given, expected):
    before = subject(given)
    after = before.round_up(given["scale"])
    if "exact" in expected:
        assert after.equals(before) == expected["exact"], f"exactness of {before} to {after}"
    return after


def run_mul(given, expected):
    quantity, factor = operand(given["a"]), int(given["b"])
    if "ok" in expected:
        assert quantity.mul_fits_int64(factor) == expected["ok"], "ok"
    return quantity.mul(factor)


def run_new_milli(given, expected):
    result = Quantity.new_milli(given["milli"], given.get("format", model.DECIMAL_SI))
    if expected.get("exact"):  # upstream reads the text back only in rows marked exact
        assert model.parse(expected["text"]).milli_value() == given["milli"]
    return result


def run_new(given, expected):
    return Quantity.new(int(given["value"]), given.get("format", model.DECIMAL_SI))


def run_new_scaled(given, expected):
    value, format = int(given["value"]), given.get("format", model.DECIMAL_SI)
    return Quantity.new_scaled(value, given["scale"], format)


def run_scaled_value(given, expected):
    # Upstream's table scales one unit of fromScale; the `value` that the cases carry ("1000" in
    # every row) is not an operand of it.
    if str(given.get("value", "1000")) != "1000":
        raise NotCovered("scaledValue with a value other than the table's")
    return Quantity.new_scaled(1, given["fromScale"]).scaled_value(given["toScale"])


def run_float(given, expected):
    return subject(given).as_float()


OPERATIONS = {
    "parse": lambda given, expected: model.parse(given["text"]),
    "canonical": run_canonical,
    "cmp": lambda given, expected: operand(given["a"]).cmp(operand(given["b"])),
    "roundUp": run_round_up,
    "neg": lambda given, expected: subject(given).neg(),
    "add": lambda given, expected: operand(given["a"]).add(operand(given["b"])),
    "sub": lambda given, expected: operand(given["a"]).sub(operand(given["b"])),
    "mul": run_mul,
    "new": run_new,
    "newMilli": run_new_milli,
    "newScaled": run_new_scaled,
    "scaledValue": run_scaled_value,
    "float": run_float,
    "unmarshalJSON": lambda given, expected: model.unmarshal_json(given["json"]),
}
