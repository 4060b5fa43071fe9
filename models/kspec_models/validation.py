"""Format validators of names, labels, ports and keys; those of addresses are in validation_ip.

After staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go,
pkg/api/validate/content (kube.go, identifier.go), pkg/api/validation/generic.go and
pkg/api/validation/path/name.go, Kubernetes 1.37 development. Each validator takes the value and
returns a tuple of error texts in upstream's words; empty means valid. Lengths are in UTF-8 bytes.

Left out: field paths (the caller knows the field), and warnings about accepted but unusual forms.
"""

import re
from typing import TypeAlias

from kspec_models.validation_ip import (
    is_valid_cidr,
    is_valid_interface_address,
    is_valid_ip,
    is_valid_ipv4_address,
    is_valid_ipv6_address,
)

__all__ = [
    "LABEL_MAX_LENGTH",
    "SUBDOMAIN_MAX_LENGTH",
    "Errors",
    "is_c_identifier",
    "is_config_map_key",
    "is_dns1035_label",
    "is_dns1035_label_prefix",
    "is_dns1123_label",
    "is_dns1123_label_prefix",
    "is_dns1123_subdomain",
    "is_dns1123_subdomain_prefix",
    "is_dns1123_subdomain_with_underscore",
    "is_domain_prefixed_key",
    "is_domain_prefixed_path",
    "is_env_var_name",
    "is_fully_qualified_domain_name",
    "is_fully_qualified_name",
    "is_http_header_name",
    "is_in_range",
    "is_qualified_name",
    "is_relaxed_env_var_name",
    "is_valid_cidr",
    "is_valid_group_id",
    "is_valid_interface_address",
    "is_valid_ip",
    "is_valid_ipv4_address",
    "is_valid_ipv6_address",
    "is_valid_label_value",
    "is_valid_path_segment_name",
    "is_valid_percent",
    "is_valid_port_name",
    "is_valid_port_num",
    "is_valid_user_id",
    "is_wildcard_dns1123_subdomain",
]

Errors: TypeAlias = tuple[str, ...]

LABEL_MAX_LENGTH = 63
SUBDOMAIN_MAX_LENGTH = 253
_PORT_NAME_MAX_LENGTH = 15
_MAX_PORT = 65535
_MAX_UNIX_ID = 2**32 - 1

_ALNUM = "alphanumeric character"
_BOTH_ENDS = f"and must start and end with an {_ALNUM}"

_DNS1123_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS1123_SUBDOMAIN = rf"{_DNS1123_LABEL}(\.{_DNS1123_LABEL})*"
_UNDERSCORE_LABEL = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_UNDERSCORE_SUBDOMAIN = rf"{_UNDERSCORE_LABEL}(\.{_UNDERSCORE_LABEL})*"
_WILDCARD_SUBDOMAIN = rf"\*\.{_DNS1123_SUBDOMAIN}"
_DNS1035_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?"
_LABEL_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_LABEL_KEY})?"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_PERCENT = "[0-9]+%"
_HTTP_HEADER_NAME = "[-A-Za-z0-9]+"
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_ENV_VAR_NAME = "[-._a-zA-Z][-._a-zA-Z0-9]*"
_CONFIG_MAP_KEY = "[-._a-zA-Z0-9]+"


def is_dns1123_label(value: str) -> Errors:
    """A label of a DNS name (RFC 1123): names of Namespaces, containers, volumes."""
    errors = _too_long(value, LABEL_MAX_LENGTH)
    if _matches(_DNS1123_LABEL, value):
        return errors
    if _matches(_DNS1123_SUBDOMAIN, value):
        return (*errors, "must not contain dots")
    return (
        *errors,
        _regex_error(
            f"a lowercase RFC 1123 label must consist of lower case {_ALNUM}s or '-', {_BOTH_ENDS}",
            _DNS1123_LABEL, "my-name", "123-abc",
        ),
    )  # fmt: skip


def is_dns1123_subdomain(value: str) -> Errors:
    """A DNS subdomain (RFC 1123): the names of most objects."""
    return _too_long(value, SUBDOMAIN_MAX_LENGTH) + _expect(
        value, _DNS1123_SUBDOMAIN,
        f"a lowercase RFC 1123 subdomain must consist of lower case {_ALNUM}s, '-' or '.', "
        f"{_BOTH_ENDS}",
        "example.com",
    )  # fmt: skip


