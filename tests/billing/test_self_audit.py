"""The nightly self-audit: one number with its date, and what it takes to make it move."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from chalicelib.billing import actions, jobs
from chalicelib.billing.actions import auditing
from chalicelib.billing.rules import auditing as rules
from chalicelib.billing.rules.auditing import Reach, check_due, check_ledger, check_statements
from chalicelib.billing.store import audits, statements
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules import ledger
from chalicelib.budgets.rules.ledger import Movement
from chalicelib.budgets.store import ledger as books
from chalicelib.edge import texts
from chalicelib.kernel.actors import system
from chalicelib.kernel.money import tenge
from chalicelib.kernel.periods import Month
from chalicelib.policy.actions import load_pack
from chalicelib.storage import keys
from infra import rebuild
from infra.local import faults
from tests.attendance.builders import MARCH, SITE, child, open_site

from .test_gather import FINANCE, approve, attend, close
from .test_savings import a_head, one
from .test_savings import statements as drawn

JOB = system("billing")
HERE = ("preschool", "taldykorgan")
NOW = datetime(2026, 4, 13, 3, 0, tzinfo=UTC)
NIGHT = "2026-04-14T22:00:00Z"
ON = date(2026, 4, 15)  # 03:00 in Almaty
URL = "/v1/billing/self-audit"
CASES = "/v1/billing/self-audit/cases"
ASKED = {"programme": HERE[0], "area": HERE[1]}


@pytest.fixture
def town(cloud):
    cloud.set_clock(NOW)
    budgets.allot(
        programme=HERE[0],
        area=HERE[1],
        year=2026,
        amount_tiyn=tenge(1_000_000),
        act="act-1",
        by=FINANCE,
        now=NOW,
    )
    open_site(children_count=2)
    for n in (1, 2):
        attend(n)
    close()
    approve(1)
    return cloud


def bill(now=NOW):
    return actions.bill(SITE, MARCH, by=JOB, now=now).statement


def event(text: str) -> SimpleNamespace:
    return SimpleNamespace(time=text)


def a_night(town, at: str = NIGHT, *, times: int = 2) -> None:
    """Let the schedule of one night fire so often, a quarter of an hour apart."""
    first = datetime.fromisoformat(at.replace("Z", "+00:00"))
    for quarter in range(times):
        now = first.replace(minute=15 * quarter)
        town.set_clock(now)
        jobs.run_self_audit(event(now.isoformat().replace("+00:00", "Z")))
        town.drain()


def number(town):
    return town.get(URL, query=ASKED).json


def cases() -> list[tuple[str, str, int, str]]:
    found = [kept.value for kept in audits.each_case(*HERE)]
    return [(c.month, c.asked, c.difference_tiyn, c.reason) for c in found]


# --- a night ------------------------------------------------------------------------------------


def test_everything_is_one_and_the_number_is_zero_with_its_date(town):
    bill()
    a_night(town)

    shown = number(town)

    assert (shown["on"], shown["difference_tiyn"], shown["cases"]) == ("2026-04-15", 0, 0)
    (newest,) = shown["areas"][0]["nights"]
    assert newest["statements"] == 1
    assert newest["repriced"] == newest["provider_months"] == 1
    assert town.dead_letters() == []


def test_before_the_first_night_there_is_no_number(town):
    shown = number(town)

    assert (shown["on"], shown["difference_tiyn"]) == (None, None)
    assert shown["areas"][0]["newest"] is None


def test_what_came_after_the_statement_is_a_case_until_billing_posts_it(town):
    bill()
    approve(2)
    a_night(town)
    found = cases()
    waiting = number(town)["difference_tiyn"]
    actions.bill(SITE, MARCH, by=JOB, now=datetime(2026, 4, 16, 1, 0, tzinfo=UTC))
    a_night(town, "2026-04-16T22:00:00Z")

    assert found == [("2026-03", "due", tenge(65_000), "next-billing")]
    assert waiting == tenge(65_000)
    assert (cases(), number(town)["difference_tiyn"]) == ([], 0)
    nights = number(town)["areas"][0]["nights"]
    assert [night["difference_tiyn"] for night in nights] == [0, tenge(65_000)]


def test_a_case_says_on_which_day_it_ends_by_itself(town):
    bill()
    approve(2)
    a_night(town)

    (kept,) = audits.each_case(*HERE)

    # Still within the days on which March is billed.
    assert kept.value.until == ON
    assert kept.value.opened_on == ON


def test_a_site_that_was_never_billed_is_a_case_after_payday(town):
    a_night(town)
    before = cases()
    a_night(town, "2026-04-20T22:00:00Z")

    assert before == []
    assert cases() == [("2026-03", "due", tenge(65_000), "next-billing")]


def test_what_only_an_operator_can_end_is_an_alarm(town, monkeypatch):
    told = []
    monkeypatch.setattr(jobs.log, "loud", lambda message, **more: told.append(more["metric"]))
    bill()
    approve(2)
    # Rosters still know March, but no later check day of billing reaches it.
    a_night(town, "2026-06-25T22:00:00Z")

    assert cases() == [("2026-03", "due", tenge(65_000), "ask-for-billing")]
    assert told == ["SelfAuditDiffers"]


def test_a_budget_that_is_short_is_named(town):
    budgets.allot(
        programme=HERE[0],
        area=HERE[1],
        year=2026,
        amount_tiyn=tenge(1_000),
        act="act-2",
        by=FINANCE,
        now=NOW,
    )
    bill()
    a_night(town)

    assert cases() == [("2026-03", "due", tenge(65_000), "held")]


# --- what may be wrong with what is stored ------------------------------------------------------


def test_a_posting_that_says_something_else_is_a_case(town, monkeypatch):
    told = []
    monkeypatch.setattr(jobs.log, "loud", lambda message, **more: told.append(more["metric"]))
    bill()
    name = f"statement#{SITE}#2026-03#0001"
    kept = books.POSTINGS.find(keys.posting(name))
    changed = tuple(Movement(m.account, m.amount_tiyn + 700) for m in kept.value.movements)
    row = books.POSTINGS.replace(kept, replace(kept.value, movements=changed)).row
    row.save(add_version_condition=False)
    a_night(town)

    assert cases() == [("2026-03", "ledger", 700, "broken")]
    assert told == ["SelfAuditDiffers"]


def test_a_statement_that_was_changed_is_a_case_under_both_questions(town):
    statement = bill()
    kept = statements.FILED.find(keys.statement(SITE, MARCH, 1))
    raised = replace(
        statement.lines[0],
        line=replace(statement.lines[0].line, accrual_tiyn=tenge(65_001)),
    )
    filed = statements.post(replace(statement, lines=(raised, *statement.lines[1:]))).row
    filed.version = kept.version
    filed.save(add_version_condition=False)
    a_night(town)

    assert cases() == [
        ("2026-03", "due", tenge(1), "next-billing"),
        ("2026-03", "statements", tenge(1), "broken"),
    ]


@pytest.mark.parametrize(
    ("stated", "due", "tiyn", "lines"),
    [
        ({"a": 5}, {"a": 5}, 0, 0),
        ({"a": 5}, {}, 5, 1),
        ({}, {"a": 5}, 5, 1),
        ({"a": 0}, {}, 0, 0),
        # One has too much, another as much too little: that is not zero.
        ({"a": 7, "b": 3}, {"a": 5, "b": 5}, 4, 2),
    ],
)
def test_due_is_compared_child_by_child(stated, due, tiyn, lines):
    found = check_due(stated, due, held=None, reach=Reach(None, True))

    assert ((found.tiyn, found.lines) if found else (0, 0)) == (tiyn, lines)


@pytest.mark.parametrize(
    ("held", "reach", "reason"),
    [
        ("budgets/short", Reach(ON, True), "held"),
        (None, Reach(ON, True), "next-billing"),
        (None, Reach(None, True), "ask-for-billing"),
        (None, Reach(None, False), "too-old"),
    ],
)
def test_a_difference_says_who_ends_it(held, reach, reason):
    found = check_due({"a": 1}, {}, held=held, reach=reach)

    assert found.reason == reason
    assert found.until == (ON if reason == "next-billing" else None)


def test_statements_that_follow_each_other_have_no_difference():
    posted = drawn(one(1000), one(900, N=100), one(1000))
    head = replace(a_head("site-aaaa", 1, 1000), statements=3, posted_tiyn=1000)

    assert check_statements(head, posted) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda head, s: (replace(head, posted_tiyn=999), s),
        lambda head, s: (replace(head, statements=1), s),
        lambda head, s: (None, s),
        lambda head, s: (replace(head, statements=1, posted_tiyn=-100), s[1:]),
        lambda head, s: (head, [s[0], replace(s[1], movement_tiyn=-99)]),
        lambda head, s: (head, [s[0], replace(s[1], number=3)]),
        lambda head, s: (
            replace(head, posted_tiyn=901),
            [
                s[0],
                replace(
                    s[1],
                    movement_tiyn=-99,
                    lines=(replace(s[1].lines[0], before_tiyn=999),),
                ),
            ],
        ),
    ],
)
def test_statements_that_contradict_themselves_are_found(spoil):
    head = replace(a_head("site-aaaa", 1, 900), statements=2, posted_tiyn=900)

    found = check_statements(*spoil(head, drawn(one(1000), one(900, N=100))))

    assert found is not None
    assert found.reason == "broken"


def test_a_posting_that_is_missing_is_as_far_off_as_its_statement():
    (statement,) = drawn(one(1000))

    assert check_ledger([statement], {}, frozenset()).tiyn == 1000


def test_a_posting_on_accounts_of_another_month_does_not_count():
    (statement,) = drawn(one(1000))
    own = ledger.accrued("site-aaaa", Month(2026, 10))
    other = ledger.accrued("site-aaaa", Month(2026, 9))
    name = statement.posting
    booked = ledger.posting(name, (("budget:x", -1000), (other, 1000)), at=statement.at)

    assert check_ledger([statement], {name: booked}, frozenset({own})).tiyn == 1000


# --- old months ---------------------------------------------------------------------------------


def test_a_month_that_rosters_forgot_is_priced_again_from_its_claims(town):
    bill()
    pack = load_pack(*HERE)
    head = statements.load_site_month(SITE, MARCH)[0].value

    due = auditing._due_by_claims(SimpleNamespace(site_id=SITE, programme=HERE[0]), MARCH, head)

    assert due == {child(1): tenge(65_000), child(2): 0}
    assert pack.programme == HERE[0]


def test_old_months_take_turns_and_none_is_left_out():
    nights = [date(2027, 1, 1).fromordinal(date(2027, 1, 1).toordinal() + n) for n in range(28)]

    for month in (MARCH, MARCH.next()):
        assert sum(rules.is_turn(SITE, month, on) for on in nights) == 1


def test_an_old_month_whose_claims_say_something_else_is_too_old_to_be_billed(town):
    bill()
    kept = statements.find_claimants([child(1)], HERE[0], MARCH)[child(1)]
    claim = kept.value.of(SITE)
    less = replace(claim, confirmed=claim.confirmed & (claim.confirmed - 1))
    row = statements.join_claimants(kept, less).row
    row.save(add_version_condition=False)
    first = next(
        date.fromordinal(n)
        for n in range(date(2026, 9, 1).toordinal(), date(2026, 10, 15).toordinal())
        if rules.is_turn(SITE, MARCH, date.fromordinal(n))
    )
    # Its turn, and a night on which nobody prices it again.
    for night in (first - timedelta(days=1), first):
        a_night(town, f"{night}T22:00:00Z")

        assert [(month, asked, reason) for month, asked, _, reason in cases()] == [
            ("2026-03", "due", "too-old")
        ]


# --- twice, killed, late ------------------------------------------------------------------------


def test_a_part_is_done_once_however_often_it_is_asked_for(town):
    bill()
    a_night(town)

    again = actions.audit_part(*HERE, ON, 0, by=JOB, now=NOW)

    assert again is None
    assert number(town)["areas"][0]["nights"][0]["statements"] == 1


def test_a_night_that_was_published_is_left_as_it_was(town):
    bill()
    a_night(town)
    approve(2)
    a_night(town)

    assert number(town)["difference_tiyn"] == 0


def test_a_night_is_not_published_before_it_is_whole(town):
    bill()
    actions.begin_night(*HERE, ON, by=JOB, now=NOW)

    early = actions.publish_night(*HERE, ON, by=JOB, now=NOW)
    actions.audit_part(*HERE, ON, 0, by=JOB, now=NOW)
    whole = actions.publish_night(*HERE, ON, by=JOB, now=NOW)

    assert early is None
    assert whole.published_at is not None


def test_a_night_whose_messages_were_lost_is_asked_for_again(town):
    bill()
    jobs.run_self_audit(event(NIGHT))
    town.messages.purge(None)

    asked = jobs.run_self_audit(event("2026-04-14T22:15:00Z"))
    town.drain()
    jobs.run_self_audit(event("2026-04-14T22:30:00Z"))

    assert asked > 0
    assert number(town)["on"] == "2026-04-15"


def test_a_night_that_is_not_whole_at_its_end_is_an_alarm(town, monkeypatch):
    told = []
    monkeypatch.setattr(jobs.log, "loud", lambda message, **more: told.append(more))
    for at in (NIGHT, "2026-04-14T23:45:00Z"):
        jobs.run_self_audit(event(at))
        town.messages.purge(None)

    assert {"metric": "SelfAuditIncomplete", **ASKED} in told
    assert number(town)["on"] is None


def test_a_part_of_no_such_night_is_parked(town):
    from chalicelib.adapters import work

    work.send([work.Message("billing/audit", {**ASKED, "on": "2026-01-01", "part": 0})])
    town.drain(strict=False)

    assert [letter["reason"] for letter in town.dead_letters()] == ["kezek/unknown"]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a6_a_part_that_is_killed_at_any_call_ends_as_if_done_once(town, side):
    bill()
    approve(2)
    call = 0
    while True:
        call += 1
        on = date.fromordinal(ON.toordinal() + call)
        for kept in list(audits.each_case(*HERE)):
            audits.CASES.row(kept.pk, kept.sk).delete()
        actions.begin_night(*HERE, on, by=JOB, now=NOW)

        def part(on: date = on) -> None:
            actions.audit_part(*HERE, on, 0, by=JOB, now=NOW)
            actions.publish_night(*HERE, on, by=JOB, now=NOW)

        with faults.crash(**{side: call}) as struck:
            try:
                part()
            except faults.Crash:
                assert struck
        part()
        night = audits.find_night(*HERE, on).value
        assert (night.cases, night.difference_tiyn, night.statements) == (1, tenge(65_000), 1)
        assert [c.opened_on for c in (k.value for k in audits.each_case(*HERE))] == [on]
        if not struck:
            break

    assert call > 10


def test_a16_nights_cases_and_savings_are_rebuilt_from_the_journal(town):
    bill()
    approve(2)
    a_night(town)
    town.drain()
    before = town.tables.effects()
    for row in audits.NIGHTS.row.scan(consistent_read=True):
        if row.pk.startswith(("SELFAUDIT#", "AUDITCASES#", "SAVINGS#")):
            row.delete()
    lost = town.tables.effects() != before

    told = rebuild.run()

    assert lost
    assert told["rows that differ"] == 0
    assert town.tables.effects() == before


# --- what people see ----------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["department", "finance", "operator", "auditor"])
def test_officers_list_the_open_cases_of_their_area(town, role):
    bill()
    approve(2)
    a_night(town)
    token = town.token(role, f"{role}-1", areas=["taldykorgan"])

    said = town.get(CASES, query=ASKED, token=token, headers={"Accept-Language": "en"})

    assert said.status == 200, said.text
    (case,) = said.json["cases"]
    assert (case["site_id"], case["month"], case["lines"]) == (SITE, "2026-03", 1)
    assert case["why"].endswith("by itself: 15.04.2026.")
    assert child(2) not in said.text


def test_c3_cases_are_listed_page_by_page(town):
    for n in range(5):
        case = rules.Case(
            programme=HERE[0],
            area=HERE[1],
            site_id=f"site-{n}",
            organisation_id="organisation-1",
            direction="",
            month="2026-03",
            asked="due",
            difference_tiyn=n,
            lines=1,
            reason="next-billing",
            until=ON,
            opened_on=ON,
        )
        audits.open_case(case).row.save()
    token = town.token("auditor", "auditor-1")
    found, cursor = [], None
    while True:
        asked = {**ASKED, "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = town.get(CASES, query=asked, token=token).json
        found += [case["site_id"] for case in page["cases"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert found == [f"site-{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("role", "claims", "change", "status", "code"),
    [
        ("head", {"organisations": ["organisation-1"]}, {}, 403, "kezek/not-your-role"),
        ("department", {"areas": ["astana"]}, {}, 404, "kezek/unknown"),
        ("auditor", {}, {"area": "nowhere"}, 404, "policy/no-pack"),
        ("auditor", {}, {"cursor": "x"}, 400, "kezek/bad-cursor"),
        ("auditor", {}, {"limit": "101"}, 400, "kezek/bad-field"),
    ],
)
def test_cases_that_are_not_yours_to_see(town, role, claims, change, status, code):
    token = town.token(role, f"{role}-1", **claims)

    said = town.get(CASES, query={**ASKED, **change}, token=token)

    assert (said.status, said.code) == (status, code), said.text


def test_the_number_of_an_area_that_there_is_not(town):
    said = town.get(URL, query={**ASKED, "area": "nowhere"})

    assert (said.status, said.code) == (404, "policy/no-pack")


def test_the_country_has_a_number_when_every_area_has_one(town):
    bill()
    a_night(town)

    shown = town.get(URL).json

    assert shown["on"] == "2026-04-15"
    assert shown["difference_tiyn"] == 0
    assert len(shown["areas"]) > 1


def test_nights_as_a_table(town):
    bill()
    a_night(town)

    lines = town.get(URL, query={**ASKED, "format": "csv"}).text.lstrip("\ufeff").splitlines()

    assert lines == [
        "programme,area,on,difference_tiyn,cases,provider_months,repriced,statements",
        "preschool,taldykorgan,2026-04-15,0,0,1,1,1",
    ]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_c5_each_reason_of_a_case_has_words(language):
    for reason in ("next-billing", "held", "ask-for-billing", "too-old", "broken"):
        key = f"audit-case:{reason}"
        assert texts.text(key, language, {"until": "01.01.2027"}) != key
    assert texts.text("formula:self-audit", language) != "formula:self-audit"


def test_savings_are_reckoned_when_the_night_is_published(town):
    bill()
    a_night(town)
    town.drain()

    shown = town.get(
        "/v1/billing/savings", query={**ASKED, "first": "2026-03", "last": "2026-03"}
    ).json

    assert shown["missing"] == []
    # Two children are fewer than five: they stand in no public sum.
    assert shown["months"][0]["savings"] == []
