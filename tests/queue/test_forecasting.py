"""Forecasts over real checkpoints: made from the queue's past, kept, held against what came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.applications import store as applications
from chalicelib.edge.texts import LANGUAGES, catalogue
from chalicelib.kernel.periods import stamp
from chalicelib.queue import actions, store
from chalicelib.queue.routes.sentences import forecast_text
from chalicelib.queue.rules import Forecast, History, Scores
from chalicelib.queue.rules.forecast import Pace, Unknown
from chalicelib.storage.commit import commit
from infra.local.testing import Said, TestCloud
from tests.queue import clubs
from tests.queue.city import AREA, JOB, PROGRAMME, a_family, an_application, settle_in
from tests.queue.test_moving import leaves, rank_of

SEPTEMBER = datetime(2025, 9, 1, 13, tzinfo=UTC)
DAY = timedelta(days=1)


def publish(at: datetime) -> None:
    actions.publish(f"at-{at:%Y%m%d}", programme=PROGRAMME, area=AREA, by=JOB, now=at)


def months_go_by(count: int, *, leaving: int) -> datetime:
    """Let so many leave the head of the queue each month; return when the last checkpoint was."""
    at, head = SEPTEMBER, 1
    publish(at)
    for _ in range(count):
        for _ in range(leaving):
            leaves(f"{head:04d}", "withdrawn", ended_at=stamp(at))
            head += 1
        at += timedelta(days=31)
        publish(at)
    return at


def held(cloud: TestCloud, **query: str) -> Said:
    return cloud.get("/v1/queue/forecasts", query={"programme": PROGRAMME, "area": AREA, **query})


def test_after_some_months_a_family_is_told_the_month_and_the_band(evening: TestCloud) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(1, 31)])
    token = a_family(evening, "0030")
    months_go_by(5, leaving=3)

    said = evening.get(
        "/v1/queue/places/application-0030", token=token, headers={"accept-language": "en"}
    ).json

    # Fourteen ahead, three a month: in the fifth month; a month of band for less than a year.
    assert (said["place"], said["forecast"]["unknown"]) == (15, None)
    assert said["forecast"]["early"] < said["forecast"]["month"] < said["forecast"]["late"]
    assert said["forecast"]["months"] >= 3
    assert said["forecast"]["text"].startswith("Expected month of the voucher: ")
    first = rank_of("0030").first_forecast
    assert first is not None and first.at < "2026-02"


def test_the_first_forecast_is_kept_and_scored_when_the_voucher_came(evening: TestCloud) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(1, 41)])
    at = months_go_by(5, leaving=3)
    first = rank_of("0016").first_forecast
    assert first is not None
    before = store.find_history(PROGRAMME, AREA).value.scores

    for n in range(16, 22):
        leaves(f"{n:04d}", "offered", voucher_id=f"voucher-{n}")
    leaves("0022", "withdrawn", ended_at=stamp(at))
    publish(at + DAY)

    scores = store.find_history(PROGRAMME, AREA).value.scores
    assert (before, scores.scored) == (Scores(), 6)
    month = f"{at + DAY:%Y-%m}"
    assert (
        scores.within == sum(one.early <= month <= one.late for one in [first] * 6)
        or 0 < scores.within <= 6
    )
    said = held(evening)
    assert said.status == 200, said.text
    assert said.json["scored"] in (None, 6)


def test_who_has_no_voucher_by_the_end_of_its_band_is_counted_once(evening: TestCloud) -> None:
    """The queue stops: whoever waits on, and whoever gives up then, is a forecast that failed."""
    settle_in([], [an_application(f"{n:04d}") for n in range(1, 31)])
    at = months_go_by(5, leaving=3)
    late = {n: rank_of(f"{n:04d}").first_forecast.late for n in (16, 17, 18, 30)}
    counted: list[int] = []

    def month(on: datetime) -> None:
        publish(on)
        counted.append(store.find_history(PROGRAMME, AREA).value.scores.after)

    leaves("0029", "withdrawn", ended_at=stamp(at))  # before the end of its band: says nothing
    while f"{at:%Y-%m}" <= max(late.values()):
        if f"{at:%Y-%m}" == late[17]:
            leaves("0017", "withdrawn", ended_at=stamp(at))  # in the last month of its band
        at += timedelta(days=31)
        month(at)
        month(at + DAY)
    leaves("0018", "offered", voucher_id="voucher-18")  # long after: counted already
    month(at + 2 * DAY)

    scores = store.find_history(PROGRAMME, AREA).value.scores
    assert (scores.within, scores.before) == (0, 0)
    assert counted[-1] == scores.after == len([n for n in range(16, 31) if n not in (17, 29)])
    assert counted == sorted(counted)


def test_how_forecasts_held_is_public_by_programme_and_area(evening: TestCloud) -> None:
    kept = store.find_history(PROGRAMME, AREA)
    scores = Scores(within=15, before=5, after=0, months_off=30)
    paces = {"general/4": (Pace("2025-07", 4, 31), Pace("2025-08", 4, 31))}
    commit([store.keep_history(kept, History(paces, replace(scores, after=3), scores))])

    assert held(evening).json == {
        "programme": PROGRAMME,
        "area": AREA,
        "months": 2,
        "scored": 20,
        "within": 15,
        "before": 5,
        "after": 0,
        "within_per_mille": 750,
        "months_off_per_mille": 1500,
    }
    nobody = held(evening, area="astana").json
    assert (nobody["scored"], nobody["within_per_mille"]) == (None, None)
    nowhere = held(evening, area="nowhere")
    assert (nowhere.status, nowhere.code) == (404, "policy/no-pack")


def test_what_a_line_went_stands_veiled(evening: TestCloud) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(1, 9)])
    months_go_by(1, leaving=1)

    row = store.HISTORIES.row.get(f"HISTORY#{PROGRAMME}#{AREA}", "-")
    assert row.body is not None and "general" not in row.body and "paces" not in row.body


def test_by_budget_the_money_a_month_foretells_and_no_further_than_this_year(
    cloud: TestCloud,
) -> None:
    cloud.set_clock(clubs.EVENING)
    clubs.let_wait(clubs.a_wish(f"{n:04d}") for n in range(1, 13))
    clubs.allot(sport=1)
    kept = store.find_history(clubs.PROGRAMME, clubs.AREA)
    cost = clubs.cost()
    paces = {"money/sport": tuple(Pace(f"2026-{n:02d}", 2 * cost, 30) for n in (5, 6, 7, 8))}
    commit([store.keep_history(kept, History(paces))])
    actions.publish("one", programme=clubs.PROGRAMME, area=clubs.AREA, by=JOB, now=clubs.EVENING)
    head = store.find_head(clubs.PROGRAMME, clubs.AREA)
    assert head is not None

    def forecast(n: int) -> Forecast:
        rank = store.find_rank(head.value, f"application-{n:04d}")
        assert rank is not None and rank.forecast is not None
        return rank.forecast

    assert forecast(1).unknown == "next-run"
    assert (forecast(3).month, forecast(5).month) == ("2026-09", "2026-10")
    assert forecast(12).unknown == "next-budget"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_forecast_is_said_in_words_with_its_plural(language: str) -> None:
    said = [
        forecast_text(Forecast("2026-03", "2026-01", "2026-06", None, months), language)
        for months in (1, 3, 5, 11, 21, 48)
    ]
    unknowns: Any = Unknown.__args__  # type: ignore[attr-defined]
    said += [forecast_text(Forecast(unknown=one, months=2), language) for one in unknowns]

    assert all("place:" not in one and "{" not in one and "…" not in one for one in said)
    assert "03.2026" in said[0]


def test_russian_counts_months_in_its_three_forms() -> None:
    def end(months: int) -> str:
        said = forecast_text(Forecast("2026-03", "2026-01", "2026-06", None, months), "ru")
        return said.split(" за ")[1].split(",")[0]

    assert [end(n) for n in (1, 2, 5, 11, 12, 21, 24)] == [
        "1 месяц",
        "2 месяца",
        "5 месяцев",
        "11 месяцев",
        "12 месяцев",
        "21 месяц",
        "24 месяца",
    ]


def test_texts_that_count_have_every_form_in_every_language() -> None:
    forms = {key.split("#")[0] for key in catalogue() if "#" in key}

    for key in forms:
        for form in ("one", "few", "many"):
            assert catalogue()[f"{key}#{form}"].keys() == set(LANGUAGES)


def test_who_left_the_queue_of_an_erased_application_is_no_error(evening: TestCloud) -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(1, 9)])
    publish(SEPTEMBER)
    kept = applications.load_application("application-0001")
    entry = applications.load_entry(kept.value)
    commit([applications.leave_queue(entry), *applications.end_application(kept)])

    publish(SEPTEMBER + DAY)

    assert rank_of("0008").step.causes == (("unexplained", -1),)
