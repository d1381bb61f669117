"""What is kept no longer, found by reading the facts through once a week, in parts.

A part finds keys; each is then read anew and judged by its own dates (access/retention.toml), so a
part may run twice, late, or be killed anywhere. What carries its own end is removed by the store.

    APPLICATION#   three years after its end: the application, its ticket, its signed texts
    CHILD#         when no application is left and nothing was held for three years: the person
    PERSON#        a year after registering without ever representing a child
    COMPLAINT#     three years after it was closed: what was written in it
    SITE#          its timesheets after five years; a tablet's signed records a year after approval
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.access import actions as access
from chalicelib.applications import store as applications
from chalicelib.applications.rules import LIVE
from chalicelib.attendance import rules as attendance_rules
from chalicelib.attendance import store as attendance
from chalicelib.attendance.rules import Link, Record
from chalicelib.children import store as people
from chalicelib.complaints import store as complaints
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.policy.actions import NoPack, load_pack
from chalicelib.policy.rules import NoRuleInForce
from chalicelib.providers import store as providers
from chalicelib.rights.actions import erasing
from chalicelib.storage import sweep, vault
from chalicelib.storage.commit import Write, commit, settles
from chalicelib.vouchers import store as vouchers

TOPIC = "rights/retain"
# Four parts a day, each day of the week its own.
SEGMENTS, A_DAY = 28, 4
# How far back a weekly look still finds what a machine that stood still left over.
_MONTHS_BEHIND = 12
# Where no rule says until when a month may be approved.
_APPROVED_IN_DAYS = 45
_AT_ONCE = 90
# So many signed texts end in one commit with their application.
_TOGETHER = 40


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the weekly reading: a segment, and where to go on in it."""

    segment: int
    after: tuple[str, str] | None = None


def parts_of(day: date) -> list[Part]:
    """Return the parts of a day; seven days make the whole."""
    first = day.weekday() * A_DAY
    return [Part(first + n) for n in range(A_DAY)]


def retain(part: Part, *, by: Actor, now: datetime) -> tuple[int, Part | None]:
    """End what is over among the rows of one call; return how much, and where to go on."""
    swept = sweep.part(
        "facts",
        tuple(ENDS),
        segment=part.segment,
        segments=SEGMENTS,
        after=part.after,
    )
    ended = 0
    for pk, sk in swept.keys:
        kind, _, name = pk.partition("#")
        if sk == "-":
            ended += int(ENDS[f"{kind}#"](name, by, now))
    return ended, Part(part.segment, swept.next_at) if swept.next_at else None


@settles
def end_application(application_id: str, by: Actor, now: datetime) -> bool:
    """Remove an application whose term is over; False where it is not."""
    kept = applications.find_application(application_id)
    if kept is None:
        return False
    application = kept.value
    ended_at = application.ended_at
    if application.state in LIVE or ended_at is None:
        return False
    held = people.load_holdings(application.child_id).value.held
    if application.voucher_id and any(h.programme == application.programme for h in held):
        return False  # what came of it is not over
    if not _over("applications", _closed_on(application.child_id, ended_at), now):
        return False
    texts = [
        applications.signing_subject(application_id, signing.signing_id)
        for signing in applications.list_signings(application_id)
    ]
    # What a commit has no room for goes before it: the term is over, and the next week goes on.
    _erase(texts[_TOGETHER:])
    own, *others = applications.end_application(kept)
    journal.commit(
        journal.entry(
            "rights/application-ended",
            f"application/{application_id}",
            by=by,
            now=now,
            child=application.child_id,
            programme=application.programme,
            area=application.area,
        ),
        own,
        *others,
        *(write for subject in texts[:_TOGETHER] for write in vault.erase(subject)),
    )
    vault.forget(texts)
    return True


def end_identity(child_id: str, by: Actor, now: datetime) -> bool:
    """Erase a child nothing is left to know it for; False where something is."""
    kept = people.find_child(child_id)
    if kept is None or kept.value.erased_at is not None:
        return False
    if next(iter(applications.each_application_of(child_id)), None) is not None:
        return False
    registered = local_day(from_stamp(kept.value.created_at))
    if not _over("unfinished", registered, now):
        return False
    last = _last_day(child_id)
    if last is not None and not _over("identity", last, now):
        return False
    return erasing.erase_ended(child_id, by=by, now=now)


def end_unfinished(person_id: str, by: Actor, now: datetime) -> bool:
    """Forget whoever registered and never represented a child; False where they did."""
    kept = people.find_person(person_id)
    if kept is None or next(iter(people.each_child_of(person_id)), None) is not None:
        return False
    if not _over("unfinished", local_day(from_stamp(kept.value.created_at)), now):
        return False
    return erasing.forget_person(person_id, by=by, now=now)


