"""Lists by pages: an opaque cursor, sealed to one list, that nobody can read or alter."""

from __future__ import annotations

import base64
import hashlib
import hmac

from chalicelib.kernel.refusals import Malformed
from chalicelib.storage.secrets import purpose_key, sealing_keys


class BadCursor(Malformed):
    """The cursor is not one we gave for this list."""

    code = "kezek/bad-cursor"


def cursor(position: str, *, of: str, lasting: bool = False) -> str:
    """Return a cursor for a position in the list `of` (its path and filters).

    lasting: one that somebody may come back with after any time; it outlives every rotation.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    sealed = AESSIV(_lasting() if lasting else _keys()[0]).encrypt(position.encode(), [of.encode()])
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def position(text: str, *, of: str) -> str:
    """Return the position a cursor stands for; BadCursor if it was altered or is another list's."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    # A cursor given before a key rotation stays good until that version is retired, a lasting one
    # for ever.
    for key in (*_keys(), _lasting()):
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return AESSIV(key).decrypt(sealed, [of.encode()]).decode()
        except InvalidTag:
            continue
        except ValueError as error:
            raise BadCursor() from error
    raise BadCursor()


def _lasting() -> bytes:
    """Return the key of lasting cursors: of the part of the ring that is never renewed."""
    return hmac.new(purpose_key("cursor"), b"siv", hashlib.sha256).digest()


def _keys() -> list[bytes]:
    """Return the keys of all root versions, the one that seals first."""
    made = sealing_keys("cursor").values()
    return [hmac.new(key, b"siv", hashlib.sha256).digest() for key in made]
