"""What must come out of October, per direction, computed from how the city was built.

Kezek is never asked. A lesson earns its rate times the coefficients of special needs and of a
village, in the order of time, until the month's cap (times the same coefficients) is reached; what
a closing platform paid before counts against the cap. A tablet's mark earns nothing by itself: the
family's word does, or an officer's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from samples.clubs import city, october, plan, pupils
from samples.clubs.city import DIRECTIONS, DRAWN, MOVED, PUPILS, SEN, SURE, TARGET, Club, Group
from samples.clubs.october import PRESENT, Lesson
from samples.clubs.plan import NEVER_CHOOSE, NO_SHOWS, Plan
from samples.clubs.pupils import LATE, QUEUE, UNDRAWN, VOUCHER, WINDOW, Pupil
from samples.rows import Planted

# Lesson of 60 minutes and cap of a month, tiyn; coefficients per mille.
RATE_TIYN, CAP_TIYN = 150_000, 1_800_000
SEN_PER_MILLE, RURAL_PER_MILLE = 1500, 1200

CATEGORIES = (
    "orphan", "disability", "sen", "parent-disability", "tsa", "large-family", "breadwinner-lost",
    "protected", "single-parent", "rural-remote", "no-recent-voucher", "",
)


@dataclass(slots=True)
class Due:
    """What a direction's clubs earn."""

    lessons: Counter[str] = field(default_factory=Counter)
    paid: int = 0
    waiting: int = 0
    beyond_cap: int = 0
    due_tiyn: int = 0
    sen_tiyn: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    lesson: Lesson
    direction: str
    code: str
    waits: bool
    per_mille: int
    sen: bool


def expected(
    clubs: list[Club], children: Sequence[Pupil], month: Plan, trouble: Sequence[Planted]
) -> dict[str, object]:
    """Return every figure that the demo checks."""
    due = {direction: Due() for direction in DIRECTIONS}
    before = pupils.had_before(children, clubs)
    again = {pupil.iin for pupil in before}
    groups = {group.code: group for group in city.groups(clubs)}
    homes = {group.code: club for club in clubs for group in club.groups}
    for pupil in pupils.enrolled(children):
        own = plan.own_lessons(month, groups, plan.stays(month, pupil))
        lines = _lines(month, pupil, own, groups, homes)
        _add(due, lines, _used_tiyn(pupil, groups))
    for direction in DIRECTIONS:
        for ordinal in range(NO_SHOWS[direction], drawn(direction)):
            alike = [(Lesson(october.DAYS[n], "00:00"), DRAWN) for n in range(12)]
            lines = [
                _Line(x, direction, how, False, 1000, False)
                for x, _, how in plan.spent(ordinal, alike)
            ]
            _add(due, lines, 0)
    return {
        "clubs": len(clubs),
        "clubs_by_direction": dict(Counter(c.direction for c in clubs)),
        "clubs_by_form": dict(sorted(Counter(c.form for c in clubs).items())),
        "groups": len(groups),
        "children": len(children),
        "by_way": dict(sorted(Counter(p.way for p in children).items())),
        "by_category": {
            f"{number:02d} {code or 'others'}": sum(
                1 for p in children
                if (p.status or ("" if p.iin in again else "no-recent-voucher")) == code
            )
            for number, code in enumerate(CATEGORIES, start=1)
        },
        "register": {
            platform: dict(sorted(Counter(
                p.way for p in (*children, *before) if p.platform == platform).items()))
            for platform in (pupils.DAMUBALA, pupils.ARTSPORT)
        },
        "window": _by_direction(children, lambda p: p.way == WINDOW),
        "queue_at_the_run": _by_direction(
            children, lambda p: p.way == WINDOW or (p.way == QUEUE and p.stream == SURE)
        ),
        "vouchers_by_run": {d: _issued(d) for d in DIRECTIONS},
        "sen_vouchers_by_run": PUPILS[SEN],
        "moved_universal": PUPILS[MOVED],
        "had_before": pupils.HAD_BEFORE,
        "waiting_after_the_run": UNDRAWN,
        "waiting_at_the_end": sum(UNDRAWN.values()) + sum(LATE.values())
        + sum(NEVER_CHOOSE.values()) + sum(NO_SHOWS.values()),
        "never_choose": NEVER_CHOOSE,
        "no_shows": NO_SHOWS,
        "drawn": {d: drawn(d) for d in DIRECTIONS},
        "enrolled": {
            d: sum(PUPILS[s][d] for s in (TARGET, MOVED, SEN, SURE)) + drawn(d)
            for d in DIRECTIONS
        },
        "switched": len(month.moves),
        "left_the_suspended_club": len(month.flights),
        "cancelled_lessons": len(month.cancelled),
        "made_up_lessons": len(month.made_up),
        "timetables_above_the_cap": sum(
            len(october.lessons(g.weekdays, g.starts)) > 12 for g in groups.values()
        ),
        "taps": len(month.taps),
        "codes": len(month.codes),
        "silent": len(month.silent),
        "contests": len(month.contests),
        "due": {
            d: {
                "lessons": dict(sorted(one.lessons.items())),
                "paid_lessons": one.paid,
                "waiting_lessons": one.waiting,
                "lessons_beyond_the_cap": one.beyond_cap,
                "due_tiyn": one.due_tiyn,
                "sen_tiyn": one.sen_tiyn,
            }
            for d, one in due.items()
        },
        "planted": dict(sorted(Counter(t.kind for t in trouble).items())),
        "import": {
            name: sum(1 for t in trouble if t.file == name)
            for name in sorted({t.file for t in trouble if t.file})
        },
    }


