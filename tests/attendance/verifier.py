"""A verifier of check-in records that shares no code with Kezek: the format, once more, in short.

Only the standard library and Ed25519. It says "good", "malformed" or "bad-signature".
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NEEDED = {"v", "alg", "kid", "counter", "prev", "enrolment", "kind", "at", "way", "sig"}
FORMS = {
    "kid": r"[a-z2-7]{26}",
    "prev": r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]",
    "enrolment": r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}",
    "adult": r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}",
    "at": r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}(\.[0-9]{3})?(Z|[+-][0-9]{2}:[0-9]{2})",
    "sig": r"[A-Za-z0-9_-]{85}[AQgw]",
    "kind": "in|out|absence",
    "way": "educator|pin|qr",
    "reason": "[SQWVRFN]",
}


def text_of(value: Any) -> str:
    """The canonical text, written by hand: sorted keys, no spaces, nothing escaped needlessly."""
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be"))
        return "{" + ",".join(f"{text_of(k)}:{text_of(v)}" for k, v in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    raise ValueError("fractions and huge integers have no place in a record")


def verdict(record: Any, public_key: bytes) -> str:
    try:
        formed = well_formed(record)
        signed = (
            text_of({k: v for k, v in record.items() if k != "sig"}).encode() if formed else b""
        )
    except (ValueError, TypeError):
        return "malformed"
    if not formed:
        return "malformed"
    try:
        signature = base64.urlsafe_b64decode(record["sig"] + "==")
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except InvalidSignature:
        return "bad-signature"
    return "good"


def well_formed(record: dict[str, Any]) -> bool:
    absent = record.get("kind") == "absence"
    optional = {"ext"} | ({"reason"} if absent else {"adult", "guessed"})
    if not NEEDED <= set(record) <= NEEDED | optional or absent is not ("reason" in record):
        return False
    if any(n in record and not _is(form, record[n]) for n, form in FORMS.items()):
        return False
    counter = record["counter"]
    if type(counter) is not int or not 1 <= counter < 2**24:
        return False
    datetime.fromisoformat(record["at"].replace("Z", "+00:00"))
    return (
        type(record["v"]) is int
        and record["v"] == 1
        and record["alg"] == "Ed25519"
        and record.get("guessed", True) is True
        and isinstance(record.get("ext", {}), dict)
        and len(text_of(record).encode()) <= 2000
    )


def hash_of(record: dict[str, Any]) -> str:
    digest = hashlib.sha256(text_of(record).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _is(form: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(form, value, re.ASCII) is not None
