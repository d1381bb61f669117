"""One city's year that reaches every operation that changes something.

`City.play` acts in order; each change goes through `City.act`, where a test may put itself in the
way (`city.on_act`) the first time an operation is reached, in exactly the state it needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar

from chalicelib.access import actions as access
from chalicelib.edge.routes import Operation
from chalicelib.kernel.periods import Month
from chalicelib.policy.actions import load_pack
from infra.local.testing import Said, TestCloud
from tests.offered import OPERATIONS
from tests.promises import eds
from tests.promises.script_access import fraud, guarded
from tests.promises.script_complaints import complaints
from tests.promises.script_money import money
from tests.promises.script_rights import rights
from tests.promises.script_sign_ins import sign_ins
from tests.promises.script_signals import signals
from tests.providers.town import submission_body
from tests.stories.conftest import Person, Tablet
from tests.stories.people import almaty, bin_, iban, iin

HERE = {"programme": "preschool", "area": "taldykorgan"}
REASON = {"rule": "fire-safety", "evidence": "no alarm in two rooms, act 14"}
_RATED_BY = load_pack("preschool", "taldykorgan").at(date(2026, 9, 30))
CRITERIA = [criterion.code for criterion in _RATED_BY.rating.criteria]
OTHER_ACCOUNT = iban(77)


def changing() -> list[Operation]:
    """Return every operation that may change something."""
    return [o for o in OPERATIONS if o.method != "GET"]


def operation_of(method: str, path: str) -> Operation:
    """Return the operation that a concrete path belongs to; fixed segments win over parameters."""
    fitting = [
        o
        for o in OPERATIONS
        if o.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", o.path), path)
    ]
    return min(fitting, key=lambda o: o.path.count("{"))


@dataclass
class Act:
    """A change about to be made, and what tests need to vary it.

    other: another content under the same id, and the code it is refused with.
    foreign: somebody of the same role to whom the object does not belong.
    """

    who: Person | Tablet | None
    method: str
    path: str
    body: Any
    headers: dict[str, str]
    other: Any = None
    code: str = "kezek/another-content"
    foreign: Person | None = None

    @property
    def operation(self) -> Operation:
        return operation_of(self.method, self.path)

    @property
    def name(self) -> str:
        return f"{self.operation.method} {self.operation.path}"


@dataclass
class City:
    """Everybody who acts, and what has happened so far."""

    here: ClassVar[dict[str, str]] = HERE
    # When a child who fits was born, and how its application is worded.
    born: ClassVar[str] = "2023-03-14"
    wishes: ClassVar[dict[str, str]] = {"language": "kk"}
    parts: ClassVar[tuple[Callable[[Any], None], ...]] = ()

    cloud: TestCloud
    on_act: Callable[[City, Act], Said] | None = None
    reached: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    # Who asks first where two persons are needed, by role.
    colleagues: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tablets: list[Tablet] = []
        self.children: dict[int, str] = {}
        self.enrolments: dict[int, str] = {}
        self.people()
        self.colleagues |= {
            "department": self.other_officer,
            "operator": self.second,
            "finance": self.other_finance,
        }

    def people(self) -> None:
        """Name everybody who acts, and a stranger of each role."""
        area = {"areas": ["taldykorgan"]}
        make = self.person
        self.operator, self.second = (
            make("operator", f"operator-{n}", areas=["taldykorgan", "astana"]) for n in (1, 2)
        )
        self.department, self.other_officer = (
            make("department", f"officer-{n}", **area) for n in (1, 2)
        )
        self.commission = make("commission", "commission-1", **area)
        self.finance, self.other_finance = (make("finance", f"fin-{n}", **area) for n in (1, 2))
        self.heads = {
            n: make("head", f"head-{n}", organisations=[f"organisation-{n}"]) for n in (0, 1, 9)
        }
        self.families = [make("representative", f"family-{n}") for n in range(9)]
        self.strangers = {
            "representative": make("representative", "stranger-1"),
            "head": make("head", "stranger-2", organisations=["organisation-none"]),
            **{
                role: make(role, f"far-{role}", areas=["almaty"])
                for role in ("department", "operator", "finance", "commission")
            },
        }

    def play(self) -> None:
        """Act the whole year."""
        for part in self.parts:
            part(self)

    def person(self, role: str, subject: str, **claims: Any) -> Person:
        return Person(self.cloud, role, subject, claims)

    def far(self, role: str) -> Person:
        """Return an officer of another city."""
        return self.strangers[role]

    def send(self, act: Act, who: Any = None) -> Said:
        """Send a request as it stands, as somebody."""
        sender = who or act.who
        token = sender.token() if sender else None
        return self.cloud.request(act.method, act.path, act.body, token=token, headers=act.headers)

    def act(
        self,
        who: Any,
        path: str,
        body: Any = None,
        *,
        method: str = "PUT",
        other: Any = None,
        code: str = "kezek/another-content",
        headers: dict[str, str] | None = None,
        foreign: Person | None = None,
        variant: str = "",
    ) -> Any:
        """Make a change that must succeed; return the answer.

        variant: what is asked with an operation that was reached with something else; a test may
        put itself in the way of it too.
        """
        stranger = foreign
        if stranger is None and isinstance(who, Person):
            stranger = self.strangers.get(who.role)
        one = Act(who, method, path, body, headers or {}, other, code, stranger)
        if access.row(one.operation.action).second is not None:
            proposed = self.send(one, self.colleagues[who.role])
            assert proposed.status == 202, f"{method} {path}: {proposed.status} {proposed.text}"
        reached = f"{one.name} {variant}".rstrip()
        first = reached not in self.reached
        if first:
            self.reached.append(reached)
        said = self.on_act(self, one) if first and self.on_act else self.send(one)
        assert said.status < 300, f"{method} {path}: {said.status} {said.text}"
        if access.row(one.operation.action).second is not None:
            self.check_closed(one)
        return said.json

    def check_closed(self, act: Act) -> None:
        """A proposal that was carried out waits for nobody any more."""
        said = self.cloud.get("/v1/access/proposals", token=act.who.token())  # type: ignore[union-attr]
        waiting = [one["action"] for one in said.json["items"]]
        assert act.operation.action not in waiting, waiting

    def at(self, text: str) -> None:
        self.cloud.set_clock(almaty(text))

    def voucher(self, n: int) -> dict[str, Any]:
        shown = self.families[n].get(f"/v1/applications/application-{n}")
        return dict(self.families[n].get(f"/v1/vouchers/{shown['voucher_id']}"))

    def voucher_path(self, n: int) -> str:
        return f"/v1/vouchers/{self.voucher(n)['voucher_id']}"


# --- bodies; names are chosen so that a canary is easy to find


SURNAME, GIVEN, CHILD_NAME = "Қанарейбекова", "Сапфирагүл", "Яхонтбек"
ADDRESS = "Талдықорған, Гиацинт көшесі, 417"
PAYEE = "ЖК Қанарейбекова Сапфирагүл"


def me(n: int, **more: Any) -> dict[str, Any]:
    return {
        "iin": iin(n),
        "surname": SURNAME,
        "given_name": GIVEN,
        "language": "kk",
        "contacts": [{"kind": "phone", "value": f"+7701555444{n}"}],
        **more,
    }


def child(n: int, **more: Any) -> dict[str, Any]:
    return {
        "surname": SURNAME,
        "given_name": CHILD_NAME,
        "birth_date": "2023-03-14",
        "sex": "male",
        "iin": iin(100 + n),
        "address": ADDRESS,
        **more,
    }


def wish(n: int, *prefer: str, **more: Any) -> dict[str, Any]:
    return {**HERE, "language": "kk", "preferences": list(prefer), "child": child(n), **more}


def organisation(n: int, **more: Any) -> dict[str, Any]:
    return {
        "bin": bin_(n),
        "name": f"Kindergarten {n}",
        "form": "private",
        "payee": PAYEE,
        "account": iban(n),
        "bank": "KCJBKZKX",
        "contact": "+77019998877",
        **more,
    }


def group(n: int, capacity: int) -> dict[str, Any]:
    return {
        "name": f"Group {n}",
        "academic_year": 2026,
        "age_from": 3,
        "age_to": 3,
        "language": "kk",
        "kind": "general",
        "hours": "10.5",
        "capacity": capacity,
        "from_on": "2026-07-01",
    }


def imported_site(n: int, capacity: int, **more: Any) -> dict[str, Any]:
    payee = organisation(n)
    payee.pop("payee")
    return {
        "organisation": {"organisation_id": f"organisation-{n}", **payee},
        **HERE,
        "name": f"Kindergarten {n}",
        "address": f"Abai street {n}, Taldykorgan",
        "locality": "urban",
        "form": "private",
        "groups": [{"group_id": f"group-000{n}", **group(n, capacity)}],
        "act": "No. 1",
        "listed_on": "2026-01-05",
        "source": {"system": "old list", "file": "0" * 64, "line": n + 2},
        **more,
    }


# --- the year


def admission(city: City) -> None:
    """A kindergarten comes on the List by the book; two are imported."""
    city.at("2026-07-20T09:00:00")
    head, site = city.heads[9], "/v1/providers/sites/site-0009"
    place = "/v1/providers/organisations/organisation-9"
    city.act(head, place, organisation(9), other=organisation(9, name="Another"))
    described = {
        "organisation_id": "organisation-9",
        **HERE,
        "name": "Kindergarten 9",
        "address": "Abai street 9, Taldykorgan",
        "locality": "urban",
        "form": "private",
        "location": {"lat": 45.0156, "lon": 78.3739},
    }
    city.act(head, site, described, other={**described, "name": "Another"})
    city.act(head, f"{site}/submission", _checklist(), other=_checklist(document="KZ-99/999"))
    back = {"result": "correction", "reasons": [REASON]}
    city.act(city.department, f"{site}/check", {"result": "complete"}, other=back)
    refuse = {"result": "refuse", "reasons": [REASON]}
    city.act(city.commission, f"{site}/decision", refuse, other={"result": "admit"})
    objection = {"reasons": [{**REASON, "evidence": "alarms were put in on 18 July"}]}
    city.act(head, f"{site}/objection", objection, other={"reasons": [REASON]})
    city.act(city.commission, f"{site}/objection-answer", {"result": "admit"}, other=refuse)
    city.act(
        city.department,
        f"{site}/listing",
        {"act": "1-Ө"},
        other={"act": "2-Ө"},
        code="providers/too-early",
    )
    taught = {"name": "Teacher 9", "education": "Institute 9", "experience_years": 9}
    city.act(
        head,
        f"{site}/teachers",
        {"teachers": [taught]},
        other={"teachers": [{**taught, "experience_years": 10}]},
    )
    paper = {"document": "KZ-12/346", "valid_to": "2027-07-19", "replaces": 1}
    city.act(
        head,
        f"{site}/documents/fire-safety",
        paper,
        other={**paper, "document": "KZ-99/999"},
        code="providers/changed-meanwhile",
    )
    described = {"site_id": "site-0009", **group(9, 3)}
    city.act(
        head,
        "/v1/providers/groups/group-0009",
        described,
        other={**described, "name": "Another"},
    )
    moved = city.act(head, place, organisation(9, account=OTHER_ACCOUNT, replaces=1))
    city.act(
        city.department,
        f"{place}/account-confirmation",
        {"revision": moved["revision"]},
        other={"revision": 77},
        code="providers/changed-meanwhile",
    )
    measure = {"act": "3-Ө", "reasons": [REASON]}
    city.act(
        city.department, f"{site}/suspension", measure, other={**measure, "reasons": [REASON] * 2}
    )
    city.act(
        city.department,
        f"{site}/reinstatement",
        {"act": "4-Ө", "reasons": []},
        other={"act": "4-Ө", "reasons": [REASON]},
    )
    for n, places in ((0, 5), (1, 4)):
        city.act(
            city.operator,
            f"/v1/providers/imports/site-000{n}",
            imported_site(n, places),
            other=imported_site(n, places, name="Another"),
        )
    city.cloud.drain()


def _checklist(document: str = "KZ-12/345") -> dict[str, Any]:
    shown = submission_body()
    items = [{**item, "document": document} for item in shown["checklist"]]
    return {**shown, "checklist": items}


def applying(city: City) -> None:
    """Seven families queue, one as a teacher, one from another system's list."""
    for n, family in enumerate(city.families[:8]):
        city.cloud.set_clock(city.cloud.clock() + timedelta(seconds=1))
        city.act(
            family,
            "/v1/children/me",
            me(n),
            other=me(n + 40),
            code="children/identity-fixed",
        )
        prefer = ["group-0000"] if n == 5 else ["group-0000", "group-0001"]
        more: dict[str, Any] = {"statuses": ["teacher", "orphan"]} if n == 0 else {}
        said = city.act(
            family,
            f"/v1/applications/application-{n}",
            wish(n, *prefer, **more),
            other=wish(n, "group-0001"),
        )
        city.children[n] = said["child_id"]
    city.act(
        city.department,
        "/v1/applications/application-0/statuses/teacher",
        {"result": "proved"},
    )
    signing = "/v1/applications/application-0/signings/signing-0"
    text = city.act(city.families[0], signing)["text"]
    first, second = (eds.signature(text, me(0)["iin"], at=city.cloud.clock()) for _ in "12")
    city.act(city.families[0], f"{signing}/signature", first, other=second)
    city.act(
        city.families[6],
        "/v1/applications/application-6/preferences",
        {"preferences": ["group-0001", "group-0000"]},
    )
    city.act(
        city.families[7],
        "/v1/applications/application-7/wish",
        {"kind": "general", "language": "ru"},
    )
    city.act(city.families[7], "/v1/applications/application-7/withdrawal")
    row = {
        "representative": me(8),
        "child": child(8, birth_date="2020-11-14"),
        **HERE,
        "language": "ru",
        "applied_at": "2025-02-03T10:11:12.5+05:00",
        "source": {"system": "old queue", "number": "17", "file": "0" * 64, "line": 3},
    }
    city.act(
        city.operator,
        "/v1/applications/imports/application-8",
        row,
        other={**row, "language": "kk"},
    )
    city.cloud.drain()


