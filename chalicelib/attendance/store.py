"""Rows of attendance: tablets, evidence, marks, sheets.

Two kinds of rows, never mixed in one. What people decide (pairings, devices, sheets, closed months)
is journaled and written whole. What uploads touch (a device's state, a child-month's marks, flags)
is written by single updates that may be repeated in any order; evidence is its journal, and
`rebuild` folds it again.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import (
    BinaryAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.condition import size as _untyped_size
from pynamodb.expressions.update import Action

from chalicelib.attendance.rules import (
    EMPTY,
    MARKS_MAX,
    Device,
    DeviceRevoked,
    DeviceState,
    Gap,
    NotPaired,
    Pairing,
    Record,
    Sheet,
    SiteMonth,
    UploadTooLarge,
    cost_of,
    spend,
)
from chalicelib.attendance.rules.devices import BUCKET_SECONDS
from chalicelib.attendance.rules.records import SPAN_MAX
from chalicelib.kernel.periods import Month, stamp
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, Raced, StoreSilent, Update, Write, commit, pause
from chalicelib.storage.rows import AttendanceRow
from chalicelib.storage.shelf import Kept, Shelf

_TRIES = 6
size: Any = _untyped_size
_SAID = "#SAID"


class Marks(NumberSetAttribute):
    """A set of integers; pynamodb's own reads each through JSON, which costs ten times as much."""

    def deserialize(self, value: Any) -> set[int]:
        return set(map(int, value))

    def serialize(self, value: Any) -> list[str]:
        return [str(number) for number in sorted(value)]


class DeviceRow(AttendanceRow):
    """A tablet's state: all that the one conditional update of an upload needs."""

    site_id = UnicodeAttribute(null=True)
    programme = UnicodeAttribute(null=True)
    area = UnicodeAttribute(null=True)
    head_counter = NumberAttribute(null=True)
    head_hash = UnicodeAttribute(null=True)
    bucket_at = NumberAttribute(null=True)
    revoked = UnicodeAttribute(null=True)
    last_at = UnicodeAttribute(null=True)


class MarksRow(AttendanceRow):
    """A child-month's marks; `locked` since approval, after which marks are `late`."""

    marks = Marks(null=True)
    late = Marks(null=True)
    locked = NumberAttribute(null=True)
    enrolment_id = UnicodeAttribute(attr_name="e", null=True)


