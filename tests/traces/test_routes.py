"""Traces both ways, over HTTP: one yes, and each no, down to its code."""

from __future__ import annotations

import pytest

from chalicelib.kernel.money import tenge
from chalicelib.payouts import actions as payouts
from tests.attendance.builders import MARCH, ORGANISATION, SITE, at, child, send
from tests.billing.months import CHECK, DAYS, JOB, Kindergarten, allot

PATH = f"/v1/traces/sites/{SITE}/months/2026-03/children/{child(1)}"


@pytest.fixture
def garden(cloud):
    allot()
    made = Kindergarten()
    made.attend(1, 2, absent={DAYS[2]: "N"})
    made.close()
    made.approve(1)
    made.bill()
    payouts.calculate(SITE, MARCH, by=JOB, now=CHECK)
    cloud.set_clock(CHECK)
    return made


@pytest.fixture
def head(cloud):
    return cloud.token("head", "head-x", organisations=[ORGANISATION])


def no(said, status, code):
    assert (said.status, said.code) == (status, code), said.text


def test_a_line_leads_to_its_signed_records_and_to_its_claim(cloud, garden, head):
    seen = cloud.get(PATH, token=head).json

    assert seen["exact"] is True
    (statement,) = seen["statements"]
    assert statement["accrual_tiyn"] == sum(day["tiyn"] for day in seen["days"]) == tenge(61_389)
    days = {day["line"]: day for day in seen["days"]}
    first = days[DAYS[0].isoformat()]
    assert first["tiyn"] == tenge(3_611)
    assert [r["device_id"] for r in first["records"]] == [garden.tablet.device_id] * 2
    absent = days[DAYS[2].isoformat()]
    assert (absent["tiyn"], absent["reason"], len(absent["records"])) == (0, "N", 1)
    moved = {m["account"]: m["amount_tiyn"] for m in statement["movements"]}
    assert moved[f"accrued:{SITE}:2026-03"] == tenge(61_389)
    assert sum(moved.values()) == 0
    assert statement["claim_state"] == "calculated"
    assert statement["payment_id"] is None


def test_a_signed_record_leads_to_its_line_and_its_money(cloud, garden, head):
    child_line = cloud.get(PATH, token=head).json["days"][1]
    record = next(r for r in child_line["records"])
    back = f"/v1/traces/records/{record['device_id']}/{record['counter']}"

    seen = cloud.get(back, token=head).json

    assert (seen["child_id"], seen["line"], seen["refused"]) == (
        child(1),
        child_line["line"],
        None,
    )
    assert seen["hash"] == record["hash"]
    assert seen["upload"] == record["upload"]
    assert seen["day"]["tiyn"] == child_line["tiyn"]
    assert seen["statements"][0]["posting"] == f"statement#{SITE}#2026-03#0001"


def test_every_record_of_the_month_leads_to_the_line_that_names_it(cloud, garden, head):
    days = cloud.get(PATH, token=head).json["days"]
    named = {(r["device_id"], r["counter"]): d["line"] for d in days for r in d["records"]}

    assert len(named) == 2 * (len(DAYS) - 1) + 1
    for (device_id, counter), line in list(named.items())[::9]:
        seen = cloud.get(f"/v1/traces/records/{device_id}/{counter}", token=head).json
        assert seen["line"] == line


def test_a_refused_record_speaks_of_nobody_and_brings_nothing(cloud, garden, head):
    refused = garden.tablet.sign(f"{DAYS[0]}T08:20:00+05:00", enrolment="enrolment-99")
    answer = send(garden.tablet, [refused], now=at("2026-03-31 20:00"))
    assert answer.outcomes[0].outcome == "refused"

    seen = cloud.get(
        f"/v1/traces/records/{garden.tablet.device_id}/{garden.tablet.counter}", token=head
    ).json

    assert seen["refused"] == answer.outcomes[0].code
    assert (seen["child_id"], seen["line"], seen["statements"]) == (None, None, [])


@pytest.mark.parametrize("counter", ["0", "-1", "1.5", "x", "123456789"])
def test_a_counter_is_a_whole_number(cloud, garden, head, counter):
    path = f"/v1/traces/records/{garden.tablet.device_id}/{counter}"

    no(cloud.get(path, token=head), 400, "kezek/bad-field")


def test_what_is_not_there_and_what_is_not_yours_answer_alike(cloud, garden, head):
    stranger = cloud.token("head", "head-y", organisations=["organisation-2"])
    record = f"/v1/traces/records/{garden.tablet.device_id}/1"
    unknown = cloud.get(PATH.replace(SITE, "site-none"), token=stranger)

    for said in (
        cloud.get(PATH, token=stranger),
        cloud.get(PATH.replace(child(1), "child-none"), token=head),
        cloud.get(PATH.replace("2026-03", "2026-02"), token=head),
        cloud.get(record, token=stranger),
        cloud.get(record.replace("/1", "/9999"), token=head),
        cloud.get(record, token=cloud.token("department", areas=["astana"])),
    ):
        no(said, 404, "kezek/unknown")
        assert said.content == unknown.content
    no(cloud.get(PATH), 401, "kezek/sign-in")
    no(cloud.get(PATH.replace("2026-03", "2026-3"), token=head), 400, "kernel/bad-month")
    assert cloud.get(record, token=cloud.token("auditor")).status == 200
