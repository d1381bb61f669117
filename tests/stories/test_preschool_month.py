"""The main job, end to end over HTTP and the real jobs: a queue becomes paid attendance."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.journal import actions as rebuild
from chalicelib.storage.rows import AttendanceRow, FactsRow, MoneyRow, QueueRow
from infra import rebuild as drill
from infra.local.testing import TestCloud
from tests.stories.accounts import confirm_accounts
from tests.stories.people import almaty, bin_, iban, iin

AREA = {"programme": "preschool", "area": "taldykorgan"}


def group(n: int, *, capacity: int, age: tuple[int, int] = (3, 3)) -> dict[str, Any]:
    return {
        "group_id": f"group-000{n}",
        "name": f"Group {n}",
        "academic_year": 2026,
        "age_from": age[0],
        "age_to": age[1],
        "language": "kk",
        "kind": "general",
        "hours": "10.5",
        "capacity": capacity,
        "from_on": "2026-07-01",
    }


def site(n: int, groups: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "organisation": {
            "organisation_id": f"organisation-{n}",
            "bin": bin_(n),
            "name": f"Kindergarten {n}",
            "form": "private",
            "account": iban(n),
            "bank": "KCJBKZKX",
            "contact": "77010000000",
        },
        **AREA,
        "name": f"Kindergarten {n}",
        "address": f"Abai street {n}, Taldykorgan",
        "locality": "urban",
        "form": "private",
        "groups": groups,
        "act": "No. 1",
        "listed_on": "2026-01-05",
        "source": {"system": "old list", "file": "0" * 64, "line": n + 2},
    }


def application(n: int, *prefer: str) -> dict[str, Any]:
    return {
        **AREA,
        "language": "kk",
        "preferences": list(prefer),
        "child": {
            "surname": "Серіков",
            "given_name": "Ғалымжан",
            "birth_date": "2023-03-14",
            "sex": "male",
            "iin": iin(100 + n),
            "address": "Taldykorgan",
        },
    }


class Story:
    """Five families, two kindergartens with three places, one city."""

    def __init__(self, cloud: TestCloud, person: Callable[..., Any]) -> None:
        self.cloud = cloud
        self.operator = person("operator", "operator-1", areas=["taldykorgan"])
        self.department = person("department", "officer-1", areas=["taldykorgan"])
        self.finance = person("finance", "finance-1", areas=["taldykorgan"])
        self.other_finance = person("finance", "finance-2", areas=["taldykorgan"])
        self.heads = [
            person("head", f"head-{n}", organisations=[f"organisation-{n}"]) for n in (0, 1)
        ]
        self.families = [person("representative", f"family-{n}") for n in range(5)]

    def voucher(self, n: int) -> dict[str, Any]:
        shown = self.families[n].get(f"/v1/applications/application-{n}")
        return self.families[n].get(f"/v1/vouchers/{shown['voucher_id']}")


@pytest.fixture
def story(cloud: TestCloud, person: Callable[..., Any]) -> Story:
    return Story(cloud, person)


def working_days(month: str) -> list[date]:
    from chalicelib.kernel.periods import Month
    from chalicelib.policy.actions import load_pack

    calendar = load_pack("preschool", "taldykorgan").calendar
    return list(calendar.working_days_in(Month.parse(month)))


def same(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows in an order, and their attributes in an order, that two dumps share.

    A tablet's rate bucket and the instant it was last seen are not facts and start anew.
    """
    facts = [
        {
            name: sorted(value["NS"]) if "NS" in value else value
            for name, value in row.items()
            if name not in ("bucket_at", "last_at")
        }
        for row in rows
    ]
    return sorted(json.dumps(row, sort_keys=True, default=sorted) for row in facts)


def queue_up(story: Story) -> None:
    cloud = story.cloud
    cloud.set_clock(almaty("2026-07-20T09:00:00"))
    story.operator.put("/v1/providers/imports/site-0000", site(0, [group(0, capacity=2)]))
    story.operator.put("/v1/providers/imports/site-0001", site(1, [group(1, capacity=1)]))
    for n, family in enumerate(story.families):
        family.put(
            "/v1/children/me",
            {
                "iin": iin(n),
                "surname": "Серікова",
                "given_name": "Әлия",
                "language": "kk",
                "contacts": [{"kind": "phone", "value": f"+7701000000{n}"}],
            },
        )
        cloud.set_clock(cloud.clock() + timedelta(seconds=1))
        prefer = ["group-0000", "group-0001"] if n != 2 else ["group-0000"]
        shown = family.put(f"/v1/applications/application-{n}", application(n, *prefer))
        assert shown["state"] == "queued"


def issue(story: Story) -> None:
    story.cloud.advance(almaty("2026-07-20T20:00:00"))


