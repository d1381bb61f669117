"""The vault's move: out of the rows into the database elsewhere, or back, while everything runs.

Each row moves by itself: its fields are opened, sealed for their new place, written there, read
back and compared, and only then the row changes, conditional on its version. Whoever changes or
erases it meanwhile wins. So a move may be killed anywhere and be made again: a row lies in one of
both places whole, and what a kill left elsewhere is a blob without a row, which `collect` removes.

A moved row keeps a digest of what it was, under its own data key, until it is next changed: `check`
opens everything and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidTag

from chalicelib.kernel.ids import new_id
from chalicelib.kernel.refusals import OutOfTurn, Unavailable
from chalicelib.storage import keys, vault
from chalicelib.storage.commit import Delete, Raced, commit
from chalicelib.storage.rows import KeyRow, VaultRow
from chalicelib.storage.secrets import purpose_key
from chalicelib.storage.shelf import Kept, Shelf
from chalicelib.storage.vault import places, sealing

PARTS = 4
PAGE = 100
_TRIES = 5
_WHOLE = 1 << 256


class NoPlace(OutOfTurn):
    """The vault is not set so that anything could move that way."""

    code = "kezek/vault-no-place"


class NotAsWritten(Unavailable):
    """What was written elsewhere does not come back the same; the row stays as it was."""

    code = "kezek/vault-not-as-written"


class Way(StrEnum):
    """Where to."""

    OUT = "out"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one part of a move is. after: the last row looked at; there: rows already there.

    erased: rows without a data key, which open nowhere. lost, broken: rows that stay as they are,
    because what they refer to is not there, or does not open.
    """

    part: int
    after: str | None = None
    done: bool = False
    seen: int = 0
    moved: int = 0
    there: int = 0
    erased: int = 0
    lost: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What lies where, of subjects that are not erased.

    digest: of all fields in clear, under a key of the ring, in any order. lost: rows that refer to
    a blob that is not there; broken: rows that do not open, or are not what they were before the
    move; proved: rows that are what they were. blobs: how many there are elsewhere, those without
    a row too; None without a database elsewhere.
    """

    rows: int = 0
    inside: int = 0
    outside: int = 0
    erased: int = 0
    lost: int = 0
    broken: int = 0
    proved: int = 0
    blobs: int | None = None
    digest: str = ""

    @property
    def whole(self) -> bool:
        """Whether everything opens and is what it was."""
        return not self.lost and not self.broken


PROGRESS: Shelf[Progress] = Shelf(KeyRow, Progress)


def prepare(way: Way) -> None:
    """Raise NoPlace unless new fields go where a move of that way leads."""
    blobs = places.outside()
    if blobs is None or blobs.leaving is not (way is Way.BACK):
        raise NoPlace()


def begin(way: Way) -> list[Progress]:
    """Return how far a move is, where one was interrupted; a finished one begins anew."""
    found = _progress(way)
    if len(found) == PARTS and all(part.done for part in found):
        _forget(way)
        found = []
    return found


def move(way: Way, *, told: Callable[[Progress], None] = lambda _: None) -> list[Progress]:
    """Move every row, going on where the last move was interrupted; return what was done.

    told: called after each page. Raises NoPlace, NotAsWritten, VaultSilent, Raced.
    """
    prepare(way)
    begin(way)
    _forget(Way.OUT if way is Way.BACK else Way.BACK)
    return [_move_part(way, part, told) for part in range(PARTS)]


def census(*, told: Callable[[int], None] = lambda _: None) -> Census:
    """Open everything and count; changes nothing. Reads the whole vault."""
    counts = dict.fromkeys(("rows", "inside", "outside", "erased", "lost", "broken", "proved"), 0)
    total = 0
    for part in range(PARTS):
        after: str | None = ""
        while after is not None:
            rows, after = _page(part, after or None)
            total = (total + _look_at(rows, counts)) % _WHOLE
            told(counts["rows"])
    blobs = places.outside()
    return Census(**counts, blobs=blobs.count() if blobs else None, digest=f"{total:064x}")


def _move_part(way: Way, part: int, told: Callable[[Progress], None]) -> Progress:
    key = keys.vault_move(way.value, part)
    kept = PROGRESS.find(key)
    if kept is None:
        commit([PROGRESS.create(key, Progress(part=part))])
        kept = PROGRESS.load(key)
    progress = kept.value
    while not progress.done:
        rows, after = _page(part, progress.after)
        data_keys = vault.data_keys_of([_subject(row) for row in rows])
        for row in rows:
            progress = _counted(progress, _move_row(way, row, data_keys))
        progress = replace(progress, after=after, done=after is None)
        commit([PROGRESS.replace(kept, progress)])
        kept = PROGRESS.load(key)
        told(progress)
    return progress


def _counted(progress: Progress, what: str) -> Progress:
    counted = {what: getattr(progress, what) + 1, "seen": progress.seen + 1}
    return replace(progress, **counted)


def _move_row(way: Way, row: Kept[dict[str, str]], data_keys: Mapping[str, bytes]) -> str:
    """Move a row unless it lies there already; return which count it belongs to."""
    subject = _subject(row)
    found: Kept[dict[str, str]] | None = row
    for _ in range(_TRIES):
        if found is None or subject not in data_keys:
            return "erased"
        if (vault.REFERENCE in found.value) is (way is Way.OUT):
            return "there"
        try:
            opened = vault.opened_rows({subject: found}, data_keys).get(subject)
        except vault.VaultTorn:
            return "lost"
        except InvalidTag:
            return "broken"
        if opened is None:
            return "erased"
        body = _written(way, data_keys[subject], subject, opened)
        empty = replace(found, body="{}")
        try:
            commit([vault.SEALED.replace(empty, body)])
        except Raced:
            found = vault.SEALED.find((row.pk, row.sk))
            continue
        return "moved"
    raise Raced()


def _written(way: Way, data_key: bytes, subject: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the row's new body; what it refers to was read back and is the same."""
    if way is Way.BACK:
        body = sealing.seal_fields(data_key, subject, fields, place=sealing.HERE)
        if sealing.open_fields(data_key, subject, body, place=sealing.HERE) != fields:
            raise NotAsWritten()
        return body
    blobs = places.outside()
    if blobs is None:
        raise NoPlace()
    reference = new_id()
    sealed = sealing.seal_fields(data_key, subject, fields, place=reference)
    blobs.insert(reference, subject, sealed)
    back = blobs.fetch([reference]).get(reference)
    if back is None or _clear(data_key, subject, back, reference) != fields:
        raise NotAsWritten()
    digest = sealing.digest_of(data_key, subject, fields)
    return {vault.REFERENCE: reference, vault.DIGEST: digest}