def family_records(city: City) -> None:
    """A grandmother may act, a name is corrected, a doubled record is joined and parted."""
    grandmother = city.families[7].get("/v1/children/me")["person_id"]
    power = {"powers": ["choose"], "valid_from": "2026-07-20", "basis": "power-of-attorney"}
    mine = f"/v1/children/{city.children[6]}"
    city.act(city.department, f"{mine}/representatives/{grandmother}", power)
    city.act(city.department, f"{mine}/identity", {"patronymic": "Аметистұлы"})
    doubled = f"/v1/children/{city.children[7]}/merge"
    city.act(
        city.department,
        doubled,
        {"into": city.children[6]},
        other={"into": city.children[5]},
        code="children/merged-already",
    )
    city.act(city.department, doubled, method="DELETE")
    bank = city.person("representative", "bank")
    said = city.cloud.put("/v1/children/me", me(0), token=bank.token())
    assert said.code == "children/iin-taken"
    city.act(
        city.department,
        f"/v1/children/sign-ins/{said.json['sign_in']}",
        {"iin": iin(0)},
        other={"iin": iin(1)},
        code="children/sign-in-taken",
    )
    city.cloud.drain()


def allocation(city: City) -> None:
    """A checkpoint, a run that is stopped, a run by two persons; who waits, lapses, returns."""
    far = {"programme": "preschool", "area": "astana"}
    city.at("2026-07-20T19:00:00")
    city.act(city.operator, "/v1/queue/checkpoints/checkpoint-1", HERE, other=far)
    city.act(city.operator, "/v1/queue/runs/run-wrong", HERE, other=far)
    city.act(
        city.operator,
        "/v1/queue/runs/run-wrong/stop",
        {"reason": "wrong-input"},
    )
    city.cloud.drain()
    city.act(city.operator, "/v1/queue/runs/run-right", HERE, other=far)
    city.act(city.second, "/v1/queue/runs/run-right/release")
    city.cloud.drain()

    seats = [city.voucher(n)["group_id"] for n in range(7)]
    assert seats == ["group-0000"] * 5 + ["group-0001"] * 2, seats
    waiting = f"{city.voucher_path(5)}/waiting/group-0000"
    for n in (0, 2, 3, 4, 5):
        city.act(city.families[n], f"/v1/applications/application-{n}/confirmation")
    city.act(city.families[5], waiting, method="DELETE")
    city.act(city.families[5], waiting)
    city.act(city.families[6], "/v1/applications/application-6/refusal")
    # The second family lets its voucher lapse: the place is offered to who waits for it.
    city.cloud.advance(almaty("2026-07-23T01:00:00"), only=["run_deadlines"])
    assert city.voucher(5)["waiting"][0]["state"] == "offered"
    city.act(
        city.families[5],
        f"{waiting}/answer",
        {"accept": True},
        other={"accept": False},
        code="vouchers/not-offered",
    )
    city.act(city.families[1], "/v1/applications/application-1/restoration")
    city.cloud.drain()
    city.at("2026-07-23T19:00:00")
    city.act(city.operator, "/v1/queue/runs/run-second", HERE)
    city.act(city.second, "/v1/queue/runs/run-second/release")
    city.cloud.drain()
    assert city.voucher(1)["group_id"] == "group-0001"
    city.act(city.families[1], "/v1/applications/application-1/confirmation")


