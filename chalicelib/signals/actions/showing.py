"""Signals to look at: an area's list, one with its trail, and the package of its evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.access import actions as access
from chalicelib.attendance import rules as attendance
from chalicelib.attendance import store as stored
from chalicelib.attendance.actions.desks import load_desk, sites_of
from chalicelib.attendance.rules import Record, Sheet, read_mark, tag_of
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.notes import signed_note
from chalicelib.kernel.periods import Month, local_day, stamp
from chalicelib.signals import store
from chalicelib.signals.rules import Ref, Signal
from chalicelib.storage import signing

PACKAGE = "signal-evidence/1"
# A child's month with all its signed records is some 25 KB.
CHILDREN_A_PAGE = 20


def list_signals(
    programme: str,
    area: str,
    *,
    waiting: bool,
    before: str | None,
    limit: int,
    by: Actor,
) -> tuple[list[Signal], str | None]:
    """Return an area's signals, newest first, and where to go on. Raises Unknown.

    Those of a direction that the caller does not serve are left out, so a page may hold fewer.
    """
    access.demand(by, area=area)
    found, more = store.list_signals(programme, area, waiting=waiting, before=before, limit=limit)
    mine = [one for one in found if access.may(by, area=one.area, direction=one.direction)]
    return mine, more


def see(signal_id: str, *, by: Actor) -> tuple[Signal, list[Entry]]:
    """Return a signal and all that happened to it, oldest first. Raises Unknown."""
    signal = _seen(signal_id, by)
    return signal, list(journal.history(f"oddity/{signal_id}"))


@dataclass(frozen=True, slots=True)
class Package:
    """A part of a signal's evidence. content: JSON; note: who signed its digest, as in a log."""

    content: str
    note: str
    children: tuple[str, ...]


def package(
    signal_id: str, *, after: str | None, by: Actor, now: datetime
) -> tuple[Package, str | None]:
    """Return a part of the evidence with its signed records, and where to go on.

    Whoever holds it checks the records by the tablets' keys, and the whole by the record's keys.
    Raises Unknown, KeysSilent.
    """
    signal, trail = see(signal_id, by=by)
    start = int(after or 0)
    refs = signal.refs[start : start + CHILDREN_A_PAGE]
    more = start + len(refs) < len(signal.refs)
    children = [_child(ref, signal, now=now) for ref in refs]
    named = {device for one in children for device in one["tablets"]}
    content = {
        "kind": PACKAGE,
        "made_at": stamp(now),
        "part": start // CHILDREN_A_PAGE + 1,
        "parts": max(1, -(-len(signal.refs) // CHILDREN_A_PAGE)),
        "signal": signal,
        "evidence": signal.digest,
        "trail": trail,
        "tablets": [t for site_id in signal.sites for t in _tablets(site_id) if t["id"] in named],
        "children": children,
    }
    text = msgspec.json.encode(content, order="deterministic").decode()
    digest = hashlib.sha256(text.encode()).hexdigest()
    said = f"{signing.title('signal')}\n{signal_id}\n{content['part']}\n{digest}\n"
    note = signed_note(said, signing.signed(said.encode()))
    part = Package(text, note, tuple(sorted({ref.child_id for ref in refs})))
    return part, str(start + len(refs)) if more else None


def _seen(signal_id: str, by: Actor) -> Signal:
    signal = store.load_signal(signal_id).value
    access.demand(by, area=signal.area, direction=signal.direction)
    return signal


def _child(ref: Ref, signal: Signal, *, now: datetime) -> dict[str, Any]:
    """Return what stands of a child-month: its lines, what was said, the signed records."""
    site_id, month = ref.site_id or signal.site_id, Month.parse(ref.month)
    stays = sites_of(ref.child_id, month, signal.programme).get(site_id, ())
    desk = load_desk(site_id, month, ref.child_id, stays, today=local_day(now))
    lines = [
        line
        for line in desk.lines
        if line.asked
        and (not ref.lines or line.key in ref.lines or line.on.isoformat() in ref.lines)
    ]
    days = {line.on.day for line in lines} | {
        int(name[8:10]) for name in ref.lines if name[4] == "-"
    }
    records = _records(site_id, desk.sheet.marks | desk.sheet.late, days)
    return {
        "child_id": ref.child_id,
        "site_id": site_id,
        "month": ref.month,
        "lines": [
            {"line": line.key, "code": line.code, "standing": line.standing, "flags": line.flags}
            for line in lines
        ],
        "said": _said(desk.said),
        "records": [text for _, text in records],
        "tablets": sorted({device for device, _ in records}),
    }


def _said(sheet: Sheet) -> dict[str, Any]:
    return {
        "approved_at": sheet.approved_at,
        "approved_by": sheet.approved_by,
        "approved_on": sheet.device,
        "disputes": sheet.disputes,
        "decisions": sheet.decisions,
        "holds": sheet.holds,
    }


def _records(site_id: str, marks: Iterable[int], days: set[int]) -> list[tuple[str, str]]:
    """Return (tablet, signed record) of marks on some days, in order of time and counter."""
    wanted: dict[int, set[int]] = {}
    for mark in map(read_mark, marks):
        if mark.day in days:
            wanted.setdefault(mark.tag, set()).add(mark.counter)
    made = set(marks)
    found: dict[tuple[str, int, str], tuple[str, str]] = {}
    for kept in stored.list_devices(site_id):
        device_id = kept.value.device_id
        counters = wanted.get(tag_of(device_id))
        if not counters:
            continue
        for upload in stored.list_evidence(device_id, min(counters), max(counters)):
            for line in upload.lines:
                record = attendance.read_record(stored.line_values(line))
                if not isinstance(record, Record) or record.counter not in counters:
                    continue
                if attendance.mark_of(record) in made and record.hash not in upload.value.refused:
                    at = (stamp(record.happened_at), record.counter, record.hash)
                    found[at] = (device_id, line.decode())
    return [found[key] for key in sorted(found)]


def _tablets(site_id: str) -> Sequence[dict[str, Any]]:
    return [
        {
            "id": kept.value.device_id,
            "site_id": site_id,
            "public_key": kept.value.public_key,
            "paired_at": kept.value.paired_at,
            "revoked_at": kept.value.revoked_at,
        }
        for kept in stored.list_devices(site_id)
    ]
