"""Groups and their seats: for whom, how many, and who holds one.

A seat is held by a voucher, in the group's own row, so that no index and no count decides whether
a place is free. A seat may end on a known day; the next child may then begin the day after.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from chalicelib.kernel.refusals import Malformed, OutOfTurn, UsedUp
from chalicelib.policy.rules import Activity

Language = Literal["kk", "ru"]
Locality = Literal["urban", "rural"]
SeatState = Literal["reserved", "used"]
MOST_CAPACITY = 40
ANY = "any"


class BadCapacity(Malformed):
    """A group has 1 to 40 places."""

    code = "providers/bad-capacity"


class BadAges(Malformed):
    """A group's ages run from the younger to the older, within those the programme serves."""

    code = "providers/bad-ages"


class OtherDirection(Malformed):
    """A group teaches what its site was admitted for: its kind is the site's `direction`."""

    code = "providers/other-direction"


class BelowActivityAge(Malformed):
    """The activity begins at `least` completed years; the group's youngest are younger."""

    code = "providers/below-activity-age"


class AboveActivityAge(Malformed):
    """The activity ends at `most` completed years; the group's oldest are older."""

    code = "providers/above-activity-age"


class BadYear(Malformed):
    """A group is made for this academic year or the next, named by the year it starts in."""

    code = "providers/bad-year"


class BelowHeld(OutOfTurn):
    """More seats are held than the new capacity has."""

    code = "providers/below-held"


class GroupFixed(OutOfTurn):
    """While children hold seats, a group keeps its ages, language, kind, activity and year."""

    code = "providers/group-fixed"


class LengthFixed(OutOfTurn):
    """Lessons are paid by their length, and the group's timetable was published with `minutes`."""

    code = "providers/length-fixed"


class ChangedMeanwhile(OutOfTurn):
    """Somebody changed this since it was read; `revision` is the one to look at now."""

    code = "providers/changed-meanwhile"


class NoPlace(UsedUp):
    """Every place of the group is held."""

    code = "providers/no-place"


class GroupClosed(OutOfTurn):
    """The group takes no new children: its site is not on the List now."""

    code = "providers/group-closed"


class NoSeat(OutOfTurn):
    """The voucher holds no seat in this group."""

    code = "providers/no-seat"


@dataclass(frozen=True, slots=True)
class Seat:
    """A place held by a voucher; since and until are both included, None is open-ended."""

    state: SeatState
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class DatedCapacity:
    """How many places a group has from a day on."""

    from_on: date
    capacity: int


