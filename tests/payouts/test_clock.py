"""The month's clock on real tables and over HTTP, from the first day of a month to settlement."""

from __future__ import annotations

import csv
import io

import pytest

from chalicelib.attendance import actions as attendance
from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions, store
from chalicelib.storage.commit import commit
from infra.local import faults
from infra.local.testing import TestCloud
from tests.attendance.builders import at
from tests.promises.money import AREA, DAYS, JOB, MARCH, RATE

from .clock_town import LARGE, SMALL, WHERE, ClockTown


@pytest.fixture
def town(cloud: TestCloud) -> ClockTown:
    made = ClockTown()
    made.begin(cloud)
    return made


def test_a_month_passes_step_by_step_and_everybody_sees_where_it_stands(town: ClockTown) -> None:
    town.to("2026-03-16")
    town.attend_all(*DAYS[:9])
    town.look()
    assert town.steps() == {"attend": 6 * RATE // 2}

    town.attend_all(*DAYS[9:])
    town.to("2026-04-01")
    town.look()
    assert town.steps() == {"close": 6 * RATE}

    town.close(LARGE)
    town.to("2026-04-02")
    town.look()
    assert town.steps() == {"approve": 6 * RATE}

    town.approve_all(6)
    town.to("2026-04-08")
    town.look()
    # One child's line at the department is told with the next step's.
    assert town.steps() == {"check": 6 * RATE}

    town.to("2026-04-13")
    town.settle_down()
    town.look()
    assert town.steps() == {"sign": 6 * RATE}
    claim = town.newest(LARGE)
    assert claim.amount_tiyn == 5 * RATE
    for act, stands in ((town.sign, "agree"), (town.agree, "release"), (town.release, "send")):
        act(claim)
        assert town.steps() == {stands: 6 * RATE}, act
    (line,) = town.pay("payment-run-1")
    assert town.steps() == {"settle": 6 * RATE}
    town.answer("answer-0001", (line.end_to_end_id, "settled", 5 * RATE))
    assert town.steps() == {"paid": 6 * RATE}


def test_the_region_says_days_and_who_is_late_by_name(town: ClockTown) -> None:
    town.attend_all()
    town.close(LARGE)
    town.approve_all()
    town.to("2026-04-13")
    town.settle_down()
    town.look()

    (region,) = town.clock()["regions"]
    (sign,) = region["steps"]
    assert (sign["first"], sign["last"], sign["who"]) == ("2026-04-14", "2026-04-15", "provider")
    assert (sign["tiyn"], sign["units"], sign["since"]) == (6 * RATE, 6 * 18, "2026-04-13")
    assert (region["overdue"], region["overdue_tiyn"]) == ([], 0)
    assert (region["pay_on"], region["total_tiyn"]) == ("2026-04-17", 6 * RATE)

    town.to("2026-04-18")
    (region,) = town.clock()["regions"]
    (late,) = region["overdue"]
    assert (late["site_id"], late["name"], late["step"]) == (LARGE, "Балапан", "sign")
    assert (late["late_days"], late["tiyn"], late["who"]) == (3, 6 * RATE, "provider")
    assert region["overdue_tiyn"] == region["steps"][0]["overdue_tiyn"] == 6 * RATE
    assert region["steps"][0]["waited_days"] == 5


def test_two_children_are_in_no_public_row_that_tells_them(town: ClockTown) -> None:
    """Together the two providers could be six and two children only: neither is shown."""
    town.attend_all()
    town.few(7, 8)
    town.to("2026-04-20")
    town.look()

    said = town.cloud.get("/v1/payouts/clock", query=WHERE)

    assert LARGE not in said.text and SMALL not in said.text
    assert said.json["regions"][0]["total_tiyn"] == 0


def test_small_providers_that_reach_five_together_stand_in_one_row(town: ClockTown) -> None:
    town.few(7, 8, 9, 10)
    town.attend_all()
    town.to("2026-04-20")
    for n, site_id in enumerate((LARGE, SMALL)):
        found = actions.reckon(site_id, MARCH, now=town.cloud.clock())
        assert found.children == (6, 4)[n]
    town.look()

    (region,) = town.clock()["regions"]

    # Four children would be known by what is missing: the large one is taken in.
    assert [(late["site_id"], late["tiyn"]) for late in region["overdue"]] == [(None, 10 * RATE)]


def test_the_clock_of_all_regions_and_of_one_that_has_none(town: ClockTown) -> None:
    town.attend_all()
    town.to("2026-04-01")
    town.look()

    everywhere = town.cloud.get("/v1/payouts/clock", query={"month": "2026-03"}).json["regions"]
    here = [(one["programme"], one["area"], one["total_tiyn"]) for one in everywhere]

    assert ("preschool", AREA, 6 * RATE) in here
    assert {one["area"] for one in everywhere} >= {"taldykorgan", "astana"}
    # Nobody has looked at the other cities' sites: there are none.
    assert {(o["as_of"], o["total_tiyn"]) for o in everywhere if o["area"] != AREA} == {(None, 0)}


def test_the_clock_as_a_file_has_a_row_per_step_and_per_provider_that_is_late(
    town: ClockTown,
) -> None:
    town.attend_all()
    town.to("2026-04-20")
    town.look()

    said = town.cloud.get("/v1/payouts/clock", query={**WHERE, "format": "csv"})

    rows = list(csv.DictReader(io.StringIO(said.content.decode("utf-8-sig"))))
    assert [(r["row"], r["step"], r["tiyn"], r["site_id"]) for r in rows] == [
        ("step", "close", str(6 * RATE), ""),
        ("overdue", "close", str(6 * RATE), LARGE),
    ]
    assert rows[1]["late_days"] == "19"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"month": "2026-13"}, "kernel/bad-month"),
        ({"month": "2026-3"}, "kezek/bad-field"),
        ({**WHERE, "area": "nowhere"}, "policy/no-pack"),
        ({**WHERE, "month": "2019-01"}, "policy/no-rule-in-force"),
        ({**WHERE, "format": "xml"}, "kezek/bad-field"),
        ({"programme": "preschool"}, "kezek/bad-field"),
    ],
)
def test_each_no_of_the_public_clock(cloud: TestCloud, query: dict[str, str], code: str) -> None:
    said = cloud.get("/v1/payouts/clock", query=query)

    assert said.status in (400, 404, 409, 422), said.text
    assert said.code == code