def is_dns1123_subdomain_with_underscore(value: str) -> Errors:
    """A DNS subdomain whose labels may hold underscores: relaxed searches in dnsConfig."""
    return _too_long(value, SUBDOMAIN_MAX_LENGTH) + _expect(
        value, _UNDERSCORE_SUBDOMAIN,
        f"a lowercase RFC 1123 subdomain must consist of lower case {_ALNUM}s, '_', '-' or '.', "
        f"{_BOTH_ENDS}",
        "example.com",
    )  # fmt: skip


def is_wildcard_dns1123_subdomain(value: str) -> Errors:
    """`*.` and a DNS subdomain (RFC 1034, 4.3.3): hosts of an Ingress."""
    return _too_long(value, SUBDOMAIN_MAX_LENGTH) + _expect(
        value, _WILDCARD_SUBDOMAIN,
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
        f"which must consist of lower case {_ALNUM}s, '-' or '.' and end with an {_ALNUM}",
        "*.example.com",
    )  # fmt: skip


def is_dns1035_label(value: str) -> Errors:
    """A label of a DNS name (RFC 1035), which starts with a letter: names of Services."""
    return _too_long(value, LABEL_MAX_LENGTH) + _expect(
        value, _DNS1035_LABEL,
        f"a DNS-1035 label must consist of lower case {_ALNUM}s or '-', "
        f"start with an alphabetic character, and end with an {_ALNUM}",
        "my-name", "abc-123",
    )  # fmt: skip


def is_dns1123_label_prefix(value: str) -> Errors:
    """What generateName may be where names are labels: a label, or one that ends in '-'."""
    return is_dns1123_label(_mask_trailing_dash(value))


def is_dns1123_subdomain_prefix(value: str) -> Errors:
    """What generateName may be where names are subdomains."""
    return is_dns1123_subdomain(_mask_trailing_dash(value))


def is_dns1035_label_prefix(value: str) -> Errors:
    """What generateName may be where names are RFC 1035 labels."""
    return is_dns1035_label(_mask_trailing_dash(value))


def is_qualified_name(value: str) -> Errors:
    """A label or annotation key, or a resource name: `[subdomain/]name`."""
    prefix, slash, name = value.rpartition("/")
    must = f"must consist of {_ALNUM}s, '-', '_' or '.', {_BOTH_ENDS}"
    explained = _regex_error(must, _LABEL_KEY, "MyName", "my.name", "123-abc")
    if "/" in prefix:
        hint = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return (f"a valid label key {explained} {hint}",)
    errors = list[str]()
    if slash and not prefix:
        errors.append("prefix part must be non-empty")
    elif slash:
        errors += [f"prefix part {error}" for error in is_dns1123_subdomain(prefix)]
    if not name:
        errors.append("name part must be non-empty")
    errors += [f"name part {error}" for error in _too_long(name, LABEL_MAX_LENGTH)]
    if not _matches(_LABEL_KEY, name):
        errors.append(f"name part {explained}")
    return tuple(errors)


def is_valid_label_value(value: str) -> Errors:
    """The value of a label; may be empty."""
    return _too_long(value, LABEL_MAX_LENGTH) + _expect(
        value, _LABEL_VALUE,
        f"a valid label must be an empty string or consist of {_ALNUM}s, '-', '_' or '.', "
        f"{_BOTH_ENDS}",
        "MyValue", "my_value", "12345",
    )  # fmt: skip


def is_domain_prefixed_key(value: str) -> Errors:
    """A qualified name whose prefix is not left out: `acme.io/foo`."""
    if not value:
        return ("Required value",)
    if errors := is_qualified_name(value):
        return errors
    return () if "/" in value else ('must be a domain-prefixed key (such as "acme.io/foo")',)


def is_domain_prefixed_path(value: str) -> Errors:
    """A subdomain, '/' and an HTTP path: signer names, `spec.controller` of classes."""
    if not value:
        return ("Required value",)
    host, _, path = value.partition("/")
    if not host or not path:
        return ('must be a domain-prefixed path (such as "acme.io/foo")',)
    return is_dns1123_subdomain(host) + _expect(path, _HTTP_PATH, "Invalid path")


def is_fully_qualified_name(value: str) -> Errors:
    """A subdomain of at least three segments: names of webhooks."""
    if not value:
        return ("Required value",)
    if errors := is_dns1123_subdomain(value):
        return (",".join(errors),)
    enough = value.count(".") >= 2
    return () if enough else ("should be a domain with at least three segments separated by dots",)


def is_fully_qualified_domain_name(value: str) -> Errors:
    """A domain of at least two segments, each a label; a trailing dot is allowed."""
    if not value:
        return ("Required value",)
    name = value.removesuffix(".")
    if errors := is_dns1123_subdomain(name):
        return (",".join(errors),)
    if "." not in name:
        return ("should be a domain with at least two segments separated by dots",)
    for label in name.split("."):
        if errors := is_dns1123_label(label):
            return (",".join(errors),)
    return ()


