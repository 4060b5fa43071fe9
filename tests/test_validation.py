"""Promises of the format validators."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kspec_models import validation as v

CASES = [
    (v.is_dns1123_label, ("a", "0", "a-1", "a" * 63), ("", "A", "a.b", "-a", "a\n", "a" * 64)),
    (v.is_dns1123_subdomain, ("a", "1.2", "a.b-c"), ("", "a..b", ".a", "a_b", "a" * 254)),
    (v.is_dns1123_subdomain_with_underscore, ("_a", "_a._b", "a_b"), ("a_", "__a", "")),
    (v.is_wildcard_dns1123_subdomain, ("*.a.b", "*.a"), ("*", "*.", "a.*", "*.*.a", "a.b")),
    (v.is_dns1035_label, ("a", "a-1"), ("1a", "a-", "", "a" * 64)),
    (v.is_dns1123_label_prefix, ("a-", "a", "ab-"), ("-", "", "Ab-")),
    (v.is_dns1123_subdomain_prefix, ("a.b-", "a"), (".", "a..b-")),
    (v.is_dns1035_label_prefix, ("a-",), ("1-1-", "")),
    (v.is_qualified_name, ("a", "A.b_c", "x.y/Z", "1/2"), ("", "/a", "a/", "a/b/c", "A/b", "-a")),
    (v.is_valid_label_value, ("", "a", "A_b.c", "a" * 63), ("-a", "a/b", "ā", "a" * 64)),
    (v.is_domain_prefixed_key, ("a.b/c", "a/B"), ("", "a", "A/b", "a/b/c")),
    (v.is_domain_prefixed_path, ("a/b", "a.b/c/d", "a/%:"), ("", "a", "/b", "a/", "A/b", "a/ ")),
    (v.is_fully_qualified_name, ("a.b.c",), ("", "a.b", "a.b.c.", "*.b.c")),
    (v.is_fully_qualified_domain_name, ("a.b", "a.b."), ("", "a", "a.", ".", "a.b..")),
    (v.is_c_identifier, ("a", "_", "A1"), ("", "1", "a-b")),
    (v.is_http_header_name, ("Host", "-a-", "1"), ("", "a:", "a_b", " a")),
    (v.is_env_var_name, ("a", "_A.b-c", "-"), ("", "1a", ".", "..", "..a", "a=b")),
    (v.is_relaxed_env_var_name, ("1", "a b", "#"), ("", "a=b", "é", "a\t", "\x7f")),
    (v.is_config_map_key, ("a", ".a", "A_b", "a..b"), ("", ".", "..", "..a", "a/b")),
    (v.is_valid_path_segment_name, ("a", "A:b", "...", ""), (".", "..", "a/b", "a%b")),
    (v.is_valid_percent, ("0%", "101%", "007%"), ("", "%", "1", "-1%", "1.5%", "1%%")),
    (v.is_valid_port_num, (1, 65535), (0, -1, 65536)),
    (v.is_valid_user_id, (0, 2**32 - 1), (-1, 2**32)),
    (v.is_valid_group_id, (0, 2**32 - 1), (-1, 2**32)),
    (v.is_valid_port_name, ("a", "1-a", "a" * 15), ("", "1", "-a", "a--b", "A", "a" * 16)),
    (v.is_valid_ip, ("1.2.3.4", "01.2.3.004", "::", "::ffff:1.2.3.4", "1:02::0"),
     ("", "1.2.3", "1.2.3.256", "fe80::1%eth0", "1::2::3", "1.2.3.4/8", " ::")),
    (v.is_valid_ipv4_address, ("1.2.3.4", "::ffff:1.2.3.4"), ("::1", "a")),
    (v.is_valid_ipv6_address, ("::1",), ("1.2.3.4", "::ffff:1.2.3.4", "a")),
    (v.is_valid_cidr, ("1.2.3.4/0", "1.2.3.4/032", "::/128"),
     ("1.2.3.4", "1.2.3.4/33", "::/129", "1.2.3.4/-1", "/8", "1.2.3.4/")),
    (v.is_valid_interface_address, ("1.2.3.4/24", "::1/64", "2001:db8::1/64"),
     ("1.2.3.4", "01.2.3.4/24", "::01/64", "::FFFF:1.2.3.4/120", "1.2.3.4/024")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("validator", "value"), [(f, value) for f, valid, _ in CASES for value in valid]
)
def test_valid_values_have_no_errors(validator, value):
    assert validator(value) == ()


@pytest.mark.parametrize(
    ("validator", "value"), [(f, value) for f, _, invalid in CASES for value in invalid]
)
def test_invalid_values_are_told_why(validator, value):
    errors = validator(value)
    assert errors
    assert all(isinstance(error, str) and error for error in errors)


def test_every_validator_is_in_the_table():
    public = {getattr(v, name) for name in v.__all__ if name.startswith("is_")}
    assert public == {validator for validator, _, _ in CASES} | {v.is_in_range}


def test_range_includes_both_limits():
    assert v.is_in_range(1, 1, 2) == v.is_in_range(2, 1, 2) == ()
    assert v.is_in_range(3, 1, 2) == ("must be between 1 and 2, inclusive",)


def test_lengths_are_counted_in_bytes():
    assert "must be no more than 63 characters" in v.is_valid_label_value("ā" * 32)


def test_errors_are_in_the_words_of_upstream():
    assert v.is_dns1123_label("a.b") == ("must not contain dots",)
    assert v.is_valid_percent("x") == (
        "a valid percent string must be a numeric string followed by an ending '%' "
        "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    )


@given(st.text("aA1-._/", max_size=8))
def test_stricter_formats_are_contained_in_looser_ones(text):
    if not v.is_dns1035_label(text):
        assert not v.is_dns1123_label(text)
    if not v.is_dns1123_label(text):
        assert not v.is_dns1123_subdomain(text)
        assert not v.is_qualified_name(text)
    if not v.is_qualified_name(text) and "/" not in text:
        assert not v.is_valid_label_value(text)