# --- why am I not paid yet ----------------------------------------------------------------------


def test_from_the_first_day_of_a_month_there_is_an_answer(town: ClockTown) -> None:
    town.to("2026-03-01")

    said = town.why()

    assert said.status == 200, said.text
    assert said.json["waits_for"] == "attend"
    assert "31.03.2026" in said.json["says"]
    assert [s["standing"] for s in said.json["steps"]] == ["now"] + ["later"] * 10
    assert said.json["pay_on"] == "2026-04-17"


def test_a_month_that_has_not_begun_begins(town: ClockTown) -> None:
    town.to("2026-02-20")

    said = town.why(language="en").json

    assert said["waits_for"] == "attend"
    assert said["says"] == "The month 2026-03 begins on 01.03.2026."
    assert {step["standing"] for step in said["steps"]} == {"later"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("kk", "Ұйым табельді 01.04.2026 дейін жабуы керек"),
        ("ru", "Организация должна закрыть табель до 01.04.2026"),
        ("en", "The provider has to close the timesheet by 01.04.2026"),
    ],
)
def test_the_answer_is_in_words(town: ClockTown, language: str, words: str) -> None:
    town.attend_all()
    town.to("2026-04-03")

    said = town.why(language=language).json

    assert words in said["says"]
    assert (said["waits_for"], said["steps"][1]["late_days"]) == ("close", 2)


