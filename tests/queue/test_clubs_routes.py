"""The queue of clubs over HTTP: missing money, the draw, places brought from another platform."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.applications import store as applications
from chalicelib.applications.rules import Provenance, draw_number
from chalicelib.edge.texts import LANGUAGES, text
from chalicelib.queue import actions, jobs, rules, store
from chalicelib.storage.outbox import NOTICES
from infra.local.testing import TestCloud
from tests.queue.city import JOB, a_family, fired
from tests.queue.clubs import (
    AREA,
    EVENING,
    HERE,
    LATER,
    PROGRAMME,
    a_small_city_of_clubs,
    a_wish,
    allot,
    cost,
    finished,
    let_wait,
    released,
)

INTAKE = "intake-of-autumn"
OPENS, CLOSES = EVENING - timedelta(days=10), EVENING - timedelta(days=6)
SIGNATURE = "5a" * 48
SEED = hashlib.sha256(bytes.fromhex(SIGNATURE)).hexdigest()


@pytest.fixture
def clubs(cloud: TestCloud) -> TestCloud:
    """Return the cloud at the hour of the iteration of clubs."""
    cloud.set_clock(EVENING)
    return cloud


@pytest.fixture
def operator(clubs: TestCloud) -> str:
    return clubs.token("operator", "operator-one", areas=[AREA])


def publish(at: datetime = EVENING, name: str = "checkpoint-1") -> None:
    actions.publish(name, programme=PROGRAMME, area=AREA, by=JOB, now=at)


def announce(cloud: TestCloud, beacon_at: datetime = EVENING - timedelta(days=1)) -> Any:
    """Announce the window long before it opens, over HTTP."""
    cloud.set_clock(OPENS - timedelta(days=40))
    asked = {
        **HERE,
        "opens_at": OPENS.isoformat(),
        "closes_at": CLOSES.isoformat(),
        "beacon_at": beacon_at.isoformat(),
    }
    token = cloud.token("operator", "operator-one", areas=[AREA])
    said = cloud.put(f"/v1/applications/intakes/{INTAKE}", asked, token=token)
    assert said.status == 200, said.text
    cloud.set_clock(EVENING)
    return said.json


def draw(cloud: TestCloud) -> None:
    """Enter what the beacon said, over HTTP."""
    token = cloud.token("operator", "operator-one", areas=[AREA])
    number = cloud.get(f"/v1/applications/intakes/{INTAKE}").json["beacon"]["round"]
    beacon = {"round": number, "randomness": SEED, "signature": SIGNATURE}
    said = cloud.put(f"/v1/applications/intakes/{INTAKE}/beacon", beacon, token=token)
    assert said.status == 200, said.text


def within(name: str, **said: Any) -> Any:
    opened = applications.load_intakes(PROGRAMME, AREA).value.of(INTAKE)
    assert opened is not None
    return a_wish(name, intake=INTAKE, ordered_at=opened.opens_at, **said)


def crowd(**said: Any) -> None:
    """Let so many wait in the category before the last that the last stands apart in public."""
    let_wait(a_wish(f"9{n:03d}", tier="no-recent-voucher", **said) for n in range(5))


def order(cloud: TestCloud) -> list[dict[str, Any]]:
    """Read the whole public order, page by page."""
    lines: list[dict[str, Any]] = []
    query: dict[str, str] = {**HERE, "limit": "7"}
    while True:
        said = cloud.get("/v1/queue/order", query=query)
        assert said.status == 200, said.text
        lines += said.json["lines"]
        if said.json["cursor"] is None:
            return lines
        query["cursor"] = said.json["cursor"]


# --- the money that is missing ------------------------------------------------------------------


def test_a_family_sees_its_place_and_the_money_that_is_missing_for_it(clubs: TestCloud) -> None:
    let_wait([a_wish("0000", tier="orphans"), *(a_wish(f"1{n:03d}") for n in range(5))])
    allot(sport=2)
    token = a_family(clubs, "1002")
    publish()

    said = clubs.get(
        "/v1/queue/places/application-1002", token=token, headers={"accept-language": "en"}
    )

    assert said.status == 200, said.text
    assert (said.json["place"], said.json["waiting"], said.json["older_cohorts"]) == (3, 5, 0)
    assert said.json["ahead"] == {
        "total": 3,
        "own_category": 2,
        "better_right": 1,
        "alternation": 0,
        "other_ages": 0,
    }
    # Money for two and a tiyn less than a third; this is the fourth.
    missing = 4 * cost() - (3 * cost() - 1)
    assert said.json["money"]["missing_tiyn"] == missing
    assert (said.json["money"]["direction"], said.json["draw"]) == ("sport", None)
    assert "tenge are missing" in said.json["money"]["text"]


def test_who_is_covered_is_told_that_the_next_run_gives_a_voucher(clubs: TestCloud) -> None:
    let_wait([a_wish("0001", kind="any")])
    allot(creative=1)
    token = a_family(clubs, "0001")
    publish()

    money = clubs.get("/v1/queue/places/application-0001", token=token).json["money"]

    assert (money["direction"], money["missing_tiyn"]) == ("creative", 0)


def test_what_a_forecast_promises_the_next_run_keeps(clubs: TestCloud) -> None:
    a_small_city_of_clubs(40)
    publish()
    head = store.find_head(PROGRAMME, AREA)
    assert head is not None
    covered = {
        f"application-{n:04d}"
        for n in range(40)
        if (rank := store.find_rank(head.value, f"application-{n:04d}")) is not None
        and rank.missing_tiyn == 0
    }

    finished(released())

    run = store.load_run("run-of-the-clubs").value
    assert covered == {o.application_id for o in store.each_outcome(run) if o.gets}
    assert run.issued == len(covered) > 0


def test_everybody_sees_how_much_money_is_missing_by_direction(clubs: TestCloud) -> None:
    let_wait(a_wish(f"{n:04d}") for n in range(6))
    let_wait(a_wish(f"1{n:03d}", kind="creative") for n in range(5))
    allot(sport=2, creative=7)
    publish()

    as_json = clubs.get("/v1/queue/figures", query=HERE, headers={"accept-language": "en"}).json
    as_csv = clubs.get("/v1/queue/figures", query={**HERE, "format": "csv"})

    assert [(m["direction"], m["waiting"], m["missing_tiyn"]) for m in as_json["missing"]] == [
        ("sport", 6, 6 * cost() - 3 * cost() + 1),
        ("creative", 5, 0),
        ("education", 0, 0),
    ]
    rows = list(csv.reader(io.StringIO(as_csv.content.decode("utf-8-sig"))))
    assert rows[0][-1] == "missing_tiyn"
    assert [row[2] for row in rows if row[0] == "missing"] == ["sport", "creative", "education"]


def test_B15_a_direction_for_which_few_wait_hides_the_sums(clubs: TestCloud) -> None:
    let_wait(a_wish(f"{n:04d}") for n in range(6))
    let_wait([a_wish("1000", kind="creative")])
    publish()

    missing = clubs.get("/v1/queue/figures", query=HERE).json["missing"]

    assert {m["missing_tiyn"] for m in missing} == {m["waiting"] for m in missing} == {None}


def test_a_run_shows_the_money_it_went_by_and_the_reason_for_every_ticket(
    clubs: TestCloud, operator: str
) -> None:
    let_wait(a_wish(f"{n:04d}") for n in range(3))
    allot(sport=1)
    finished(released())

    run = clubs.get("/v1/queue/runs/run-of-the-clubs", token=operator).json
    outcomes = clubs.get("/v1/queue/runs/run-of-the-clubs/outcomes", token=operator).json

    assert run["engine"] == "funding-1" and run["reserved_tiyn"] == cost()
    assert run["money"][0] == {"direction": "sport", "free_tiyn": 2 * cost() - 1}
    assert [(o["reason"], o["missing_tiyn"], o["settled"]) for o in outcomes["outcomes"]] == [
        ("wished-direction", 0, "issued"),
        ("no-money", 1, None),
        ("no-money", cost() + 1, None),
    ]


# --- the draw -----------------------------------------------------------------------------------


def test_no_run_before_the_draw_and_the_refusal_says_when(clubs: TestCloud, operator: str) -> None:
    announced = announce(clubs, beacon_at=EVENING + timedelta(days=1))
    let_wait([within("0001")])
    allot(sport=1)

    said = clubs.put("/v1/queue/runs/run-too-early", HERE, token=operator)

    assert (said.status, said.code) == (409, "queue/intake-open")
    assert said.json["draws_at"] == announced["beacon"]["round_at"]
    jobs.run_iteration(fired(EVENING))  # the schedule goes by without it, and without a failure
    assert store.find_run(f"run-clubs-karaganda-{EVENING.date()}") is None


def test_before_the_draw_a_family_sees_the_best_place_it_may_get_and_when_it_is_drawn(
    clubs: TestCloud,
) -> None:
    announce(clubs, beacon_at=EVENING + timedelta(days=1))
    let_wait([a_wish("0000", ordered_at="2026-08-01T05:00:00.000000Z")])
    let_wait(within(f"1{n:03d}") for n in range(5))
    crowd()
    token = a_family(clubs, "1003")
    publish()

    seen = clubs.get(
        "/v1/queue/places/application-1003", token=token, headers={"accept-language": "en"}
    ).json

    assert (seen["place"], seen["ahead"]["total"], seen["money"]) == (2, 6, None)
    assert seen["draw"]["intake_id"] == INTAKE and seen["draw"]["draws_at"] is not None
    assert "best one" in seen["draw"]["text"]
    lines = [line for line in order(clubs) if line["categories"] == [12]]
    assert [line["place"] for line in lines] == [1, None, None, None, None, None]


def test_the_draw_moves_whoever_was_drawn_and_nobody_behind(clubs: TestCloud) -> None:
    announce(clubs, beacon_at=EVENING + timedelta(days=1))
    let_wait([a_wish("0000", ordered_at="2026-08-01T05:00:00.000000Z")])
    let_wait(within(f"1{n:03d}") for n in range(5))
    let_wait([a_wish("2000", ordered_at="2026-09-09T05:00:00.000000Z")])
    publish(name="before")
    clubs.set_clock(EVENING + timedelta(days=2))
    draw(clubs)
    token = a_family(clubs, "1003")
    publish(EVENING + timedelta(days=2), "after")

    said = clubs.get("/v1/queue/places/application-1003/moves", token=token).json["moves"][0]

    head = store.find_head(PROGRAMME, AREA)
    assert head is not None
    places = {}
    for one in store.find_ranks(head.value):
        places[one.ticket] = one.place
        assert one.step is not None and one.step.unexplained == 0
        drawn = one.ticket.startswith("ticket-1")
        assert one.step.causes == ((("drawn", one.place - 2),) if drawn and one.place > 2 else ())
    assert sorted(places.values()) == [1, 2, 3, 4, 5, 6, 7]
    assert (said["before"], said["now"]) == (2, places["ticket-1003"])
    assert places["ticket-2000"] == 7


def test_anybody_counts_the_order_again_from_the_seed_and_the_tickets(clubs: TestCloud) -> None:
    announce(clubs)
    crowd()
    let_wait(within(f"1{n:03d}") for n in range(12))
    draw(clubs)
    publish()

    # From here on nothing but what everybody may read.
    seed = clubs.get(f"/v1/applications/intakes/{INTAKE}").json["seed"]
    lines = [line for line in order(clubs) if line["categories"] == [12]]

    def number(ticket: str) -> str:
        return hashlib.sha256(f"kezek-draw-v1\n{seed}\n{ticket}".encode()).hexdigest()

    assert {line["intake"] for line in lines} == {INTAKE}
    tickets = [line["ticket"] for line in lines]
    assert tickets == sorted(tickets, key=number) != sorted(tickets)
    assert len(tickets) == 12


def test_officers_read_no_place_of_who_is_not_drawn_and_the_drawn_order_after(
    clubs: TestCloud,
) -> None:
    announce(clubs, beacon_at=EVENING + timedelta(days=1))
    let_wait([a_wish("0000", ordered_at="2026-08-01T05:00:00.000000Z")])
    let_wait(within(f"1{n:03d}") for n in range(5))
    publish(name="before-the-draw")
    clubs.set_clock(EVENING + timedelta(days=2))
    draw(clubs)
    publish(EVENING + timedelta(days=2), "after-the-draw")
    path = "/v1/queue/checkpoints/{}/order"
    operator = clubs.token("operator", "operator-one", areas=[AREA])

    before, after = (
        clubs.get(path.format(name), token=operator).json["lines"]
        for name in ("before-the-draw", "after-the-draw")
    )

    assert [line["place"] for line in before] == [1, None, None, None, None, None]
    assert [line["place"] for line in after] == [1, 2, 3, 4, 5, 6]
    drawn = [line["ticket"] for line in after[1:]]
    assert drawn == sorted(drawn, key=lambda ticket: draw_number(SEED, ticket))


def test_a_run_after_the_draw_serves_the_drawn_order(clubs: TestCloud) -> None:
    announce(clubs)
    let_wait(within(f"{n:04d}") for n in range(8))
    crowd()
    allot(sport=8)
    draw(clubs)
    publish()
    first = [line["ticket"] for line in order(clubs)][:8]

    finished(released())

    run = store.load_run("run-of-the-clubs").value
    got = [o.ticket for o in store.each_outcome(run) if o.gets]
    assert got == first
    assert store.load_input(run).seeds == {INTAKE: SEED}
    assert store.digest(actions.decide_again(run).outcomes) == run.outcome


# --- brought from a platform that closed --------------------------------------------------------


def test_a_family_that_was_brought_over_sees_why_its_place_changed(clubs: TestCloud) -> None:
    def brought(name: str, place: int, **said: Any) -> Any:
        source = Provenance(platform="damubala", number=name, file="f" * 64, row=place, place=place)
        return a_wish(name, source=source, **said)

    let_wait(
        [
            brought("0001", 1),
            brought("0002", 2, ordered_at="2026-09-03T05:00:00.000000Z"),
            brought("0003", 3, tier="orphans"),
            brought("0006", 6),
            a_wish("0009", tier="tsa"),
        ]
    )
    token = a_family(clubs, "0006")
    publish()

    moved = clubs.get(
        "/v1/queue/places/application-0006", token=token, headers={"accept-language": "en"}
    ).json["moved"]

    assert (moved["there"], moved["here"]) == (6, 4)
    counts = {cause["cause"]: cause["count"] for cause in moved["causes"]}
    assert counts == {"newcomers": 1, "overtook-by-time": 1, "gone": 2}
    assert moved["here"] == moved["there"] + 1 - 1 - 2
    assert all(cause["text"] for cause in moved["causes"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "cause",
    [
        *("overtaken-by-right", "overtaken-by-time", "newcomers"),
        *("overtook-by-right", "overtook-by-time", "gone"),
    ],
)
def test_a_cause_reads_right_with_any_number(cause: str, language: str) -> None:
    """The number stands behind a colon, where no word has to agree with it."""
    assert text(f"place:queue/{cause}", language, {"count": 1}).endswith(": 1.")


def test_where_no_papers_are_asked_a_near_turn_speaks_of_none(clubs: TestCloud) -> None:
    allot(sport=3)
    let_wait([a_wish("0001")])
    publish()

    (told,) = NOTICES.each("NOTICES#person:person-0001")

    assert told.value.template == "notice:queue/turn-is-near-no-papers"
    said = text(told.value.template, "en", told.value.facts)
    assert "ticket-0001" in said and "papers" not in said


def test_a_preschool_family_sees_nothing_of_money_or_draws(evening: TestCloud) -> None:
    from tests.queue.city import AREA as TALDYKORGAN
    from tests.queue.city import EVENING as THEN
    from tests.queue.city import an_application, settle_in

    settle_in([], [an_application("0001")])
    token = a_family(evening, "0001")
    actions.publish("checkpoint-1", programme="preschool", area=TALDYKORGAN, by=JOB, now=THEN)

    seen = evening.get("/v1/queue/places/application-0001", token=token).json

    assert seen["place"] == 1
    assert {seen.get(key) for key in ("money", "draw", "moved")} == {None}
    assert LATER > THEN and rules.ENGINES["with-place"] == "places-2"
