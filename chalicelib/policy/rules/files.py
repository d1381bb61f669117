"""From the texts of a pack file and its calendar file to a checked pack."""

# No postponed annotations here: the reader uses those of the heads as they are.

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from chalicelib.kernel.periods import Month
from chalicelib.kernel.workdays import SATURDAY, Calendar
from chalicelib.policy.rules.checking import check
from chalicelib.policy.rules.packs import LATE, TABLES, Pack, as_known, digest
from chalicelib.policy.rules.reading import BrokenPack, Problem, Reader
from chalicelib.policy.rules.texts import CODE, POLICY, Act, Text

PACK_ID = {"form": r"[a-z-]+/[a-z-]+", "shape": '"programme/area" in small letters'}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackHead:
    """What a pack file says about itself; `calendar` is the id of a calendar file."""

    id: str = field(metadata=PACK_ID)
    calendar: str = field(metadata=CODE)
    valid_from: date
    valid_to: date | None = None
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarHead:
    """What a calendar file says about itself; both years are included."""

    id: str = field(metadata=CODE)
    first_year: int = field(metadata={"least": 2000, "most": 2999})
    last_year: int = field(metadata={"least": 2000, "most": 2999})
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day that is not what its weekday says.

    holiday: a public or religious day off. moved: a weekday off in place of `instead_of`.
    working: a weekend day that is worked in place of `instead_of`.
    """

    on: date
    kind: Literal["holiday", "moved", "working"]
    instead_of: date | None = None
    source: str
    text: Text


def read_pack(text: str, file: str, *, find_text: Callable[[str], str | None]) -> Pack:
    """Return the pack that a file and its calendar describe. Raises BrokenPack, with all problems.

    file: the name, programme-area.toml; it tells the pack's id and serves the messages.
    find_text: returns the text of a file that lies beside it, for the calendar.
    """
    reader = Reader(text, file)
    reader.refuse_other_tables(frozenset({"pack", "acts", *TABLES}))
    head = reader.one("pack", PackHead)
    acts = reader.many("acts", Act)
    rows = {table: reader.many(table, kind) for table, (kind, _) in TABLES.items()}
    if head is None:
        raise BrokenPack(reader.problems)
    pack = head.row
    if pack.id.replace("/", "-") + ".toml" != file:
        reader.report(
            head.place.of("id"), f"id {pack.id!r} does not fit the file's name", "rename one"
        )
    if pack.valid_to is not None and pack.valid_to < pack.valid_from:
        reader.report(
            head.place.of("valid_to"), "valid_to is before valid_from", "let it end later"
        )
    # A month is priced whole, and by the rules of its last day.
    if pack.valid_from != Month.of(pack.valid_from).first:
        reader.report(
            head.place.of("valid_from"),
            f"valid_from {pack.valid_from} is within a month",
            "let the programme begin on the first day of one",
        )
    if pack.valid_to is not None and pack.valid_to != Month.of(pack.valid_to).last:
        reader.report(
            head.place.of("valid_to"),
            f"valid_to {pack.valid_to} is within a month",
            "let the programme end on the last day of one",
        )
    calendar_file = f"calendar-{pack.calendar}.toml"
    calendar_text = find_text(calendar_file)
    if calendar_text is None:
        reader.report(
            head.place.of("calendar"), f"no file {calendar_file}", "name a calendar that exists"
        )
    # Rows that could not be read would show up again as gaps; say first things first.
    reader.raise_problems()
    check(reader, rows, acts, pack.valid_from, pack.valid_to)
    reader.raise_problems()
    calendar, days = _read_calendar(calendar_text or "", calendar_file)
    programme, area = pack.id.split("/")
    entered = {table: tuple(each.row for each in found) for table, found in rows.items()}
    return Pack(
        id=pack.id,
        programme=programme,
        area=area,
        text=pack.text,
        digest=digest({"pack": reader.document, "calendar": days}),
        valid_from=pack.valid_from,
        valid_to=pack.valid_to,
        acts=tuple(each.row for each in acts),
        calendar=calendar,
        rows=as_known(entered),
        entered=entered if any(row.known_from for t in LATE for row in entered[t]) else {},
    )


def read_calendar(text: str, file: str) -> Calendar:
    """Return the calendar that a file describes. Raises BrokenPack with every problem found."""
    return _read_calendar(text, file)[0]


def _read_calendar(text: str, file: str) -> tuple[Calendar, Mapping[str, object]]:
    reader = Reader(text, file)
    reader.refuse_other_tables(frozenset({"calendar", "acts", "days"}))
    head = reader.one("calendar", CalendarHead)
    acts = reader.many("acts", Act)
    days = reader.many("days", CalendarDay)
    known = {POLICY, *(act.row.key for act in acts)}
    seen: set[date] = set()
    for each in days:
        day, place = each.row, each.place
        if day.source not in known:
            reader.report(
                place.of("source"),
                f"source {day.source!r} is no act of this calendar",
                'add it under [[acts]] or write "policy"',
            )
        if day.on in seen:
            reader.report(place.of("on"), f"{day.on} twice", "keep one of them")
        seen.add(day.on)
        if head is not None and not head.row.first_year <= day.on.year <= head.row.last_year:
            reader.report(
                place.of("on"), f"{day.on} is outside the calendar's years", "widen the years"
            )
        weekend = day.on.weekday() >= SATURDAY
        if day.kind != "holiday" and weekend != (day.kind == "working"):
            reader.report(
                place.of("on"),
                f"{day.on} cannot be {day.kind!r}: it is a {day.on:%A}",
                "days moved off are weekdays, days worked instead are weekend days",
            )
        if (day.kind == "holiday") != (day.instead_of is None):
            reader.report(
                place.of("instead_of"),
                f"{day.on} is {day.kind!r} and instead_of is {day.instead_of}",
                "a moved or working day says which day it stands for, a holiday does not",
            )
    if head is None or reader.problems:
        raise BrokenPack(reader.problems)
    _refuse_empty_years(head.row, [each.row for each in days], file, head.place.line)
    calendar = Calendar(
        holidays=frozenset(each.row.on for each in days if each.row.kind != "working"),
        working_weekends=frozenset(each.row.on for each in days if each.row.kind == "working"),
        first_year=head.row.first_year,
        last_year=head.row.last_year,
    )
    return calendar, reader.document


def _refuse_empty_years(head: CalendarHead, days: list[CalendarDay], file: str, line: int) -> None:
    # A year that is promised and not entered would be worked through without a holiday.
    entered = {day.on.year for day in days}
    problems = [
        Problem(file, line, f"no day of {year} is entered", "enter its holidays or drop the year")
        for year in range(head.first_year, head.last_year + 1)
        if year not in entered
    ]
    if problems:
        raise BrokenPack(problems)