def is_c_identifier(value: str) -> Errors:
    """An identifier of C; its length is not checked."""
    return _expect(
        value, _C_IDENTIFIER,
        "a valid C identifier must start with alphabetic character or '_', "
        f"followed by a string of {_ALNUM}s or '_'",
        "my_name", "MY_NAME", "MyName",
    )  # fmt: skip


def is_http_header_name(value: str) -> Errors:
    """The name of an HTTP header, as Go's HTTP library defines it."""
    must = f"a valid HTTP header must consist of {_ALNUM}s or '-'"
    return _expect(value, _HTTP_HEADER_NAME, must, "X-Header-Name")


def is_env_var_name(value: str) -> Errors:
    """The name of an environment variable (strict form)."""
    return _expect(
        value, _ENV_VAR_NAME,
        "a valid environment variable name must consist of alphabetic characters, digits, '_', "
        "'-', or '.', and must not start with a digit",
        "my.env-name", "MY_ENV.NAME", "MyEnvName1",
    ) + _dot_directory(value)  # fmt: skip


def is_relaxed_env_var_name(value: str) -> Errors:
    """The name of an environment variable: printable ASCII without '='."""
    if not value:
        return ("environment variable name must be non-empty",)
    if all(" " <= letter <= "~" and letter != "=" for letter in value):
        return ()
    return (
        "a valid environment variable name must consist only of printable ASCII characters "
        "other than '='",
    )


def is_config_map_key(value: str) -> Errors:
    """A key of a ConfigMap or Secret."""
    errors = _too_long(value, SUBDOMAIN_MAX_LENGTH) + _expect(
        value, _CONFIG_MAP_KEY,
        f"a valid config key must consist of {_ALNUM}s, '-', '_' or '.'",
        "key.name", "KEY_NAME", "key-name",
    )  # fmt: skip
    return errors + _dot_directory(value)


def is_valid_path_segment_name(value: str) -> Errors:
    """A name that can stand as one segment of a URL path: the least any object name needs."""
    if value in (".", ".."):
        return (f"may not be '{value}'",)
    return tuple(f"may not contain '{letter}'" for letter in "/%" if letter in value)


def is_valid_percent(value: str) -> Errors:
    """Digits and '%': maxSurge and maxUnavailable; more than 100% is allowed here."""
    must = "a valid percent string must be a numeric string followed by an ending '%'"
    return _expect(value, _PERCENT, must, "1%", "93%")


def is_valid_port_num(value: int) -> Errors:
    """A port number; zero is none."""
    return is_in_range(value, 1, _MAX_PORT)


def is_in_range(value: int, minimum: int, maximum: int) -> Errors:
    """Within both limits, which are included."""
    if minimum <= value <= maximum:
        return ()
    return (f"must be between {minimum} and {maximum}, inclusive",)


def is_valid_user_id(value: int) -> Errors:
    """A Unix user id, which is an unsigned 32-bit number."""
    return is_in_range(value, 0, _MAX_UNIX_ID)


def is_valid_group_id(value: int) -> Errors:
    """A Unix group id, which is an unsigned 32-bit number."""
    return is_in_range(value, 0, _MAX_UNIX_ID)


def is_valid_port_name(value: str) -> Errors:
    """The name of a port (RFC 6335, lower case only)."""
    errors = list(_too_long(value, _PORT_NAME_MAX_LENGTH))
    if not _matches("[-a-z0-9]+", value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if re.search("[a-z]", value) is None:
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return tuple(errors)


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value) is not None


def _expect(value: str, pattern: str, must: str, *examples: str) -> Errors:
    return () if _matches(pattern, value) else (_regex_error(must, pattern, *examples),)


def _regex_error(must: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    lead = f"(e.g. {shown}" if examples else "("
    return f"{must} {lead}regex used for validation is '{pattern}')"


def _too_long(value: str, limit: int) -> Errors:
    if len(value.encode("utf-8", "surrogatepass")) <= limit:
        return ()
    return (f"must be no more than {limit} characters",)


def _dot_directory(value: str) -> Errors:
    if value in (".", ".."):
        return (f"must not be '{value}'",)
    return ("must not start with '..'",) if value.startswith("..") else ()


def _mask_trailing_dash(value: str) -> str:
    """Upstream drops the two last characters, not one: `A-` passes where `Ab-` does not."""
    return value[:-2] + "a" if len(value) > 1 and value.endswith("-") else value
