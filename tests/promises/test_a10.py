"""A10: days and months are Asia/Almaty's, wherever the machine thinks it is."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.periods import Month, local_day, stamp

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Almaty"])
def test_a10_the_rules_do_not_ask_the_machine_where_it_is(zone: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist",
         "tests/kernel", "tests/policy", __file__, "-k", "not ask_the_machine"],
        cwd=_ROOT,
        env={**os.environ, "TZ": zone, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip

    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-1000:]


@pytest.mark.parametrize(
    ("instant", "day", "month"),
    [
        ("2026-08-31T18:59:59.999999+00:00", "2026-08-31", "2026-08"),
        ("2026-08-31T19:00:00+00:00", "2026-09-01", "2026-09"),
        ("2026-12-31T18:59:59+00:00", "2026-12-31", "2026-12"),
        ("2026-12-31T19:00:00+00:00", "2027-01-01", "2027-01"),
        # Until 1 March 2024 the east of the country was at UTC+6: its 29 February had 25 hours.
        ("2024-02-28T17:59:59+00:00", "2024-02-28", "2024-02"),
        ("2024-02-28T18:00:00+00:00", "2024-02-29", "2024-02"),
        ("2024-02-29T17:59:59+00:00", "2024-02-29", "2024-02"),
        ("2024-02-29T18:59:59+00:00", "2024-02-29", "2024-02"),
        ("2024-02-29T19:00:00+00:00", "2024-03-01", "2024-03"),
        ("2026-09-01T00:00:00+05:00", "2026-09-01", "2026-09"),
        ("2026-08-31T23:59:59-04:00", "2026-09-01", "2026-09"),
    ],
)
def test_a10_midnight_and_month_end_are_almatys(instant: str, day: str, month: str) -> None:
    at = datetime.fromisoformat(instant)

    assert local_day(at) == date.fromisoformat(day)
    assert str(Month.containing(at)) == month


@given(st.datetimes(datetime(2024, 3, 2), datetime(2060, 1, 1)))
def test_a10_a_day_begins_at_nineteen_hours_utc(at: datetime) -> None:
    at = at.replace(tzinfo=UTC)

    assert local_day(at) == (at + timedelta(hours=5)).date()
    assert stamp(at).endswith("Z")
