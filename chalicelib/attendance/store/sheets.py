"""Child-months: marks, to which uploads only add, and what people said, written whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pynamodb.attributes import NumberAttribute, NumberSetAttribute, UnicodeAttribute
from pynamodb.expressions.condition import size as _untyped_size

from chalicelib.attendance.rules import EMPTY, MARKS_MAX, Confirmation, Sheet, SiteMonth
from chalicelib.attendance.store.updates import Change, number, table_of, text, update
from chalicelib.kernel.periods import Month
from chalicelib.storage import keys
from chalicelib.storage.commit import Check, Delete, Put, Raced, Update
from chalicelib.storage.rows import AttendanceRow
from chalicelib.storage.shelf import Kept, Shelf

_SAID = "#SAID"
size: Any = _untyped_size


class Marks(NumberSetAttribute):
    """A set of integers; pynamodb's own reads each through JSON, which costs ten times as much."""

    def deserialize(self, value: Any) -> set[int]:
        return set(map(int, value))

    def serialize(self, value: Any) -> list[str]:
        return [str(number) for number in sorted(value)]


class MarksRow(AttendanceRow):
    """A child-month's marks; `locked` since approval, after which marks are `late`.

    odd: those of them that were made with many others in one second.
    """

    marks = Marks(null=True)
    late = Marks(null=True)
    odd = Marks(null=True)
    locked = NumberAttribute(null=True)
    enrolment_id = UnicodeAttribute(attr_name="e", null=True)


@dataclass(frozen=True, slots=True)
class ChildSheet:
    """A child-month as it is stored: its marks as digits, and what people said."""

    digits: Sequence[str]
    late_digits: Sequence[str]
    said: Kept[Sheet]
    odd_digits: Sequence[str] = ()

    @property
    def marks(self) -> frozenset[int]:
        """Return the marks that came in time. Made when asked for: approved sheets need none."""
        return frozenset(map(int, self.digits))

    @property
    def late(self) -> frozenset[int]:
        """Return the marks that came after approval."""
        return frozenset(map(int, self.late_digits))

    @property
    def odd(self) -> frozenset[int]:
        """Return the marks that were made with many others in one second."""
        return frozenset(map(int, self.odd_digits))


SHEETS: Shelf[Sheet] = Shelf(AttendanceRow, Sheet)
SITE_MONTHS: Shelf[SiteMonth] = Shelf(AttendanceRow, SiteMonth)
CONFIRMATIONS: Shelf[Confirmation] = Shelf(AttendanceRow, Confirmation)


def add_marks(
    site_id: str,
    month: Month,
    child_id: str,
    marks: Iterable[int],
    *,
    enrolment_id: str,
    odd: Iterable[int] = (),
) -> frozenset[int]:
    """Add marks to a child-month: one write unit, harmless to repeat. Return those that are late.

    odd: those of the marks that were made with many others in one second. Marks that come after
    approval are kept apart. A child-month that is full takes no more: its records stay in evidence.
    """
    new = {str(mark) for mark in marks}
    crowd = sorted(str(mark) for mark in odd)
    key = keys.sheet(site_id, month, child_id)
    values: dict[str, dict[str, Any]] = {
        ":new": {"NS": sorted(new)},
        ":enrolment": text(enrolment_id),
        ":most": number(MARKS_MAX),
    }
    if crowd:
        values[":odd"] = {"NS": crowd}
    changed, item = update(MarksRow, key, _ADD_ODD if crowd else _ADD, values)
    if changed or item is None or "locked" not in item:
        return frozenset()
    late = new - set(item.get("marks", {}).get("NS", ()))
    if late:
        values[":new"] = {"NS": sorted(late)}
        update(MarksRow, key, _ADD_LATE_ODD if crowd else _ADD_LATE, values)
    return frozenset(map(int, late))


_SET = "SET e = if_not_exists(e, :enrolment)"
_ROOM = "attribute_not_exists(locked) AND (attribute_not_exists(marks) OR size(marks) < :most)"
_LATE_ROOM = "attribute_not_exists(late) OR size(late) < :most"
_ADD = Change(f"ADD marks :new {_SET}", _ROOM)
_ADD_ODD = Change(f"ADD marks :new, odd :odd {_SET}", _ROOM)
_ADD_LATE = Change(f"ADD late :new {_SET}", _LATE_ROOM)
_ADD_LATE_ODD = Change(f"ADD late :new, odd :odd {_SET}", _LATE_ROOM)
_LOCK = Change("SET locked = :one")


def find_sheet(site_id: str, month: Month, child_id: str) -> ChildSheet:
    """Return a child-month; empty where nothing was marked or said. One call."""
    pk, marks_sk = keys.sheet(site_id, month, child_id)
    said_sk = keys.sheet_said(site_id, month, child_id)[1]
    condition = MarksRow.sk.between(marks_sk, said_sk)
    answer = table_of(MarksRow).query(pk, condition, consistent_read=True)
    found = dict(_sheets(answer.get("Items", []), pk))
    return found.get(child_id) or no_sheet(site_id, month, child_id)


