"""How a tablet fares, from what is known of it: the gravest is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.attendance import rules
from chalicelib.attendance.rules import Device, DeviceState, Record, health
from chalicelib.kernel.periods import stamp
from tests.attendance.builders import MORNING, at
from tests.attendance.tablets import Tablet

HOME = {"lat_e3": 45_015, "lon_e3": 78_374}
NEXT_DOOR = {"lat_e3": 45_020, "lon_e3": 78_380}
FAR = {"lat_e3": 43_238, "lon_e3": 76_945}  # some two hundred kilometres


def records(*said: tuple[str, dict[str, Any] | None]) -> list[Record]:
    tablet = Tablet()
    read = [
        rules.read_record(tablet.sign(when, **({"ext": ext} if ext is not None else {})))
        for when, ext in said
    ]
    assert all(isinstance(record, Record) for record in read)
    return [record for record in read if isinstance(record, Record)]


def a_device(**changes: Any) -> Device:
    fields: dict[str, Any] = {
        "device_id": "d" * 26,
        "site_id": "site-1",
        "organisation_id": "organisation-1",
        "programme": "preschool",
        "area": "taldykorgan",
        "label": "door",
        "public_key": "k",
        "pairing_id": "pairing-1",
        "paired_at": stamp(at("2026-02-20 09:00")),
        "asked": "a",
    }
    return Device(**{**fields, **changes})


def a_state(**changes: Any) -> DeviceState:
    fields: dict[str, Any] = {
        "device_id": "d" * 26,
        "site_id": "site-1",
        "programme": "preschool",
        "area": "taldykorgan",
        "last_at": stamp(MORNING),
    }
    return DeviceState(**{**fields, **changes})


# --- what an upload says


@pytest.mark.parametrize(
    ("sent_at", "skew"),
    [
        (MORNING, 0),
        (MORNING + timedelta(seconds=200), 200),
        (MORNING - timedelta(minutes=9), -540),
        (MORNING.astimezone(UTC) + timedelta(milliseconds=600), 1),
    ],
)
def test_the_skew_is_the_tablets_clock_minus_ours(sent_at: datetime, skew: int) -> None:
    read = records(("2026-03-02T08:00:00+05:00", None))

    assert health.vitals_of(read, sent_at=sent_at, now=MORNING).skew_s == skew


def test_without_its_clock_only_the_future_tells() -> None:
    past = records(("2026-03-02T08:00:00+05:00", None))
    future = records(("2026-03-02T08:00:00+05:00", None), ("2026-03-02T09:04:00+05:00", None))

    assert health.vitals_of(past, sent_at=None, now=MORNING).skew_s is None
    assert health.vitals_of(future, sent_at=None, now=MORNING).skew_s == 240


@pytest.mark.parametrize(
    ("ext", "app", "battery"),
    [
        ({"app": "kezek-tablet 2.1.0", "battery": 17}, "kezek-tablet 2.1.0", 17),
        ({"app": "<script>", "battery": 101}, None, None),
        ({"app": 7, "battery": True}, None, None),
        ({"app": "a" * 41, "battery": -1}, None, None),
        ({"battery": 0}, None, 0),
        ({}, None, None),
    ],
)
def test_what_a_tablet_says_of_itself(
    ext: dict[str, Any], app: str | None, battery: int | None
) -> None:
    read = records(("2026-03-02T08:00:00+05:00", ext))

    said = health.vitals_of(read, sent_at=None, now=MORNING)

    assert (said.app, said.battery) == (app, battery)


def test_the_newest_that_says_something_counts() -> None:
    read = records(
        ("2026-03-02T08:00:00+05:00", {"battery": 50, "app": "one"}),
        ("2026-03-02T08:01:00+05:00", {"battery": 49}),
        ("2026-03-02T08:02:00+05:00", None),
    )

    said = health.vitals_of(read, sent_at=None, now=MORNING)

    assert (said.app, said.battery) == ("one", 49)


# --- two places


@pytest.mark.parametrize(
    ("second", "place", "found"),
    [
        ("2026-03-02T08:10:00+05:00", NEXT_DOOR, ()),
        ("2026-03-02T08:10:00+05:00", FAR, (2,)),
        ("2026-03-02T07:50:00+05:00", FAR, (2,)),
        ("2026-03-02T08:00:00+05:00", FAR, (2,)),
        ("2026-03-02T20:00:00+05:00", FAR, ()),
        ("2026-03-02T08:10:00+05:00", {"lat_e3": "far"}, ()),
        ("2026-03-02T08:10:00+05:00", {"lat_e3": 90_001, "lon_e3": 0}, ()),
    ],
)
def test_far_apart_in_no_time_is_two_places(
    second: str, place: dict[str, Any], found: tuple[int, ...]
) -> None:
    read = records(("2026-03-02T08:00:00+05:00", {"place": HOME}), (second, {"place": place}))

    assert health.in_two_places(read, None) == found


def test_the_place_before_comes_from_the_row() -> None:
    first, second = records(
        ("2026-03-02T08:00:00+05:00", {"place": HOME}),
        ("2026-03-02T08:10:00+05:00", {"place": FAR}),
    )
    before = health.place_of(first)
    assert before is not None

    assert health.read_place(before.text()) == before
    assert health.in_two_places([second], before) == (2,)
    assert health.in_two_places([second], None) == ()


# --- silence

WORKED = [date(2026, 3, 2), date(2026, 2, 27), date(2026, 2, 26)]


@pytest.mark.parametrize(
    ("now", "looked_at"),
    [
        ("2026-03-02 11:59", date(2026, 2, 27)),
        ("2026-03-02 12:00", date(2026, 3, 2)),
        ("2026-03-01 23:59", date(2026, 2, 27)),
        ("2026-02-26 09:00", None),
    ],
)
def test_a_day_counts_from_noon(now: str, looked_at: date | None) -> None:
    assert health.day_looked_at(WORKED, now=at(now)) == looked_at


@pytest.mark.parametrize(
    ("last_at", "silent"),
    [
        (None, True),
        (stamp(at("2026-03-01 23:59")), True),
        (stamp(at("2026-03-02 00:00")), False),
        (stamp(at("2026-03-02 13:00")), False),
    ],
)
def test_a_tablet_without_a_word_on_a_day_with_children_is_silent(
    last_at: str | None, silent: bool
) -> None:
    state = a_state(last_at=last_at)

    assert health.is_silent(a_device(), state, date(2026, 3, 2)) is silent
    assert not health.is_silent(a_device(), state, None)
    assert not health.is_silent(a_device(revoked_at="2026"), state, date(2026, 3, 2))
    new = a_device(paired_at=stamp(at("2026-03-02 10:00")))
    assert not health.is_silent(new, None, date(2026, 3, 2))


# --- the gravest


@pytest.mark.parametrize(
    ("device", "state", "flags", "looked_at", "shown"),
    [
        ({}, {}, (), None, "ok"),
        ({}, {"skew_s": 120}, (), None, "ok"),
        ({}, {"skew_s": 121}, (), None, "skewed"),
        ({}, {"skew_s": -121}, ("gap", "same-second"), None, "skewed"),
        ({}, {"skew_s": 500, "last_at": None}, (), date(2026, 3, 2), "silent"),
        ({}, {"last_at": None}, ("two-places",), date(2026, 3, 2), "two-places"),
        ({}, {}, ("two-places", "clone"), None, "forked"),
        ({}, {}, ("fork",), None, "forked"),
        ({"revoked_at": "2026-03-01T00:00:00.000000Z"}, {}, ("fork",), None, "revoked"),
    ],
)
def test_the_gravest_is_shown(
    device: dict[str, Any],
    state: dict[str, Any],
    flags: tuple[str, ...],
    looked_at: date | None,
    shown: str,
) -> None:
    found = health.health_of(a_device(**device), a_state(**state), flags=flags, looked_at=looked_at)

    assert found.state == shown


def test_each_state_has_its_words() -> None:
    from chalicelib.edge.texts import catalogue

    told = set(health.STATES) - {"skewed"} | {"skewed-ahead", "skewed-behind"}
    for each in told:
        assert set(catalogue()[f"attendance/tablet/{each}"]) == {"kk", "ru", "en"}
