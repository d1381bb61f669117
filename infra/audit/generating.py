"""An invented month as an export: `python -m infra.audit FOLDER --children 788000`.

The rows are made by the stores' own descriptions of writes and the money by the rules that bill, a
child at a time, so that a recomputation that agrees with them agrees with what Kezek would post.
The same number draws the same month. Nobody in it exists.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from chalicelib.attendance import rules as attendance
from chalicelib.attendance.rules.marks import ABSENCE_KINDS, IN, OUT
from chalicelib.attendance.store.sheets import SHEETS, SITE_MONTHS, MarksRow
from chalicelib.billing.actions.gathering import day_of
from chalicelib.billing.rules import figures, pricing
from chalicelib.billing.rules.claimed import Claim, mark_of
from chalicelib.billing.rules.judging import ChildMonth, Judged, Stay, judge
from chalicelib.billing.rules.statements import (
    SiteMonth,
    Statement,
    plan_statement,
    posted_lines,
)
from chalicelib.billing.store import statements as store
from chalicelib.billing.store.statements import HEADS, Claimants
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.store import ledger as books
from chalicelib.kernel.periods import DateRange, Month, stamp, start_of
from chalicelib.policy.actions import list_packs
from chalicelib.policy.rules import Pack
from chalicelib.policy.rules.earning import Locality
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Site, SiteState
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.vouchers.rules import Member, Roster
from chalicelib.vouchers.store import ROSTERS
from infra.audit.exports import Writer

PROGRAMME = "preschool"
SITES_IN_A_PART = 140
CHILDREN_IN_A_GROUP = 24
STARTED = date(2025, 9, 1)
# How a month goes, in thousandths of children or of days.
SILENT, DISPUTED, LATE, MOVED, DOUBLED, SEN = 10, 5, 5, 6, 1, 12
DEPARTURES = 400
CORRECTED_SITES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be drawn."""

    folder: Path
    children: int
    sites: int
    month: Month
    seed: int = 1


@dataclass(slots=True)
class Drawn:
    """A child's month at one site, before money."""

    child_id: str
    enrolment_id: str
    group: int
    stay: DateRange
    sen: bool
    marks: list[int]
    late: list[int]
    sheet: attendance.Sheet


@dataclass(slots=True)
class Town:
    """One site and who is there."""

    site_id: str
    pack: Pack
    sorts: list[str]
    locality: Locality
    children: list[Drawn] = field(default_factory=list)


