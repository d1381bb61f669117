"""A clubs' autumn: the same city's second programme, wherever it behaves otherwise than the first.

It goes from admission to payment. What is the same in both programmes (registering,
pairing tablets, …) is done on the way and is no `act`: the preschool year is held to it.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.policy.actions import load_pack
from infra.local.testing import Said
from tests.promises import script
from tests.promises.script import REASON, City, pairing_body
from tests.promises.script_complaints import complaints
from tests.promises.script_rights import rights
from tests.stories.accounts import confirm_accounts
from tests.stories.conftest import Person, Tablet
from tests.stories.people import almaty

HERE = {"programme": "clubs", "area": "karaganda"}
BUDGET = "/v1/budgets/clubs/karaganda/2026"
# A voucher's month at its dearest is 21,600 tenge; five months are held from August on.
PLENTY = 10_000_000_00
TEACHER, SCHOOL = "Лағылханов Зүбаржат", "Перуза институты"
STREET = "Қарағанды, Нарцисс көшесі, 417"
_PACK = load_pack("clubs", "karaganda")
_CODE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}")


class ClubsCity(City):
    """Karaganda: each direction has its own officers, and another's are strangers."""

    here = HERE
    born = "2015-03-14"
    wishes = {"language": "any", "kind": "sport"}

    def people(self) -> None:
        area = {"areas": ["karaganda"]}

        def serving(role: str, subject: str, *directions: str) -> Person:
            return self.person(role, subject, **area, directions=list(directions))

        both = {"areas": ["karaganda", "astana"], "directions": ["*"]}
        self.operator, self.second = (
            self.person("operator", f"operator-{n}", **both) for n in (1, 2)
        )
        self.department = serving("department", "sport-1", "sport")
        self.other_officer = serving("department", "sport-2", "sport")
        self.members = [serving("commission", f"member-{n}", "sport") for n in range(3)]
        self.commission = self.members[0]
        self.finance = serving("finance", "finance-sport", "sport")
        self.other_finance = serving("finance", "finance-both", "sport")
        self.heads = {
            n: self.person("head", f"head-{n}", organisations=[f"organisation-{n}"])
            for n in (0, 1, 2, 9)
        }
        self.families = [self.person("representative", f"family-{n}") for n in range(9)]
        self.strangers = {
            "representative": self.person("representative", "stranger-1"),
            "head": self.person("head", "stranger-2", organisations=["organisation-none"]),
            "operator": self.far("operator"),
            **{
                role: serving(role, f"creative-{role}", "creative")
                for role in ("department", "finance", "commission")
            },
        }

    def far(self, role: str) -> Person:
        """Return an officer of another city, whatever the direction."""
        return self.person(role, f"far-{role}", areas=["almaty"], directions=["*"])

    def does(self, who: Any, path: str, body: Any = None) -> Any:
        """Make a change that is no subject of a test; return the answer."""
        token = who.token() if who else None
        return done(self.cloud.put(path, body, token=token))

    def visit(self, lessons: dict[str, list[str]], tablet: Tablet) -> None:
        """Sign who came to each lesson, and send it all when the last is over."""
        records = []
        for lesson, enrolments in sorted(lessons.items()):
            for n, enrolment in enumerate(enrolments):
                at = begins(lesson) - timedelta(minutes=5, seconds=-7 * n)
                records.append(tablet.record(enrolment, "in", at))
        self.cloud.set_clock(begins(max(lessons)) + timedelta(minutes=70))
        said = self.act(tablet, "/v1/attendance/records", {"records": records}, method="POST")
        assert {o["outcome"] for o in said["outcomes"]} == {"accepted"}, said


def done(said: Said) -> Any:
    assert said.status < 300, f"{said.status} {said.text}"
    return said.json


def begins(lesson: str) -> datetime:
    """Return the instant at which a lesson begins, from its name."""
    return almaty(datetime.strptime(lesson, "%Y%m%dT%H%M").isoformat())


# --- bodies


