"""What the service, its clients and its stores agree on: tokens, and addresses."""

from __future__ import annotations

import ipaddress
import re

TOKEN = re.compile(r"[!-~]+")
"""A token: one word of plain ASCII, as it goes into a header."""


def is_loopback(host: str) -> bool:
    """Whether an address or a name can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def redacted(address: str) -> str:
    """An address without the password and the options that it may hold, for people to see."""
    if "://" not in address:
        return address
    return re.sub(r"^([^:/]+://[^:/?#]*):[^/?#]*@", r"\1:***@", address).partition("?")[0]
