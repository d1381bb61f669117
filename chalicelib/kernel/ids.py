"""Ids: random, typed, safe in URLs and keys; nothing about a person can be read from one."""

from __future__ import annotations

import base64
import re
import secrets
from typing import NewType

from chalicelib.kernel.refusals import Malformed

PersonId = NewType("PersonId", str)
ChildId = NewType("ChildId", str)
OrganisationId = NewType("OrganisationId", str)
SiteId = NewType("SiteId", str)
GroupId = NewType("GroupId", str)
ApplicationId = NewType("ApplicationId", str)
VoucherId = NewType("VoucherId", str)
EnrolmentId = NewType("EnrolmentId", str)
DeviceId = NewType("DeviceId", str)
RunId = NewType("RunId", str)
Ticket = NewType("Ticket", str)

_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}\Z")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class BadId(Malformed):
    """An id is 8 to 64 letters, digits, hyphens or underscores, the first a letter or digit."""

    code = "kernel/bad-id"


def new_id() -> str:
    """Return 26 random characters (128 bits), lower case."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def new_salt() -> bytes:
    """Return 16 random bytes (128 bits) that hide what a public digest was made of."""
    return bytes.fromhex(secrets.token_hex(16))


def new_ticket() -> Ticket:
    """Return a public ticket: three groups of four, without letters that look alike."""
    drawn = [secrets.choice(_ALPHABET) for _ in range(12)]
    return Ticket("-".join("".join(drawn[i : i + 4]) for i in (0, 4, 8)))


def checked_id(text: str, *, field: str = "id") -> str:
    """Return a caller's id as it is, or refuse it."""
    if not _NAMED.match(text):
        raise BadId(field=field)
    return text