def contracts(city: City) -> None:
    """Choice, papers, contract: the first day is 1 September."""
    for n in range(6):
        path, group_id = city.voucher_path(n), city.voucher(n)["group_id"]
        head = city.heads[int(group_id[-1])]
        elsewhere = {"group_id": "group-0009"}
        city.act(city.families[n], f"{path}/choice", {"group_id": group_id})
        city.act(
            head,
            f"{path}/papers",
            {"result": "accepted"},
        )
        city.act(
            city.families[n],
            f"{path}/contract",
            {"starts_on": "2026-09-01"},
            other={"starts_on": "2026-09-02"},
        )
        del elsewhere
    city.cloud.drain()


def september(city: City) -> None:
    """Two tablets are paired, one is lost; September is signed at the first kindergarten."""
    city.at("2026-08-31T10:00:00")
    head = city.heads[0]
    for n in (0, 1):
        asked = {"site_id": "site-0000", "label": f"Hall {n}"}
        code = city.act(
            head,
            f"/v1/attendance/pairings/pairing-{n}",
            asked,
            other={**asked, "label": "Another"},
        )["code"]
        tablet = Tablet(city.cloud)
        city.tablets.append(tablet)
        city.act(None, f"/v1/attendance/devices/{tablet.id}", pairing_body(tablet, code))
    lost = city.tablets[1]
    stolen = {"site_id": "site-0000", "foreign_on": "2026-08-31"}
    city.act(head, f"/v1/attendance/devices/{lost.id}/revocation", stolen)
    found = {"site_id": "site-0000", "reason": "inspected"}
    city.act(
        city.department,
        f"/v1/attendance/devices/{lost.id}/clearing",
        found,
        other={**found, "reason": "records-agree"},
    )
    tablet = city.tablets[0]
    city.enrolments = {n: city.voucher(n)["enrolment_id"] for n in range(6)}
    records: list[dict[str, Any]] = []
    worked = list(
        load_pack("preschool", "taldykorgan").calendar.working_days_in(Month.parse("2026-09"))
    )
    city.worked = worked  # type: ignore[attr-defined]
    for day in worked:
        came = almaty(f"{day}T08:10:00")
        for n in (0, 2, 3, 4, 5):
            enrolment = city.enrolments[n]
            if n == 2 and day in worked[3:5]:
                records.append(tablet.record(enrolment, "absence", came, reason="N"))
                continue
            records.append(tablet.record(enrolment, "in", came))
            records.append(tablet.record(enrolment, "out", came + timedelta(hours=9)))
        if day.weekday() == 4 or day == worked[-1]:
            city.cloud.set_clock(came + timedelta(hours=10))
            upload = {"records": records}
            said = city.act(tablet, "/v1/attendance/records", upload, method="POST")
            assert {o["outcome"] for o in said["outcomes"]} == {"accepted"}, said
            records = []
        if day == worked[8]:
            # The second family moves, free and from the next working day.
            city.cloud.set_clock(came)
            city.act(
                city.families[1],
                f"{city.voucher_path(1)}/transfer",
                {"group_id": "group-0009"},
                other={"group_id": "group-0000"},
                code="vouchers/transfer-pending",
            )
            city.cloud.drain()