def child(n: int) -> dict[str, Any]:
    return script.child(n, birth_date="2015-03-14", address=STREET)


def wish(n: int, kind: str, **more: Any) -> dict[str, Any]:
    return {**HERE, "language": "any", "kind": kind, "child": child(n), **more}


def group(n: int, direction: str, capacity: int) -> dict[str, Any]:
    activity = {"sport": "judo", "creative": "dombra", "education": "robotics"}[direction]
    return {
        "name": f"Group {n}",
        "academic_year": 2026,
        "age_from": 8,
        "age_to": 14,
        "language": "kk",
        "kind": direction,
        "hours": "60",
        "capacity": capacity,
        "from_on": "2026-08-03",
        "activity": activity,
    }


def club(n: int, direction: str, **more: Any) -> dict[str, Any]:
    return {
        **HERE,
        "name": f"Club {n}",
        "address": f"Abai street {n}, Karaganda",
        "locality": "urban",
        "form": "private",
        "direction": direction,
        "location": {"lat": 49.8047 + n / 100, "lon": 73.1094},
        "sen_conditions": True,
        **more,
    }


def imported(n: int, direction: str, capacity: int, **more: Any) -> dict[str, Any]:
    payee = script.organisation(n, name=f"Club {n}")
    payee.pop("payee")
    return {
        "organisation": {"organisation_id": f"organisation-{n}", **payee},
        **club(n, direction),
        "groups": [{"group_id": f"group-000{n}", **group(n, direction, capacity)}],
        "act": "No. 1",
        "listed_on": "2026-01-05",
        "source": {"system": "old list", "file": "0" * 64, "line": n + 2},
        **more,
    }


def checklist(document: str = "KZ-12/345") -> dict[str, Any]:
    items = [
        {
            "item": item.code,
            "state": "ready",
            "document": document,
            **({"valid_to": "2026-09-30"} if item.validity_days else {}),
        }
        for item in _PACK.at(date(2026, 8, 3)).admission.items_for("sport")
    ]
    return {"checklist": items, "attempt": 1}


def register_row(n: int) -> dict[str, Any]:
    """A child with its voucher and club in the register of a platform that closes."""
    return {
        **HERE,
        "representative": script.me(n),
        "child": child(n),
        "voucher_kind": "universal",
        "group_id": "group-0009",
        "issued_at": "2026-01-12T10:11:12.5+05:00",
        "starts_on": "2026-02-02",
        "used": {"month": "2026-08", "used_tiyn": 4_500_00, "limit_tiyn": 18_000_00},
        "source": {"system": "closing", "number": "17", "file": "0" * 64, "line": 3},
    }


def week(*weekdays: int, starts: str) -> list[dict[str, Any]]:
    return [{"weekday": day, "starts": starts, "minutes": 60} for day in weekdays]


# Operations that the preschool year has no use for.
ONLY_HERE = frozenset(
    {
        "PUT /v1/applications/intakes/{intake_id}",
        "PUT /v1/applications/intakes/{intake_id}/beacon",
        "PUT /v1/applications/intakes/{intake_id}/cancellation",
        "PUT /v1/attendance/children/{child_id}/lessons/{lesson}/confirmation",
        "PUT /v1/attendance/confirmations/{code}",
        "PUT /v1/budgets/{programme}/{area}/{year}/{direction}",
        "PUT /v1/lessons/groups/{group_id}/lessons/{lesson}/cancellation",
        "PUT /v1/lessons/groups/{group_id}/lessons/{lesson}/make-up",
        "PUT /v1/lessons/groups/{group_id}/timetable",
        "PUT /v1/vouchers/imports/{import_id}",
        "PUT /v1/vouchers/{voucher_id}/special-needs",
        "PUT /v1/vouchers/{voucher_id}/target",
    }
)


# --- the autumn


