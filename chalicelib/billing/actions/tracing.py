"""From a child's line to the days and the signed records it rests on.

The days are those of the newest statement that states the child, priced again from what was known
at its instant: they sum to the line, and each names the records that prove it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chalicelib.attendance import actions as attendance
from chalicelib.attendance.actions import Witness
from chalicelib.attendance.rules import Line as SheetLine
from chalicelib.billing.actions.billing import judge_month, used_before
from chalicelib.billing.actions.gathering import day_of, provided
from chalicelib.billing.actions.replaying import Claims
from chalicelib.billing.rules.pricing import price, reasons_of
from chalicelib.billing.rules.statements import SiteMonth, StatedLine, Statement
from chalicelib.billing.rules.units import mask_of
from chalicelib.billing.store import statements as store
from chalicelib.kernel.periods import Month, from_stamp, local_day
from chalicelib.kernel.refusals import Unknown
from chalicelib.policy.actions import load_pack, load_version


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTraced:
    """A line of the timesheet: what it earned in the statement, and the records that prove it.

    reason: why it earned nothing, "" where it did.
    """

    line: str
    on: date
    code: str
    flags: tuple[str, ...]
    tiyn: int
    reason: str
    records: tuple[Witness, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTraced:
    """A child's line in one statement."""

    statement: Statement
    stated: StatedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildTraced:
    """All that was stated of a child's month at a site, and the days of the newest statement.

    exact: the days sum to the newest stated line; False where their evidence is not whole.
    """

    head: SiteMonth
    child_id: str
    lines: tuple[LineTraced, ...]
    days: tuple[DayTraced, ...]
    exact: bool


def trace_child(site_id: str, month: Month, child_id: str) -> ChildTraced:
    """Return what was stated of a child's month, down to its signed records.

    The caller has asked who may see it. Raises Unknown where no statement states the child.
    """
    kept, statements = store.load_site_month(site_id, month)
    lines = tuple(
        LineTraced(statement=statement, stated=stated)
        for statement in sorted(statements, key=lambda s: s.number)
        for stated in statement.lines
        if stated.line.child_id == child_id
    )
    if kept is None or not lines:
        raise Unknown()
    days = _days(kept.value, lines[-1].statement, month, child_id)
    return ChildTraced(
        head=kept.value,
        child_id=child_id,
        lines=lines,
        days=days,
        exact=sum(day.tiyn for day in days) == lines[-1].stated.line.accrual_tiyn,
    )


def _days(
    head: SiteMonth, statement: Statement, month: Month, child_id: str
) -> tuple[DayTraced, ...]:
    today = local_day(from_stamp(statement.at))
    own = load_version(statement.pack) or load_pack(statement.programme, statement.area)
    pack = own.known_on(today)
    past = attendance.Past(head.site_id, month)
    facts = past.at(statement.at, today=today, pack=pack).facts
    child = next((c for c in facts.children if c.child_id == child_id), None)
    if child is None:
        return ()
    judged = next(j for j in judge_month(provided(facts, month), pack) if j.child_id == child_id)
    others = Claims(head, month).others_at(statement.at).get(child_id, ())
    used = used_before(head.programme, month, [judged], {child_id: others}).get(child_id)
    priced = price([judged.claim, *others], used=used)[head.site_id]
    reasons = reasons_of(judged, priced)
    records: dict[str, list[Witness]] = {}
    for witness in past.witnesses_of(child_id):
        if witness.at <= statement.at:
            key = past.line_of(child_id, witness, child.lines, child.stays, pack=pack)
            if key is not None:
                records.setdefault(key, []).append(witness)
    return tuple(
        _day(line, priced.parts, reasons, records.get(line.key, [])) for line in child.lines
    )


def _day(
    line: SheetLine,
    parts: Mapping[int, tuple[str, int]],
    reasons: dict[int, str],
    records: list[Witness],
) -> DayTraced:
    number = day_of(line).number
    earned = parts.get(mask_of(number))
    return DayTraced(
        line=line.key,
        on=line.on,
        code=line.code,
        flags=line.flags,
        tiyn=0 if earned is None else int(earned[1]),
        reason="" if earned is not None else reasons.get(number, ""),
        records=tuple(sorted(records, key=lambda w: (w.at, w.device_id, w.counter))),
    )
