"""What uploads show: marks outside hours, a crowd of one second, two places, a jumping clock.

All of it is seen in the signed records and in what is stored beside them, so a tablet's uploads are
judged without any further reading. Guessed times and refused records say nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from chalicelib.attendance.rules.health import Place, apart
from chalicelib.kernel.periods import local
from chalicelib.policy.rules import AttendanceRule, SignalRule
from chalicelib.signals.rules.values import Finding, Ref

_HOUR = 60
# So many of one second in several uploads, and the others may have come before.
PART_OF_A_CROWD = 3


class Working(Protocol):
    """The days on which sites work."""

    def is_working(self, on: date) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A record that made a mark. happened_at is aware; on is its day in Kazakhstan."""

    counter: int
    child_id: str
    enrolment_id: str
    kind: str
    happened_at: datetime
    on: date
    guessed: bool = False
    place: Place | None = None

    @property
    def minute(self) -> int:
        at = local(self.happened_at)
        return at.hour * _HOUR + at.minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload of one tablet in the order of its counters.

    place_before: where the tablet was before it. skew_s, skew_before_s: its clock minus ours, now
    and at the upload before; None where it was not told.
    """

    device_id: str
    seen: tuple[Seen, ...]
    place_before: Place | None = None
    skew_s: int | None = None
    skew_before_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an upload is judged by on a day. by_day: the programme counts days, and has hours."""

    rule: SignalRule
    hours: AttendanceRule
    calendar: Working
    by_day: bool


TermsOn = Callable[[date], Terms | None]


def findings_of_uploads(
    uploads: Sequence[Upload], terms_on: TermsOn, *, round_the_clock: Collection[str] = ()
) -> list[Finding]:
    """Return what is odd in uploads of one tablet, by kind and day.

    uploads: in any order, a record perhaps in several. round_the_clock: enrolments in groups that
    are open day and night.
    """
    chain = sorted((one for one in uploads if one.seen), key=lambda one: one.seen[0].counter)
    if not chain:
        return []
    device_id = chain[0].device_id
    known: dict[date, Terms | None] = {}

    def of_day(on: date) -> Terms | None:
        if on not in known:
            known[on] = terms_on(on)
        return known[on]

    every = {seen.counter: seen for upload in chain for seen in upload.seen}
    seen = [every[counter] for counter in sorted(every)]
    days: dict[date, list[Seen]] = {}
    for one in seen:
        days.setdefault(one.on, []).append(one)
    found: list[Finding] = []
    for on in sorted(days):
        terms = of_day(on)
        if terms is None:
            continue
        real = [one for one in days[on] if not one.guessed]
        if terms.by_day:
            found += _outside(device_id, on, real, terms, round_the_clock)
            found += _day_off(device_id, on, real, terms)
        found += _one_second(device_id, on, real, terms.rule)
    found += _far_apart(device_id, chain, of_day)
    found += _clock_jump(device_id, chain, seen, of_day)
    return found


def worth_a_look(uploads: Sequence[Upload], terms_on: TermsOn) -> bool:
    """Return whether uploads that came together may be odd, with those that came before them.

    A tablet may send each record by itself: then few of a crowd are here, or one of a day off.
    """

    def loosely(on: date) -> Terms | None:
        terms = terms_on(on)
        return None if terms is None else _loose(terms, several=len(uploads) > 1)

    return bool(findings_of_uploads(uploads, loosely))


@lru_cache(maxsize=1024)
def _loose(terms: Terms, *, several: bool) -> Terms:
    rule = terms.rule
    crowd = min(rule.second_children, PART_OF_A_CROWD) if several else rule.second_children
    rule = replace(rule, day_off_children=min(rule.day_off_children, 1), second_children=crowd)
    return replace(terms, rule=rule)


def _outside(
    device_id: str, on: date, real: Iterable[Seen], terms: Terms, round_the_clock: Collection[str]
) -> list[Finding]:
    most = terms.rule.outside_minutes
    if not most or not terms.calendar.is_working(on):
        return []
    opens = terms.hours.opens_at.hour * _HOUR + terms.hours.opens_at.minute
    closes = terms.hours.closes_at.hour * _HOUR + terms.hours.closes_at.minute
    odd: dict[Seen, int] = {}
    for seen in real:
        away = max(opens - seen.minute, seen.minute - closes)
        if away < most or seen.kind not in ("in", "out"):
            continue
        if seen.enrolment_id not in round_the_clock:
            odd[seen] = away
    if not odd:
        return []
    facts = {"children": len({seen.child_id for seen in odd}), "minutes": max(odd.values())}
    return [_of_day("outside-hours", device_id, on, odd, facts)]


