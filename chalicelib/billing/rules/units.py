"""Days and lessons as numbers of their month, so that one law counts both.

A day is its number from 0. A lesson is the five minutes of the month in which it starts: two
lessons of 45 minutes may start in one hour, and each is a unit. A set of units is a mask: bit n is
unit n. What only one site may claim is a place: the day itself, or each hour of the clock in which
any minute of the lesson lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

MINUTES_IN_A_SLOT = 5
MINUTES_IN_AN_HOUR = 60
SLOTS_IN_AN_HOUR = MINUTES_IN_AN_HOUR // MINUTES_IN_A_SLOT
SLOTS_IN_A_DAY = 24 * SLOTS_IN_AN_HOUR


def day_number(on: date) -> int:
    """Return a day's number in its month, from 0."""
    return on.day - 1


def lesson_number(on: date, starts: int) -> int:
    """Return a lesson's number in its month.

    starts: minutes of the day, Kazakhstan's wall clock. No lesson is as short as five minutes, so
    no two of a child that do not overlap have one number.
    """
    return day_number(on) * SLOTS_IN_A_DAY + starts // MINUTES_IN_A_SLOT


def hours_touched(starts: int, minutes: int) -> int:
    """Return how many hours of the clock a lesson lies in; one at least, its end not included."""
    after = starts % MINUTES_IN_AN_HOUR + minutes
    return max(1, -(-after // MINUTES_IN_AN_HOUR))


def mask_of(number: int) -> int:
    """Return the mask of one unit."""
    return 1 << number


def numbers(mask: int) -> Iterator[int]:
    """Yield the numbers of a mask's units, in order of time."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def places(units: int, *, slots: int, long: Mapping[int, int]) -> int:
    """Return the places of units as a mask of days or of hours of the month.

    slots: numbers in one place, 1 for days. long: hours touched, two or more → the units that do.
    """
    if slots == 1:
        return units
    found = 0
    for number in numbers(units):
        found |= _hours(number, slots, long)
    return found


def meeting(units: int, taken: int, *, slots: int, long: Mapping[int, int]) -> int:
    """Return those of the units that have any of these places."""
    if slots == 1:
        return units & taken
    met = 0
    for number in numbers(units):
        if _hours(number, slots, long) & taken:
            met |= mask_of(number)
    return met


def _hours(number: int, slots: int, long: Mapping[int, int]) -> int:
    one = mask_of(number)
    touched = next((hours for hours, units in long.items() if units & one), 1)
    return ((1 << touched) - 1) << (number // slots)
