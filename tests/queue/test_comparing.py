"""The readings of "one to three" side by side: whom each serves, and that nothing small shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from chalicelib.policy import actions as policy
from chalicelib.queue import rules
from chalicelib.queue.actions import planning
from chalicelib.queue.rules import Place, Seeker
from infra.command import main, place
from infra.local.testing import TestCloud
from tests.command.test_command import CloudApi
from tests.queue.city import AREA, PROGRAMME, a_group, a_small_city, an_application, settle_in
from tests.queue.test_rules import ORDER, TIERS, a_city, a_place, a_seeker, cities

HERE = {"programme": PROGRAMME, "area": AREA}
NOW = datetime(2025, 9, 2, 13, tzinfo=UTC)


def compared(
    queue: list[Seeker], places: list[Place], order: rules.Order = ORDER, per_mille: int = 250
) -> rules.Comparison:
    return rules.compare(queue, places, order, {}, reserve_per_mille=per_mille, telling=(), now=NOW)


def test_each_reading_serves_other_children_of_the_same_queue() -> None:
    # Forty general children wait longer than the forty with the first-priority right; 40 places.
    queue = [a_seeker(f"{n}", ordered_at=f"2025-07-01T09:{n:02d}:00.000000Z") for n in range(40)]
    queue += [
        a_seeker(f"{n}", tier="first-priority", ordered_at=f"2025-08-01T09:{n:02d}:00.000000Z")
        for n in range(40, 60)
    ]
    queue += [
        a_seeker(f"{n}", tier="first-priority", ordered_at=f"2025-08-01T10:{n - 60:02d}:00.000000Z")
        for n in range(60, 80)
    ]

    found = compared(queue, [a_place("a", 40)])

    (both,) = [cell for cell in found.tiers if cell.names == ("first-priority",)]
    assert both.waiting == 40
    assert both.served == {"interleave": 10, "reserve": 10, "category-first": 40}
    assert found.totals["category-first"].served == 40
    assert found.totals["category-first"].otherwise == 30
    assert found.totals["interleave"].otherwise == 0
    # The general child who has waited longest has done so since 1 July.
    assert found.totals["interleave"].longest_wait_days == 60
    assert found.totals["category-first"].longest_wait_days == 30


@settings(max_examples=150, deadline=None)
@given(cities())
def test_no_cell_and_no_difference_of_cells_tells_of_one_to_four(
    city: tuple[list[Seeker], list[Place], dict[int, int]],
) -> None:
    queue, places, _ = city

    found = compared(queue, places)

    for cell in (*found.tiers, *found.categories):
        assert cell.waiting >= 5
        for served in cell.served.values():
            assert served == 0 or served >= 5
            assert cell.waiting - served == 0 or cell.waiting - served >= 5
    # Cells of categories are parts of cells of tiers, so what they leave of one is a cell as well.
    tier_of = {str(number): tier for (tier, _), number in ORDER.categories.items()}
    for cell in found.categories:
        (home,) = {
            tier.names for name in cell.names for tier in found.tiers if tier_of[name] in tier.names
        }
        assert {tier_of[name] for name in cell.names} <= set(home)


@settings(max_examples=60, deadline=None)
@given(cities())
def test_the_reading_in_force_serves_whom_a_run_would(
    city: tuple[list[Seeker], list[Place], dict[int, int]],
) -> None:
    queue, places, carry = city
    for order in (ORDER, replace(ORDER, reading="reserve", reserve_per_mille=300)):
        found = rules.compare(
            queue, places, order, carry, reserve_per_mille=250, telling=(), now=NOW
        )
        plan = rules.plan_iteration(queue, places, order, carry)
        served = found.totals[found.own].served

        assert found.own == order.reading
        assert served is None or served == plan.vouchers
        assert found.totals[found.own].otherwise in (0, None)
        assert found.totals[found.own].elsewhere in (0, None)


def test_a_tier_that_tells_of_a_childs_family_is_in_no_cell_alone() -> None:
    queue, places, order = a_city(600, 40)

    found = rules.compare(
        queue, places, order, {}, reserve_per_mille=250, telling=TIERS[:1], now=NOW
    )

    assert found.tiers and all(cell.names != TIERS[:1] for cell in found.tiers)
    extraordinary = {str(n) for (tier, _), n in order.categories.items() if tier == TIERS[0]}
    assert all(not extraordinary.issuperset(cell.names) for cell in found.categories)


# --- HTTP and command ---------------------------------------------------------------------------


@pytest.fixture
def officer(evening: TestCloud) -> str:
    return evening.token("operator", "operator-one", areas=[AREA])


def test_an_officer_compares_the_readings_on_the_areas_own_queue(
    evening: TestCloud, officer: str
) -> None:
    a_small_city(children_waiting=120, groups=6)

    said = evening.get(
        "/v1/queue/comparison", token=officer, query=HERE, headers={"accept-language": "en"}
    )

    assert said.status == 200, said.text
    assert said.json["own"] == "interleave"
    assert said.json["reserve_per_mille"] == 250
    assert set(said.json["readings"]) == {"interleave", "reserve", "category-first"}
    assert said.json["readings"]["interleave"]["otherwise"] == 0
    assert sum(cell["waiting"] for cell in said.json["tiers"]) == said.json["waiting"]
    assert sum(cell["waiting"] for cell in said.json["categories"]) == said.json["waiting"]
    assert "ticket" not in said.text and "application" not in said.text


def test_the_part_to_keep_may_be_named(evening: TestCloud, officer: str) -> None:
    a_small_city()

    said = evening.get(
        "/v1/queue/comparison", token=officer, query={**HERE, "reserve_per_mille": "400"}
    )

    assert said.json["reserve_per_mille"] == 400


@pytest.mark.parametrize(
    ("query", "role", "areas", "status", "code"),
    [
        ({**HERE, "area": "nowhere"}, "operator", ["*"], 404, "policy/no-pack"),
        (HERE, "operator", ["astana"], 404, "kezek/unknown"),
        ({**HERE, "reserve_per_mille": "0"}, "operator", [AREA], 400, "kezek/bad-field"),
        ({"programme": "clubs", "area": "karaganda"}, "operator", ["*"], 409,
         "queue/not-by-place"),
        (HERE, "head", [AREA], 403, "kezek/not-your-role"),
        (HERE, "representative", [], 403, "kezek/not-your-role"),
    ],
)  # fmt: skip
def test_who_may_not_compare_is_told_why(
    evening: TestCloud, query: dict[str, str], role: str, areas: list[str], status: int, code: str
) -> None:
    token = evening.token(role, "somebody", areas=areas)

    said = evening.get("/v1/queue/comparison", token=token, query=query)

    assert (said.status, said.json["code"]) == (status, code), said.text


@pytest.fixture
def command(evening: TestCloud, officer: str, monkeypatch: pytest.MonkeyPatch) -> TestCloud:
    monkeypatch.setattr(place, "api", lambda *asked: CloudApi(evening, officer))
    return evening


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main.run(list(arguments))
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("kk", ["орын алады", "бір кезек, 1:3", "орындардың 25 % резерві"]),
        ("ru", ["получают место", "одна очередь, 1:3", "резерв 25 % мест"]),
        ("en", ["get a place", "one line, 1:3", "a reserve of 25 %", "category first"]),
    ],
)
def test_the_command_says_it_as_a_table(
    command: TestCloud, capsys: Any, language: str, words: list[str]
) -> None:
    a_small_city(children_waiting=120, groups=6)

    assert ended("compare", "--area", AREA, "--language", language) == 0

    said = capsys.readouterr().out
    assert all(word in said for word in words), said
    assert len({len(line) for line in said.splitlines() if " 1:3 " in line}) <= 1


@pytest.mark.parametrize(
    ("language", "words"), [("kk", "ескерілмеді"), ("ru", "не учтены"), ("en", "are not used")]
)
def test_the_command_says_when_the_pack_names_its_own_reserve(
    command: TestCloud, capsys: Any, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    a_small_city()
    pack = policy.load_pack(PROGRAMME, AREA)
    rows = [
        replace(row, reading="reserve", reserve_per_mille=300) for row in pack.rows["interleave"]
    ]
    named = replace(pack, rows={**pack.rows, "interleave": tuple(rows)})

    def said(*asked: str) -> str:
        assert ended("compare", "--area", AREA, "--language", language, *asked) == 0
        return str(capsys.readouterr().out)

    assert words not in said("--reserve", "400"), "the pack names none"
    monkeypatch.setattr(planning, "load_pack", lambda *_: named)
    assert words not in said() and words not in said("--reserve", "300")
    (line,) = [one for one in said("--reserve", "400").splitlines() if words in one]
    assert "30 %" in line and "40 %" in line


def test_the_command_answers_programs(command: TestCloud, capsys: Any) -> None:
    a_small_city(children_waiting=120, groups=6)

    assert ended("compare", "--area", AREA, "--json") == 0

    assert json.loads(capsys.readouterr().out)["own"] == "interleave"


def test_a_small_queue_is_compared_without_a_number(command: TestCloud, capsys: Any) -> None:
    settle_in([a_group("a", 2)], [an_application(f"{n:04d}") for n in range(4)])

    assert ended("compare", "--area", AREA, "--language", "en") == 0

    said = capsys.readouterr().out
    assert "few: not shown" in said and "1 to 4 (not shown)" in said


def test_the_command_says_no_in_one_line(command: TestCloud, capsys: Any) -> None:
    assert ended("compare", "--area", "nowhere") == 1
    assert ended("compare", "--language", "de") == 2