def admission(city: ClubsCity) -> None:
    """A judo club comes on the List by three votes; three more are imported."""
    city.at("2026-08-03T09:00:00")
    head, site = city.heads[9], "/v1/providers/sites/site-0009"
    city.does(
        head, "/v1/providers/organisations/organisation-9", script.organisation(9, name="Club 9")
    )
    described = {"organisation_id": "organisation-9", **club(9, "sport")}
    city.act(head, site, described, other={**described, "sen_conditions": False})
    taught = {"name": TEACHER, "education": SCHOOL, "experience_years": 9}
    city.act(
        head,
        f"{site}/teachers",
        {"teachers": [taught]},
        other={"teachers": [{**taught, "experience_years": 10}]},
    )
    city.act(head, f"{site}/submission", checklist(), other=checklist("KZ-99/999"))
    back = {"result": "correction", "reasons": [REASON]}
    city.act(city.department, f"{site}/check", {"result": "complete"}, other=back)
    refuse = {"result": "refuse", "reasons": [REASON]}
    city.act(city.members[0], f"{site}/decision", refuse, other={**refuse, "result": "admit"})
    city.does(city.members[1], f"{site}/decision", refuse)
    admit = {"result": "admit", "reasons": [{**REASON, "evidence": "alarms, act 8"}]}
    city.does(city.members[2], f"{site}/decision", admit)
    objection = {"reasons": [{**REASON, "evidence": "alarms were put in on 1 August"}]}
    city.act(head, f"{site}/objection", objection, other={"reasons": [REASON]})
    for member in city.members:
        city.act(member, f"{site}/objection-answer", admit, other=refuse)
    listing = {"act": "1-Ө"}
    city.act(
        city.department,
        f"{site}/listing",
        listing,
        other={"act": "2-Ө"},
        code="providers/too-early",
    )
    renewed = {"document": "KZ-12/346", "valid_to": "2027-07-19", "replaces": 1}
    city.act(
        head,
        f"{site}/documents/first-aid",
        renewed,
        other={**renewed, "document": "KZ-99/999"},
        code="providers/changed-meanwhile",
    )
    described = {"site_id": "site-0009", **group(9, "sport", 4)}
    city.act(
        head,
        "/v1/providers/groups/group-0009",
        described,
        other={**described, "activity": "football"},
    )
    for n, direction, places, form in (
        (0, "sport", 5, "private"),
        (1, "creative", 4, "private"),
        (2, "education", 2, "public"),
    ):
        city.act(
            city.operator,
            f"/v1/providers/imports/site-000{n}",
            imported(n, direction, places, form=form),
            other=imported(n, direction, places, form=form, sen_conditions=False),
        )
    city.cloud.drain()


def publishing(city: ClubsCity) -> None:
    """Budgets by direction; a week of lessons for each club."""
    budget = {"amount_tiyn": PLENTY, "act": "No. 7"}
    city.act(city.finance, f"{BUDGET}/sport", budget, other={**budget, "amount_tiyn": 1_00})
    city.does(city.strangers["finance"], f"{BUDGET}/creative", budget)
    of_education = city.person(
        "finance", "finance-education", areas=["karaganda"], directions=["education"]
    )
    city.does(of_education, f"{BUDGET}/education", budget)
    hours = {
        0: week(2, 4, starts="16:00"),
        1: week(2, 4, starts="17:30"),
        2: week(6, starts="10:00"),
    }
    for n, lessons in {**hours, 9: week(2, 4, starts="18:00")}.items():
        asked = {"from_on": "2026-08-25", "lessons": lessons}
        city.act(
            city.heads[n],
            f"/v1/lessons/groups/group-000{n}/timetable",
            asked,
            other={**asked, "lessons": week(1, 3, starts="16:00")},
        )


