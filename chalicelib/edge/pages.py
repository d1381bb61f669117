"""Lists by pages: an opaque cursor, sealed to one list, that nobody can read or alter."""

from __future__ import annotations

import base64
import hashlib
import hmac

from chalicelib.kernel.refusals import Malformed
from chalicelib.storage.secrets import purpose_key


class BadCursor(Malformed):
    """The cursor is not one we gave for this list."""

    code = "kezek/bad-cursor"


def cursor(position: str, *, of: str) -> str:
    """Return a cursor for a position in the list `of` (its path and filters)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    sealed = AESSIV(_key()).encrypt(position.encode(), [of.encode()])
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def position(text: str, *, of: str) -> str:
    """Return the position a cursor stands for; BadCursor if it was altered or is another list's."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return AESSIV(_key()).decrypt(sealed, [of.encode()]).decode()
    except (InvalidTag, ValueError) as error:
        raise BadCursor() from error


def _key() -> bytes:
    return hmac.new(purpose_key("cursor"), b"siv", hashlib.sha256).digest()
