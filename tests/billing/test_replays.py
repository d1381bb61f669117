"""Earnings day by day and a month made again, over HTTP: one yes, and each no, to its code."""

from __future__ import annotations

import csv
import io
import json

import pytest

from chalicelib.billing import actions
from chalicelib.billing.rules.earning import earned
from chalicelib.kernel.money import tenge
from infra.command import main, place
from tests.command.test_command import CloudApi

from . import clubs
from .builders import a_child, a_month, a_site_on_the_list, pack
from .months import CHECK, DAYS, MARCH, SITE, Kindergarten, allot, at, child

PATH = f"/v1/billing/sites/{SITE}/months/2026-03"


@pytest.fixture
def garden(cloud):
    allot()
    return Kindergarten()


def head(cloud, organisation="organisation-1"):
    return cloud.token("head", "head-x", organisations=[organisation])


def no(said, status, code):
    assert (said.status, said.code) == (status, code), said.text


# --- earnings -------------------------------------------------------------------------------------


def test_earnings_grow_day_by_day_in_a_month_under_way(cloud, garden):
    garden.attend(1, 2, days=DAYS[:4])
    cloud.set_clock(at(f"{DAYS[3]} 20:00"))

    seen = cloud.get(f"{PATH}/earnings", token=head(cloud)).json

    assert (seen["confirmed_tiyn"], seen["posted_tiyn"]) == (0, 0)
    days = {day["on"]: day for day in seen["days"]}
    first = days[DAYS[0].isoformat()]
    assert (first["marked"], first["if_confirmed_tiyn"]) == (2, 2 * tenge(3_611))
    last = seen["days"][-1]
    assert last["on"] == DAYS[3].isoformat()
    assert last["so_far_if_confirmed_tiyn"] == seen["if_confirmed_tiyn"]
    assert sum(day["if_confirmed_tiyn"] for day in seen["days"]) == seen["if_confirmed_tiyn"]


def test_earnings_of_a_month_that_is_confirmed_are_what_is_posted(cloud, garden):
    garden.attend(1, 2)
    garden.close()
    garden.approve(1)
    garden.bill()
    cloud.set_clock(CHECK)

    seen = cloud.get(f"{PATH}/earnings", token=head(cloud)).json

    assert seen["confirmed_tiyn"] == seen["posted_tiyn"] == tenge(65_000)
    assert seen["if_confirmed_tiyn"] == 2 * tenge(65_000)
    assert seen["days"][-1]["so_far_tiyn"] == tenge(65_000)


def test_earnings_as_csv(cloud, garden):
    garden.attend(1, days=DAYS[:2])
    cloud.set_clock(at(f"{DAYS[1]} 20:00"))

    said = cloud.get(f"{PATH}/earnings", query={"format": "csv"}, token=head(cloud))

    rows = list(csv.DictReader(io.StringIO(said.content.decode("utf-8-sig"))))
    assert said.headers["content-type"].startswith("text/csv")
    assert sum(int(row["if_confirmed_tiyn"]) for row in rows) == tenge(7_222)


def test_earnings_that_cannot_be_are_refused(cloud, garden):
    cloud.set_clock(CHECK)
    path = PATH.replace("2026-03", "{}") + "/earnings"

    no(cloud.get(path.format("2026-05"), token=head(cloud)), 409, "billing/month-not-begun")
    no(cloud.get(path.format("2025-11"), token=head(cloud)), 409, "billing/month-forgotten")
    no(cloud.get(path.format("2026-13"), token=head(cloud)), 400, "kernel/bad-month")
    no(
        cloud.get(path.format("2026-03"), query={"format": "xml"}, token=head(cloud)),
        400,
        "kezek/bad-field",
    )


@pytest.mark.parametrize("tail", ["earnings", "replay"])
def test_b1_foreign_and_unknown_sites_answer_alike(cloud, garden, tail):
    cloud.set_clock(CHECK)
    mine = cloud.get(f"{PATH}/{tail}", token=head(cloud, "org-other"))
    none = cloud.get(f"{PATH}/{tail}".replace(SITE, "site-none"), token=head(cloud, "org-other"))

    no(mine, 404, "kezek/unknown")
    assert mine.content == none.content
    for role in ("department", "finance", "operator"):
        no(
            cloud.get(f"{PATH}/{tail}", token=cloud.token(role, areas=["astana"])),
            404,
            "kezek/unknown",
        )
    no(cloud.get(f"{PATH}/{tail}"), 401, "kezek/sign-in")
    assert cloud.get(f"{PATH}/{tail}", token=cloud.token("auditor")).status == 200