def pairing_body(tablet: Tablet, code: str) -> dict[str, Any]:
    from tests.stories.conftest import b64

    bare = code.replace("-", "").upper()
    proof = tablet.key.sign(f"kezek-pair-v1|{tablet.id}|{bare}".encode())
    return {"code": bare, "public_key": b64(tablet.public), "label": "Tablet", "proof": b64(proof)}


def timesheets(city: City) -> None:
    """Papers for an absence; the month closes; one family disputes; an officer decides."""
    worked: list[date] = city.worked  # type: ignore[attr-defined]
    head = city.heads[0]
    month = "/v1/attendance/sites/site-0000/months/2026-09"
    line = f"{month}/children/{city.children[2]}"
    city.at("2026-09-30T20:00:00")
    paper = {"reason": "S", "proof": "095/у № 12"}
    city.act(
        head,
        f"{line}/proofs/{worked[4]}",
        paper,
        other={**paper, "proof": "№ 13"},
    )
    city.at("2026-10-01T13:00:00")
    city.act(head, f"{month}/closing", {})
    city.cloud.drain()
    sheet = f"/v1/attendance/children/{city.children[2]}/months/2026-09"
    claim = {"claim": "P", "reason": "was-there"}
    city.act(
        city.families[2],
        f"{sheet}/disputes/{worked[3]}",
        claim,
        other={"claim": "S", "reason": "another-reason"},
    )
    city.act(head, f"{line}/answers/{worked[3]}", {"answer": "insist"}, other={"answer": "agree"})
    for n in (0, 2, 3, 4, 5):
        sheet = f"/v1/attendance/children/{city.children[n]}/months/2026-09"
        digest = city.families[n].get(sheet)["items"][0]["digest"]
        city.act(
            city.families[n],
            f"{sheet}/approval",
            {"digest": digest},
            other={"digest": "0" * 32},
            code="kezek/another-content",
        )
    city.cloud.drain()
    decided = {"counts": True, "reason": "device-evidence", "day_code": "P"}
    city.act(
        city.department,
        f"{line}/decisions/{worked[3]}",
        decided,
        other={"counts": False, "reason": "no-evidence"},
    )
    city.cloud.drain()
    rated = {"scores": dict.fromkeys(CRITERIA, 4)}
    for n in (0, 2, 3, 4, 5):
        city.act(
            city.families[n],
            "/v1/ratings/sites/site-0000/quarters/2026-Q3",
            rated,
            other={"scores": dict.fromkeys(CRITERIA, 3)},
        )
    answer = {"quarter": "2026-Q3", "text": "Рақмет!"}
    city.act(
        head,
        "/v1/ratings/sites/site-0000/answer",
        answer,
        other={**answer, "text": "Another"},
    )


def leaving(city: City) -> None:
    """A family leaves; a kindergarten is removed."""
    city.at("2026-10-16T09:00:00")
    city.act(
        city.families[0],
        f"{city.voucher_path(0)}/closure",
        {"reason": "withdrawal", "last_day": "2026-10-16"},
        other={"reason": "graduation", "last_day": "2026-10-16"},
    )
    fraud(city)
    measure = {"act": "5-Ө", "reasons": [REASON]}
    site = "/v1/providers/sites/site-0009"
    city.act(city.department, f"{site}/suspension", measure)
    city.act(
        city.department,
        f"{site}/removal",
        {"act": "6-Ө", "reasons": [REASON], "planned_transfer": True},
        other={"act": "6-Ө", "reasons": [], "planned_transfer": True},
    )
    city.cloud.drain()


City.parts = (
    admission,
    applying,
    family_records,
    guarded,
    sign_ins,
    allocation,
    contracts,
    september,
    timesheets,
    signals,
    money,
    leaving,
    complaints,
    rights,
)