def _look_at(rows: list[Kept[dict[str, str]]], counts: dict[str, int]) -> int:
    """Count some rows; return the sum of their digests."""
    data_keys = vault.data_keys_of([_subject(row) for row in rows])
    blobs = places.outside()
    wanted = [r.value[vault.REFERENCE] for r in rows if vault.REFERENCE in r.value]
    fetched = blobs.fetch(wanted) if blobs and wanted else {}
    total = 0
    for row in rows:
        counts["rows"] += 1
        subject, reference = _subject(row), row.value.get(vault.REFERENCE)
        sealed = row.value if reference is None else fetched.get(reference)
        if subject not in data_keys or (sealed is None and not _still(row)):
            counts["erased"] += 1
            continue
        counts["inside" if reference is None else "outside"] += 1
        if sealed is None:
            counts["lost"] += 1
            continue
        key, place = data_keys[subject], reference or sealing.HERE
        fields = _clear(key, subject, sealed, place)
        said = row.value.get(vault.DIGEST) if reference is not None else None
        if fields is None or (said and said != sealing.digest_of(key, subject, fields)):
            counts["broken"] += 1
            continue
        counts["proved"] += said is not None
        named = sealing.digest_of(purpose_key("vault-census"), subject, fields)
        total += int(named, 16)
    return total


def _still(row: Kept[dict[str, str]]) -> bool:
    """Tell whether a row still is as it was read: whoever erases or changes it is no loss."""
    now = vault.SEALED.find((row.pk, row.sk))
    return now is not None and now.version == row.version


def _clear(
    data_key: bytes, subject: str, sealed: Mapping[str, str], place: str
) -> dict[str, str] | None:
    try:
        return sealing.open_fields(data_key, subject, sealed, place=place)
    except (InvalidTag, ValueError):
        return None


def _page(part: int, after: str | None) -> tuple[list[Kept[dict[str, str]]], str | None]:
    """Return a page of the vault's rows, and the key it ends at; None where it is the last."""
    start: dict[str, Any] | None = None
    if after is not None:
        start = {"pk": {"S": after}, "sk": {"S": keys.ONLY}}
    found = VaultRow.scan(
        segment=part,
        total_segments=PARTS,
        limit=PAGE,
        page_size=PAGE,
        consistent_read=True,
        last_evaluated_key=start,
    )
    rows = [vault.SEALED.kept(row) for row in found]
    last = found.last_evaluated_key
    return rows, last["pk"]["S"] if last else None


def _subject(row: Kept[dict[str, str]]) -> str:
    return row.pk.removeprefix("VAULT#")


def _progress(way: Way) -> list[Progress]:
    pk = keys.vault_move(way.value, 0)[0]
    return [kept.value for kept in PROGRESS.each(pk)]


def _forget(way: Way) -> None:
    pk = keys.vault_move(way.value, 0)[0]
    for kept in list(PROGRESS.each(pk)):
        commit([Delete(KeyRow(kept.pk, kept.sk))])
