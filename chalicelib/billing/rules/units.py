"""Days and lessons as numbers of their month, so that one law counts both.

A day is its number from 0. A lesson is the hour in which it starts, (day - 1) x 24 + hour; it
touches every hour that any minute of it lies in. A set of units is a mask: bit n is unit n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

HOURS_IN_A_DAY = 24
MINUTES_IN_AN_HOUR = 60


def day_number(on: date) -> int:
    """Return a day's number in its month, from 0."""
    return on.day - 1


def lesson_number(on: date, starts: int) -> int:
    """Return the number of a lesson: the hour of the month in which it starts.

    starts: minutes of the day, Kazakhstan's wall clock.
    """
    return day_number(on) * HOURS_IN_A_DAY + starts // MINUTES_IN_AN_HOUR


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


def spread(units: int, long: Mapping[int, int]) -> int:
    """Return the hours that units touch. long: hours touched, two or more → the units that do."""
    hours = units
    for touched, mask in long.items():
        for further in range(1, touched):
            hours |= (units & mask) << further
    return hours


def meeting(units: int, long: Mapping[int, int], hours: int) -> int:
    """Return those of the units that touch any of these hours."""
    met = units & hours
    for touched, mask in long.items():
        for further in range(1, touched):
            met |= units & mask & (hours >> further)
    return met