def list_sheets(
    site_id: str, month: Month, *, first: str | None = None, last: str | None = None
) -> dict[str, ChildSheet]:
    """Return a provider-month by child: one query, as many pages as it has megabytes.

    first, last: only children between these ids, both included.
    """
    pk = keys.sheet(site_id, month, "")[0]
    some = None
    if first is not None and last is not None:
        some = MarksRow.sk.between(first, last + _SAID)
    table, start, items = table_of(MarksRow), None, []
    while True:
        answer = table.query(pk, some, consistent_read=True, exclusive_start_key=start)
        items += answer["Items"]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            return dict(_sheets(items, pk))


def no_sheet(site_id: str, month: Month, child_id: str) -> ChildSheet:
    """Return the child-month of which nothing is stored."""
    key = keys.sheet_said(site_id, month, child_id)
    return ChildSheet((), (), Kept(EMPTY, *key, 0, "{}"))


def keep_sheet(kept: Kept[Sheet], sheet: Sheet) -> Put:
    """Describe what people say of a child-month next."""
    if kept.version == 0:
        return SHEETS.create((kept.pk, kept.sk), sheet)
    return SHEETS.replace(kept, sheet)


def end_sheet(site_id: str, month: Month, child_id: str, kept: Kept[Sheet]) -> list[Delete]:
    """Describe a child-month's end: what was said of it, if anything was, and its marks."""
    marks = Delete(MarksRow(*keys.sheet(site_id, month, child_id)))
    return [SHEETS.remove(kept), marks] if kept.version else [marks]


def unchanged(kept: Kept[Sheet]) -> Check:
    """Demand that nobody has said anything of a child-month since it was read."""
    version = AttendanceRow.version
    same = version == kept.version if kept.version else version.does_not_exist()
    return Check(AttendanceRow(kept.pk, kept.sk), only_if=same, otherwise=Raced())


def lock_marks(site_id: str, month: Month, child_id: str, *, marks: int) -> Update:
    """Describe that later marks are late; raced if marks came since they were counted.

    Sets of marks only grow, so the same number is the same set.
    """
    same = MarksRow.marks.does_not_exist() if marks == 0 else size(MarksRow.marks) == marks
    row = MarksRow(*keys.sheet(site_id, month, child_id))
    return Update(row, [MarksRow.locked.set(1)], only_if=same, otherwise=Raced())


def restore_lock(site_id: str, month: Month, child_id: str) -> None:
    """Lock a child-month that is approved; part of a rebuild."""
    update(MarksRow, keys.sheet(site_id, month, child_id), _LOCK, {":one": number(1)})


def find_site_month(site_id: str, month: Month) -> Kept[SiteMonth]:
    """Return whether a provider's month is closed; open, at version 0, before anybody said so."""
    key = keys.site_month(site_id, month)
    fresh = SiteMonth(site_id=site_id, month=str(month))
    return SITE_MONTHS.find(key) or Kept(fresh, *key, 0, "{}")


def keep_site_month(kept: Kept[SiteMonth], state: SiteMonth) -> Put:
    if kept.version == 0:
        return SITE_MONTHS.create((kept.pk, kept.sk), state)
    return SITE_MONTHS.replace(kept, state)


def find_confirmation(digest: str) -> Kept[Confirmation] | None:
    """Return what a one-time code confirms. One read."""
    return CONFIRMATIONS.find(keys.confirmation(digest))


def put_confirmation(digest: str, confirmation: Confirmation, *, expires_at: int) -> Put:
    """Describe a new code; raced if the same one was made before."""
    key = keys.confirmation(digest)
    return CONFIRMATIONS.create(key, confirmation, expires_at=expires_at)


def spend_confirmation(
    kept: Kept[Confirmation], confirmation: Confirmation, *, expires_at: int
) -> Put:
    return CONFIRMATIONS.replace(kept, confirmation, expires_at=expires_at)


_SHEET_DECODER = msgspec.json.Decoder(Sheet)
_NONE: Sequence[str] = ()


def _sheets(items: Iterable[dict[str, Any]], pk: str) -> Iterator[tuple[str, ChildSheet]]:
    """Yield child → sheet; a child's marks sort right before what was said of them."""
    waiting: dict[str, Any] | None = None
    for item in items:
        sk: str = item["sk"]["S"]
        if not sk.endswith(_SAID):
            if waiting is not None:
                yield _unsaid(pk, waiting)
            waiting = item
            continue
        child_id = sk[: -len(_SAID)]
        if waiting is not None and waiting["sk"]["S"] != child_id:
            yield _unsaid(pk, waiting)
            waiting = None
        body = item["body"]["S"]
        head = item.get("h", {}).get("S")
        kept = Kept(_SHEET_DECODER.decode(body), pk, sk, int(item["v"]["N"]), body, head)
        yield child_id, _sheet(waiting, kept)
        waiting = None
    if waiting is not None:
        yield _unsaid(pk, waiting)


def _unsaid(pk: str, item: dict[str, Any]) -> tuple[str, ChildSheet]:
    child_id = item["sk"]["S"]
    kept = Kept(EMPTY, pk, child_id + _SAID, 0, "{}")
    return child_id, _sheet(item, kept)


def _sheet(item: dict[str, Any] | None, said: Kept[Sheet]) -> ChildSheet:
    if item is None:
        return ChildSheet(_NONE, _NONE, said)
    marks, late, odd = item.get("marks"), item.get("late"), item.get("odd")
    return ChildSheet(
        marks["NS"] if marks else _NONE,
        late["NS"] if late else _NONE,
        said,
        odd["NS"] if odd else _NONE,
    )