def end_of_site(site_id: str, by: Actor, now: datetime) -> bool:
    """End a site's old timesheets and its tablets' old signed records."""
    ended = sum(_end_month(site_id, month, by, now) for month in _old_months(now))
    return bool(ended + thin_records(site_id, now))


@settles
def end_complaint(complaint_id: str, by: Actor, now: datetime) -> bool:
    """Destroy what was written in a complaint whose term is over; False where it is not."""
    kept = complaints.find_complaint(complaint_id)
    if kept is None or kept.value.closed_at is None or kept.value.forgotten_at is not None:
        return False
    if not _over("complaint-texts", local_day(from_stamp(kept.value.closed_at)), now):
        return False
    subject = f"COMPLAINT#{complaint_id}"
    journal.commit(
        journal.entry("rights/complaint-forgotten", f"complaint/{complaint_id}", by=by, now=now),
        complaints.keep_complaint(kept, replace(kept.value, forgotten_at=stamp(now))),
        *vault.erase(subject),
    )
    vault.forget([subject])
    return True


def thin_records(site_id: str, now: datetime) -> int:
    """Keep only the links of signed records whose month was approved a year ago; return uploads."""
    site = providers.find_site(site_id)
    if site is None:
        return 0
    thinned = 0
    for device in attendance.list_devices(site_id):
        for upload in attendance.each_evidence(device.value.device_id):
            received = local_day(from_stamp(upload.value.received_at))
            approved = _approved_by(site.value.programme, site.value.area, Month.of(received))
            if not _over("signed-records", approved, now):
                break  # uploads come in the order of their chain
            if upload.lines:
                links = _links(upload)
                thinned += attendance.thin(device.value.device_id, upload, links)
    return thinned


# What begins so → what may end.
ENDS: dict[str, Callable[[str, Actor, datetime], bool]] = {
    "APPLICATION#": end_application,
    "CHILD#": end_identity,
    "PERSON#": end_unfinished,
    "SITE#": end_of_site,
    "COMPLAINT#": end_complaint,
}


# --- steps --------------------------------------------------------------------------------------


def _over(name: str, since: date, now: datetime) -> bool:
    return local_day(now) > access.kept_until(name, since)


def _closed_on(child_id: str, ended_at: str) -> date:
    """Return the day an application was over: its own end, or that of the last place taken."""
    ended = local_day(from_stamp(ended_at))
    last = _last_day(child_id)
    return max(ended, last) if last is not None else ended


def _last_day(child_id: str) -> date | None:
    """Return the last day a child had a place anywhere; None for one that never had one."""
    days = [
        stay.ends_on or date.max
        for _, stays in vouchers.each_stays(child_id)
        for stay in stays.stays
    ]
    return max(days, default=None)


def _old_months(now: datetime) -> Iterator[Month]:
    month = Month.containing(now)
    while not _over("payment-evidence", month.last, now):
        month = month.before()
    for _ in range(_MONTHS_BEHIND):
        yield month
        month = month.before()


def _end_month(site_id: str, month: Month, by: Actor, now: datetime) -> int:
    ended = 0
    for child_id, sheet in attendance.list_sheets(site_id, month).items():
        writes = attendance.end_sheet(site_id, month, child_id, sheet.said)
        if len(writes) == 1:
            commit(writes)
        else:
            entry = journal.entry(
                "rights/timesheet-ended",
                f"sheet/{site_id}/{month}/{child_id}",
                by=by,
                now=now,
                child=child_id,
                site=site_id,
                month=str(month),
            )
            journal.commit(entry, *writes)
        ended += 1
    return ended


def _approved_by(programme: str, area: str, month: Month) -> date:
    try:
        pack = load_pack(programme, area)
        return pack.at(month.last).month_calendar.dates(month, pack.calendar).approve_to
    except (NoPack, NoRuleInForce):
        return month.last + timedelta(days=_APPROVED_IN_DAYS)


def _links(upload: Any) -> dict[int, Link]:
    links: dict[int, Link] = {}
    for line in upload.lines:
        record = attendance_rules.read_record(attendance.line_values(line))
        if isinstance(record, Record) and upload.value.refused.get(record.hash) != "fork":
            links[record.counter] = Link(record.hash, record.prev)
    return links


def _erase(subjects: list[str]) -> None:
    writes: list[Write] = [write for subject in subjects for write in vault.erase(subject)]
    for start in range(0, len(writes), _AT_ONCE):
        commit(writes[start : start + _AT_ONCE])
    vault.forget(subjects)