class EvidenceRow(AttendanceRow):
    """An upload: its signed records, compressed, line by line."""

    records = BinaryAttribute(legacy_encoding=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an upload brought and what became of it.

    first, last: counters of the whole upload. members: enrolment → child. refused: hash → code.
    had: counters that an earlier upload brought. flags: counter, as text → flags. head_counter,
    head_hash: the end of the chain after it.
    """

    device_id: str
    site_id: str
    received_at: str
    first: int
    last: int
    members: dict[str, str]
    refused: dict[str, str]
    had: tuple[int, ...] = ()
    flags: dict[str, tuple[str, ...]]
    gaps: tuple[Gap, ...] = ()
    head_counter: int
    head_hash: str


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """An upload as it is stored; lines are canonical records with their signatures."""

    value: Evidence
    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFlag:
    """Something wrong with a tablet's chain. kind: gap, fork or clone; first, last: counters."""

    device_id: str
    kind: str
    first: int
    last: int
    at: str


@dataclass(frozen=True, slots=True)
class ChildSheet:
    """A child-month as it is stored: its marks, and what people said."""

    marks: frozenset[int]
    late: frozenset[int]
    said: Kept[Sheet]


class EvidenceTaken(Raced):
    """This very upload is stored already."""


class FlagTaken(Raced):
    """This very flag is raised already."""


PAIRINGS: Shelf[Pairing] = Shelf(AttendanceRow, Pairing)
DEVICES: Shelf[Device] = Shelf(AttendanceRow, Device)
EVIDENCE: Shelf[Evidence] = Shelf(EvidenceRow, Evidence)
FLAGS: Shelf[DeviceFlag] = Shelf(AttendanceRow, DeviceFlag)
SHEETS: Shelf[Sheet] = Shelf(AttendanceRow, Sheet)
SITE_MONTHS: Shelf[SiteMonth] = Shelf(AttendanceRow, SiteMonth)


# --- pairings and devices -----------------------------------------------------------------------


def find_pairing(digest: str) -> Kept[Pairing] | None:
    return PAIRINGS.find(keys.pairing(digest))


def create_pairing(digest: str, pairing: Pairing, *, expires_at: int) -> Put:
    return PAIRINGS.create(keys.pairing(digest), pairing, expires_at=expires_at)


def keep_pairing(kept: Kept[Pairing], pairing: Pairing, *, expires_at: int) -> Put:
    return PAIRINGS.replace(kept, pairing, expires_at=expires_at)


def find_device(site_id: str, device_id: str) -> Kept[Device] | None:
    return DEVICES.find(keys.site_device(site_id, device_id))


def list_devices(site_id: str) -> list[Kept[Device]]:
    """Return a site's tablets, revoked ones too, by id. One query."""
    pk, begins = keys.site_device(site_id, "")
    return list(DEVICES.each(pk, begins=begins))


def find_state(device_id: str) -> DeviceState | None:
    """Return a tablet's state, None where none is paired. One read."""
    found = _table(DeviceRow).get_item(*keys.device(device_id), consistent_read=True)
    item = found.get("Item")
    return None if item is None else _state(device_id, item)


def find_states(device_ids: Sequence[str]) -> dict[str, DeviceState]:
    rows = DeviceRow.batch_get([keys.device(d) for d in device_ids], consistent_read=True)
    states = (_state(row.pk.removeprefix("DEVICE#"), row.serialize()) for row in rows)
    return {state.device_id: state for state in states}


def create_device(device: Device) -> list[Write]:
    """Describe a new tablet: the row people see, and the state that uploads touch."""
    row = DeviceRow(*keys.device(device.device_id))
    fresh = [
        DeviceRow.site_id.set(device.site_id),
        DeviceRow.programme.set(device.programme),
        DeviceRow.area.set(device.area),
        DeviceRow.head_counter.set(0),
        DeviceRow.head_hash.set(""),
        DeviceRow.bucket_at.set(0),
    ]
    return [
        DEVICES.create(keys.site_device(device.site_id, device.device_id), device),
        Update(row, fresh, only_if=DeviceRow.pk.does_not_exist()),
    ]


def revoke_device(kept: Kept[Device], device: Device) -> list[Write]:
    """Describe a revocation; the next upload of the tablet meets it."""
    row = DeviceRow(*keys.device(device.device_id))
    revoked = [DeviceRow.revoked.set(device.revoked_at or "")]
    return [DEVICES.replace(kept, device), Update(row, revoked)]


def restore_state(device: Device, *, head_counter: int, head_hash: str) -> None:
    """Set a tablet's state as its row and its evidence say; part of a rebuild."""
    actions = [
        DeviceRow.site_id.set(device.site_id),
        DeviceRow.programme.set(device.programme),
        DeviceRow.area.set(device.area),
        DeviceRow.head_counter.set(head_counter),
        DeviceRow.head_hash.set(head_hash),
        DeviceRow.bucket_at.set(DeviceRow.bucket_at | 0),
    ]
    if device.revoked_at:
        actions.append(DeviceRow.revoked.set(device.revoked_at))
    behind = DeviceRow.head_counter.does_not_exist() | (DeviceRow.head_counter <= head_counter)
    _update(DeviceRow, keys.device(device.device_id), actions, behind)


def touch_device(
    device_id: str, *, records: int, top: tuple[int, str] | None, now: datetime
) -> DeviceState:
    """Let an upload in: not revoked, units left in the bucket, the head moved on. Usually one call.

    top: counter and hash of the upload's last record; a head that is further stays. Returns the
    state before. Raises NotPaired, DeviceRevoked, TooManyUploads, StoreSilent.
    """
    key = keys.device(device_id)
    at, cost = int(now.timestamp()), cost_of(records)
    # Most uploads come from a known tablet that was used today and go on where it stood: try that
    # at once. Otherwise the failed condition brings the row, and the second try is exact.
    condition = (
        DeviceRow.revoked.does_not_exist()
        & (DeviceRow.bucket_at > at - BUCKET_SECONDS)
        & (DeviceRow.bucket_at <= at - cost)
    )
    actions: list[Action] = [
        DeviceRow.bucket_at.set(DeviceRow.bucket_at + cost),
        DeviceRow.last_at.set(stamp(now)),
    ]
    if top is not None:
        condition &= DeviceRow.head_counter < top[0]
        actions += [DeviceRow.head_counter.set(top[0]), DeviceRow.head_hash.set(top[1])]
    for attempt in range(_TRIES):
        changed, item = _update(DeviceRow, key, actions, condition)
        if item is None:
            raise NotPaired()
        state = _state(device_id, item)
        if changed:
            return state
        if state.revoked:
            raise DeviceRevoked()
        spent = spend(state.bucket_at, cost, now=now)
        condition = DeviceRow.revoked.does_not_exist() & (DeviceRow.bucket_at == state.bucket_at)
        condition &= DeviceRow.head_counter == state.head_counter
        actions = [DeviceRow.bucket_at.set(spent), DeviceRow.last_at.set(stamp(now))]
        if top is not None and top[0] > state.head_counter:
            actions += [DeviceRow.head_counter.set(top[0]), DeviceRow.head_hash.set(top[1])]
        del attempt
    raise Raced()


# --- evidence and flags -------------------------------------------------------------------------

EVIDENCE_BYTES_MAX = 380_000


def put_evidence(evidence: Evidence, digest: str, records: Iterable[Record]) -> None:
    """Store an upload for good, in one item. Raises EvidenceTaken when it is there already."""
    lines = b"\n".join(record.line for record in sorted(records, key=lambda r: r.counter))
    packed = zlib.compress(lines, 6)
    key = keys.evidence(evidence.device_id, evidence.last, digest)
    put = EVIDENCE.create(key, evidence, otherwise=EvidenceTaken(), records=packed)
    if len(packed) + len(put.row.body or "") > EVIDENCE_BYTES_MAX:
        raise UploadTooLarge()
    commit([put])


def find_evidence(device_id: str, last: int, digest: str) -> KeptEvidence | None:
    """Return the upload of exactly these records, if it was stored. One read."""
    pk, sk = keys.evidence(device_id, last, digest)
    item = _table(EvidenceRow).get_item(pk, sk, consistent_read=True).get("Item")
    return None if item is None else _evidence(EvidenceRow.from_raw_data(item))


def list_evidence(device_id: str, first: int, last: int) -> list[KeptEvidence]:
    """Return the uploads that may hold counters from first to last, and the one before them.

    Two queries. An upload lies under its last counter and spans at most SPAN_MAX of them.
    """
    pk = keys.evidence(device_id, 0, "")[0]
    low, high = f"{first:012d}", f"{last + SPAN_MAX:012d}~"
    before = EvidenceRow.query(
        pk, EvidenceRow.sk < low, consistent_read=True, scan_index_forward=False, limit=1
    )
    around = EvidenceRow.query(pk, EvidenceRow.sk.between(low, high), consistent_read=True)
    return [_evidence(row) for rows in (before, around) for row in rows]


def each_evidence(device_id: str) -> Iterator[KeptEvidence]:
    """Yield all uploads of a tablet in the order of their last counters."""
    pk = keys.evidence(device_id, 0, "")[0]
    for row in EvidenceRow.query(pk, consistent_read=True):
        yield _evidence(row)


def keep_flags(flags: Iterable[DeviceFlag]) -> None:
    """Write what is wrong with a chain; the same flag again changes nothing."""
    for flag in flags:
        key = keys.device_flag(flag.device_id, flag.kind, flag.first)
        try:
            commit([FLAGS.create(key, flag, otherwise=FlagTaken())])
        except FlagTaken:
            continue


def list_flags(device_id: str) -> list[DeviceFlag]:
    """Return what was ever wrong with a tablet's chain, by kind and counter. One query."""
    pk, begins = keys.device_flag(device_id, "", 0)[0], "FLAG#"
    return [kept.value for kept in FLAGS.each(pk, begins=begins)]


# --- marks and sheets ---------------------------------------------------------------------------


def add_marks(
    site_id: str, month: Month, child_id: str, marks: Iterable[int], *, enrolment_id: str
) -> frozenset[int]:
    """Add marks to a child-month: one write unit, harmless to repeat. Return those that are late.

    Marks that come after approval are kept apart. A child-month that is full takes no more: its
    records stay in evidence.
    """
    new = set(marks)
    key = keys.sheet(site_id, month, child_id)
    first = MarksRow.enrolment_id.set(MarksRow.enrolment_id | enrolment_id)
    room = MarksRow.marks.does_not_exist() | (size(MarksRow.marks) < MARKS_MAX)
    changed, item = _update(
        MarksRow, key, [MarksRow.marks.add(new), first], MarksRow.locked.does_not_exist() & room
    )
    if changed or item is None:
        return frozenset()
    if "locked" not in item:
        return frozenset()
    new -= set(map(int, item.get("marks", {}).get("NS", ())))
    if new:
        room = MarksRow.late.does_not_exist() | (size(MarksRow.late) < MARKS_MAX)
        _update(MarksRow, key, [MarksRow.late.add(new), first], room)
    return frozenset(new)


def find_sheet(site_id: str, month: Month, child_id: str) -> ChildSheet:
    """Return a child-month; empty where nothing was marked or said. One call."""
    pk, marks_sk = keys.sheet(site_id, month, child_id)
    said_sk = keys.sheet_said(site_id, month, child_id)[1]
    condition = MarksRow.sk.between(marks_sk, said_sk)
    answer = _table(MarksRow).query(pk, condition, consistent_read=True)
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
    table, start, items = _table(MarksRow), None, []
    while True:
        answer = table.query(pk, some, consistent_read=True, exclusive_start_key=start)
        items += answer["Items"]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            return dict(_sheets(items, pk))


def no_sheet(site_id: str, month: Month, child_id: str) -> ChildSheet:
    """Return the child-month of which nothing is stored."""
    key = keys.sheet_said(site_id, month, child_id)
    return ChildSheet(frozenset(), frozenset(), Kept(EMPTY, *key, 0, "{}"))


def keep_sheet(kept: Kept[Sheet], sheet: Sheet) -> Put:
    """Describe what people say of a child-month next."""
    if kept.version == 0:
        return SHEETS.create((kept.pk, kept.sk), sheet)
    return SHEETS.replace(kept, sheet)


def lock_marks(site_id: str, month: Month, child_id: str, *, marks: int) -> Update:
    """Describe that later marks are late; raced if marks came since they were counted.

    Sets of marks only grow, so the same number is the same set.
    """
    same = MarksRow.marks.does_not_exist() if marks == 0 else size(MarksRow.marks) == marks
    row = MarksRow(*keys.sheet(site_id, month, child_id))
    return Update(row, [MarksRow.locked.set(1)], only_if=same, otherwise=Raced())


def restore_lock(site_id: str, month: Month, child_id: str) -> None:
    """Lock a child-month that is approved; part of a rebuild."""
    _update(MarksRow, keys.sheet(site_id, month, child_id), [MarksRow.locked.set(1)], None)


def find_site_month(site_id: str, month: Month) -> Kept[SiteMonth]:
    """Return whether a provider's month is closed; open, at version 0, before anybody said so."""
    key = keys.site_month(site_id, month)
    fresh = SiteMonth(site_id=site_id, month=str(month))
    return SITE_MONTHS.find(key) or Kept(fresh, *key, 0, "{}")


def keep_site_month(kept: Kept[SiteMonth], state: SiteMonth) -> Put:
    if kept.version == 0:
        return SITE_MONTHS.create((kept.pk, kept.sk), state)
    return SITE_MONTHS.replace(kept, state)


# --- below the models ---------------------------------------------------------------------------

_SHEET_DECODER = msgspec.json.Decoder(Sheet)
_NO_MARKS: frozenset[int] = frozenset()


def _sheets(items: Iterable[dict[str, Any]], pk: str) -> Iterator[tuple[str, ChildSheet]]:
    """Yield child → sheet; a child's marks sort right before what was said of them."""
    child_id, marks, late = "", _NO_MARKS, _NO_MARKS
    waiting = False
    for item in items:
        sk: str = item["sk"]["S"]
        if not sk.endswith(_SAID):
            if waiting:
                yield child_id, _unsaid(pk, child_id, marks, late)
            child_id, waiting = sk, True
            numbers = item.get("marks")
            marks = frozenset(map(int, numbers["NS"])) if numbers else _NO_MARKS
            numbers = item.get("late")
            late = frozenset(map(int, numbers["NS"])) if numbers else _NO_MARKS
            continue
        said_of = sk[: -len(_SAID)]
        if waiting and child_id != said_of:
            yield child_id, _unsaid(pk, child_id, marks, late)
            waiting = False
        if not waiting:
            marks, late = _NO_MARKS, _NO_MARKS
        body = item["body"]["S"]
        kept = Kept(_SHEET_DECODER.decode(body), pk, sk, int(item["v"]["N"]), body)
        yield said_of, ChildSheet(marks, late, kept)
        waiting = False
    if waiting:
        yield child_id, _unsaid(pk, child_id, marks, late)


def _unsaid(pk: str, child_id: str, marks: frozenset[int], late: frozenset[int]) -> ChildSheet:
    return ChildSheet(marks, late, Kept(EMPTY, pk, child_id + _SAID, 0, "{}"))


def _evidence(row: Any) -> KeptEvidence:
    lines = zlib.decompress(row.records)
    return KeptEvidence(EVIDENCE.kept(row).value, tuple(lines.split(b"\n")) if lines else ())


def line_values(line: bytes) -> Any:
    """Return the plain values of a stored record."""
    return json.loads(line)


def _state(device_id: str, item: dict[str, Any]) -> DeviceState:
    return DeviceState(
        device_id=device_id,
        site_id=item["site_id"]["S"],
        programme=item["programme"]["S"],
        area=item["area"]["S"],
        head_counter=int(item["head_counter"]["N"]),
        head_hash=item["head_hash"]["S"],
        bucket_at=int(item.get("bucket_at", {"N": "0"})["N"]),
        revoked="revoked" in item,
        last_at=item.get("last_at", {}).get("S"),
    )


def _table(row: type[AttendanceRow]) -> Any:
    return row._get_connection()


def _update(
    row: type[AttendanceRow],
    key: tuple[str, str],
    actions: Sequence[Action],
    condition: Condition | None,
) -> tuple[bool, dict[str, Any] | None]:
    """Send one UpdateItem; return whether it was done and the item as it was before, if any.

    A failed condition brings the item too, in the same call. A conflict with a transaction is
    tried again, because nothing was written then. Raises StoreSilent.
    """
    table = _table(row)
    connection = table.connection
    arguments = connection.get_operation_kwargs(
        table_name=table.table_name,
        hash_key=key[0],
        range_key=key[1],
        actions=list(actions),
        condition=condition,
        return_values="ALL_OLD",
        return_values_on_condition_failure="ALL_OLD" if condition is not None else None,
    )
    for attempt in range(_TRIES):
        try:
            answer = connection.dispatch("UpdateItem", arguments)
            return True, answer.get("Attributes")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ConditionalCheckFailedException":
                return False, _item_of(error)
            if code not in _CURABLE:
                raise
        except BotoCoreError as error:
            raise StoreSilent() from error
        _wait(attempt)
    raise StoreSilent()


_CURABLE = frozenset(
    {
        "TransactionConflictException",
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
    }
)


def _wait(attempt: int) -> None:
    import time

    time.sleep(pause(attempt))


def _item_of(error: ClientError) -> dict[str, Any] | None:
    """Return the item that failed a condition; pynamodb keeps it in the original error only."""
    origin = error.__cause__ if isinstance(error.__cause__, ClientError) else error
    item: dict[str, Any] | None = origin.response.get("Item")
    return item