def test_the_days_of_lessons_sum_to_the_month_too():
    a_pupil = clubs.a_pupil("child-aaaa", days=clubs.lessons(clubs.TWELVE))
    judged = clubs.judged(a_pupil)

    found = earned([judged], {}, month=clubs.OCTOBER, upto=clubs.OCTOBER.last, by_lesson=True)

    assert found.confirmed_tiyn == tenge(18_000)
    assert sum(day.confirmed_tiyn for day in found.days) == tenge(18_000)
    assert {day.on for day in found.days if day.confirmed} == {line.on for line in a_pupil.days}


# --- replay ---------------------------------------------------------------------------------------


def test_a_replay_answers_with_digests_and_late_events(cloud, garden):
    garden.attend(1, 2)
    garden.close()
    garden.approve(1)
    garden.bill(at("2026-04-03 09:00"))
    garden.approve(2, "2026-04-05 20:00")
    cloud.set_clock(CHECK)

    seen = cloud.get(f"{PATH}/replay", token=cloud.token("auditor")).json

    (statement,) = seen["statements"]
    assert seen["same"] is statement["same"] is True
    assert statement["posted"] == statement["replayed"]
    assert statement["own_rules"] is True
    (late,) = seen["since"]
    assert (late["child_id"], late["due_tiyn"]) == (child(2), tenge(65_000))
    assert late["because"][0]["act"] == "approval"


def test_a_replay_of_nothing_posted_lists_what_is_due(cloud, garden):
    garden.attend(1)
    garden.close()
    garden.approve(1)
    cloud.set_clock(CHECK)

    seen = cloud.get(f"{PATH}/replay", token=head(cloud)).json

    assert seen["statements"] == []
    assert {late["child_id"]: late["due_tiyn"] for late in seen["since"]} == {
        child(1): tenge(65_000),
        child(2): 0,
    }
    for month, status, code in (
        ("2026-3x", 400, "kernel/bad-month"),
        ("2024-12", 409, "policy/no-rule-in-force"),
        ("2031-01", 409, "policy/calendar-missing"),
    ):
        for tail in ("", "/replay"):
            there = PATH.replace("2026-03", month) + tail
            no(cloud.get(there, token=head(cloud)), status, code)


def test_a_statement_from_before_lines_named_their_rates_is_replayed_in_its_own_words(tables):
    from dataclasses import replace

    from chalicelib.billing.rules.replay import as_worded
    from chalicelib.billing.rules.statements import Statement

    allot()
    a_site_on_the_list("site-aaaa")
    provided = a_month(a_child())
    from .builders import OCTOBER

    now = at("2026-11-11 09:00")
    posted = actions.bill(
        "site-aaaa", OCTOBER, by=actions_job(), now=now, gather=lambda *_: provided
    ).statement
    assert isinstance(posted, Statement)
    old = replace(
        posted,
        lines=tuple(replace(s, line=replace(s.line, rates=())) for s in posted.lines),
    )

    assert as_worded(posted, old) == old
    assert as_worded(posted, posted) == posted
    assert pack().version == posted.pack


# --- the command ----------------------------------------------------------------------------------


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main.run(list(arguments))
    return int(end.value.code or 0)


@pytest.fixture
def command(cloud, garden, monkeypatch):
    garden.attend(1, 2)
    garden.close()
    garden.approve(1)
    garden.bill(at("2026-04-03 09:00"))
    cloud.set_clock(CHECK)
    monkeypatch.setattr(place, "api", lambda *asked: CloudApi(cloud, cloud.token("auditor")))
    return garden


def test_the_command_says_each_statement_and_what_came_after(command, capsys):
    command.approve(2, "2026-04-05 20:00")

    assert ended("replay", SITE, "2026-03") == 0

    first, count, late = capsys.readouterr().out.splitlines()
    assert first.startswith("0001  2026-04-03T04:00:00.000000Z  same  ")
    assert count == "1 lines are due otherwise by now:"
    assert late.split()[:5] == [child(2), "0", "→", "65000", "tenge"]
    assert "approval sheet/" in late


def test_the_command_ends_with_1_and_names_who_differs(command, capsys):
    from .test_corrections import _tamper

    _tamper(command)

    assert ended("replay", SITE, "2026-03") == 1

    said = capsys.readouterr().out
    assert "DIFFERS" in said
    assert f"{child(1)}  64000 → 65000 tenge" in said


@pytest.mark.parametrize("asked", [("site-none", "2026-03"), (SITE, "2026-3")])
def test_the_command_refuses_what_is_not_there(command, asked):
    assert ended("replay", *asked) == 1


def test_the_command_speaks_to_programs(command, capsys):
    assert ended("replay", SITE, "2026-03", "--json") == 0

    assert json.loads(capsys.readouterr().out)["same"] is True


def actions_job():
    from chalicelib.kernel.actors import system

    return system("billing")


__all__ = ["MARCH"]
