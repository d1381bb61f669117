"""Ids of what is imported: derived from the file's own codes, so that a second time is the same.

A code (of a kindergarten, a group, an application) is public in its system. An IIN is never used:
a digest of one without a key can be reversed in minutes.
"""

from __future__ import annotations

import base64
import hashlib

SYSTEM = "akimat"


def _named(kind: str, system: str, code: str) -> str:
    digest = hashlib.sha256(f"kezek/import\x00{system}\x00{kind}\x00{code}".encode()).digest()
    return f"{kind}-{base64.b32encode(digest[:14]).decode().rstrip('=').lower()}"


def organisation(code: str, *, system: str = SYSTEM) -> str:
    """Return the id of an organisation."""
    return _named("org", system, code)


def site(code: str, *, system: str = SYSTEM) -> str:
    """Return the id of a kindergarten."""
    return _named("site", system, code)


def group(code: str, *, system: str = SYSTEM) -> str:
    """Return the id of a group."""
    return _named("group", system, code)


def application(number: str, *, system: str = SYSTEM) -> str:
    """Return the id of an application."""
    return _named("app", system, number)


def voucher(number: str, *, system: str = SYSTEM) -> str:
    """Return the id of a voucher."""
    return _named("voucher", system, number)