def window(city: ClubsCity) -> None:
    """A window of intake, its draw, and the run that gives what the budgets promise."""
    path, wrong = (f"/v1/applications/intakes/intake-{n}" for n in (1, 0))
    asked = {
        **HERE,
        "opens_at": "2026-08-11T09:00:00+05:00",
        "closes_at": "2026-08-15T18:00:00+05:00",
        "beacon_at": "2026-08-16T12:00:00+05:00",
    }
    later = {**asked, "beacon_at": "2026-08-16T13:00:00+05:00"}
    city.does(city.operator, wrong, later)
    city.act(city.operator, f"{wrong}/cancellation")
    announced = city.act(city.operator, path, asked, other=later)
    city.at("2026-08-11T09:00:01")
    for n, direction in enumerate(["sport", "sport", "creative", "sport", "any", "sport"]):
        city.cloud.set_clock(city.cloud.clock() + timedelta(seconds=1))
        city.does(city.families[n], "/v1/children/me", script.me(n))
        statuses = ["sen"] if n == 0 else []
        body = wish(n, direction, statuses=statuses)
        said = city.act(
            city.families[n],
            f"/v1/applications/application-{n}",
            body,
            other={**body, "kind": "education"},
        )
        city.children[n] = said["child_id"]
    city.act(
        city.families[4],
        "/v1/applications/application-4/wish",
        {"kind": "creative", "language": "any"},
    )
    city.act(
        city.families[1],
        "/v1/applications/application-1/preferences",
        {"preferences": ["group-0000", "group-0009"]},
    )
    city.act(city.families[5], "/v1/applications/application-5/withdrawal")
    waiting = city.department.get("/v1/applications/to-verify", query=HERE)["items"]
    for item in waiting:
        application = f"/v1/applications/{item['application_id']}"
        # What is protected stands in no list; an officer opens it and says why.
        opened = city.cloud.get(
            f"{application}/protected",
            token=city.department.token(),
            headers={"kezek-purpose": "verification"},
        )
        assert opened.status == 200, opened.text
        for status in [*item["statuses"], *opened.json["protected"]]:
            if (status["proof"], status["state"]) != ("paper", "claimed"):
                continue
            if status["status"] == "protected":
                continue
            proved = f"{application}/statuses/{status['status']}"
            # Papers are about the child: any officer of the city looks at them.
            far = city.far("department")
            city.act(city.department, proved, {"result": "proved"}, foreign=far)
    city.at("2026-08-16T12:00:10")
    beacon, other = (
        {
            "round": announced["beacon"]["round"],
            "randomness": hashlib.sha256(signature).hexdigest(),
            "signature": signature.hex(),
        }
        for signature in (b"k" * 48, b"l" * 48)
    )
    city.act(
        city.operator,
        f"{path}/beacon",
        beacon,
        other=other,
        code="applications/already-drawn",
    )
    city.at("2026-08-17T09:00:00")
    elsewhere = {"programme": "clubs", "area": "astana"}
    city.act(city.operator, "/v1/queue/checkpoints/checkpoint-1", HERE, other=elsewhere)
    city.act(city.operator, "/v1/queue/runs/run-right", HERE, other=elsewhere)
    city.act(city.second, "/v1/queue/runs/run-right/release")
    city.cloud.drain()
    states = {
        n: city.families[n].get(f"/v1/applications/application-{n}")["state"] for n in range(6)
    }
    assert set(states.values()) == {"fulfilled", "withdrawn"}, states


def choosing(city: ClubsCity) -> None:
    """Four families choose a club and sign; no papers are asked for."""
    for n, club_ in ((0, 0), (1, 0), (2, 1), (3, 0)):
        path = city.voucher_path(n)
        city.act(city.families[n], f"{path}/choice", {"group_id": f"group-000{club_}"})
        city.act(
            city.families[n],
            f"{path}/contract",
            {"starts_on": "2026-09-01"},
            other={"starts_on": "2026-09-02"},
        )
    city.does(city.families[6], "/v1/children/me", script.me(6))
    place = {"group_id": "group-0002", "child": child(6), "starts_on": "2026-09-01"}
    city.act(
        city.families[6],
        "/v1/vouchers/voucher-0006/target",
        place,
        other={**place, "group_id": "group-0009"},
    )
    row = register_row(7)
    city.act(
        city.operator,
        "/v1/vouchers/imports/voucher-0007",
        row,
        other={**row, "starts_on": "2026-02-03"},
    )
    # The fifth only waits, then closes a voucher without a contract.
    city.act(
        city.families[4],
        f"{city.voucher_path(4)}/closure",
        {"reason": "withdrawal"},
        other={"reason": "graduation"},
    )
    city.cloud.drain()
    city.enrolments = {n: city.voucher(n)["enrolment_id"] for n in range(4)}


