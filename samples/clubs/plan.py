"""Who does what in October: who moves, taps, keeps silent or contests, and what clubs cancel.

Named by number of the pupil or code of the group, and chosen so that no two oddities meet in one
child: each figure can then be traced to one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest

from samples.clubs import city, october
from samples.clubs.city import DIRECTIONS, DRAWN, MOVED, SURE, TARGET, Club, Group
from samples.clubs.october import FIRST, LAST, MISSED, PRESENT, Lesson
from samples.clubs.pupils import ARTSPORT, WINDOW, Pupil

# The platform for sport closes in October: its pupils come on the 5th, with what they used.
ARTSPORT_COMES = date(2026, 10, 5)
SUSPENDED_ON = date(2026, 10, 15)
# Asked in the evening, a family's new club begins the next day.
SWITCHES = (date(2026, 10, 9), date(2026, 10, 20))
FLIGHTS = (date(2026, 10, 16), date(2026, 10, 20))
CANCELLED_FROM, MADE_UP_ON = date(2026, 10, 13), date(2026, 10, 18)

NEVER_CHOOSE = {"sport": 1, "creative": 1, "education": 1}
NO_SHOWS = {"sport": 2, "creative": 1, "education": 1}
SWITCHERS_A_WAVE = 4    # per direction; the last of them goes to another direction
CANCELLED, MADE_UP = 10, 6
TAPS, CODES, SILENT = 24, 12, 12
SILENT_OPEN = 1         # … of whom one stays undecided
GHOSTS, FORGOTTEN = 5, 4


@dataclass(frozen=True, slots=True)
class Move:
    """A pupil goes to another group; from_on is its first day there."""

    number: str
    to: str
    asked_on: date
    from_on: date


@dataclass(frozen=True, slots=True)
class Contest:
    """A family contests a lesson. claim: what it says was so; end: what comes of it.

    end: "agreed" by the club, "upheld" the club's mark stands, "open" nobody decided yet.
    """

    number: str
    lesson: Lesson
    claim: str
    end: str


@dataclass(slots=True)
class Plan:
    """The month's oddities."""

    moves: list[Move] = field(default_factory=list)
    flights: list[Move] = field(default_factory=list)
    cancelled: dict[str, Lesson] = field(default_factory=dict)
    made_up: dict[str, Lesson] = field(default_factory=dict)
    taps: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    silent_open: list[str] = field(default_factory=list)
    contests: list[Contest] = field(default_factory=list)
    in_one_second: str = ""
    on_holiday: str = ""
    twice: str = ""
    again: str = ""


def build(clubs: list[Club], pupils: Sequence[Pupil]) -> Plan:
    """Return the plan of October."""
    made = Plan()
    by_code = {group.code: group for group in city.groups(clubs)}
    houses = {group.code: club for club in clubs for group in club.groups}
    gone = city.suspended(clubs)
    _cancel(made, clubs, gone)
    plain = [
        p
        for p in pupils
        if p.stream in (MOVED, SURE)
        and p.group not in made.cancelled
        and houses[p.group] is not gone
        and not city.rural(houses[p.group])
        and len(october.lessons(by_code[p.group].weekdays, "00:00")) == 12
    ]
    _switch(made, clubs, [p for p in plain if p.stream == MOVED])
    for number, pupil in enumerate(p for p in pupils if p.group and houses[p.group] is gone):
        asked = FLIGHTS[number % 2]
        to = city.shelter_of(clubs, by_code[pupil.group]).code
        made.flights.append(Move(pupil.number, to, asked, _next(asked)))
    moved = {m.number for m in made.moves}
    still = [p for p in plain if p.number not in moved]
    _answer(made, by_code, still)
    odd = [by_code[p.group] for p in still]
    made.in_one_second = next(g.code for g in odd if g.stream == SURE and g.direction == "creative")
    made.on_holiday = next(g.code for g in odd if g.stream == SURE and g.weekdays == (1, 3, 5))
    made.twice = next(g.code for g in odd if g.direction == "education")
    made.again = next(g.code for g in odd if g.direction == "sport" and g.stream == SURE)
    return made


