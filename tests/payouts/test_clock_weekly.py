"""Money that came back after payday is told to those who send it again, until somebody does."""

from __future__ import annotations

import pytest

from infra.local.testing import TestCloud
from tests.payouts.clock_town import LARGE, ClockTown

from .test_clock_jobs import FINANCE, day_of_runs, told, watch


@pytest.fixture
def town(cloud: TestCloud) -> ClockTown:
    made = ClockTown()
    made.begin(cloud)
    return made


def test_a15_what_a_bank_gave_back_after_payday_is_told_every_week(town: ClockTown) -> None:
    town.attend_all()
    town.close(LARGE)
    town.approve_all()
    town.to("2026-04-13")
    town.settle_down()
    claim = town.newest(LARGE)
    for act in (town.sign, town.agree, town.release):
        act(claim)
    (line,) = town.pay("payment-run-1")
    town.answer("answer-0001", (line.end_to_end_id, "returned", line.amount_tiyn))

    for day in ("21", "22"):
        day_of_runs(town, f"2026-04-{day}")
        watch(town, f"2026-04-{day}")
    assert told(FINANCE) == []
    for day in ("23", "30"):
        day_of_runs(town, f"2026-04-{day}")
        watch(town, f"2026-04-{day}")

    assert told(FINANCE) == ["turn-release-late", "turn-release-late"]