def test_a_queue_becomes_paid_attendance(
    story: Story, tablet: Callable[[], Any], cloud: TestCloud
) -> None:
    queue_up(story)
    place = story.families[4].get("/v1/queue/places/application-4")
    assert place["as_of"] is None

    issue(story)

    states = [
        f.get(f"/v1/applications/application-{n}")["state"] for n, f in enumerate(story.families)
    ]
    assert states == ["offered", "offered", "offered", "queued", "queued"]
    place = story.families[4].get("/v1/queue/places/application-4")
    assert (place["place"], place["waiting"]) == (2, 2)
    seats = [story.voucher(n)["group_id"] for n in range(3)]
    assert seats == ["group-0000", "group-0000", "group-0001"]
    assert [w["group_id"] for w in story.voucher(2)["waiting"]] == ["group-0000"]

    # Two confirm; the second family lets it lapse, and the place goes on to who waits for it.
    for n in (0, 2):
        story.families[n].put(f"/v1/applications/application-{n}/confirmation")
    cloud.advance(almaty("2026-07-23T01:00:00"), apart=timedelta(hours=1))
    assert story.families[1].get("/v1/applications/application-1")["state"] == "inactive"
    waiting = story.voucher(2)["waiting"]
    assert waiting[0]["state"] == "offered"
    voucher = story.voucher(2)
    story.families[2].put(
        f"/v1/vouchers/{voucher['voucher_id']}/waiting/group-0000/answer", {"accept": True}
    )
    cloud.drain()
    assert story.voucher(2)["group_id"] == "group-0000"
    story.families[1].put("/v1/applications/application-1/restoration")
    cloud.advance(almaty("2026-07-23T20:00:00"), apart=timedelta(hours=1))
    assert story.voucher(1)["group_id"] == "group-0001", "the restored kept its place in the queue"
    story.families[1].put("/v1/applications/application-1/confirmation")

    # Papers and contracts: the first day is 1 September.
    enrolments = {}
    for n, (head, first) in enumerate([(0, "2026-09-01"), (1, "2026-09-01"), (0, "2026-09-01")]):
        voucher_id = story.voucher(n)["voucher_id"]
        group_id = story.voucher(n)["group_id"]
        story.families[n].put(f"/v1/vouchers/{voucher_id}/choice", {"group_id": group_id})
        story.heads[head].put(f"/v1/vouchers/{voucher_id}/papers", {"result": "accepted"})
        signed = story.families[n].put(f"/v1/vouchers/{voucher_id}/contract", {"starts_on": first})
        enrolments[n] = signed["enrolment_id"]
    cloud.drain()

    # September, from two tablets; the second kindergarten's is offline and sends weekly bursts.
    tablets = []
    for n in (0, 1):
        cloud.set_clock(almaty("2026-08-31T10:00:00"))
        code = story.heads[n].put(
            f"/v1/attendance/pairings/pairing-{n}", {"site_id": f"site-000{n}", "label": "Hall"}
        )
        made = tablet()
        assert made.pair(code["code"]).status == 200
        tablets.append(made)
    worked = working_days("2026-09")
    late = []
    for day in worked:
        for n, site_n in ((0, 0), (2, 0), (1, 1)):
            came = almaty(f"{day}T08:10:00")
            if n == 2 and day == worked[3]:
                late.append(tablets[0].record(enrolments[2], "absence", came, reason="N"))
                continue
            pair = [
                tablets[site_n].record(enrolments[n], "in", came),
                tablets[site_n].record(enrolments[n], "out", came + timedelta(hours=9)),
            ]
            if site_n == 0:
                cloud.set_clock(came + timedelta(hours=10))
                said = tablets[0].upload(pair)
                assert {o["outcome"] for o in said.json["outcomes"]} == {"accepted"}, said.text
                if day == worked[0]:
                    again = tablets[0].upload(pair)
                    assert again.json["outcomes"] == said.json["outcomes"], "the same answer"
                    alone = tablets[0].upload(pair[:1])
                    assert [o["outcome"] for o in alone.json["outcomes"]] == ["had"]
            else:
                late += pair
        if day == worked[-1] or day.weekday() == 4:
            for tablet_n in (0, 1):
                kept = [r for r in late if r["kid"] == tablets[tablet_n].id]
                if kept:
                    said = tablets[tablet_n].upload(kept)
                    assert {o["outcome"] for o in said.json["outcomes"]} == {"accepted"}, said.text
            late = []
    # The month closes, families look at it; one disputes a day, one says nothing.
    cloud.advance(almaty("2026-10-01T13:00:00"), only=["run_attendance"])
    for n in (0, 1):
        story.heads[n].put(f"/v1/attendance/sites/site-000{n}/months/2026-09/closing", {})
    cloud.drain()
    child = {n: story.voucher(n)["child_id"] for n in range(3)}
    sheets = {
        n: story.families[n].get(f"/v1/attendance/children/{child[n]}/months/2026-09")["items"][0]
        for n in range(3)
    }
    assert [d["code"] for d in sheets[0]["lines"]].count("P") == len(worked)
    disputed = worked[3].isoformat()
    story.families[2].put(
        f"/v1/attendance/children/{child[2]}/months/2026-09/disputes/{disputed}",
        {"claim": "P", "reason": "was-there"},
    )
    for n in (0, 2):
        digest = story.families[n].get(f"/v1/attendance/children/{child[n]}/months/2026-09")[
            "items"
        ][0]["digest"]
        story.families[n].put(
            f"/v1/attendance/children/{child[n]}/months/2026-09/approval", {"digest": digest}
        )
    cloud.advance(almaty("2026-10-08T13:00:00"), only=["run_attendance"])
    undecided = story.department.get(
        "/v1/attendance/undecided", query={"area": "taldykorgan", "month": "2026-09"}
    )["items"]
    assert child[1] in {u["child_id"] for u in undecided}

    # The department is slow with the disputed line: it alone is held. Money follows the rest.
    story.finance.put(
        "/v1/budgets/preschool/taldykorgan/2026",
        {"amount_tiyn": 100_000_000_00, "act": "No. 7"},
    )
    cloud.advance(almaty("2026-10-12T09:00:00"), only=["run_billing"])
    month = story.heads[0].get("/v1/billing/sites/site-0000/months/2026-09")
    lines = {line["child_id"]: line for s in month["statements"] for line in s["lines"]}
    assert lines[child[0]]["accrual_tiyn"] == 65_000_00
    part = 65_000_00 * (len(worked) - 1) // len(worked)
    assert abs(lines[child[2]]["accrual_tiyn"] - part) <= 100

    # The department decides both open lines; the difference follows by itself.
    for u in undecided:
        for line in u["lines"]:
            story.department.put(
                f"/v1/attendance/sites/{u['site_id']}/months/2026-09/children/{u['child_id']}"
                f"/decisions/{line['on']}",
                {"counts": True, "reason": "device-evidence", "day_code": "P"},
            )
    cloud.drain()
    cloud.advance(almaty("2026-10-13T09:00:00"), only=["run_billing", "run_claims"])
    month = story.heads[0].get("/v1/billing/sites/site-0000/months/2026-09")
    assert sum(s["movement_tiyn"] for s in month["statements"]) == 2 * 65_000_00
    assert len(month["statements"]) == 2, "the late decision is a dated correction"

    # Claims pass three hands; nobody releases what they agreed; the register goes to the bank.
    cloud.advance(almaty("2026-10-14T09:00:00"), only=["run_claims"])
    wanted = {**AREA, "month": "2026-09"}
    claims = story.department.get("/v1/payouts/claims", query=wanted)["claims"]
    assert sum(c["amount_tiyn"] for c in claims) == 3 * 65_000_00
    confirm_accounts(cloud, "taldykorgan", claims)
    for claim in claims:
        path = f"/v1/payouts/claims/{claim['claim_id']}"
        head = story.heads[int(claim["site_id"][-1])]
        head.put(f"{path}/signature", {"amount_tiyn": claim["amount_tiyn"]})
        story.department.put(f"{path}/agreement", {"agreed": True})
        story.finance.put(f"{path}/release", {})
    run = story.finance.put("/v1/payouts/runs/payment-run-1", wanted)
    run = story.other_finance.put(
        "/v1/payouts/runs/payment-run-1/confirmation", {"total_tiyn": run["planned_tiyn"]}
    )
    assert run["total_tiyn"] == 3 * 65_000_00
    register = cloud.get(
        "/v1/payouts/runs/payment-run-1", query={"format": "csv"}, token=story.finance.token()
    )
    assert register.status == 200
    answer = ["record,end_to_end_id,status,amount,reason"]
    for n, payment in enumerate(run["payments"]):
        said = ("settled", "") if n == 0 else ("returned", "AC04")
        tenge = f"{payment['amount_tiyn'] / 100:.2f}"
        answer.append(f"payment,{payment['end_to_end_id']},{said[0]},{tenge},{said[1]}")
    answer.append(f"total,{len(run['payments'])},,{run['total_tiyn'] / 100:.2f},")
    file = "\n".join(answer).encode()
    for name in ("answer-0001", "answer-0001", "answer-0002"):
        taken = cloud.put(
            f"/v1/payouts/answers/{name}",
            file,
            token=story.finance.token(),
            headers={"content-type": "text/csv"},
        )
        assert taken.status == 200, taken.text
    claims = story.department.get("/v1/payouts/claims", query=wanted)["claims"]
    assert sorted(c["state"] for c in claims) == ["returned", "settled"]

    # What is lost is rebuilt to the byte.
    cloud.drain()
    before = cloud.tables.dump()
    assert list(rebuild.differences()) == []
    assert cloud.dead_letters() == []
    for model in (FactsRow, QueueRow, AttendanceRow, MoneyRow):
        for row in model.scan():
            row.delete()
    told = drill.run()
    assert told["rows that differ"] == 0
    after = cloud.tables.dump()
    for table, rows in before.items():
        if table.endswith(("facts", "money", "attendance")):
            # What the clock last saw of a month is no fact: it looks again every day.
            known = [row for row in rows if not row["pk"]["S"].startswith("CLOCK#")]
            assert same(after[table]) == same(known), table
