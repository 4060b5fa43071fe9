"""The model answers as upstream's own unit tests expect; one test item per case."""

import pytest
from adapters import NotCovered, run_case


def test_case(case, record_property):
    if "absent" in case:
        pytest.skip(f"the folder of upstream cases is absent: {case['absent']}; see --cases DIR")
    record_property("kspec_kind", case["kind"])
    assert "problem" not in case, case["problem"]
    try:
        run_case(case)
    except NotCovered as gap:
        record_property("kspec_not_covered", str(gap))
        pytest.skip(f"not covered: {gap}")