def _day_off(device_id: str, on: date, real: Iterable[Seen], terms: Terms) -> list[Finding]:
    least = terms.rule.day_off_children
    if not least or terms.calendar.is_working(on):
        return []
    odd = [seen for seen in real if seen.kind in ("in", "out")]
    children = {seen.child_id for seen in odd}
    if len(children) < least:
        return []
    return [_of_day("outside-hours", device_id, on, odd, {"children": len(children), "minutes": 0})]


def _one_second(device_id: str, on: date, real: Iterable[Seen], rule: SignalRule) -> list[Finding]:
    if not rule.second_children:
        return []
    seconds: dict[datetime, list[Seen]] = {}
    for seen in real:
        if seen.kind == "in":
            seconds.setdefault(seen.happened_at.replace(microsecond=0), []).append(seen)
    crowds = [
        crowd
        for crowd in seconds.values()
        if len({seen.child_id for seen in crowd}) >= rule.second_children
    ]
    if not crowds:
        return []
    odd = [seen for crowd in crowds for seen in crowd]
    largest = max(len({seen.child_id for seen in crowd}) for crowd in crowds)
    facts: dict[str, int | str] = {"children": largest, "on": on.isoformat()}
    return [_of_device("one-second", device_id, on, odd, facts)]


def _far_apart(device_id: str, chain: Sequence[Upload], terms_on: TermsOn) -> list[Finding]:
    odd: dict[date, list[Seen]] = {}
    metres: dict[date, int] = {}
    before: Place | None = None
    for upload in chain:
        before = upload.place_before or before
        for seen in upload.seen:
            if seen.place is None:
                continue
            terms = terms_on(seen.on)
            if before is not None and terms is not None and terms.rule.far_metres:
                far, speed = apart(before, seen.place)
                if far >= terms.rule.far_metres and speed > terms.rule.metres_a_second_max:
                    odd.setdefault(seen.on, []).append(seen)
                    metres[seen.on] = max(metres.get(seen.on, 0), round(far))
            before = seen.place
    return [
        _of_device(
            "far-apart", device_id, on, odd[on], {"metres": metres[on], "on": on.isoformat()}
        )
        for on in sorted(odd)
    ]


def _clock_jump(
    device_id: str, chain: Sequence[Upload], every: Sequence[Seen], terms_on: TermsOn
) -> list[Finding]:
    odd: dict[date, list[Seen]] = {}
    seconds: dict[date, int] = {}

    def note(seen: Seen, jump: int) -> None:
        terms = terms_on(seen.on) if jump > 0 else None
        if terms is not None and 0 < terms.rule.clock_jump_seconds <= jump:
            odd.setdefault(seen.on, []).append(seen)
            seconds[seen.on] = max(seconds.get(seen.on, 0), jump)

    for upload in chain:
        if upload.skew_s is not None and upload.skew_before_s is not None:
            for seen in upload.seen:
                note(seen, abs(upload.skew_s - upload.skew_before_s))
    for earlier, later in pairwise(every):
        # A guessed time is not the clock's; between records that are missing, nobody knows.
        if not (earlier.guessed or later.guessed):
            note(later, round((earlier.happened_at - later.happened_at).total_seconds()))
    return [
        _of_device(
            "clock-jump",
            device_id,
            on,
            odd[on],
            {"minutes": seconds[on] // 60, "on": on.isoformat()},
        )
        for on in sorted(odd)
    ]


def _of_day(
    kind: str, device_id: str, on: date, odd: Iterable[Seen], facts: Mapping[str, int | str]
) -> Finding:
    return Finding(
        kind=kind,  # type: ignore[arg-type]
        subject=on.isoformat(),
        subject_of="day",
        period=on.isoformat(),
        refs=_refs(device_id, odd),
        facts={**facts, "on": on.isoformat()},
    )


def _of_device(
    kind: str, device_id: str, on: date, odd: Iterable[Seen], facts: Mapping[str, int | str]
) -> Finding:
    return Finding(
        kind=kind,  # type: ignore[arg-type]
        subject=device_id,
        subject_of="device",
        period=on.isoformat(),
        refs=_refs(device_id, odd),
        facts=facts,
    )


def _refs(device_id: str, odd: Iterable[Seen]) -> tuple[Ref, ...]:
    records: dict[tuple[str, date], list[str]] = {}
    for seen in odd:
        key = (seen.child_id, seen.on)
        records.setdefault(key, []).append(f"{device_id}/{seen.counter}")
    return tuple(
        Ref(
            child_id=child_id,
            month=on.isoformat()[:7],
            lines=(on.isoformat(),),
            records=tuple(sorted(named)),
        )
        for (child_id, on), named in sorted(records.items())
    )
