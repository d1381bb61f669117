"""Sealing itself: AES-256-GCM, a data key per subject, wrapped by a version of the root key.

The associated data names table, place, subject and field, so that a ciphertext moved to another
subject, field, table or reference does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping

from chalicelib.storage.secrets import sealing_keys

_NONCE = 12
# What the rows of the vault's own table are bound to; a blob elsewhere is bound to its reference.
HERE = "vault"


class Retired(RuntimeError):
    """A data key is wrapped by a root version that the ring no longer holds."""


def seal_fields(
    data_key: bytes, subject: str, fields: Mapping[str, str], *, place: str
) -> dict[str, str]:
    """Return each field's nonce and ciphertext in base64."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, sealed = AESGCM(data_key), {}
    for name, value in fields.items():
        nonce = os.urandom(_NONCE)
        text = cipher.encrypt(nonce, value.encode(), _bound(place, subject, name))
        sealed[name] = base64.b64encode(nonce + text).decode()
    return sealed


def open_fields(
    data_key: bytes, subject: str, sealed: Mapping[str, str], *, place: str
) -> dict[str, str]:
    """Return the fields in clear. Raises InvalidTag where anything was moved or altered."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, opened = AESGCM(data_key), {}
    for name, text in sealed.items():
        raw = base64.b64decode(text)
        clear = cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _bound(place, subject, name))
        opened[name] = clear.decode()
    return opened


def digest_of(data_key: bytes, subject: str, fields: Mapping[str, str]) -> str:
    """Return what fields in clear are known again by; nobody without the data key can try any."""
    told = json.dumps([subject, fields], sort_keys=True, ensure_ascii=False)
    key = hmac.new(data_key, b"kezek/moved", hashlib.sha256).digest()
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()


def wrap(subject: str, data_key: bytes) -> tuple[str, bytes]:
    """Return the root version that seals now, and the data key wrapped by it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    version, root = next(iter(sealing_keys("wrap").items()))
    nonce = os.urandom(_NONCE)
    return version, nonce + AESGCM(root).encrypt(nonce, data_key, _wrapped(subject, version))


def unwrap(subject: str, version: str, wrapped: bytes) -> bytes:
    """Return a data key. Raises Retired, InvalidTag."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    root = sealing_keys("wrap").get(version)
    if root is None:
        raise Retired(f"root version {version}")
    return AESGCM(root).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _wrapped(subject, version))


def _bound(place: str, subject: str, name: str) -> bytes:
    return f"{place}\x00{subject}\x00{name}".encode()


def _wrapped(subject: str, version: str) -> bytes:
    return f"keys\x00{subject}\x00wrapped\x00{version}".encode()
