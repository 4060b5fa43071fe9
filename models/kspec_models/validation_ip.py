"""Format validators of IP addresses and CIDR values.

After staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go and the "sloppy" parsers of
k8s.io/utils/net, Kubernetes 1.37 development: leading zeros are read as decimal, as Go did before
1.17. Each validator returns a tuple of error texts; empty means valid.
"""

import ipaddress
import re
from typing import TypeAlias

Errors: TypeAlias = tuple[str, ...]
IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_valid_ip(value: str) -> Errors:
    """An IPv4 or IPv6 address; leading zeros are read as decimal, as Go did before 1.17."""
    if _parse_ip_sloppy(value) is not None:
        return ()
    return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)


def is_valid_ipv4_address(value: str) -> Errors:
    """An IPv4 address; an IPv4-mapped IPv6 address counts as one."""
    address = _parse_ip_sloppy(value)
    is_v4 = address is not None and _as_ipv4(address) is not None
    return () if is_v4 else ("must be a valid IPv4 address",)


def is_valid_ipv6_address(value: str) -> Errors:
    """An IPv6 address that is not IPv4-mapped."""
    address = _parse_ip_sloppy(value)
    is_v6 = address is not None and _as_ipv4(address) is None
    return () if is_v6 else ("must be a valid IPv6 address",)


def is_valid_cidr(value: str) -> Errors:
    """An address, '/' and a prefix length; bits after the prefix may be set."""
    if _parse_cidr_sloppy(value) is not None:
        return ()
    return ("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",)


def is_valid_interface_address(value: str) -> Errors:
    """A CIDR value in canonical form: a whole address and the length of its subnet."""
    parsed = _parse_cidr_sloppy(value)
    if parsed is None:
        return is_valid_cidr(value)
    address, length = parsed
    mapped = _as_ipv4(address)
    if mapped is not None and length > 32:
        length -= 96
    canonical = f"{mapped or address}/{length}"
    return () if value == canonical else (f'must be in canonical form ("{canonical}")',)


def _parse_ip_sloppy(value: str) -> IPAddress | None:
    """An address as k8s.io/utils/net ParseIPSloppy reads it, or None."""
    if "%" in value or not value.isascii():
        return None
    plain = re.sub(r"(?<![0-9a-fA-F])0+(?=[0-9a-fA-F])", "", value)
    try:
        return ipaddress.ip_address(plain)
    except ValueError:
        return None


def _parse_cidr_sloppy(value: str) -> tuple[IPAddress, int] | None:
    host, slash, length = value.partition("/")
    address = _parse_ip_sloppy(host)
    if address is None or not slash or re.fullmatch("[0-9]{1,7}", length) is None:
        return None
    return (address, int(length)) if int(length) <= address.max_prefixlen else None


def _as_ipv4(address: IPAddress) -> ipaddress.IPv4Address | None:
    return address if isinstance(address, ipaddress.IPv4Address) else address.ipv4_mapped
