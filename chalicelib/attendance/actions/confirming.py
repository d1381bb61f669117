"""Lessons confirmed one by one: by one tap, or by the one-time code of a notice.

A confirmation is for good: nothing that comes later takes it back, and it cannot be contested. The
order of confirmations leaves no trace on the sheet; who confirmed, and when, is in the journal.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.attendance import rules, store
from chalicelib.attendance.actions.desks import Desk, load_desk, sites_of
from chalicelib.attendance.actions.sheets import commit_sheet, family_desk
from chalicelib.attendance.rules import BadConfirmation, Confirmation, LineName
from chalicelib.children import actions as people
from chalicelib.children.rules import PowerMissing
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, end_of, from_stamp, local_day, stamp
from chalicelib.kernel.refusals import Unknown
from chalicelib.storage.commit import Put, Write, settles
from chalicelib.storage.secrets import purpose_key

_KEEP_CODE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A lesson that is confirmed."""

    child_id: str
    site_id: str
    lesson: str
    code: str


@settles
def confirm_lesson(
    child_id: str,
    name: LineName,
    *,
    programme: str,
    site_id: str | None,
    by: Actor,
    now: datetime,
) -> Confirmed:
    """Confirm one visited lesson at once and for good; the same again changes nothing.

    Raises Unknown, PowerMissing, WhichSite, MarksHere, NotLineByLine, NotVisited, LineDisputed,
    Locked, NotHeldYet.
    """
    person = people.acting_for(child_id, by, "confirm", local_day(now))
    desk = family_desk(
        child_id,
        Month.of(name.on),
        programme=programme,
        site_id=site_id,
        name=name,
        by=by,
        now=now,
    )
    _confirm(desk, name, way="tap", person_id=person.person_id, by=by, now=now)
    return Confirmed(child_id=child_id, site_id=desk.where.site.site_id, lesson=name.key, code="P")


@settles
def confirm_by_code(code: str, *, by: Actor, now: datetime) -> str:
    """Confirm the lesson that a code is for and return its name; spent once.

    The code again gets the same answer. It serves whoever holds it, while the representative to
    whom it was sent may confirm. Raises BadConfirmation, NotLineByLine, NotVisited,
    LineDisputed, Locked, NotHeldYet.
    """
    kept = store.find_confirmation(_digest_of(rules.typed_confirmation(code)))
    spent = rules.decide_spending(kept.value if kept else None, now=now)
    if kept is None or spent is kept.value:
        return spent.lesson
    name = rules.lesson_name(spent.lesson)
    month = Month.of(name.on)
    try:
        people.check_acting(spent.child_id, spent.person_id, "confirm", local_day(now))
    except (Unknown, PowerMissing) as refusal:
        raise BadConfirmation() from refusal
    stays = sites_of(spent.child_id, month, spent.programme).get(spent.site_id)
    if stays is None:
        raise BadConfirmation()
    desk = load_desk(spent.site_id, month, spent.child_id, stays, today=local_day(now))
    _confirm(
        desk,
        name,
        store.spend_confirmation(kept, spent, expires_at=_expiry(from_stamp(spent.valid_until))),
        way="code",
        person_id=spent.person_id,
        by=by,
        now=now,
    )
    return spent.lesson


def make_code(
    *,
    site_id: str,
    child_id: str,
    person_id: str,
    programme: str,
    lesson: str,
    until: date,
    on: date,
) -> tuple[str, Put]:
    """Return a one-time code that confirms a lesson, and the write to commit with its notice.

    until: the last day of the family's window. on: the day the code is sent; another day, another
    code, and the same day's is the same, so that a repeated job writes it once.
    """
    key = purpose_key("confirmation")
    named = "|".join((site_id, child_id, person_id, lesson, on.isoformat()))
    code = rules.confirmation_code(hmac.new(key, named.encode(), hashlib.sha256).digest())
    valid_until = end_of(until)
    confirmation = Confirmation(
        child_id=child_id,
        person_id=person_id,
        programme=programme,
        site_id=site_id,
        lesson=lesson,
        valid_until=stamp(valid_until),
    )
    put = store.put_confirmation(
        _digest_of(rules.typed_confirmation(code)), confirmation, expires_at=_expiry(valid_until)
    )
    return code, put


def _confirm(
    desk: Desk,
    name: LineName,
    *others: Write,
    way: str,
    person_id: str,
    by: Actor,
    now: datetime,
) -> None:
    sheet = rules.confirm_lesson(
        desk.said,
        desk.line(name),
        name=name,
        dates=desk.where.dates,
        by_line=desk.where.pack.at(name.on).confirmation.per_line,
        now=now,
    )
    commit_sheet(
        desk,
        sheet,
        "attendance/lesson-confirmed",
        by,
        now,
        *others,
        lesson=name.key,
        person_id=person_id,
        way=way,
    )


def _digest_of(code: str) -> str:
    return hmac.new(purpose_key("confirmation-code"), code.encode(), hashlib.sha256).hexdigest()


def _expiry(at: datetime) -> int:
    return int((at + _KEEP_CODE).timestamp())