@dataclass(frozen=True, slots=True)
class WeeklyLesson:
    """A lesson of every week. weekday: 1 is Monday; starts: "HH:MM" in Almaty."""

    weekday: int
    starts: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of a site in one academic year.

    kind, hours: a sort of the pack in force: for kindergartens the kind of group and its hours a
    day, for clubs the direction and the minutes of a lesson. activity: what is taught, empty where
    the programme names none. sen: a small group for children with special educational needs.
    times: the week as the timetable has it now, for those who look for an hour. timed: a timetable
    was published, so that its lessons' length is settled.
    age_from, age_to: completed years on the first day of the academic year, both included.
    capacity: what new seats may count on: the least of today's and every later capacity.
    holders: voucher id → seat. open: the site is listed. revision: counts the head's changes.
    """

    group_id: str
    site_id: str
    organisation_id: str
    programme: str
    area: str
    name: str
    academic_year: int
    age_from: int
    age_to: int
    language: Language
    kind: str
    hours: str
    locality: Locality
    capacity: int
    capacities: tuple[DatedCapacity, ...] = ()
    holders: dict[str, Seat] = field(default_factory=dict)
    open: bool = False
    revision: int = 1
    asked: str = ""
    activity: str = ""
    sen: bool = False
    times: tuple[WeeklyLesson, ...] = ()
    timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAsked:
    """What a head says about a group; from_on: the day the capacity counts from, None is today."""

    group_id: str
    name: str
    academic_year: int
    age_from: int
    age_to: int
    language: Language
    kind: str
    hours: str
    capacity: int
    from_on: date | None = None
    activity: str = ""
    sen: bool = False


# --- seats --------------------------------------------------------------------------------------


def fits(group: Group, *, age: int, language: str, kind: str, sen: bool = False) -> bool:
    """Return whether a child of that age may be taught here in that language and kind.

    language, kind: "any" asks nothing. sen: the child has special educational needs; a group made
    for such children takes no others.
    """
    return (
        group.age_from <= age <= group.age_to
        and language in (ANY, group.language)
        and kind in (ANY, group.kind)
        and (sen or not group.sen)
    )


def capacity_on(group: Group, day: date) -> int:
    """Return how many places the group has on a day; 0 before its first."""
    in_force = 0 if group.capacities else group.capacity
    for dated in group.capacities:
        if dated.from_on <= day:
            in_force = dated.capacity
    return in_force


def held_seats(group: Group) -> int:
    """Return how many seats are held, those that will end included."""
    return len(group.holders)


def free_places(group: Group, *, from_on: date | None = None) -> int:
    """Return how many more children the group can take; 0 while it is closed.

    from_on: a child would begin that day and stay: seats that end before are free by then.
    Without it every held seat counts, so the answer is never too high.
    """
    if not group.open:
        return 0
    return max(0, _room(group, from_on=from_on))


def take_seat(group: Group, voucher_id: str, state: SeatState, since: date) -> Group:
    """Return the group with a seat for the voucher; the same again changes nothing.

    Raises GroupClosed, NoPlace.
    """
    if voucher_id in group.holders:
        return group
    if not group.open:
        raise GroupClosed(group_id=group.group_id)
    _demand_room(group, from_on=since)
    return replace(group, holders={**group.holders, voucher_id: Seat(state, since)})


def use_seat(group: Group, voucher_id: str, since: date | None = None) -> Group:
    """Return the group with the voucher's reserved seat in use, also while the site is suspended.

    since: the first day of the child, when it is not the day of the reservation; an earlier one
    only while there is room. A seat in use stays as it is. Raises NoSeat, NoPlace.
    """
    seat = _seat(group, voucher_id)
    if seat.state == "used":
        return group
    if since is not None and since < seat.since:
        _demand_room(free_seat(group, voucher_id), from_on=since)
    used = replace(seat, state="used", since=since or seat.since)
    return replace(group, holders={**group.holders, voucher_id: used})


def leave_seat(group: Group, voucher_id: str, last_on: date) -> Group:
    """Return the group with the voucher's seat ending on a day. Raises NoSeat.

    An end that was set may move to a later day only while nobody took the place. Raises NoPlace.
    """
    seat = _seat(group, voucher_id)
    if seat.until is not None and last_on > seat.until:
        _demand_room(free_seat(group, voucher_id), from_on=seat.until + timedelta(days=1))
    ending = replace(seat, until=last_on)
    return replace(group, holders={**group.holders, voucher_id: ending})


def free_seat(group: Group, voucher_id: str) -> Group:
    """Return the group without the voucher's seat; the same group when it held none."""
    if voucher_id not in group.holders:
        return group
    left = {held: seat for held, seat in group.holders.items() if held != voucher_id}
    return replace(group, holders=left)


def _seat(group: Group, voucher_id: str) -> Seat:
    if voucher_id not in group.holders:
        raise NoSeat(group_id=group.group_id)
    return group.holders[voucher_id]


def _demand_room(group: Group, *, from_on: date) -> None:
    if _room(group, from_on=from_on) < 1:
        raise NoPlace(group_id=group.group_id)


def _room(group: Group, *, from_on: date | None) -> int:
    """Return the least number of empty places on any day from `from_on` on."""
    if from_on is None:
        return group.capacity - held_seats(group)
    # A place may be reserved before the group's first day; between the days below neither seats
    # begin nor capacity changes, so the fullest day is among them.
    first = max([from_on, *(dated.from_on for dated in group.capacities[:1])])
    days = {first}
    days |= {seat.since for seat in group.holders.values() if seat.since > first}
    days |= {dated.from_on for dated in group.capacities if dated.from_on > first}
    return min(capacity_on(group, day) - _held_on(group.holders.values(), day) for day in days)


def _held_on(seats: Iterable[Seat], day: date) -> int:
    return sum(s.since <= day and (s.until is None or day <= s.until) for s in seats)


# --- what a head says about a group -------------------------------------------------------------


def form_group(
    asked: GroupAsked,
    *,
    site_id: str,
    organisation_id: str,
    programme: str,
    area: str,
    locality: Locality,
    listed: bool,
    today: date,
    ages: tuple[int, int],
    fingerprint: str,
) -> Group:
    """Return a new group; open when its site is listed. Raises BadCapacity, BadAges.

    ages: the youngest and the oldest completed years the programme serves.
    """
    _check(asked, ages)
    return Group(
        group_id=asked.group_id,
        site_id=site_id,
        organisation_id=organisation_id,
        programme=programme,
        area=area,
        name=asked.name,
        academic_year=asked.academic_year,
        age_from=asked.age_from,
        age_to=asked.age_to,
        language=asked.language,
        kind=asked.kind,
        hours=asked.hours,
        locality=locality,
        capacity=asked.capacity,
        capacities=(DatedCapacity(asked.from_on or today, asked.capacity),),
        open=listed,
        asked=fingerprint,
        activity=asked.activity,
        sen=asked.sen,
    )