def generate(asked: Asked, *, workers: int = 2) -> dict[str, int]:
    """Write an export of an invented month; return how many rows and marks it holds."""
    parts = -(-asked.sites // SITES_IN_A_PART)
    told: dict[str, int] = {}
    if workers <= 1:
        found: Iterable[dict[str, int]] = (_part(asked, part) for part in range(parts))
        _count(told, found)
    else:
        with ProcessPoolExecutor(workers) as pool:
            _count(told, pool.map(_part, [asked] * parts, range(parts)))
    Writer.seal(asked.folder)
    return told


def _count(told: dict[str, int], found: Iterable[Mapping[str, int]]) -> None:
    for one in found:
        for name, count in one.items():
            told[name] = told.get(name, 0) + count


def _part(asked: Asked, part: int) -> dict[str, int]:
    first = part * SITES_IN_A_PART
    last = min(asked.sites, first + SITES_IN_A_PART)
    # Drawn to be drawn again, not to be secret.
    rng = random.Random(f"{asked.seed}/{part}")  # noqa: S311
    towns = [_town(asked, number, rng) for number in range(first, last)]
    _move(towns, asked.month, rng)
    told = {"sites": len(towns), "children": 0, "marks": 0}
    with Writer(asked.folder, part) as out:
        bills = {town.site_id: _judged(town, asked.month) for town in towns}
        claims: dict[str, list[Claim]] = {}
        for judged in bills.values():
            for one in judged:
                claims.setdefault(one.child_id, []).append(one.claim)
        for town in towns:
            told["children"] += len(town.children)
            told["marks"] += sum(len(d.marks) + len(d.late) for d in town.children)
            for put in _attended(town, asked.month):
                out.put(put)
            for put in _paid(town, asked.month, bills[town.site_id], claims, rng):
                out.put(put)
        for child_id, of_child in claims.items():
            filed = Claimants(
                child_id=child_id,
                programme=PROGRAMME,
                month=str(asked.month),
                claims=tuple(sorted(of_child, key=lambda c: c.site_id)),
            )
            out.put(store.open_claimants(filed))
    return told


# --- who, and what was marked ---------------------------------------------------------------------


def _town(asked: Asked, number: int, rng: random.Random) -> Town:
    packs = [p for p in list_packs() if p.programme == PROGRAMME]
    pack = packs[number % len(packs)]
    rates = pack.at(asked.month.last).rates
    locality = rng.choice(sorted({r.locality for r in rates}))
    usual = [f"{r.kind}/{r.hours}/{r.locality}" for r in rates if r.locality == locality]
    whole, rest = divmod(asked.children, asked.sites)
    size = whole + (number < rest)
    town = Town(f"site-{asked.seed:02x}{number:06x}", pack, [], locality)
    working = _working(pack, asked.month)
    ways = rng.randrange(1000) < DEPARTURES  # does this site mark departures?
    tag = rng.randrange(1 << 16)
    for n in range(size):
        group = n // CHILDREN_IN_A_GROUP
        if group == len(town.sorts):
            town.sorts.append(rng.choice(usual[:2] if rng.random() < 0.8 else usual))
        child = _child(asked, number * 10_000 + n, group, working, ways, tag, pack, rng)
        town.children.append(child)
    return town


@lru_cache(maxsize=64)
def _working(pack: Pack, month: Month) -> tuple[date, ...]:
    return pack.calendar.working_days_in(month)


def _child(
    asked: Asked,
    number: int,
    group: int,
    working: tuple[date, ...],
    departures: bool,
    tag: int,
    pack: Pack,
    rng: random.Random,
) -> Drawn:
    child_id = f"child-{asked.seed:02x}{number:010x}"
    away = _away(working, rng)
    marks: list[int] = []
    counter = number * 64 % (1 << 22)
    for n, on in enumerate(working):
        reason = away.get(on)
        if reason == "no-record":
            continue
        if reason is not None:
            marks.append(_mark(on, ABSENCE_KINDS[reason], 540, tag, counter + 2 * n))
            continue
        marks.append(_mark(on, IN, 480 + rng.randrange(75), tag, counter + 2 * n))
        if departures and rng.randrange(1000) >= 100:
            marks.append(_mark(on, OUT, 1050 + rng.randrange(60), tag, counter + 2 * n + 1))
    stay = DateRange(STARTED, None)
    drawn = Drawn(
        child_id, f"enrolment-{child_id[6:]}", group, stay, rng.randrange(1000) < SEN, marks, [],
        attendance.EMPTY,
    )  # fmt: skip
    _say(drawn, asked.month, away, working, pack, rng)
    return drawn


_REASONS = (*"SSSSSSSSSSSSSS", *"NNNNNNNN", *"FFFFFFFF", *["no-record"] * 5, *"QQQQ", "V")


def _away(working: tuple[date, ...], rng: random.Random) -> dict[date, str]:
    """Return day → reason of one child's absences: mostly none, else a spell or two."""
    found: dict[date, str] = {}
    if rng.random() < 0.45:
        return found
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        reason = rng.choice(_REASONS)
        start = rng.randrange(len(working))
        length = {"S": 5, "V": 10, "Q": 5, "F": 4}.get(reason, 1)
        for on in working[start : start + rng.randrange(1, length + 1)]:
            found[on] = reason
    return found


def _mark(on: date, kind: int, minute: int, tag: int, counter: int) -> int:
    return on.day << 57 | kind << 53 | minute << 40 | tag << 24 | counter


def _say(
    drawn: Drawn,
    month: Month,
    away: dict[date, str],
    working: tuple[date, ...],
    pack: Pack,
    rng: random.Random,
) -> None:
    """Let the family and the department speak of a child's month."""
    after = start_of(month.next().first) + timedelta(hours=9)
    by, head = f"person-{drawn.child_id[6:]}", "head-1"
    proofs = tuple(
        attendance.Proof(on=on, reason=reason, reference=f"{on.day}", at=stamp(after), by=head)  # type: ignore[arg-type]
        for on, reason in sorted(away.items())
        if reason in ("S", "Q", "F", "V") and rng.random() < 0.85
    )
    drawn.sheet = replace(attendance.EMPTY, proofs=proofs)
    lot = rng.randrange(1000)
    if lot < SILENT:
        if rng.random() < 0.5:
            drawn.sheet = replace(drawn.sheet, decisions=_decisions(working[:9], after))
        return
    if lot < SILENT + DISPUTED:
        on = rng.choice(working)
        claim = "P" if on in away else "N"
        asked = attendance.Dispute(
            on=on,
            claim=claim,  # type: ignore[arg-type]
            reason="was-there" if claim == "P" else "was-not-there",
            at=stamp(after),
            by=by,
            answer_by=stamp(after + timedelta(days=3)),
        )
        drawn.sheet = replace(drawn.sheet, disputes=(asked,))
        if rng.random() < 0.5:
            drawn.sheet = replace(drawn.sheet, decisions=_decisions((on,), after))
    plan = attendance.DayPlan(month, (drawn.stay,), pack.calendar)
    dates = pack.at(month.last).month_calendar.dates(month, pack.calendar)
    lines = attendance.timesheet(
        frozenset(drawn.marks), frozenset(), drawn.sheet, plan=plan, dates=dates,
        today=dates.approve_from,
    )  # fmt: skip
    drawn.sheet = replace(
        drawn.sheet,
        approved_at=stamp(after),
        approved_by=by,
        codes=plan.pack(lines),
        digest=attendance.digest_of("site", month, drawn.child_id, lines),
    )
    if lot >= 1000 - LATE:
        on = rng.choice(working)
        drawn.late = [_mark(on, IN, 500, 9, 1 << 23)]


def _decisions(days: Iterable[date], at: datetime) -> tuple[attendance.Decision, ...]:
    return tuple(
        attendance.Decision(
            on=on,
            code="P",
            counts=True,
            reason="device-evidence",
            at=stamp(at + timedelta(days=8)),
            by="officer-1",
        )
        for on in days
    )


def _move(towns: list[Town], month: Month, rng: random.Random) -> None:
    """Let some children change to the next site in mid-month, some stand at both on some days."""
    middle = month.first + timedelta(days=16)
    # Of two areas in turn: a child moves within its own, and no site is on both sides.
    pairs = [(towns[n], towns[n + 2]) for n in range(len(towns) - 2) if n % 4 < 2]
    for here, there in pairs:
        if here.pack is not there.pack:
            continue
        for drawn in list(here.children):
            lot = rng.randrange(1000)
            if lot >= MOVED + DOUBLED or drawn.sheet.codes is None:
                continue
            begins = middle if lot < MOVED else middle - timedelta(days=5)
            _split(drawn, there, month, middle - timedelta(days=1), begins)


def _split(drawn: Drawn, there: Town, month: Month, last: date, begins: date) -> None:
    every, sheet = drawn.marks, drawn.sheet
    other = Drawn(
        drawn.child_id,
        f"{drawn.enrolment_id}-b",
        0,
        DateRange(begins, None),
        drawn.sen,
        [m for m in every if (m >> 57 & 31) >= begins.day],
        [],
        _cut(sheet, month, begins, month.last),
    )
    drawn.stay = DateRange(STARTED, last)
    drawn.marks = [m for m in every if (m >> 57 & 31) <= last.day]
    drawn.late = [m for m in drawn.late if (m >> 57 & 31) <= last.day]
    drawn.sheet = _cut(sheet, month, month.first, last)
    there.children.append(other)


def _cut(sheet: attendance.Sheet, month: Month, first: date, last: date) -> attendance.Sheet:
    codes = "".join(
        code if first <= on <= last else "X"
        for on, code in zip(month.days(), sheet.codes or "", strict=True)
    )
    return replace(
        sheet,
        codes=codes,
        proofs=tuple(p for p in sheet.proofs if first <= p.on <= last),
        disputes=tuple(d for d in sheet.disputes if first <= d.on <= last),
        decisions=tuple(d for d in sheet.decisions if first <= d.on <= last),
    )


# --- rows of attendance ---------------------------------------------------------------------------


def _attended(town: Town, month: Month) -> Iterator[Put]:
    yield from providers.create_site(_site(town))
    groups: dict[int, list[Member]] = {}
    for drawn in town.children:
        member = Member(
            drawn.enrolment_id,
            drawn.child_id,
            drawn.stay.first,
            drawn.stay.last,
            town.sorts[drawn.group],
            sen=drawn.sen,
        )
        groups.setdefault(drawn.group, []).append(member)
    for group, members in sorted(groups.items()):
        group_id = f"group-{group:02d}"
        roster = Roster(town.site_id, group_id, tuple(members))
        yield ROSTERS.create(keys.roster(town.site_id, group_id), roster)
    closed = attendance.SiteMonth(
        site_id=town.site_id,
        month=str(month),
        closed_at=_at(month.next().first, 8),
        closed_by="head-1",
    )
    yield SITE_MONTHS.create(keys.site_month(town.site_id, month), closed)
    for drawn in town.children:
        if drawn.marks or drawn.late:
            row = MarksRow(
                *keys.sheet(town.site_id, month, drawn.child_id),
                marks=set(drawn.marks) or None,
                late=set(drawn.late) or None,
                locked=1 if drawn.sheet.codes is not None else None,
                enrolment_id=drawn.enrolment_id,
            )
            yield Put(row)
        if drawn.sheet != attendance.EMPTY:
            yield SHEETS.create(keys.sheet_said(town.site_id, month, drawn.child_id), drawn.sheet)


def _at(on: date, hour: int) -> str:
    return stamp(start_of(on) + timedelta(hours=hour))


def _site(town: Town) -> Site:
    return Site(
        site_id=town.site_id,
        organisation_id=f"organisation-{town.site_id[5:]}",
        programme=PROGRAMME,
        area=town.pack.area,
        name="Балабақша",
        address="-",
        locality=town.locality,
        form="private",
        state=SiteState.LISTED,
        listed_from=date(2025, 1, 1),
    )


# --- money, by the rules that bill ----------------------------------------------------------------


def _judged(town: Town, month: Month) -> list[Judged]:
    pack, working = town.pack, _working(town.pack, month)
    dates = pack.at(month.last).month_calendar.dates(month, pack.calendar)
    judged: list[Judged] = []
    for drawn in sorted(town.children, key=lambda d: d.child_id):
        plan = attendance.DayPlan(month, (drawn.stay,), pack.calendar)
        lines = attendance.timesheet(
            () if drawn.sheet.codes is not None and not drawn.late else frozenset(drawn.marks),
            frozenset(drawn.late),
            drawn.sheet,
            plan=plan,
            dates=dates,
            today=dates.check_to,
        )
        kind, hours, locality = town.sorts[drawn.group].split("/")
        stay = Stay(
            first=drawn.stay.first, last=drawn.stay.last, kind=kind, hours=hours,
            locality=locality, sen=drawn.sen,
        )  # fmt: skip
        child = ChildMonth(
            child_id=drawn.child_id, days=tuple(day_of(line) for line in lines), stays=(stay,)
        )
        judged.append(judge(child, site_id=town.site_id, working=working, rules_on=pack.at))
    return judged


def _paid(
    town: Town,
    month: Month,
    judged: list[Judged],
    claims: Mapping[str, list[Claim]],
    rng: random.Random,
) -> Iterator[Put]:
    pack = town.pack
    due = pricing.due(judged, claims, pack=pack.version)
    head = SiteMonth(
        site_id=town.site_id,
        organisation_id=f"organisation-{town.site_id[5:]}",
        programme=PROGRAMME,
        area=pack.area,
        month=str(month),
        claimed={one.child_id: mark_of(one.claim) for one in judged},
        shared=tuple(sorted(one.child_id for one in judged if len(claims[one.child_id]) > 1)),
    )
    stages = [due]
    if rng.randrange(1000) < CORRECTED_SITES:
        # A statement went out before the last family had answered; the next one corrects it.
        late = next(iter(due))
        nothing = replace(due[late], payable={}, accrual_tiyn=0, parts={})
        stages.insert(0, {**due, late: nothing})
    statements: list[Statement] = []
    for lines in stages:
        stated = plan_statement(
            posted_lines(statements), lines, first=not statements, pack=pack.version
        )
        if not stated:
            continue
        on = month.next().first.replace(day=11 + len(statements))
        statement = Statement(
            number=len(statements) + 1,
            site_id=head.site_id,
            organisation_id=head.organisation_id,
            programme=head.programme,
            area=head.area,
            month=head.month,
            at=_at(on, 1),
            cause=stated[0].cause,
            movement_tiyn=sum(one.movement_tiyn for one in stated),
            pack=pack.version,
            lines=stated,
        )
        statements.append(statement)
        yield store.post(statement)
        posting = ledger.posting(
            f"statement#{head.site_id}#{month}#{statement.number:04d}",
            (
                (ledger.budget(PROGRAMME, pack.area, month.year), -statement.movement_tiyn),
                (ledger.accrued(head.site_id, month), statement.movement_tiyn),
            ),
            at=statement.at,
            site=head.site_id,
            month=str(month),
            statement=str(statement.number),
        )
        yield books.POSTINGS.create(keys.posting(posting.name), posting)
        for moved in posting.movements:
            line = books.AccountLine(posting.name, moved.amount_tiyn, posting.at)
            yield books.LINES.create(
                keys.account_line(moved.account, posting.at, posting.name), line
            )
    posted = replace(
        figures.with_due(head, due.values()),
        statements=len(statements),
        posted_tiyn=sum(s.movement_tiyn for s in statements),
    )
    yield HEADS.create(keys.site_month_head(head.site_id, month), posted)