def test_every_sentence_of_the_clock_is_said_in_three_languages() -> None:
    from chalicelib.edge.texts import catalogue
    from chalicelib.payouts.actions.watching import DESKS
    from chalicelib.payouts.rules.clock import EXCEPTIONS, STEPS

    wanted = {f"clock:{step}-now" for step in STEPS if step != "paid"} | {"clock:paid-done"}
    wanted |= {f"clock:{s}-{w}" for s in STEPS if s not in EXCEPTIONS for w in ("done", "later")}
    wanted |= {"clock:late", "clock:nothing", "clock:owed"}
    wanted |= {f"notice:payouts/turn-{step}{late}" for step in DESKS for late in ("", "-late")}

    known = catalogue()

    assert wanted <= known.keys()
    assert all(set(known[key]) == {"kk", "ru", "en"} for key in wanted)


def test_a_shortage_and_an_account_that_nobody_confirmed_are_named(town: ClockTown) -> None:
    town.attend_all()
    town.close(LARGE)
    town.approve_all()
    town.to("2026-04-13")
    town.allot(100_000, act="act-2")
    town.settle_down()

    said = town.why().json

    assert (said["waits_for"], said["held"]) == ("fund", [])
    assert "В бюджете не хватает денег: 390000 тенге" in said["says"]
    assert {s["step"] for s in said["steps"]} >= {"fund"}


def test_an_account_that_is_not_confirmed_is_said_beside_the_step(town: ClockTown) -> None:
    from dataclasses import replace

    from chalicelib.providers import store as providers

    town.attend_all()
    kept = providers.load_organisation("organisation-0")
    commit([providers.keep_organisation(kept, replace(kept.value, account="new"))])
    town.to("2026-04-03")

    said = town.why().json

    assert said["held"] == ["providers/account-unconfirmed"]
    assert said["waits_for"] == "close"