def september(city: ClubsCity) -> None:
    """Lessons on Tuesday and Thursday; one is cancelled and made up; a family switches."""
    city.at("2026-08-31T10:00:00")
    for n in (0, 1):
        asked = {"site_id": f"site-000{n}", "label": "Hall"}
        code = city.does(city.heads[n], f"/v1/attendance/pairings/pairing-{n}", asked)["code"]
        tablet = Tablet(city.cloud)
        city.tablets.append(tablet)
        city.does(None, f"/v1/attendance/devices/{tablet.id}", pairing_body(tablet, code))
    first, second = city.tablets
    who = city.enrolments
    three = [who[0], who[1], who[3]]
    city.visit({f"202609{day:02d}T1600": three for day in (1, 3, 8)}, first)
    city.visit({f"202609{day:02d}T1730": [who[2]] for day in (1, 3, 8)}, second)
    city.at("2026-09-09T09:00:00")
    lessons = "/v1/lessons/groups/group-0000/lessons"
    city.act(
        city.heads[0],
        f"{lessons}/20260910T1600/cancellation",
        {"reason": "teacher-away"},
        other={"reason": "premises"},
    )
    city.act(
        city.heads[0],
        f"{lessons}/20260912T1600/make-up",
        {"instead_of": "20260910T1600"},
        other={"instead_of": "20260908T1600"},
    )
    city.visit({"20260912T1600": three, "20260915T1600": three}, first)
    # The second family switches to the creative club: the promise moves with it.
    moved = city.act(
        city.families[1],
        f"{city.voucher_path(1)}/transfer",
        {"group_id": "group-0001"},
    )
    who[1] = moved["enrolment_id"]
    city.cloud.drain()
    city.visit({"20260917T1730": [who[1], who[2]], "20260922T1730": [who[1]]}, second)
    city.visit({f"202609{day}T1600": [who[0], who[3]] for day in (17, 22, 24)}, first)


def confirming(city: ClubsCity) -> None:
    """A lesson is confirmed by a tap and by a code; another is contested."""
    city.at("2026-09-24T19:00:00")
    city.act(
        city.families[0],
        f"/v1/attendance/children/{city.children[0]}/lessons/20260901T1600/confirmation",
        {"programme": "clubs"},
    )
    sheet = f"/v1/attendance/children/{city.children[3]}/months/2026-09"
    claim = {"claim": "N", "reason": "was-not-there", "programme": "clubs"}
    city.act(
        city.families[3],
        f"{sheet}/disputes/20260903T1600",
        claim,
        other={**claim, "reason": "another-reason"},
    )
    city.cloud.advance(almaty("2026-09-25T13:00:00"), only=["run_attendance"])
    told = city.families[0].get("/v1/notices", query={"limit": 100})["notices"]
    codes = [code for notice in told for code in _CODE.findall(notice["text"])]
    city.act(None, f"/v1/attendance/confirmations/{codes[0]}", {})


