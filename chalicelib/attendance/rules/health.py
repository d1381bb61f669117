"""How a tablet fares: its clock, its silence, where it is, whether it is one machine.

ok           it sends, and its clock is right
skewed       its clock was wrong when it sent last
silent       children were expected and it sent nothing: a dead tablet is not an absent child
forked       two machines sign with its key, or one was restored from a copy: pair a new one
two-places   it marked far apart within a time in which nobody gets there
revoked      nothing it sends counts

Only one is shown, the gravest; the flags tell the rest. Battery, version and place are what the
tablet says in `ext`, and may be missing. A child marked at two sites at once is another matter:
there the claim rows of billing hold both lines. Limits are policy defaults.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from chalicelib.attendance.rules.devices import Device, DeviceState
from chalicelib.attendance.rules.records import Record
from chalicelib.kernel.periods import from_stamp, local_day, start_of

HealthState = Literal["ok", "skewed", "silent", "forked", "two-places", "revoked"]
STATES: tuple[HealthState, ...] = HealthState.__args__  # type: ignore[attr-defined]

SKEW_SECONDS_MAX = 120
# Nobody drives this way in a town; a place is told to about a hundred metres.
FAR_METRES = 3_000
METRES_A_SECOND_MAX = 45
# When a day without a word from a tablet is a silent one, in Kazakhstan's time.
LOOKED_AT = time(12)
DAYS_BACK = 10
FORKED = frozenset({"fork", "clone"})
TWO_PLACES = "two-places"

_APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,39}\Z")
_METRES_A_DEGREE = 111_195


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tablet says it is, in thousandths of a degree, and when it was there."""

    lat_e3: int
    lon_e3: int
    at: int

    def text(self) -> str:
        return f"{self.lat_e3} {self.lon_e3} {self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What an upload says of its tablet; None where it says nothing.

    skew_s: its clock minus ours when it sent, in seconds.
    """

    skew_s: int | None = None
    app: str | None = None
    battery: int | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """A state, and what its text needs."""

    state: HealthState
    facts: Mapping[str, Any]


def vitals_of(records: Sequence[Record], *, sent_at: datetime | None, now: datetime) -> Vitals:
    """Return what an upload says of its tablet; records in order of counter.

    Without sent_at only a clock that runs ahead can be told, by a record from the future.
    """
    skew = None
    if sent_at is not None:
        skew = _seconds(sent_at - now)
    elif records:
        newest = max(record.happened_at for record in records)
        skew = _seconds(newest - now) if newest > now else None
    app = battery = place = None
    for record in records:
        app = _app(record.ext) or app
        battery = _battery(record.ext, battery)
        place = place_of(record) or place
    return Vitals(skew_s=skew, app=app, battery=battery, place=place)


def place_of(record: Record) -> Place | None:
    """Return where a record says it was made, None where it says nothing that can be read."""
    said = record.ext.get("place")
    if not isinstance(said, Mapping):
        return None
    lat: Any = said.get("lat_e3")
    lon: Any = said.get("lon_e3")
    if not (_between(lat, -90_000, 90_000) and _between(lon, -180_000, 180_000)):
        return None
    return Place(lat, lon, int(record.happened_at.timestamp()))


def read_place(text: str | None) -> Place | None:
    """Return a place from its stored text."""
    return Place(*map(int, text.split())) if text else None


def in_two_places(records: Iterable[Record], before: Place | None) -> tuple[int, ...]:
    """Return counters of records made too far from the one before for the time between.

    records: in order of counter; before: where the tablet was last, None where that is unknown.
    """
    found: list[int] = []
    for record in records:
        place = place_of(record)
        if place is None:
            continue
        if before is not None:
            metres, speed = apart(before, place)
            if metres > FAR_METRES and speed > METRES_A_SECOND_MAX:
                found.append(record.counter)
        before = place
    return tuple(found)


def apart(one: Place, other: Place) -> tuple[float, float]:
    """Return how many metres lie between two places, and how many of them a second was covered."""
    metres = _metres(one, other)
    seconds = abs(other.at - one.at)
    return metres, metres / seconds if seconds else math.inf


def day_looked_at(expected: Collection[date], *, now: datetime) -> date | None:
    """Return the last day on which a tablet should have sent something by now.

    expected: days on which children are expected at the site.
    """
    for day in sorted(expected, reverse=True):
        if now >= start_of(day) + timedelta(hours=LOOKED_AT.hour):
            return day
    return None


def days_back(now: datetime) -> list[date]:
    """Return the days that are looked at, today first."""
    today = local_day(now)
    return [today - timedelta(days=back) for back in range(DAYS_BACK + 1)]


def last_seen(device: Device, state: DeviceState | None) -> str:
    """Return when a tablet was last heard of: its last upload, or its pairing."""
    return (state.last_at if state else None) or device.paired_at


def is_silent(device: Device, state: DeviceState | None, looked_at: date | None) -> bool:
    """Return whether a tablet sent nothing on a day on which it should have."""
    if looked_at is None or device.revoked_at is not None:
        return False
    return local_day(from_stamp(last_seen(device, state))) < looked_at


def health_of(
    device: Device,
    state: DeviceState | None,
    *,
    flags: Collection[str],
    looked_at: date | None,
) -> Health:
    """Return how a tablet fares: the gravest of what is known. flags: kinds of its flags."""
    if device.revoked_at is not None:
        return Health("revoked", {"at": device.revoked_at})
    if FORKED & set(flags):
        return Health("forked", {})
    if TWO_PLACES in flags:
        return Health("two-places", {})
    if is_silent(device, state, looked_at):
        return Health("silent", {"since": last_seen(device, state)})
    skew = state.skew_s if state else None
    if skew is not None and abs(skew) > SKEW_SECONDS_MAX:
        return Health("skewed", {"seconds": abs(skew), "ahead": skew > 0})
    return Health("ok", {})


def _app(ext: Mapping[str, Any]) -> str | None:
    said = ext.get("app")
    return said if isinstance(said, str) and _APP.match(said) else None


def _battery(ext: Mapping[str, Any], before: int | None) -> int | None:
    said = ext.get("battery")
    return said if _between(said, 0, 100) else before


def _between(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())


def _metres(one: Place, other: Place) -> float:
    """Return a distance, good for some hundred kilometres."""
    middle = math.radians((one.lat_e3 + other.lat_e3) / 2_000)
    north = (one.lat_e3 - other.lat_e3) / 1_000
    east = (one.lon_e3 - other.lon_e3) / 1_000 * math.cos(middle)
    return math.hypot(north, east) * _METRES_A_DEGREE
