"""Which addresses belong to the public internet."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_TEREDO = ipaddress.ip_network("2001::/32")
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
_PORTS = {"http": 80, "https": 443}
# What the C library takes for an IPv4 address though it does not look like one: 2130706433, 0x7f.1, 127.1
_NUMBERS_IN_DISGUISE = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, and does not wrap one that does not.

    Example:
        >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1")
        (True, False, False)
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip.is_multicast or not ip.is_global or "%" in address:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return True
    if ip in _NAT64 or ip in _IPV4_COMPATIBLE:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF).is_global
    if ip in _SIX_TO_FOUR:
        return ipaddress.IPv4Address((int(ip) >> 80) & 0xFFFFFFFF).is_global
    mapped = ip.ipv4_mapped
    return ip not in _TEREDO and (mapped is None or mapped.is_global)


def refusal_of_host(host: str) -> str | None:
    """Why a host must not be asked, as far as its name tells; ``None`` if it tells nothing."""
    lowered = host.lower().rstrip(".")
    try:
        ipaddress.ip_address(lowered.partition("%")[0])
    except ValueError:
        if _NUMBERS_IN_DISGUISE.fullmatch(lowered):
            return "an address in unusual notation"
        is_local = lowered == "localhost" or lowered.endswith(_LOCAL_NAMES) or not lowered
        return "a name of a private network" if is_local else None
    return None if is_public(lowered) else "an address of a private network"


def is_address(host: str) -> bool:
    """Whether a host is given in numbers."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, in one form; ``""`` if it is none.

    Example:
        >>> origin_of("HTTPS://user@Example.com/a?b")
        'https://example.com:443'
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    return f"{parts.scheme}://{(parts.hostname or '').rstrip('.')}:{port}" if parts.hostname else ""