def closing(city: ClubsCity) -> None:
    """The month closes; families approve the rest; an officer decides the contested lesson."""
    month = "/v1/attendance/sites/site-0000/months/2026-09"
    city.at("2026-10-01T13:00:00")
    for n in (0, 1):
        city.act(city.heads[n], f"/v1/attendance/sites/site-000{n}/months/2026-09/closing", {})
    city.cloud.drain()
    line = f"{month}/children/{city.children[3]}"
    city.act(
        city.heads[0],
        f"{line}/answers/20260903T1600",
        {"answer": "insist"},
        other={"answer": "agree"},
    )
    for n in range(4):
        path = f"/v1/attendance/children/{city.children[n]}/months/2026-09"
        for sheet in city.families[n].get(path, query={"programme": "clubs"})["items"]:
            of = {"site_id": sheet["site_id"], "programme": "clubs"}
            city.act(
                city.families[n],
                f"{path}/approval",
                {**of, "digest": sheet["digest"]},
                other={**of, "digest": "0" * 32},
            )
    city.cloud.drain()
    decided = {"counts": True, "reason": "device-evidence", "day_code": "P"}
    city.act(
        city.department,
        f"{line}/decisions/20260903T1600",
        decided,
        other={"counts": False, "reason": "no-evidence"},
    )


def money(city: ClubsCity) -> None:
    """September is billed, claimed by direction, released and put into a run of payments."""
    city.at("2026-10-12T09:00:00")
    wanted = {**HERE, "month": "2026-09"}
    city.act(
        city.operator,
        "/v1/billing/runs/billing-run-1",
        wanted,
        other={**wanted, "month": "2026-08"},
    )
    city.cloud.drain()
    city.cloud.advance(almaty("2026-10-14T09:00:00"), only=["run_billing", "run_claims"])
    claims = city.department.get("/v1/payouts/claims", query=wanted)["claims"]
    assert [claim["site_id"] for claim in claims] == ["site-0000"], claims
    confirm_accounts(city.cloud, "karaganda", claims)
    for claim in claims:
        path = f"/v1/payouts/claims/{claim['claim_id']}"
        sum_ = claim["amount_tiyn"]
        city.act(
            city.heads[0],
            f"{path}/signature",
            {"amount_tiyn": sum_},
            other={"amount_tiyn": sum_ + 1},
            code="payouts/not-now",
        )
        city.act(
            city.department,
            f"{path}/agreement",
            {"agreed": True},
            other={"agreed": False, "reason": "other"},
            code="payouts/not-now",
        )
        # One treasury pays for all directions of a city.
        city.act(city.finance, f"{path}/release", {}, foreign=city.far("finance"))
    run = city.act(
        city.finance,
        "/v1/payouts/runs/payment-run-1",
        wanted,
        other={**wanted, "month": "2026-08"},
        foreign=city.far("finance"),
    )
    city.act(
        city.other_finance,
        "/v1/payouts/runs/payment-run-1/confirmation",
        {"total_tiyn": run["planned_tiyn"]},
        other={"total_tiyn": run["planned_tiyn"] + 1},
        code="payouts/sum-changed",
        foreign=city.far("finance"),
    )
    city.cloud.drain()


def leaving(city: ClubsCity) -> None:
    """A family leaves, another needs more; a club is suspended and removed."""
    city.at("2026-10-15T09:00:00")
    city.act(
        city.families[0],
        f"{city.voucher_path(0)}/closure",
        {"reason": "withdrawal", "last_day": "2026-10-16"},
        other={"reason": "graduation", "last_day": "2026-10-16"},
    )
    raised = {"act": "№ 17, 12.10.2026", "from_on": "2026-10-20"}
    city.act(
        city.department,
        f"{city.voucher_path(3)}/special-needs",
        raised,
        other={**raised, "act": "№ 18, 12.10.2026"},
    )
    measure = {"act": "5-Ө", "reasons": [REASON]}
    site = "/v1/providers/sites/site-0000"
    city.act(
        city.department, f"{site}/suspension", measure, other={**measure, "reasons": [REASON] * 2}
    )
    city.act(
        city.department,
        f"{site}/removal",
        {"act": "6-Ө", "reasons": [REASON], "planned_transfer": True},
        other={"act": "6-Ө", "reasons": [], "planned_transfer": True},
    )
    city.cloud.drain()


ClubsCity.parts = (
    admission,
    publishing,
    window,
    choosing,
    september,
    confirming,
    closing,
    money,
    leaving,
    complaints,
    rights,
)
