"""Days and months are Kazakhstan's, instants are UTC with an offset.

The zone comes from the tzdata package, never from the host: a host's data may be older than
1 March 2024, when the whole country moved to UTC+5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from chalicelib.kernel.refusals import Malformed


class NaiveInstant(Malformed):
    """An instant without an offset says nothing about when."""

    code = "kernel/naive-instant"


class BadMonth(Malformed):
    """A month is written YYYY-MM."""

    code = "kernel/bad-month"


@lru_cache(maxsize=1)
def almaty() -> ZoneInfo:
    """Return the one zone of the country."""
    with resources.files("tzdata").joinpath("zoneinfo/Asia/Almaty").open("rb") as data:
        return ZoneInfo.from_file(data, key="Asia/Almaty")


def local(at: datetime) -> datetime:
    """Return an aware instant as Kazakhstan's wall clock shows it."""
    if at.tzinfo is None:
        raise NaiveInstant()
    return at.astimezone(almaty())


def local_day(at: datetime) -> date:
    """Return Kazakhstan's day of an aware instant."""
    return local(at).date()


def shown_day(day: date) -> str:
    """Return a day as people write it: DD.MM.YYYY."""
    return f"{day:%d.%m.%Y}"


def last_day(until: str) -> date:
    """Return the last whole day before a deadline, from its stamp."""
    return local_day(from_stamp(until) - timedelta(microseconds=1))


def shown_last_day(until: str) -> str:
    """Return the last whole day before a deadline, from its stamp, as people write it."""
    return shown_day(last_day(until))


def start_of(day: date) -> datetime:
    """Return the first instant of a day in Kazakhstan, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=almaty()).astimezone(UTC)


def end_of(day: date) -> datetime:
    """Return the first instant after a day in Kazakhstan, in UTC."""
    return start_of(day + timedelta(days=1))


def stamp(at: datetime) -> str:
    """Return an instant as RFC 3339 in UTC with microseconds: sorts as text as it does in time."""
    if at.tzinfo is None:
        raise NaiveInstant()
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_stamp(text: str) -> datetime:
    """Return the aware UTC instant of an RFC 3339 text; refuses one without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise NaiveInstant()
    return at.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month of Kazakhstan; written YYYY-MM."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (2000 <= self.year <= 2999 and 1 <= self.month <= 12):
            raise BadMonth(month=f"{self.year}-{self.month}")

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year, day.month)

    @classmethod
    def containing(cls, at: datetime) -> Month:
        return cls.of(local_day(at))

    @classmethod
    def preceding(cls, at: datetime) -> Month:
        """Return the month before the one an instant lies in."""
        return cls.containing(at).before()

    @classmethod
    def parse(cls, text: str) -> Month:
        if len(text) != 7 or text[4] != "-" or not text.isascii():
            raise BadMonth(month=text[:16])
        year, month = text[:4], text[5:]
        if not (year.isdigit() and month.isdigit()):
            raise BadMonth(month=text[:16])
        return cls(int(year), int(month))

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return self.next().first - timedelta(days=1)

    def next(self) -> Month:
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def before(self) -> Month:
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def days(self) -> Iterator[date]:
        return iter(_days_of(self))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


# A provider-month walks the same thirty days for each of its children.
@lru_cache(maxsize=64)
def _days_of(month: Month) -> tuple[date, ...]:
    first = month.first
    return tuple(first + timedelta(days=n) for n in range(month.last.day))


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from `first` to `last`, both included; no `last` is open-ended."""

    first: date
    last: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def overlaps(self, other: DateRange) -> bool:
        return (other.last is None or self.first <= other.last) and (
            self.last is None or other.first <= self.last
        )
