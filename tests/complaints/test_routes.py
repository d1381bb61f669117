"""Complaints over HTTP: everybody gets a ticket, the desk a term, the public numbers."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.complaints import rules
from chalicelib.edge import auth
from chalicelib.kernel.periods import from_stamp
from chalicelib.payouts import store as payouts
from chalicelib.payouts.rules.claims import Claim
from chalicelib.storage.commit import commit
from chalicelib.storage.outbox import NOTICES
from infra.local import testing
from infra.local.testing import MORNING, Said
from tests.providers.town import ORG, SITE, Town, ok
from tests.ratings.test_routes import a_family

BASE = "/v1/complaints"
TEXT = "Кезектегі орным себепсіз өзгерді, неге екенін түсіндіріңіз."
ONE = "complaint-0001"
SYSTEM = {"kind": "system"}
HERE = {"programme": "preschool", "area": "taldykorgan"}
CONTACT = "+77010000001"


@pytest.fixture
def town(cloud: testing.TestCloud) -> Town:
    """Return a town with one listed site."""
    town = Town(cloud)
    town.listed()
    ok(town.group())
    return town


def token(town: Town, role: str, who: str | None = None, **claims: Any) -> str:
    """Return a token; officers serve taldykorgan unless said otherwise."""
    if role in ("department", "finance", "operator", "commission"):
        claims = {"areas": ["taldykorgan"], "directions": ["*"], **claims}
    return town.cloud.token(role, who or role, **claims)


def parent(town: Town) -> str:
    return town.cloud.token("representative", "somebody")


def body(**said: Any) -> dict[str, Any]:
    return {"about": SYSTEM, "topic": "queue", "text": TEXT, **HERE, **said}


def about(kind: str, **said: str) -> dict[str, Any]:
    return {"about": {"kind": kind, **said}, "topic": "provider", "text": TEXT}


def complain(
    town: Town, who: str | None, complaint_id: str = ONE, said: dict[str, Any] | None = None
) -> Said:
    return town.cloud.put(f"{BASE}/{complaint_id}", said or body(), token=who)


def visit(town: Town, complaint_id: str = ONE, **said: Any) -> Said:
    return town.cloud.put(f"{BASE}/visitors/{complaint_id}", body(contact=CONTACT, **said))


def act(town: Town, who: str, what: str, said: dict[str, Any], complaint_id: str = ONE) -> Said:
    return town.cloud.put(f"{BASE}/{complaint_id}/{what}", said, token=who)


def no(said: Said, status: int, code: str) -> Any:
    assert (said.status, said.code) == (status, code), said.text
    return said.json


def told(town: Town) -> list[dict[str, Any]]:
    """Return all notices, as they lie in the outbox."""
    rows = next(v for k, v in town.cloud.tables.dump().items() if k.endswith("-outbox"))
    people = {row["pk"]["S"] for row in rows if row["pk"]["S"].startswith("NOTICES#")}
    return [asdict(kept.value) for pk in sorted(people) for kept in NOTICES.each(pk)]


# --- from receipt to end


def test_a_complaint_is_received_taken_answered_and_closed(town: Town) -> None:
    got = ok(complain(town, parent(town)))
    officer = token(town, "department")
    waits = ok(town.cloud.get(f"{BASE}/inbox", token=officer, query=HERE))["complaints"]
    ok(act(town, officer, "assignment", {}))
    said = ok(act(town, officer, "answer", {"text": "Санат өзгерді, себебі бала өсті."}))
    closed = ok(act(town, parent(town), "closing", {"satisfied": True}))

    assert got["standing"]["state"] == "received"
    assert got["standing"]["desk"] == "department"
    assert [(w["complaint_id"], w["yours"], w["taken"]) for w in waits] == [(ONE, True, False)]
    assert (said["standing"]["state"], said["said"]) == ("answered", TEXT)
    assert said["answers"] == [{"number": 1, "text": "Санат өзгерді, себебі бала өсті."}]
    assert (closed["standing"]["state"], closed["satisfied"]) == ("closed", True)
    assert [step["what"] for step in closed["steps"]] == [
        "received",
        "assigned",
        "answered",
        "closed",
    ]
    assert ok(town.cloud.get(f"{BASE}/inbox", token=officer, query=HERE))["complaints"] == []


def test_the_same_again_changes_nothing_and_other_content_is_refused_a1_a2(town: Town) -> None:
    first = ok(complain(town, parent(town)))
    before = town.cloud.tables.effects()

    assert ok(complain(town, parent(town))) == first
    no(complain(town, parent(town), said=body(text="Басқа мәтін")), 409, "kezek/another-content")
    no(complain(town, token(town, "head")), 404, "kezek/unknown")
    no(visit(town), 404, "kezek/unknown")
    assert town.cloud.tables.effects() == before
    officer = token(town, "department")
    answer = ok(act(town, officer, "answer", {"text": "Жауап"}))
    before = town.cloud.tables.effects()
    assert ok(act(town, officer, "answer", {"text": "Жауап"})) == answer
    no(act(town, officer, "answer", {"text": "Басқа"}), 409, "complaints/not-open")
    assert town.cloud.tables.effects() == before


def test_a_late_complaint_goes_to_the_next_desk_by_itself(town: Town) -> None:
    got = ok(complain(town, parent(town)))
    due = from_stamp(got["standing"]["answer_by"])

    town.cloud.set_clock(due - timedelta(minutes=1))
    town.cloud.fire("run_deadlines")
    early = ok(town.cloud.get(f"{BASE}/{ONE}", token=parent(town)))
    town.cloud.set_clock(due + timedelta(minutes=1))
    town.cloud.fire("run_deadlines")
    town.cloud.fire("run_deadlines")
    late = ok(town.cloud.get(f"{BASE}/{ONE}", token=parent(town)))

    assert early["standing"]["state"] == "received"
    assert (late["standing"]["state"], late["standing"]["desk"]) == ("escalated", "operator")
    assert len(late["steps"]) == 2
    no(act(town, token(town, "department"), "answer", {"text": "Кеш"}), 404, "kezek/unknown")
    ok(act(town, token(town, "operator"), "answer", {"text": "Кешірім сұраймыз."}))


def test_an_answer_nobody_speaks_of_closes_the_complaint(town: Town) -> None:
    ok(complain(town, parent(town)))
    said = ok(act(town, token(town, "department"), "answer", {"text": "Жауап"}))

    town.cloud.set_clock(from_stamp(said["standing"]["reply_by"]) + timedelta(minutes=1))
    town.cloud.fire("run_deadlines")

    closed = ok(town.cloud.get(f"{BASE}/{ONE}", token=parent(town)))
    assert (closed["standing"]["state"], closed["satisfied"]) == ("closed", None)


def test_who_is_not_satisfied_goes_further_up_to_where_an_auditor_watches(town: Town) -> None:
    ok(complain(town, parent(town)))
    early = no(act(town, parent(town), "escalation", {"why": "Күте алмаймын"}), 409, NOT_YET)
    ok(act(town, token(town, "department"), "answer", {"text": "Жоқ"}))
    up = ok(act(town, parent(town), "escalation", {"why": "Түсіндірме жоқ"}))
    again = ok(act(town, parent(town), "escalation", {"why": "Түсіндірме жоқ"}))
    ok(act(town, token(town, "operator"), "answer", {"text": "Жоқ"}))
    top = ok(act(town, parent(town), "escalation", {"why": "Тағы да"}))

    assert early["answer_by"]
    assert up == again
    assert (up["standing"]["desk"], up["reasons"]) == ("operator", ["Түсіндірме жоқ"])
    assert (top["standing"]["desk"], top["standing"]["answer_by"]) == ("auditor", None)
    auditor = token(town, "auditor")
    waits = ok(town.cloud.get(f"{BASE}/inbox", token=auditor, query=HERE))["complaints"]
    assert [(w["complaint_id"], w["yours"]) for w in waits] == [(ONE, False)]
    no(act(town, auditor, "answer", {"text": "Мен"}), 403, "kezek/not-your-role")
    own = no(act(town, token(town, "operator"), "answer", {"text": "Мен"}), 403, OWN_ACT)
    assert own["code"] == OWN_ACT
    ok(act(town, token(town, "operator", "colleague"), "answer", {"text": "Түсіндірме осы"}))
    no(act(town, parent(town), "escalation", {"why": "Жоғары"}), 409, "complaints/no-higher-desk")
    ok(act(town, parent(town), "closing", {"satisfied": False}))
    no(act(town, parent(town), "closing", {"satisfied": True}), 409, "complaints/closed")
    no(act(town, parent(town), "escalation", {"why": "Жаңа"}), 409, "complaints/closed")


NOT_YET, OWN_ACT = "complaints/not-yet", "complaints/own-act"


def test_a_desk_hands_on_what_is_not_its_own(town: Town) -> None:
    ok(complain(town, parent(town)))
    handed = ok(act(town, token(town, "department"), "assignment", {"desk": "finance"}))

    assert handed["standing"]["desk"] == "finance"
    no(act(town, token(town, "department"), "answer", {"text": "Мен"}), 404, "kezek/unknown")
    ok(act(town, token(town, "finance"), "assignment", {}))
    no(
        act(town, token(town, "finance", "colleague"), "answer", {"text": "Мен"}),
        409,
        "complaints/taken",
    )
    ok(act(town, token(town, "finance", "colleague"), "assignment", {}))
    ok(act(town, token(town, "finance", "colleague"), "answer", {"text": "Мен"}))
    no(
        act(town, token(town, "finance"), "assignment", {}),
        409,
        "complaints/not-open",
    )
    bad = act(town, token(town, "finance"), "assignment", {"desk": "auditor"})
    no(bad, 400, "kezek/bad-field")


def test_nobody_answers_about_what_they_did_to_the_thing(town: Town) -> None:
    # The town's department listed the site; the commission's decision came before.
    ok(complain(town, token(town, "representative"), said=about("site", id=SITE)))

    no(act(town, town.token("department"), "answer", {"text": "Мен"}), 403, OWN_ACT)
    no(act(town, town.token("department"), "assignment", {}), 403, OWN_ACT)
    ok(act(town, town.token("other-officer"), "answer", {"text": "Тексердік"}))


# --- who sees what


def test_others_see_no_complaint_and_cannot_tell_it_from_none(town: Town) -> None:
    ok(complain(town, parent(town), said=body(contact=CONTACT)))
    far = {"areas": ["astana"], "directions": ["*"]}
    strangers = [
        token(town, "representative", "another"),
        token(town, "head", organisations=[ORG]),
        token(town, "educator", organisations=[ORG]),
        town.cloud.token("department", "far", **far),
        token(town, "finance"),
        token(town, "analyst"),
    ]

    for stranger in strangers:
        here = town.cloud.get(f"{BASE}/{ONE}", token=stranger)
        nowhere = town.cloud.get(f"{BASE}/complaint-9999", token=stranger)
        assert (here.status, here.text) == (404, nowhere.text)
        for what, said in (("closing", {"satisfied": True}), ("escalation", {"why": "Мен"})):
            no(act(town, stranger, what, said), 404, "kezek/unknown")
    for officer in (strangers[3], strangers[4]):
        for what, said in (("assignment", {}), ("answer", {"text": "Мен"})):
            no(act(town, officer, what, said), 404, "kezek/unknown")
    no(
        town.cloud.get(f"{BASE}/inbox", token=strangers[3], query=HERE),
        404,
        "kezek/unknown",
    )
    assert ok(town.cloud.get(f"{BASE}/inbox", token=strangers[4], query=HERE)) == {
        "complaints": [],
        "cursor": None,
    }


def test_the_contact_is_for_the_desk_and_not_for_auditors(town: Town) -> None:
    ok(complain(town, parent(town), said=body(contact=CONTACT)))

    def contact(who: str) -> object:
        return ok(town.cloud.get(f"{BASE}/{ONE}", token=who))["contact"]

    assert contact(parent(town)) == CONTACT
    assert contact(token(town, "department")) == CONTACT
    assert contact(token(town, "auditor")) is None


def test_no_role_is_left_without_a_way_to_complain(town: Town) -> None:
    roles = [
        "representative",
        "head",
        "educator",
        "commission",
        "department",
        "operator",
        "finance",
        "auditor",
        "analyst",
    ]
    for n, role in enumerate(roles):
        who = token(town, role)
        ok(complain(town, who, f"complaint-of-{n}"))
        mine = ok(town.cloud.get(BASE, token=who))["complaints"]
        assert [one["complaint_id"] for one in mine] == [f"complaint-of-{n}"]
    # A desk's officer does not answer their own.
    no(
        act(town, token(town, "department"), "answer", {"text": "x" * 9}, "complaint-of-4"),
        403,
        OWN_ACT,
    )
    no(complain(town, None), 401, "kezek/sign-in")


def test_one_complains_about_what_one_may_see_and_nothing_else(town: Town) -> None:
    family = a_family(town, 1)
    actor = auth.caller(f"Bearer {family}", now=MORNING)
    from chalicelib.children import actions as children

    person = children.person_of(actor)
    child_id = children.children_of(person.person_id, MORNING.date())[0]
    month = {"kind": "child-month", "id": child_id, "month": "2026-02", "site_id": SITE}
    claim = Claim(
        claim_id="claim-0001",
        number=1,
        site_id=SITE,
        organisation_id=ORG,
        programme="preschool",
        area="taldykorgan",
        month="2026-02",
        first=1,
        last=1,
        amount_tiyn=100,
        state="calculated",
    )
    commit(payouts.create_claim(claim))
    head = token(town, "head", organisations=[ORG])
    stranger = token(town, "head", "stranger", organisations=["org-stranger"])
    far = town.cloud.token("department", "far", areas=["astana"], directions=["*"])

    # The child never signed a contract there, so there is no timesheet to complain of.
    no(
        complain(town, family, "complaint-month", {**about("site"), "about": month}),
        404,
        "kezek/unknown",
    )
    ok(complain(town, head, "complaint-claim", about("claim", id="claim-0001")))
    for who in (stranger, far, family):
        no(complain(town, who, "complaint-none", about("claim", id="claim-0001")), 404, UNKNOWN)
        no(complain(town, who, "complaint-none", about("claim", id="claim-9999")), 404, UNKNOWN)
        no(complain(town, who, "complaint-none", about("voucher", id="voucher-9")), 404, UNKNOWN)
        no(complain(town, who, "complaint-none", about("application", id="app-9999")), 404, UNKNOWN)
    ok(complain(town, stranger, "complaint-site", about("site", id=SITE)))


UNKNOWN = "kezek/unknown"


def test_a_complaint_about_a_childs_application_is_its_familys_and_looks_are_recorded(
    town: Town,
) -> None:
    family = a_family(town, 1)
    child_id = ok(town.cloud.get("/v1/children", token=family))["items"][0]["child_id"]
    wish = {"programme": "preschool", "area": "taldykorgan", "language": "kk", "child_id": child_id}
    ok(town.cloud.put("/v1/applications/application-1", wish, token=family))
    asked = about("queue-place", id="application-1")

    no(complain(town, parent(town), said=asked), 404, UNKNOWN)
    no(complain(town, token(town, "analyst"), said=asked), 404, UNKNOWN)
    got = ok(complain(town, family, said=asked))
    ok(town.cloud.get(f"{BASE}/{ONE}", token=token(town, "department")))
    looks = ok(town.cloud.get(f"/v1/rights/children/{child_id}/looks", token=family))

    assert got["child_id"] == child_id
    assert "шағым" in json.dumps(looks, ensure_ascii=False)
    assert child_id in json.dumps(town.cloud.tables.dump(), default=repr)


def test_a_draft_site_is_its_own_heads_to_complain_about(town: Town) -> None:
    ok(town.site("site-draft", name="Жаңа"))
    head = token(town, "head", organisations=[ORG])

    no(complain(town, parent(town), said=about("site", id="site-draft")), 404, UNKNOWN)
    drafts = {"kind": "site", "id": "site-draft"}
    no(visit(town, about=drafts, programme=None, area=None), 404, UNKNOWN)
    ok(complain(town, head, said=about("site", id="site-draft")))


BAD_FIELD = "kezek/bad-field"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (body(topic="weather"), "complaints/unknown-topic"),
        ({**body(), "programme": "camps"}, None),
        ({**body(), "area": None}, "complaints/what-about"),
        ({**about("site", id=SITE), **HERE}, "complaints/what-about"),
        (body(about={"kind": "system", "id": "site-1234"}), "complaints/what-about"),
        (body(about={"kind": "weather"}), BAD_FIELD),
        (body(text="<script>"), BAD_FIELD),
        (body(text=""), BAD_FIELD),
        (body(contact="call me"), BAD_FIELD),
        (body(mood="bad"), BAD_FIELD),
    ],
)
def test_what_cannot_be_read_is_refused(town: Town, said: dict[str, Any], code: str | None) -> None:
    answer = complain(town, parent(town), said={k: v for k, v in said.items() if v is not None})

    assert answer.status in (400, 404)
    assert answer.code == (code or "policy/no-pack")


# --- visitors


def test_a_visitor_complains_and_reads_the_answer_by_sending_the_same_again(town: Town) -> None:
    got = ok(visit(town))
    ok(act(town, token(town, "department"), "answer", {"text": "Түзетілді"}))

    again = ok(visit(town))
    assert again["answers"] == [{"number": 1, "text": "Түзетілді"}]
    ticket = got["standing"]["ticket"]
    standing = ok(town.cloud.get(f"{BASE}/tickets/{ticket}"))
    assert standing["state"] == "answered"
    assert TEXT not in json.dumps(standing)
    assert "contact" not in standing
    no(visit(town, text="Басқа мәтін"), 409, "kezek/another-content")
    no(town.cloud.get(f"{BASE}/tickets/aaaa-bbbb-cccc"), 404, UNKNOWN)
    no(visit(town, "complaint-0002", about={"kind": "claim", "id": "claim-0001"}), 400, BAD_FIELD)


def test_a_visitor_is_told_at_the_contact_they_named(town: Town) -> None:
    ok(visit(town, language="ru"))
    ok(act(town, token(town, "department"), "answer", {"text": "Түзетілді"}))
    town.cloud.drain()

    sent = sorted(notice["template"] for notice in told(town) if "complaint" in notice["key"])
    assert sent == ["notice:complaints/answered", "notice:complaints/received"]
    assert {n["channel"] for n in told(town) if "complaint" in n["key"]} == {"sms"}


def test_visitors_are_bounded_by_contact_and_all_together(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(rules.MOST_A_DAY_OF_A_CONTACT):
        ok(visit(town, f"complaint-{n:04d}"))
    no(visit(town, "complaint-more"), 429, "complaints/too-many")
    monkeypatch.setattr(rules, "MOST_A_DAY_OF_VISITORS", rules.MOST_A_DAY_OF_A_CONTACT)
    other = town.cloud.put(f"{BASE}/visitors/complaint-other", body(contact="a@b.kz"))
    no(other, 429, "complaints/too-many")
    town.at(MORNING + timedelta(days=1))
    ok(visit(town, "complaint-tomorrow"))


def test_one_person_sends_so_many_a_day(town: Town) -> None:
    for n in range(rules.MOST_A_DAY):
        ok(complain(town, parent(town), f"complaint-{n:04d}"))

    no(complain(town, parent(town), "complaint-more"), 429, "complaints/too-many")
    assert ok(complain(town, parent(town), "complaint-0000"))  # what was sent stays readable


# --- personal data


def test_what_is_written_is_sealed_and_in_no_log_and_no_notice_b7_b8(
    town: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    canary, reach = "Құпия-канарейка 8842", "canary8842@example.kz"
    ok(complain(town, parent(town), said=body(text=canary, contact=reach)))
    ok(act(town, token(town, "department"), "answer", {"text": f"{canary} жауап"}))
    ok(act(town, parent(town), "escalation", {"why": f"{canary} неге"}))
    town.cloud.drain()

    stored = json.dumps(town.cloud.tables.dump(), ensure_ascii=False, default=repr)
    out, err = capfd.readouterr()
    for text in (stored, out, err):
        assert "канарейка" not in text
        assert "canary8842" not in text


# --- lists and figures


def test_own_complaints_are_listed_newest_first_by_pages_c3(town: Town) -> None:
    for n in range(5):
        town.at(MORNING + timedelta(minutes=n))
        ok(complain(town, parent(town), f"complaint-{n:04d}"))
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = ok(town.cloud.get(BASE, token=parent(town), query=query))
        seen += [one["complaint_id"] for one in page["complaints"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]

    assert seen == [f"complaint-{n:04d}" for n in (4, 3, 2, 1, 0)]
    other = token(town, "head")
    no(town.cloud.get(BASE, token=other, query={"cursor": "AAAA"}), 400, "kezek/bad-cursor")


def test_an_inbox_is_paged_oldest_first_c3(town: Town) -> None:
    for n in range(5):
        town.at(MORNING + timedelta(minutes=n))
        ok(complain(town, parent(town), f"complaint-{n:04d}"))
    officer, seen = token(town, "department"), []
    query: dict[str, str] = {**HERE, "limit": "2"}
    while True:
        page = ok(town.cloud.get(f"{BASE}/inbox", token=officer, query=query))
        seen += [one["complaint_id"] for one in page["complaints"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]

    assert seen == [f"complaint-{n:04d}" for n in range(5)]


def test_a_month_is_counted_once_its_terms_are_over(town: Town) -> None:
    for n in range(12):
        ok(complain(town, token(town, "representative", f"p{n}"), f"complaint-{n:04d}"))
    for n in range(7):
        ok(act(town, token(town, "department"), "answer", {"text": "Жауап"}, f"complaint-{n:04d}"))

    def figures(**more: str) -> Said:
        return town.cloud.get(f"{BASE}/figures", query={**HERE, "month": "2026-03", **more})

    early = ok(figures())
    day, last = town.cloud.clock(), datetime.fromisoformat("2026-05-04T04:00:00+00:00")
    while day < last:
        # Once a day is as good as every quarter of an hour, and a minute faster to play.
        day = min(day + timedelta(days=1), last)
        town.cloud.set_clock(day)
        town.cloud.fire("run_deadlines")
    shown = ok(figures())

    assert early["topics"] == []
    assert shown["topics"] == [
        {
            "topic": "queue",
            "received": 12,
            "answered_in_time": 7,
            "late": 5,
            "withdrawn": 0,
            "escalated": 5,
        }
    ]
    assert "queue,12,7,5,0,5" in figures(format="csv").text
    assert ok(figures(month="2026-02"))["topics"] == []
    no(figures(area="nowhere"), 404, "policy/no-pack")
    no(figures(month="2024-01"), 409, "policy/no-rule-in-force")


def test_topics_are_told_in_the_callers_language(town: Town) -> None:
    said = ok(town.cloud.get(f"{BASE}/topics", headers={"accept-language": "ru"}))

    assert {
        "code": "payment",
        "name": "Оплата",
        "desks": ["finance", "operator", "auditor"],
    } in said["topics"]
    assert (said["answer_working_days"], said["source"]) == (15, "policy")


# --- races


def test_two_answers_at_once_leave_one(town: Town) -> None:
    from chalicelib.complaints import actions
    from chalicelib.kernel.refusals import Refusal

    ok(complain(town, parent(town)))
    officers = [
        auth.caller(f"Bearer {token(town, 'department', name)}", now=MORNING)
        for name in ("first", "second")
    ]
    barrier, ends = threading.Barrier(2), []

    def run(n: int) -> None:
        barrier.wait()
        try:
            actions.answer(ONE, f"Жауап {n}", by=officers[n], now=MORNING)
            ends.append("answered")
        except Refusal as refusal:
            ends.append(refusal.code)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == ["answered", "complaints/not-open"]
    assert len(ok(town.cloud.get(f"{BASE}/{ONE}", token=parent(town)))["answers"]) == 1


def test_the_clock_and_the_desk_at_once_leave_one_of_both(town: Town) -> None:
    from chalicelib.complaints import actions
    from chalicelib.kernel.actors import system
    from chalicelib.kernel.refusals import Refusal

    got = ok(complain(town, parent(town)))
    late = from_stamp(got["standing"]["answer_by"]) + timedelta(minutes=1)
    officer = auth.caller(f"Bearer {token(town, 'department')}", now=MORNING)
    barrier, ends = threading.Barrier(2), []

    def desk() -> None:
        barrier.wait()
        try:
            actions.answer(ONE, "Жауап", by=officer, now=late)
            ends.append("answered")
        except Refusal as refusal:
            ends.append(refusal.code)

    def clock() -> None:
        barrier.wait()
        moved = actions.escalate_overdue(ONE, by=system("queue/deadlines"), now=late)
        ends.append("escalated" if moved else "left")

    threads = [threading.Thread(target=desk), threading.Thread(target=clock)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) in (["answered", "left"], ["escalated", "kezek/unknown"])


def test_every_refusal_has_texts_in_three_languages_c5() -> None:
    from chalicelib.edge.routes import operations
    from chalicelib.edge.texts import catalogue

    texts = catalogue()
    mine = [op for op in operations() if op.slice_name == "complaints"]
    codes = {refusal.code for op in mine for refusal in op.refuses}

    assert mine
    for code in codes:
        assert set(texts.get(code, {})) == {"kk", "ru", "en"}, code
