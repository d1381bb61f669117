"""Personal fields, sealed: AES-256-GCM per field, a data key per subject.

    sealing.py    ciphers, and what each ciphertext is bound to
    places.py     where sealed fields lie: in the row, or in a database elsewhere (postgres.py)
    rotation.py   new versions of the keys, while everything runs
    moving.py     from the rows into the database elsewhere and back, while everything runs

The data key is wrapped by the root key and lies in a table of its own: deleting that row erases the
subject everywhere, backups included. Nothing outside this package sees a key.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.kernel.ids import new_id
from chalicelib.kernel.refusals import Refusal, Unavailable, Unknown
from chalicelib.storage import keys
from chalicelib.storage.commit import Delete, Put, Raced, in_rehearsal
from chalicelib.storage.rows import KeyRow, VaultRow
from chalicelib.storage.shelf import Kept, Shelf
from chalicelib.storage.vault import places, sealing

# In a row: field name → base64 of nonce and ciphertext; or REFERENCE → where they lie elsewhere,
# and after a move DIGEST → what they were before it.
REFERENCE, DIGEST = "@", "#"
SEALED: Shelf[dict[str, str]] = Shelf(VaultRow, dict[str, str])


class VaultTorn(Unavailable):
    """A row refers to sealed fields that the database elsewhere does not hold."""

    code = "kezek/vault-torn"


class DataKeyRow(KeyRow):
    """One subject's data key, and the root version that wraps it."""

    wrapped = BinaryAttribute(legacy_encoding=False, null=True)
    wrapped_by = UnicodeAttribute(null=True)


def seal(subject: str, fields: Mapping[str, str], *, otherwise: Refusal | None = None) -> list[Put]:
    """Describe a new subject's rows: its wrapped key and its sealed fields.

    subject: e.g. "CHILD#abc"; a subject that exists already is refused with `otherwise` (Raced).
    """
    data_key = os.urandom(32)
    version, wrapped = sealing.wrap(subject, data_key)
    key_row = DataKeyRow(*keys.data_key(subject), wrapped=wrapped, wrapped_by=version)
    refusal = otherwise or Raced()
    body = _placed(data_key, subject, fields)
    return [
        Put(key_row, only_if=DataKeyRow.pk.does_not_exist(), otherwise=refusal),
        SEALED.create(keys.sealed(subject), body, otherwise=refusal),
    ]


def reseal(subject: str, fields: Mapping[str, str]) -> Put:
    """Describe new values for some fields of a subject; the others stay. Raises Unknown."""
    data_key = _data_keys([subject]).get(subject)
    kept = SEALED.load(keys.sealed(subject))
    opened = _opened({subject: kept}, {subject: data_key}) if data_key else {}
    if data_key is None or subject not in opened:
        raise Unknown()
    # The whole body is new: sealed fields and a reference never stand in one row.
    empty = dataclasses.replace(kept, body="{}")
    return SEALED.replace(empty, _placed(data_key, subject, {**opened[subject], **fields}))


def open_fields(subject: str) -> dict[str, str]:
    """Return a subject's fields in clear; empty when the subject was erased. Two reads."""
    return open_many([subject]).get(subject, {})


