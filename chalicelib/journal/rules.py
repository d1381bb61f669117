"""The journal: every change, once, in the transaction that made it; and what proves it unchanged.

Each entry has a digest that hides it (a random salt stands in front) and binds it: to its name, to
its text, to the rows written with it. The next entry of the same aggregate names that digest, and
the public log has it as its leaf. What is digested is written down in docs/public-record.md, for
those who check with code of their own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST = "first"
UNCHAINED = "unchained"
SALT = "_salt"
_ENTRY = b"kezek/entry/1\n"
_FIELD = b"kezek/field/1\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to one aggregate.

    event: "vouchers/confirmed"; stream: the aggregate, "voucher/<id>"; by: role and pseudonymous
    subject; at: RFC 3339 UTC; pack: the rule version that judged; facts: pseudonymous. before: the
    stream's entry before this one, number and digest; "first" where there is none or the row was
    removed since; "unchained" where that entry is older than the chains. ends: the row is removed.
    """

    event: str
    stream: str
    by: str
    at: str
    pack: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    sequence: int = 0
    before: str = UNCHAINED
    ends: bool = False


def digest_of(
    name: tuple[str, str], *, salt: bytes, body: bytes, attached: bytes | None, digest: bytes = b""
) -> bytes:
    """Return the digest of an entry or an upload, which is its leaf in the public log; 32 bytes.

    name: its key in the journal; body: its text; attached: the rows written with it, or an
    upload's records, as they were stored, unpacked. digest: their SHA-256 where they are gone.
    """
    named = hashlib.sha256("\n".join(name).encode()).digest()
    told = hashlib.sha256(body).digest()
    rest = digest or hashlib.sha256(attached or b"").digest()
    return hashlib.sha256(_ENTRY + salt + named + told + rest).digest()


def head_of(sequence: int, digest: bytes) -> str:
    """Return how an aggregate's row, and its next entry, name an entry."""
    return f"{sequence}:{shown(digest)}"


def shown(digest: bytes) -> str:
    """Return a digest as text: base64 for URLs, without padding, 43 characters."""
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def read_shown(text: str) -> bytes:
    """Return a digest that was shown as text. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def salted(fields: Mapping[str, str], salt: bytes) -> dict[str, str]:
    """Return personal fields as they are sealed: with the salt of what the record says of them."""
    return {**plain(fields), SALT: salt.hex()}


def plain(fields: Mapping[str, str]) -> dict[str, str]:
    """Return personal fields without the salt that was sealed with them."""
    return {name: value for name, value in fields.items() if name != SALT}


def commitments(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what the record says of salted fields: it fixes each value and tells nothing of it.

    Whoever erases the fields erases the salt, and nobody can try values any more.
    """
    return {name: commitment_of(value, key) for name, (value, key) in openings(fields).items()}


def commitment_of(value: str, key: bytes) -> str:
    """Return the commitment that a value and its key make."""
    return shown(hmac.new(key, value.encode(), hashlib.sha256).digest())


def openings(fields: Mapping[str, str]) -> dict[str, tuple[str, bytes]]:
    """Return field → value and the key that opens its commitment, and no other field's."""
    salt = bytes.fromhex(fields.get(SALT, ""))
    return {
        name: (value, hmac.new(salt, _FIELD + name.encode(), hashlib.sha256).digest())
        for name, value in sorted(plain(fields).items())
        if salt
    }
