"""Schedule expressions of EventBridge, in UTC, to the minute.

    cron(minutes hours day-of-month month day-of-week year)      rate(value unit)

Numbers, lists, ranges, steps, names, `*` and `?`; L, W and # are refused, since none of our
schedules needs them. Exactly one of the two day fields is `?`, as EventBridge demands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAYS = {name: number for number, name in enumerate(_DAY_NAMES, 1)}
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadExpression(ValueError):
    """The schedule expression cannot be read."""


@dataclass(frozen=True, slots=True)
class CronRule:
    """The allowed values of each field; None is any."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    years: frozenset[int] | None

    def between(self, after: datetime, upto: datetime) -> Iterator[datetime]:
        """Yield the occurrences after an instant (excluded) up to another (included), in order."""
        day = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        times = [(h, m) for h in sorted(self.hours) for m in sorted(self.minutes)]
        while day <= upto:
            if self._on(day):
                for hour, minute in times:
                    at = day.replace(hour=hour, minute=minute)
                    if after < at <= upto:
                        yield at
            day += timedelta(days=1)

    def _on(self, day: datetime) -> bool:
        return (
            day.month in self.months
            and (self.years is None or day.year in self.years)
            and (self.days is None or day.day in self.days)
            # EventBridge counts Sunday as 1.
            and (self.weekdays is None or day.isoweekday() % 7 + 1 in self.weekdays)
        )


@dataclass(frozen=True, slots=True)
class RateRule:
    """Every so often, counted from the epoch so that a restart does not shift it."""

    every: timedelta

    def between(self, after: datetime, upto: datetime) -> Iterator[datetime]:
        """Yield the occurrences after an instant (excluded) up to another (included), in order."""
        at = _EPOCH + ((after - _EPOCH) // self.every + 1) * self.every
        while at <= upto:
            yield at
            at += self.every


Rule = CronRule | RateRule


def parse(expression: str) -> Rule:
    """Return the rule of an expression. Raises BadExpression, which names the field."""
    match = re.fullmatch(r"(cron|rate)\((.*)\)", expression.strip())
    if match is None:
        raise BadExpression(f"neither cron(…) nor rate(…): {expression!r}")
    return _cron(match[2].split()) if match[1] == "cron" else _rate(match[2].split())


def _rate(parts: list[str]) -> RateRule:
    units = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}
    if len(parts) != 2 or not parts[0].isascii() or not parts[0].isdigit() or parts[1] not in units:
        raise BadExpression(f"rate({' '.join(parts)})")
    if int(parts[0]) < 1 or (int(parts[0]) == 1) == parts[1].endswith("s"):
        raise BadExpression(f"rate({' '.join(parts)}): singular for 1, plural above")
    return RateRule(_MINUTE * int(parts[0]) * units[parts[1]])


def _cron(parts: list[str]) -> CronRule:
    if len(parts) != 6:
        raise BadExpression(f"cron takes six fields: {' '.join(parts)!r}")
    if (parts[2] == "?") == (parts[4] == "?"):
        raise BadExpression("exactly one of day-of-month and day-of-week is '?'")
    return CronRule(
        _values("minutes", parts[0], 0, 59),
        _values("hours", parts[1], 0, 23),
        None if parts[2] in "?*" else _values("day-of-month", parts[2], 1, 31),
        _values("month", parts[3], 1, 12, _MONTHS),
        None if parts[4] in "?*" else _values("day-of-week", parts[4], 1, 7, _DAYS),
        None if parts[5] == "*" else _values("year", parts[5], 1970, 2199),
    )


def _values(
    field: str, text: str, low: int, high: int, names: dict[str, int] | None = None
) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/([0-9]+))?", part)
        if match is None:
            raise BadExpression(f"{field}: {part!r}")
        start, end, step = match.groups()
        first = low if start == "*" else _number(field, start, names)
        last = high if start == "*" or (end is None and step) else first
        if end is not None:
            last = _number(field, end, names)
        if not (low <= first <= high and low <= last <= high) or step == "0":
            raise BadExpression(f"{field}: {part!r} is outside {low}–{high}")
        # FRI-MON runs over the end of the week.
        run = (
            range(first, last + 1)
            if first <= last
            else [*range(first, high + 1), *range(low, last + 1)]
        )
        found.update(list(run)[:: int(step or 1)])
    return frozenset(found)


def _number(field: str, text: str, names: dict[str, int] | None) -> int:
    if names and text.upper() in names:
        return names[text.upper()]
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise BadExpression(f"{field}: {text!r}")
    return int(text)
