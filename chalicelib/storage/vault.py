"""Personal fields, sealed: AES-256-GCM per field, a data key per subject.

The associated data is table, subject and field, so a ciphertext moved elsewhere does not open.
The data key is wrapped by the root key and lies in a table of its own: deleting that row erases the
subject everywhere, backups included. Nothing outside this module sees a key.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence

from pynamodb.attributes import BinaryAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.kernel.refusals import Refusal, Unknown
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, Raced
from chalicelib.storage.rows import KeyRow, VaultRow
from chalicelib.storage.secrets import purpose_key
from chalicelib.storage.shelf import Shelf

_NONCE = 12


# Field name → base64 of nonce and ciphertext.
SEALED: Shelf[dict[str, str]] = Shelf(VaultRow, dict[str, str])


class DataKeyRow(KeyRow):
    """One subject's data key, wrapped."""

    wrapped = BinaryAttribute(legacy_encoding=False)


def seal(subject: str, fields: Mapping[str, str], *, otherwise: Refusal | None = None) -> list[Put]:
    """Describe a new subject's rows: its wrapped key and its sealed fields.

    subject: e.g. "CHILD#abc"; a subject that exists already is refused with `otherwise` (Raced).
    """
    data_key = os.urandom(32)
    key_row = DataKeyRow(*keys.data_key(subject), wrapped=_wrap(subject, data_key))
    sealed = {name: _encrypt(data_key, subject, name, value) for name, value in fields.items()}
    refusal = otherwise or Raced()
    return [
        Put(key_row, only_if=DataKeyRow.pk.does_not_exist(), otherwise=refusal),
        SEALED.create(keys.sealed(subject), sealed, otherwise=refusal),
    ]


def reseal(subject: str, fields: Mapping[str, str]) -> Put:
    """Describe new values for some fields of a subject; the others stay. Raises Unknown."""
    data_key = _data_keys([subject]).get(subject)
    kept = SEALED.load(keys.sealed(subject))
    if data_key is None:
        raise Unknown()
    sealed = {name: _encrypt(data_key, subject, name, value) for name, value in fields.items()}
    return SEALED.replace(kept, {**kept.value, **sealed})


def open_fields(subject: str) -> dict[str, str]:
    """Return a subject's fields in clear; empty when the subject was erased. Two reads."""
    return open_many([subject]).get(subject, {})


def open_many(subjects: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the fields of those subjects that are not erased; two calls per hundred."""
    unique = list(dict.fromkeys(subjects))
    data_keys = _data_keys(unique)
    opened: dict[str, dict[str, str]] = {}
    for kept in SEALED.find_many([keys.sealed(s) for s in unique]).values():
        subject = kept.pk.removeprefix("VAULT#")
        if subject in data_keys:
            opened[subject] = {
                name: _decrypt(data_keys[subject], subject, name, value)
                for name, value in kept.value.items()
            }
    return opened


def _data_keys(subjects: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if len(subjects) == 1:
        try:
            row = DataKeyRow.get(*keys.data_key(subjects[0]), consistent_read=True)
        except DoesNotExist:
            return {}
        return {subjects[0]: _unwrap(subjects[0], row.wrapped)}
    for start in range(0, len(subjects), 100):
        wanted = [keys.data_key(s) for s in subjects[start : start + 100]]
        for row in DataKeyRow.batch_get(wanted, consistent_read=True):
            subject = row.pk.removeprefix("KEY#")
            found[subject] = _unwrap(subject, row.wrapped)
    return found


def _encrypt(data_key: bytes, subject: str, name: str, value: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    sealed = AESGCM(data_key).encrypt(nonce, value.encode(), _bound("vault", subject, name))
    return base64.b64encode(nonce + sealed).decode()


def _decrypt(data_key: bytes, subject: str, name: str, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = base64.b64decode(text)
    nonce, ciphertext = sealed[:_NONCE], sealed[_NONCE:]
    return AESGCM(data_key).decrypt(nonce, ciphertext, _bound("vault", subject, name)).decode()


def _wrap(subject: str, data_key: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    root = AESGCM(purpose_key("wrap"))
    return nonce + root.encrypt(nonce, data_key, _bound("keys", subject, "wrapped"))


def _unwrap(subject: str, wrapped: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    root = AESGCM(purpose_key("wrap"))
    return root.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _bound("keys", subject, "wrapped"))


def _bound(table: str, subject: str, name: str) -> bytes:
    return f"{table}\x00{subject}\x00{name}".encode()