def test_a_rate_that_nobody_adopted_is_named_and_the_clock_goes_on(
    town: ClockTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.billing.actions import reckoning
    from chalicelib.policy.rules import NoRate

    def judge(*_: object, **__: object) -> object:
        raise NoRate(kind="general", hours="24", locality="urban")

    town.attend_all()
    town.to("2026-04-12")
    monkeypatch.setattr(reckoning, "judge_month", judge)

    said = town.why().json
    town.look()

    assert said["held"] == ["policy/no-rate"]
    assert town.cloud.dead_letters() == []
    assert town.steps() == {}


def test_what_was_agreed_waits_for_its_release(town: ClockTown) -> None:
    town.attend_all()
    town.close(LARGE)
    town.approve_all()
    town.to("2026-04-13")
    town.settle_down()
    claim = town.newest(LARGE)
    town.sign(claim)
    town.agree(claim)

    said = town.why().json

    assert (said["waits_for"], said["owed_tiyn"]) == ("release", 0)
    assert "390000" in said["says"]


def test_only_those_whose_month_it_is_find_it(town: ClockTown) -> None:
    answers = {
        "own head": town.token("head"),
        "department": town.token("department"),
        "finance": town.token("finance"),
        "auditor": town.token("auditor"),
    }
    for whose, token in answers.items():
        assert town.why(token=token).status == 200, whose
    strangers = [
        town.token("head", organisations=["organisation-none"]),
        town.token("department", areas=["astana"]),
        town.token("finance", areas=["astana"]),
    ]
    bodies = {(town.why(token=t).status, town.why(token=t).code) for t in strangers}
    nowhere = town.why("site-none")
    assert bodies == {(404, "kezek/unknown")} == {(nowhere.status, nowhere.code)}
    assert town.why(token=None).status == 401
    assert town.why(token=town.token("representative")).status == 403


def test_a_bad_month_is_refused(town: ClockTown) -> None:
    said = town.cloud.get(f"/v1/payouts/sites/{LARGE}/months/2026-00/why", token=town.token("head"))

    assert (said.status, said.code) == (400, "kernel/bad-month")


def test_a_month_before_the_programme_is_refused(town: ClockTown) -> None:
    said = town.cloud.get(f"/v1/payouts/sites/{LARGE}/months/2019-01/why", token=town.token("head"))

    assert (said.status, said.code) == (409, "policy/no-rule-in-force")


def test_what_the_department_decides_is_seen_at_once_and_no_gap_of_the_day(
    town: ClockTown,
) -> None:
    """A line decided after the morning's billing waits to be posted; tomorrow it is posted."""
    town.attend_all()
    town.close(LARGE)
    for n in range(2, 7):
        town.approve(n, LARGE)
    attendance.hand_over(LARGE, MARCH, by=JOB, now=at("2026-04-08 12:00"))
    town.to("2026-04-13")
    town.settle_down()
    for day in DAYS:
        town.decide(1, LARGE, day, counts=True)

    found = actions.refresh(LARGE, MARCH, now=town.cloud.clock())

    assert (found.due_tiyn, found.posted_tiyn, found.held) == (6 * RATE, 5 * RATE, ())
    assert (found.unposted_since, found.undone) == ("2026-04-13", ())
    assert town.why().json["waits_for"] == "check"
    late = actions.refresh(LARGE, MARCH, now=at("2026-04-14 12:45"))
    assert late.undone == ("bill",)
    town.bill(LARGE)
    posted = actions.refresh(LARGE, MARCH, now=at("2026-04-14 12:46"))
    assert (posted.undone, posted.stated) == (("claim",), (5, 1))


# --- looks --------------------------------------------------------------------------------------


def test_looking_twice_writes_once_and_the_next_day_says_when(town: ClockTown) -> None:
    town.attend_all()
    now = town.to("2026-04-01")

    actions.refresh(LARGE, MARCH, now=now)
    before = town.cloud.tables.effects()
    actions.refresh(LARGE, MARCH, now=at("2026-04-01 13:00"))
    assert town.cloud.tables.effects() == before

    actions.refresh(LARGE, MARCH, now=at("2026-04-02 12:45"))
    (looked,) = store.list_clocks("preschool", AREA, MARCH)
    assert looked.as_of.startswith("2026-04-02")


def test_a_look_killed_at_any_call_and_made_again_is_the_same(town: ClockTown) -> None:
    town.attend_all()
    now = town.to("2026-04-03")

    with faults.watch() as seen:
        actions.refresh(LARGE, MARCH, now=now)
    whole = store.list_clocks("preschool", AREA, MARCH)
    for number in range(1, len(seen.calls) + 1):
        for fault in (faults.crash(before=number), faults.crash(after=number)):
            kept = store.find_clock("preschool", AREA, MARCH, LARGE)
            if kept is not None:
                commit([store.CLOCKS.remove(kept)])
            with fault, pytest.raises(faults.Crash):
                actions.refresh(LARGE, MARCH, now=now)
            actions.refresh(LARGE, MARCH, now=now)
            assert store.list_clocks("preschool", AREA, MARCH) == whole, number


def test_a_statement_that_is_posted_is_looked_at_by_itself(town: ClockTown) -> None:
    town.attend_all()
    town.close(LARGE)
    town.approve_all()
    town.to("2026-04-13")
    town.look()
    assert town.steps() == {"check": 6 * RATE}

    town.bill(LARGE)
    town.cloud.drain()

    assert town.steps() == {"sign": 6 * RATE}


def test_no_row_of_the_clock_is_in_the_journal(town: ClockTown) -> None:
    from chalicelib.journal import actions as journal

    town.attend_all()
    town.to("2026-04-01")
    town.look()

    assert list(journal.differences()) == []


def test_what_a_region_costs_to_show(town: ClockTown) -> None:
    town.attend_all()
    town.to("2026-04-01")
    town.look()

    with faults.watch() as seen:
        town.clock()

    assert seen.units[0] <= 6
    assert tenge(1) == 100
