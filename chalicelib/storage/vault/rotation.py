"""What a new ring asks of the rows: data keys wrapped anew, numbers claimed or freed.

A pass goes once over all subjects, in parts that run beside each other; each part keeps how far it
is after every page, so it may be killed anywhere and goes on there. All it does is conditional and
may be done twice. Sealed fields stay as they are: they lie under data keys, and those stay too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PynamoDBException, UpdateError

from chalicelib.kernel.periods import stamp
from chalicelib.storage import keys, vault
from chalicelib.storage.commit import Check, Delete, Put, Raced, Write, commit, response_code
from chalicelib.storage.numbers import NumberRow
from chalicelib.storage.rows import KeyRow
from chalicelib.storage.secrets import Keyring, keyring, number_digest
from chalicelib.storage.shelf import Shelf
from chalicelib.storage.vault import ring as rings
from chalicelib.storage.vault import sealing
from chalicelib.storage.vault.ring import Step

PARTS = 8
PAGE = 100
_TRIES = 5
# By which field a subject is found, and what the claim's row calls the holder.
_HOLDERS = {
    "CHILD": ("iin", "child_id"),
    "PERSON": ("iin", "person_id"),
    "ORG": ("bin", "organisation_id"),
}
# The other fields of a claim, in the order in which the store writes them: a claim that is made
# anew is the same to the byte.
_PEOPLE = {"person_id": None, "child_id": None}
_ALIAS = {"child_id": _PEOPLE, "person_id": _PEOPLE, "organisation_id": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one part of a pass is, and what it did.

    wrapped: data keys wrapped anew. claimed, freed: rows of numbers. after: the last key looked at.
    """

    part: int
    began_at: str
    after: tuple[str, str] | None = None
    done: bool = False
    seen: int = 0
    wrapped: int = 0
    claimed: int = 0
    freed: int = 0


PROGRESS: Shelf[Progress] = Shelf(KeyRow, Progress)


def pass_name(ring: Keyring) -> str:
    """Return what a pass under a ring is called: a step of a rotation has one."""
    return f"{rings.step_of(ring).value}@{ring.since}"


def turn(part: int, *, now: datetime, enough: Callable[[], bool] = lambda: False) -> Progress:
    """Go on with a part of the pass that the ring asks for; return how far it is.

    enough: asked after each page. Two that work on one part do no harm; one of them stops.
    """
    ring = keyring()
    key = keys.rotation(pass_name(ring), part)
    kept = PROGRESS.find(key)
    if kept is None:
        began = Progress(part=part, began_at=stamp(now))
        commit([PROGRESS.create(key, began)])
        kept = PROGRESS.load(key)
    progress = kept.value
    while not progress.done:
        rows, after = _page(part, progress.after)
        progress = replace(_handled(rows, ring, progress), after=after, done=after is None)
        if keyring() is not ring and pass_name(keyring()) != pass_name(ring):
            return progress  # the ring went on; its own pass sees every row again
        commit([PROGRESS.replace(kept, progress)])
        kept = PROGRESS.load(key)
        if enough():
            break
    return progress


def progress() -> list[Progress]:
    """Return how far the parts of the ring's pass are; a part not begun is left out."""
    pk = keys.rotation(pass_name(keyring()), 0)[0]
    return [kept.value for kept in PROGRESS.each(pk)]


def turned() -> bool:
    """Tell whether the ring's pass is over."""
    parts = progress()
    return len(parts) == PARTS and all(part.done for part in parts)


def begin_anew() -> None:
    """Forget the pass, so that it is made once more from its beginning."""
    pk = keys.rotation(pass_name(keyring()), 0)[0]
    for kept in list(PROGRESS.each(pk)):
        commit([Delete(KeyRow(kept.pk, kept.sk))])


def wrapped_by() -> dict[str, int]:
    """Return how many data keys each root version wraps; reads the whole table of keys."""
    counts: dict[str, int] = {}
    for row in vault.DataKeyRow.scan(consistent_read=True):
        if row.pk.startswith("KEY#"):
            counts[row.wrapped_by] = counts.get(row.wrapped_by, 0) + 1
    return counts


def claim_lost() -> int:
    """Claim every number of the vault that nobody holds; return how many rows were written.

    For the rebuild: the journal keeps no image of these rows.
    """
    ring, claimed = keyring(), 0
    for part in range(PARTS):
        after: tuple[str, str] | None = None
        while True:
            rows, after = _page(part, after)
            claimed += sum(_claim(ring, s, n, restore=True) for s, n in _numbers(rows))
            if after is None:
                break
    return claimed


def _page(
    part: int, after: tuple[str, str] | None
) -> tuple[list[vault.DataKeyRow], tuple[str, str] | None]:
    """Return a page of data keys of one part, and the key it ends at; None where it is the last.

    The key is kept whole: a page may end at a row of progress, which has a sort key of its own.
    """
    begin: dict[str, Any] | None = None
    if after is not None:
        begin = {"pk": {"S": after[0]}, "sk": {"S": after[1]}}
    found = vault.DataKeyRow.scan(
        segment=part,
        total_segments=PARTS,
        limit=PAGE,
        page_size=PAGE,
        consistent_read=True,
        last_evaluated_key=begin,
    )
    rows = list(found)
    last = found.last_evaluated_key
    ended = (last["pk"]["S"], last["sk"]["S"]) if last else None
    return [r for r in rows if r.pk.startswith("KEY#")], ended