def change_group(
    group: Group,
    asked: GroupAsked,
    *,
    today: date,
    ages: tuple[int, int],
    turnover: bool,
    fingerprint: str,
) -> Group:
    """Return the group as its head now describes it.

    While seats are held only the name and the capacity may change, and in the turnover the group
    may move up a year as a whole: academic year and both ages by one. A capacity counts from its
    day on, today at the earliest, and never below the seats held.
    Raises BadCapacity, BadAges, LengthFixed, GroupFixed, BelowHeld.
    """
    _check(asked, ages)
    if asked.hours != group.hours and (group.timed or group.times):
        raise LengthFixed(minutes=group.hours)
    if group.holders and not (_same_sort(group, asked) or (turnover and _moved_up(group, asked))):
        raise GroupFixed(group_id=group.group_id)
    if asked.capacity < held_seats(group):
        raise BelowHeld(held=held_seats(group), capacity=asked.capacity)
    capacities = group.capacities
    from_on = max(asked.from_on or today, today)
    if asked.capacity != capacity_on(group, from_on) or _later(group, from_on):
        kept = tuple(dated for dated in capacities if dated.from_on < from_on)
        capacities = (*kept, DatedCapacity(from_on, asked.capacity))
    changed = replace(
        group,
        name=asked.name,
        academic_year=asked.academic_year,
        age_from=asked.age_from,
        age_to=asked.age_to,
        language=asked.language,
        kind=asked.kind,
        hours=asked.hours,
        capacities=capacities,
        revision=group.revision + 1,
        asked=fingerprint,
        activity=asked.activity,
        sen=asked.sen,
    )
    return renew_capacity(changed, today)


def renew_capacity(group: Group, today: date) -> Group:
    """Return the group with what new seats may count on, as of a day."""
    if not group.capacities:
        return group
    first = max(today, group.capacities[0].from_on)
    ahead = [dated.capacity for dated in group.capacities if dated.from_on > first]
    least = min([capacity_on(group, first), *ahead])
    return group if least == group.capacity else replace(group, capacity=least)


def set_open(group: Group, *, to: bool) -> Group:
    """Return the group open for new children, or closed."""
    return group if group.open is to else replace(group, open=to)


def set_times(group: Group, times: tuple[WeeklyLesson, ...]) -> Group:
    """Return the group with the week its timetable has now; the same week changes nothing."""
    if group.times == times:
        return group
    return replace(group, times=times, timed=group.timed or bool(times))


def check_direction(asked: GroupAsked, direction: str) -> None:
    """Raise OtherDirection unless the group is of what its site was admitted for, if anything."""
    if direction and asked.kind != direction:
        raise OtherDirection(direction=direction, kind=asked.kind)


def check_ages_for(asked: GroupAsked, activity: Activity | None) -> None:
    """Raise BelowActivityAge or AboveActivityAge unless every age may do what the group does."""
    if activity is None:
        return
    if asked.age_from < activity.age_from:
        raise BelowActivityAge(
            activity=asked.activity, least=activity.age_from, age_from=asked.age_from
        )
    if asked.age_to > activity.age_to:
        raise AboveActivityAge(activity=asked.activity, most=activity.age_to, age_to=asked.age_to)


def _check(asked: GroupAsked, ages: tuple[int, int]) -> None:
    if not 1 <= asked.capacity <= MOST_CAPACITY:
        raise BadCapacity(capacity=asked.capacity, most=MOST_CAPACITY)
    youngest, oldest = ages
    if not youngest <= asked.age_from <= asked.age_to <= oldest:
        raise BadAges(youngest=youngest, oldest=oldest)


def _later(group: Group, from_on: date) -> bool:
    return any(dated.from_on > from_on for dated in group.capacities)


def _sort(of: Group | GroupAsked) -> tuple[str, str, str, str, bool]:
    return of.language, of.kind, of.hours, of.activity, of.sen


def _same_sort(group: Group, asked: GroupAsked) -> bool:
    return _sort(group) == _sort(asked) and (
        (group.academic_year, group.age_from, group.age_to)
        == (asked.academic_year, asked.age_from, asked.age_to)
    )


def _moved_up(group: Group, asked: GroupAsked) -> bool:
    return _sort(group) == _sort(asked) and (
        (group.academic_year + 1, group.age_from + 1, group.age_to + 1)
        == (asked.academic_year, asked.age_from, asked.age_to)
    )