def _next(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _cancel(made: Plan, clubs: list[Club], gone: Club) -> None:
    """Ten groups cancel a lesson of the month's middle; six make it up on a Sunday."""
    able = [
        group
        for club in clubs
        if club is not gone
        for group in club.groups[:1]
        if group.stream in (TARGET, MOVED) and group.weekdays in october.TWELVE
    ]
    for number, group in enumerate(able[:: max(1, len(able) // CANCELLED)][:CANCELLED]):
        planned = october.lessons(group.weekdays, group.starts)
        made.cancelled[group.code] = next(x for x in planned if x.on >= CANCELLED_FROM)
        if number < MADE_UP:
            made.made_up[group.code] = Lesson(MADE_UP_ON, group.starts)


def _switch(made: Plan, clubs: list[Club], able: Sequence[Pupil]) -> None:
    for place, direction in enumerate(DIRECTIONS):
        own = [p for p in able if p.direction == direction and p.ordinal % 10 == 0]
        other = DIRECTIONS[(place + 1) % len(DIRECTIONS)]
        for wave, asked in enumerate(SWITCHES):
            first = wave * SWITCHERS_A_WAVE
            for number, pupil in enumerate(own[first : first + SWITCHERS_A_WAVE]):
                to = direction if number < SWITCHERS_A_WAVE - 1 else other
                group = city.open_group(clubs, to).code
                made.moves.append(Move(pupil.number, group, asked, _next(asked)))


def _answer(made: Plan, groups: dict[str, Group], able: Sequence[Pupil]) -> None:
    """Share families out: those who tap, use codes, keep silent, contest."""
    window = [p for p in able if p.way == WINDOW]
    # Codes come by message the day after a lesson: that of Friday the 2nd, at one club.
    early = next(p.group for p in window if 5 in groups[p.group].weekdays)
    made.codes = [p.number for p in window if p.group == early][:CODES]
    tapping = [p for p in window if p.group != early and p.ordinal % 5 == 1]
    made.taps = [p.number for p in _spread(tapping, TAPS)]
    silent = [p for p in able if p.stream == MOVED and p.ordinal % 25 == 4]
    made.silent = [p.number for p in _spread(silent, SILENT)]
    made.silent_open = made.silent[-SILENT_OPEN:]
    ghosts = _spread([p for p in able if p.stream == MOVED and p.ordinal % 25 == 5], GHOSTS)
    ends = ("agreed", "upheld", "agreed", "upheld", "open")
    for pupil, end in zip(ghosts, ends, strict=True):
        lesson = _first(pupil, groups, PRESENT)
        made.contests.append(Contest(pupil.number, lesson, MISSED, end))
    forgotten = _spread([p for p in able if p.stream == MOVED and p.ordinal % 25 == 7], FORGOTTEN)
    for number, pupil in enumerate(forgotten):
        lesson = _first(pupil, groups, MISSED)
        end = "agreed" if number % 2 == 0 else "upheld"
        made.contests.append(Contest(pupil.number, lesson, PRESENT, end))


def _spread(able: Sequence[Pupil], count: int) -> list[Pupil]:
    """Return some pupils, from each direction in turn."""
    lanes = [[p for p in able if p.direction == direction] for direction in DIRECTIONS]
    dealt = [p for turn in zip_longest(*lanes) for p in turn if p is not None]
    return dealt[:count]


def _first(pupil: Pupil, groups: dict[str, Group], code: str) -> Lesson:
    group = groups[pupil.group]
    own = own_lessons(Plan(), groups, [(group.code, starts_on(pupil), LAST)])
    return next(x for x, _, how in spent(pupil.ordinal, own) if how == code)


def starts_on(pupil: Pupil) -> date:
    """Return a pupil's first day in Kezek."""
    return ARTSPORT_COMES if pupil.platform == ARTSPORT else FIRST


def stays(made: Plan, pupil: Pupil) -> list[tuple[str, date, date]]:
    """Return the groups of a pupil with first and last day there."""
    begins = starts_on(pupil)
    move = next((m for m in made.moves + made.flights if m.number == pupil.number), None)
    if move is None:
        return [(pupil.group, begins, LAST)]
    before = date.fromordinal(move.from_on.toordinal() - 1)
    return [(pupil.group, begins, before), (move.to, move.from_on, LAST)]


def held(made: Plan, group: Group) -> list[Lesson]:
    """Return the lessons that a group holds: planned and not cancelled, and made up."""
    planned = set(october.lessons(group.weekdays, group.starts))
    planned.discard(made.cancelled.get(group.code, Lesson(FIRST, "")))
    if group.code in made.made_up:
        planned.add(made.made_up[group.code])
    return sorted(planned)


def own_lessons(
    made: Plan, groups: dict[str, Group], stay: Sequence[tuple[str, date, date]]
) -> list[tuple[Lesson, str]]:
    """Return the lessons of a pupil's stays, each with its group, in the order of time."""
    return sorted(
        (lesson, code)
        for code, first, last in stay
        for lesson in held(made, groups[code])
        if first <= lesson.on <= last
    )


def spent(
    ordinal: int, own: Sequence[tuple[Lesson, str]]
) -> Iterator[tuple[Lesson, str, str]]:
    """Yield each lesson with its group and how the pupil spent it."""
    for nth, (lesson, group) in enumerate(own):
        yield lesson, group, october.mark(ordinal, nth)


def used_before(group: Group) -> int:
    """Return the lessons of October that a closing platform paid before its pupils came."""
    return sum(1 for x in october.lessons(group.weekdays, group.starts) if x.on < ARTSPORT_COMES)


__all__ = ["DRAWN", "Contest", "Move", "Plan", "build", "held", "own_lessons", "spent", "stays"]