def _handled(rows: Sequence[vault.DataKeyRow], ring: Keyring, so_far: Progress) -> Progress:
    step = rings.step_of(ring)
    wrapped = claimed = freed = 0
    if step in (Step.SEALING, Step.LEADING, Step.RETIRING):
        wrapped = sum(_wrap_anew(row) for row in rows if row.wrapped_by != ring.seals)
        for subject, number in _numbers(rows):
            claimed += _claim(ring, subject, number, restore=False)
            if step is Step.RETIRING:
                freed += _free(ring, subject, number)
    return replace(
        so_far,
        seen=so_far.seen + len(rows),
        wrapped=so_far.wrapped + wrapped,
        claimed=so_far.claimed + claimed,
        freed=so_far.freed + freed,
    )


def _wrap_anew(row: vault.DataKeyRow) -> bool:
    """Wrap a data key by the version that seals; False where it was erased or done meanwhile."""
    subject = row.pk.removeprefix("KEY#")
    version, wrapped = sealing.wrap(subject, vault.unwrapped(row))
    key = vault.DataKeyRow(row.pk, row.sk)
    model = vault.DataKeyRow
    try:
        key.update(
            actions=[model.wrapped.set(wrapped), model.wrapped_by.set(version)],
            condition=model.wrapped_by == row.wrapped_by,
            add_version_condition=False,
        )
    except UpdateError as error:
        if _lost(error):
            return False
        raise
    return True


def _numbers(rows: Sequence[vault.DataKeyRow]) -> Iterator[tuple[str, str]]:
    """Yield (subject, its IIN or BIN) of those subjects that have one."""
    found = {row.pk.removeprefix("KEY#"): row for row in rows}
    held = {s: row for s, row in found.items() if s.partition("#")[0] in _HOLDERS}
    for subject, fields in vault.opened_with(held).items():
        number = fields.get(_HOLDERS[subject.partition("#")[0]][0])
        if number:
            yield subject, number


def _claim(ring: Keyring, subject: str, number: str, *, restore: bool) -> int:
    """Claim a number under every version that the ring claims; return how many rows it took.

    The leading row says who holds it. restore: where no row says so, the subject does.
    """
    kind, name = _HOLDERS[subject.partition("#")[0]]
    for _ in range(_TRIES):
        wanted = [_row_key(ring, version, kind, number) for version in ring.claims]
        leading = _row_key(ring, ring.leads, kind, number)
        rows = _read({leading, *wanted})
        source = rows.get(leading)
        body = _holder(source, name, subject, restore=restore)
        if body is None:
            return 0  # nobody holds it: its holder was merged away or corrected
        missing = [key for key in wanted if key not in rows or not _same(rows[key].body, body)]
        if not missing:
            return 0
        writes: list[Write] = [_put(key, rows.get(key), body) for key in missing]
        if source is not None and (source.pk, source.sk) not in missing:
            same = NumberRow.version == source.version
            writes.append(Check(NumberRow(source.pk, source.sk), only_if=same, otherwise=Raced()))
        try:
            commit(writes)
        except Raced:
            continue
        return len(missing)
    raise Raced()


def _free(ring: Keyring, subject: str, number: str) -> int:
    """Remove a number's rows under versions that are not claimed any more; return how many."""
    kind = _HOLDERS[subject.partition("#")[0]][0]
    gone = [version for version in ring.lookup if version not in ring.claims]
    rows = _read({_row_key(ring, version, kind, number) for version in gone})
    for row in rows.values():
        commit([Delete(row)])
    return len(rows)


def _holder(source: NumberRow | None, name: str, subject: str, *, restore: bool) -> str | None:
    said: dict[str, Any] | None = json.loads(source.body or "{}") if source is not None else None
    if restore and (said is None or said.get(name) is None):
        said = {**_ALIAS[name], **(said or {}), name: subject.partition("#")[2]}
        return json.dumps(said, separators=(",", ":"))
    return source.body if source is not None else None


def _same(one: str | None, other: str) -> bool:
    return bool(json.loads(one or "{}") == json.loads(other))


def _row_key(ring: Keyring, version: str, kind: str, number: str) -> tuple[str, str]:
    return keys.alias(number_digest(ring, version, kind, number))


def _read(wanted: set[tuple[str, str]]) -> Mapping[tuple[str, str], NumberRow]:
    found = NumberRow.batch_get(sorted(wanted), consistent_read=True)
    return {(row.pk, row.sk): row for row in found}


def _put(key: tuple[str, str], before: NumberRow | None, body: str) -> Put:
    if before is None:
        free = NumberRow.pk.does_not_exist()
        return Put(NumberRow(*key, version=1, body=body), only_if=free, otherwise=Raced())
    row = NumberRow(*key, version=int(before.version or 0) + 1, body=body)
    return Put(row, only_if=NumberRow.version == before.version, otherwise=Raced())


def _lost(error: PynamoDBException) -> bool:
    return response_code(error) == "ConditionalCheckFailedException"
