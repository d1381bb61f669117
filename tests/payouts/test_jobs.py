"""Payouts unattended: payday says what is overdue, and says it once."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from chalicelib.payouts import jobs
from infra.local.testing import TestTables
from tests.payouts.builders import allot, claimed


@pytest.fixture(autouse=True)
def _fresh(tables: TestTables) -> None:
    """Every test has empty tables but for the budget."""
    allot()


def fired(at: datetime) -> SimpleNamespace:
    return SimpleNamespace(time=at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_on_payday_who_is_not_paid_is_told_once() -> None:
    claimed("site-aaaa")
    payday = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)

    assert jobs.run_payday(fired(payday)) == 1
    assert jobs.run_payday(fired(payday)) == 0


def test_on_any_other_day_nobody_is_told() -> None:
    claimed("site-aaaa")

    assert jobs.run_payday(fired(datetime(2026, 11, 17, 4, 0, tzinfo=UTC))) == 0