def drawn(direction: str) -> int:
    """Return how many of the drawn come to sign a contract."""
    return PUPILS[DRAWN][direction] - NEVER_CHOOSE[direction]


def _issued(direction: str) -> int:
    return sum(PUPILS[stream][direction] for stream in (SEN, SURE, DRAWN))


def _by_direction(children: Sequence[Pupil], chosen: Callable[[Pupil], bool]) -> dict[str, int]:
    found = Counter(p.direction for p in children if chosen(p))
    return {d: found[d] for d in DIRECTIONS}



def _used_tiyn(pupil: Pupil, groups: dict[str, Group]) -> int:
    if pupil.platform != pupils.ARTSPORT or pupil.way != VOUCHER:
        return 0
    return plan.used_before(groups[pupil.group]) * RATE_TIYN


def _lines(
    month: Plan,
    pupil: Pupil,
    own: list[tuple[Lesson, str]],
    groups: dict[str, Group],
    homes: dict[str, Club],
) -> list[_Line]:
    contests = {(c.number, c.lesson): c for c in month.contests}
    unheard = pupil.number in month.silent_open
    lines = []
    for lesson, group, code in plan.spent(pupil.ordinal, own):
        contest = contests.get((pupil.number, lesson))
        waits = unheard or (contest is not None and contest.end == "open")
        if contest is not None and contest.end == "agreed":
            code = contest.claim
        sen = groups[group].sen
        per_mille = (RURAL_PER_MILLE if city.rural(homes[group]) else 1000)
        per_mille = per_mille * SEN_PER_MILLE // 1000 if sen else per_mille
        lines.append(_Line(lesson, groups[group].direction, code, waits, per_mille, sen))
    return lines


def _add(due: dict[str, Due], lines: Sequence[_Line], used_tiyn: int) -> None:
    spent = used_tiyn
    for line in lines:
        mine = due[line.direction]
        mine.lessons[line.code] += 1
        if line.code != PRESENT:
            continue
        if line.waits:
            mine.waiting += 1
            continue
        left = CAP_TIYN * line.per_mille // 1000 - spent
        earned = min(RATE_TIYN * line.per_mille // 1000, max(0, left))
        spent += earned
        if not earned:
            mine.beyond_cap += 1
            continue
        mine.paid += 1
        mine.due_tiyn += earned
        mine.sen_tiyn += earned if line.sen else 0