def open_many(subjects: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the fields of those subjects that are not erased; two calls per hundred."""
    unique = list(dict.fromkeys(subjects))
    data_keys = _data_keys(unique)
    return _opened(_rows(unique), data_keys)


def erase(subject: str) -> list[Delete]:
    """Describe a subject's end: its data key and its sealed fields. No copy opens afterwards.

    After the commit `forget` removes what lies elsewhere; what it misses is collected.
    """
    blobs = places.outside()
    if blobs is not None:
        blobs.suspect([subject])
    return [Delete(DataKeyRow(*keys.data_key(subject))), Delete(VaultRow(*keys.sealed(subject)))]


def forget(subjects: Sequence[str]) -> int:
    """Delete what a database elsewhere holds of erased subjects; return how many blobs."""
    blobs = places.outside()
    return blobs.forget(subjects) if blobs else 0


def collect(*, most: int = 1000) -> Mapping[str, int]:
    """Remove what a database elsewhere holds without any row that refers to it; return counts."""
    blobs = places.outside()
    return blobs.collect(_references, most=most) if blobs else {}


# --- rows and keys


def _placed(data_key: bytes, subject: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the row's body; with a database elsewhere the blob is written there, now."""
    blobs = places.outside()
    if blobs is None or blobs.leaving or in_rehearsal():
        return sealing.seal_fields(data_key, subject, fields, place=sealing.HERE)
    reference = new_id()
    blobs.insert(
        reference, subject, sealing.seal_fields(data_key, subject, fields, place=reference)
    )
    return {REFERENCE: reference}


def _rows(subjects: Sequence[str]) -> dict[str, Kept[dict[str, str]]]:
    found = SEALED.find_many([keys.sealed(s) for s in subjects])
    return {kept.pk.removeprefix("VAULT#"): kept for kept in found.values()}


def _opened(
    rows: Mapping[str, Kept[dict[str, str]]], data_keys: Mapping[str, bytes]
) -> dict[str, dict[str, str]]:
    live = {subject: kept.value for subject, kept in rows.items() if subject in data_keys}
    fetched = _fetched(live)
    opened = {}
    for subject, body in live.items():
        reference = body.get(REFERENCE)
        sealed = body if reference is None else fetched.get(reference)
        if sealed is not None:
            place = reference or sealing.HERE
            opened[subject] = sealing.open_fields(data_keys[subject], subject, sealed, place=place)
    return opened


def _fetched(bodies: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    wanted = {subject: body[REFERENCE] for subject, body in bodies.items() if REFERENCE in body}
    if not wanted:
        return {}
    blobs = places.outside()
    if blobs is None:
        raise places.VaultSilent()
    fetched = blobs.fetch(list(wanted.values()))
    missing = [subject for subject, reference in wanted.items() if reference not in fetched]
    # Erased between the two reads is no loss; a row that stands without its blob is.
    if missing and any(wanted[s] == r for s, r in _references(missing).items()):
        raise VaultTorn()
    return fetched


def _references(subjects: Sequence[str]) -> dict[str, str]:
    """Return which blob each subject's row refers to now."""
    rows = _rows(subjects)
    return {s: kept.value[REFERENCE] for s, kept in rows.items() if REFERENCE in kept.value}


def _data_keys(subjects: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if len(subjects) == 1:
        try:
            row = DataKeyRow.get(*keys.data_key(subjects[0]), consistent_read=True)
        except DoesNotExist:
            return {}
        return {subjects[0]: unwrapped(row)}
    for start in range(0, len(subjects), 100):
        wanted = [keys.data_key(s) for s in subjects[start : start + 100]]
        for row in DataKeyRow.batch_get(wanted, consistent_read=True):
            found[row.pk.removeprefix("KEY#")] = unwrapped(row)
    return found


def opened_with(rows: Mapping[str, DataKeyRow]) -> dict[str, dict[str, str]]:
    """Return the fields of subjects whose key rows were read; for this package alone."""
    return _opened(_rows(list(rows)), {s: unwrapped(row) for s, row in rows.items()})


def unwrapped(row: DataKeyRow) -> bytes:
    """Return the data key of a row; for this package alone."""
    return sealing.unwrap(row.pk.removeprefix("KEY#"), row.wrapped_by, row.wrapped)


def data_keys_of(subjects: Sequence[str]) -> dict[str, bytes]:
    """Return the data keys of those subjects that are not erased; for this package alone."""
    return _data_keys(subjects) if subjects else {}


def opened_rows(
    rows: Mapping[str, Kept[dict[str, str]]], data_keys: Mapping[str, bytes]
) -> dict[str, dict[str, str]]:
    """Return the fields of rows that were read; for this package alone."""
    return _opened(rows, data_keys)
