"""Applying for a club: the same engine, by the rules of another pack."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.applications import actions, rules, store
from chalicelib.children import actions as children_actions
from chalicelib.children import store as children
from chalicelib.children.rules import HELD_WORDS, HeldElsewhere, Holding, Holdings
from chalicelib.journal import actions as journal
from chalicelib.kernel.actors import Actor, system
from chalicelib.kernel.periods import from_stamp, local_day, stamp
from chalicelib.kernel.refusals import AnotherContent, Refusal
from chalicelib.policy.rules import UnknownKind
from chalicelib.providers import store as providers
from chalicelib.storage.commit import commit
from chalicelib.storage.outbox import NOTICES
from chalicelib.vouchers import actions as vouchers
from chalicelib.vouchers import store as vouchers_store
from chalicelib.vouchers.rules import Voucher
from infra.local.testing import TestTables
from tests.applications.builders import PACK, RULES, apply, at, just_before, proves, silent
from tests.applications.clubs import (
    A_DAY,
    CLUB_RULES,
    CLUBS,
    ORDINARY,
    a_club,
    allot,
    apply_club,
    asked_club,
    free,
    give,
)
from tests.children.builders import NOW, TODAY, an_iin, an_officer, details, registered

JOB = system("queue/deadlines")
OFFICER = an_officer("karaganda")


def told(person_id: str) -> list[str]:
    """Return which notices a person got, by template."""
    return [k.value.template for k in NOTICES.each(f"NOTICES#person:{person_id}")]


# --- what may be asked for


@pytest.mark.parametrize(
    ("rules_in_force", "kind", "language", "refusal"),
    [
        (CLUB_RULES, "any", "any", None),
        (CLUB_RULES, "sport", "kk", None),
        (CLUB_RULES, "education", "any", None),
        (CLUB_RULES, "general", "any", UnknownKind),
        (RULES, "general", "kk", None),
        (RULES, "any", "kk", rules.KindNeeded),
        (RULES, "sport", "kk", UnknownKind),
        (RULES, "general", "any", rules.LanguageNeeded),
    ],
)
def test_any_kind_and_language_only_where_the_place_is_chosen_later(
    rules_in_force: Any, kind: str, language: str, refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        rules.check_wish(kind=kind, language=language, rules=rules_in_force)
        return
    with pytest.raises(refusal):
        rules.check_wish(kind=kind, language=language, rules=rules_in_force)


def test_without_a_kind_it_is_any_direction_by_budget_and_else_the_first_kind() -> None:
    assert rules.spelled_out(asked_club(), CLUB_RULES).kind == "any"
    assert rules.spelled_out(asked_club(), RULES).kind == "general"
    assert rules.spelled_out(asked_club(kind="sport"), CLUB_RULES).kind == "sport"


def test_nobody_is_placed_together_where_vouchers_come_by_budget(tables: TestTables) -> None:
    parent = registered()
    batch = rules.BatchAsked(id="our-twins", size=2)

    with pytest.raises(rules.BatchNotHere):
        apply_club(parent, batch=batch)


def test_a_wish_changes_and_the_place_stays(tables: TestTables) -> None:
    parent = registered()
    before = apply_club(parent, kind="sport")

    after = actions.wish(
        "application-1", kind="creative", language="kk", by=parent, now=NOW + A_DAY
    )

    assert (after.kind, after.language, after.ordered_at) == ("creative", "kk", before.ordered_at)
    entry = store.load_entry(after).value
    assert (entry.kind, entry.language) == ("creative", "kk")
    again = actions.wish("application-1", kind="creative", language="kk", by=parent, now=NOW)
    assert again == after
    with pytest.raises(UnknownKind):
        actions.wish("application-1", kind="general", language="kk", by=parent, now=NOW)
    give("application-1")
    with pytest.raises(rules.NotQueued):
        actions.wish("application-1", kind="sport", language="kk", by=parent, now=NOW)


# --- categories


def test_the_best_of_several_statuses_counts(tables: TestTables) -> None:
    parent = registered()

    one = apply_club(
        parent, statuses=("large-family", "orphan"), ask=proves("large-family", "orphan")
    )

    assert one.tier == CLUB_RULES.tier_for(["orphan"]).code
    assert one.category == 1
    assert one.birth_year == 0  # the bands of age are switched off


def test_a_category_without_proof_is_kept_as_ordinary_and_said_so(tables: TestTables) -> None:
    parent = registered()
    plain = apply_club(parent, "application-0", 1)

    claimed = apply_club(parent, statuses=("sen",))

    assert claimed.category == plain.category
    assert not claimed.sen
    (status,) = [s for s in claimed.statuses if s.status == "sen"]
    assert (status.state, status.proof) == ("claimed", "paper")
    seen = actions.see("application-1", by=parent, now=NOW)
    assert (seen.next.step, seen.next.until) == ("prove", status.prove_by)
    assert actions.lapse_proof("application-1", by=JOB, now=at(status.prove_by))
    after = store.load_application("application-1").value
    assert (after.category, after.sen) == (plain.category, False)


def test_a_proved_status_with_special_needs_goes_with_application_and_entry(
    tables: TestTables,
) -> None:
    parent = registered()
    apply_club(parent, statuses=("sen",))

    proved = actions.verify_status(
        "application-1", "sen", result="proved", reason=None, paper_on=TODAY, by=OFFICER, now=NOW
    )

    assert proved.sen
    assert proved.tier == CLUB_RULES.tier_for(["sen"]).code
    assert store.load_entry(proved).value.sen


@given(st.data())
def test_several_statuses_the_best_counts_at_any_age(data: st.DataObject) -> None:
    codes = list(CLUB_RULES.statuses)
    held = data.draw(st.lists(st.sampled_from(codes), unique=True))
    age = data.draw(st.integers(5, 17))
    proved = [rules.ClaimedStatus(status=code, state="proved", proof="registry") for code in held]
    waiting = [
        rules.ClaimedStatus(status=code, state=state, proof="paper")
        for code, state in data.draw(
            st.lists(
                st.tuples(st.sampled_from(codes), st.sampled_from(["claimed", "refused", "lapsed"]))
            )
        )
    ]

    tier = rules.tier_of((*waiting, *proved), CLUB_RULES, age=age)

    orders = {t.code: t.order for t in CLUB_RULES.tiers}
    alone = [orders[rules.tier_of([status], CLUB_RULES, age=age)] for status in proved]
    nothing = orders[rules.tier_of((), CLUB_RULES, age=age)]
    assert orders[tier] == min([*alone, nothing])


@pytest.mark.parametrize(
    ("last_days", "recent"),
    [
        ([], False),
        ([None], True),
        ([date(2025, 9, 10)], False),
        ([date(2025, 9, 11)], True),
        ([date(2024, 1, 1), date(2025, 9, 10)], False),
        ([date(2024, 1, 1), date(2026, 9, 10)], True),
    ],
)
def test_a_voucher_is_recent_for_twelve_months_after_its_last_day(
    last_days: list[date | None], recent: bool
) -> None:
    assert rules.had_recently(last_days, on=date(2026, 9, 10)) is recent


@pytest.mark.parametrize(
    ("on", "since"),
    [
        (date(2026, 9, 10), date(2025, 9, 10)),
        (date(2028, 2, 29), date(2027, 2, 28)),
        (date(2026, 1, 31), date(2025, 1, 31)),
    ],
)
def test_twelve_months_back_is_the_same_day_or_the_last_of_the_month(on: date, since: date) -> None:
    assert rules.months_before(on, 12) == since


def test_our_own_data_are_looked_at_unasked_and_hold_while_the_application_lives(
    tables: TestTables,
) -> None:
    parent = registered()
    first = apply_club(parent)
    assert [(s.status, s.state) for s in first.statuses] == [("no-recent-voucher", "proved")]
    assert first.tier == CLUB_RULES.tier_for(["no-recent-voucher"]).code != ORDINARY
    voucher = give("application-1")
    missed = at(voucher.contract_by)

    assert actions.missed_contract(voucher.voucher_id, by=JOB, now=missed)
    back = store.load_application("application-1").value
    assert (back.tier, back.category) == (first.tier, first.category)
    assert not actions.refresh("application-1", by=JOB, now=missed + A_DAY)
    actions.withdraw("application-1", by=parent, now=missed + A_DAY)
    second = apply_club(parent, "application-2", now=missed + 2 * A_DAY)
    assert (second.statuses, second.tier) == ((), ORDINARY)
    claimed = asked_club(2, statuses=("no-recent-voucher",))
    other = actions.apply("application-3", claimed, by=parent, now=NOW, ask_registry=silent)
    assert [s.state for s in other.statuses] == ["proved"]


def test_our_own_data_deny_what_is_claimed_and_no_officer_proves_it(tables: TestTables) -> None:
    parent = registered()
    apply_club(parent)
    voucher = give("application-1")
    now = at(voucher.contract_by)
    actions.missed_contract(voucher.voucher_id, by=JOB, now=now)
    actions.withdraw("application-1", by=parent, now=now)

    denied = apply_club(parent, "application-2", statuses=("no-recent-voucher",), now=now + A_DAY)

    (status,) = denied.statuses
    assert (status.state, status.reason, status.prove_by) == ("refused", "not-entitled", None)
    assert denied.tier == ORDINARY
    with pytest.raises(rules.DecidedByOwnData):
        actions.verify_status(
            "application-2",
            "no-recent-voucher",
            result="proved",
            reason=None,
            paper_on=None,
            by=OFFICER,
            now=now + A_DAY,
        )


def test_a_year_of_waiting_may_win_a_category_at_the_turn_of_the_year(tables: TestTables) -> None:
    parent = registered()
    apply_club(parent)
    voucher = give("application-1")
    now = at(voucher.contract_by)
    actions.missed_contract(voucher.voucher_id, by=JOB, now=now)
    actions.withdraw("application-1", by=parent, now=now)
    waiting = apply_club(parent, "application-2", now=now + A_DAY)
    assert waiting.tier == ORDINARY

    assert actions.refresh("application-2", by=JOB, now=now + timedelta(days=480))

    after = store.load_application("application-2").value
    assert after.tier == CLUB_RULES.tier_for(["no-recent-voucher"]).code


def test_a_protected_status_moves_the_order_and_is_kept_from_view(tables: TestTables) -> None:
    parent = registered()
    code = "protected"
    apply_club(parent, statuses=(code,))

    seen = actions.see("application-1", by=parent, now=NOW)

    assert code in seen.protected


# --- a child in two programmes


def test_a_club_beside_a_kindergarten_as_both_packs_allow(tables: TestTables) -> None:
    parent = registered()
    born = date(2020, 5, 4)
    child = details(iin=an_iin(100), birth_date=born)
    first = apply(parent, "application-p", child=child)
    assert "clubs" in RULES.programme.beside and "preschool" in CLUB_RULES.programme.beside

    second = apply_club(parent, child=child)

    held = children.load_holdings(first.child_id).value.held
    assert [(h.programme, h.kind) for h in held] == [
        ("preschool", "application"),
        ("clubs", "application"),
    ]
    assert second.child_id == first.child_id


@pytest.mark.parametrize("silent_pack", ["preschool", "clubs"])
def test_lesson_34_one_pack_alone_does_not_allow_two_programmes(
    tables: TestTables, monkeypatch: pytest.MonkeyPatch, silent_pack: str
) -> None:
    from chalicelib.children.actions import acting

    parent = registered()
    child = details(iin=an_iin(100), birth_date=date(2020, 5, 4))
    apply(parent, "application-p", child=child)
    told_by_pack = acting._beside
    monkeypatch.setattr(
        acting, "_beside", lambda p, a, on: () if p == silent_pack else told_by_pack(p, a, on)
    )

    with pytest.raises(HeldElsewhere) as refused:
        apply_club(parent, child=child)

    assert refused.value.facts["programme"] == "preschool"
    assert refused.value.facts["kind"] == "application"
    assert refused.value.facts["area"] == "taldykorgan"


def test_A9_two_programmes_at_once_that_do_not_go_together_and_one_wins(
    tables: TestTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.children.actions import acting

    parent = registered()
    child = details(iin=an_iin(100), birth_date=date(2020, 5, 4))
    apply(parent, "application-p", child=child)  # the child is known before the two race
    actions.withdraw("application-p", by=parent, now=NOW)
    monkeypatch.setattr(acting, "_beside", lambda p, a, on: ())
    barrier, outcomes = threading.Barrier(2), []

    def one(asking: Any, application_id: str) -> None:
        barrier.wait()
        try:
            outcomes.append(asking(parent, application_id, child=child).state)
        except HeldElsewhere as refusal:
            outcomes.append(refusal.code)

    threads = [
        threading.Thread(target=one, args=args)
        for args in ((apply, "application-1"), (apply_club, "application-2"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["children/held-elsewhere", "queued"]


@pytest.mark.parametrize(
    ("held", "programme", "area", "allowed"),
    [
        ([], "clubs", "karaganda", set()),
        ([("preschool", "taldykorgan")], "clubs", "karaganda", {"preschool"}),
        ([("clubs", "astana")], "preschool", "astana", {"clubs"}),
        ([("clubs", "karaganda")], "clubs", "astana", set()),  # one's own needs no leave
        ([("an-old-one", "karaganda")], "clubs", "karaganda", set()),
        ([("preschool", "nowhere")], "clubs", "karaganda", set()),
        ([("preschool", "taldykorgan"), ("preschool", "nowhere")], "clubs", "karaganda", set()),
    ],
)
def test_both_packs_of_their_areas_must_name_each_other(
    held: list[tuple[str, str]], programme: str, area: str, allowed: set[str]
) -> None:
    holdings = Holdings(
        tuple(
            Holding(kind="voucher", id=f"v-{n}", programme=p, area=a)
            for n, (p, a) in enumerate(held)
        )
    )

    assert children_actions.beside(holdings, programme, area, TODAY) == allowed


def test_an_application_kept_with_the_default_kind_spelled_out_is_the_same(
    tables: TestTables,
) -> None:
    parent = registered()
    spelled = apply(parent, kind="general")

    assert apply(parent, kind="") == spelled
    with pytest.raises(AnotherContent):
        apply(parent, kind="sanatorium")


def test_one_club_application_in_the_whole_country(tables: TestTables) -> None:
    parent = registered()
    apply_club(parent)

    with pytest.raises(rules.AlreadyApplied) as refused:
        apply_club(parent, "application-2", area="astana")

    assert refused.value.facts["called"] == HELD_WORDS["application"]
    assert (refused.value.facts["area"], refused.value.facts["held"]) == (
        "karaganda",
        "application",
    )


# --- a voucher that needs no confirmation


def test_an_application_is_fulfilled_at_issue_and_the_child_holds_the_voucher(
    tables: TestTables,
) -> None:
    assert CLUB_RULES.terms.confirm_working_days == 0
    parent = registered()
    apply_club(parent, statuses=("sen",))

    voucher = give("application-1")

    application = store.load_application("application-1").value
    assert (application.state, application.confirm_by) == ("fulfilled", None)
    assert application.voucher_id == voucher.voucher_id
    assert store.find_entry(application) is None
    held = children.load_holdings(application.child_id).value.held
    assert [(h.kind, h.id) for h in held] == [("voucher", voucher.voucher_id)]
    assert list(store.each_to_verify("clubs", "karaganda")) == []
    assert not actions.lapse_confirmation("application-1", by=JOB, now=NOW + 30 * A_DAY)
    with pytest.raises(rules.NotOffered):
        actions.refuse("application-1", by=parent, now=NOW)


def test_only_a_queued_application_gets_a_voucher() -> None:
    from tests.applications.builders import an_application

    with pytest.raises(rules.NotQueued):
        rules.decide_offer(
            an_application(state="withdrawn"), "v", stamp(NOW), needs_confirmation=False
        )


# --- back once to the end of the same category, then withdrawn


def test_whoever_signs_no_contract_goes_back_once_to_the_end_of_the_category(
    tables: TestTables,
) -> None:
    parent = registered()
    first = apply_club(parent, kind="sport")
    voucher = give("application-1")
    missed = at(voucher.contract_by)
    assert not actions.missed_contract(
        voucher.voucher_id, by=JOB, now=just_before(voucher.contract_by)
    )

    assert actions.missed_contract(voucher.voucher_id, by=JOB, now=missed)

    back = store.load_application("application-1").value
    assert (back.state, back.returns, back.voucher_id) == ("queued", 1, None)
    assert (back.tier, back.category, back.kind) == (first.tier, first.category, "sport")
    assert (back.ordered_at, back.received_at) == (stamp(missed), first.received_at)
    entry = store.load_entry(back).value
    assert (entry.ordered_at, entry.returns, entry.intake) == (stamp(missed), 1, None)
    assert vouchers_store.load_voucher(voucher.voucher_id).value.state == "returned"
    held = children.load_holdings(back.child_id).value.held
    assert [(h.kind, h.id) for h in held] == [("application", "application-1")]
    assert "notice:applications/sent-back-contract" in told(back.person_id)
    assert actions.see("application-1", by=parent, now=missed).returns_left == 0
    assert not actions.missed_contract(voucher.voucher_id, by=JOB, now=missed + A_DAY)


def test_the_second_time_the_application_ends_and_a_new_one_is_possible(
    tables: TestTables,
) -> None:
    parent = registered()
    apply_club(parent)
    assert actions.see("application-1", by=parent, now=NOW).returns_left == 1
    first = give("application-1")
    actions.missed_contract(first.voucher_id, by=JOB, now=at(first.contract_by))
    second = give("application-1", now=at(first.contract_by) + A_DAY, number=2)
    missed = at(second.contract_by)

    assert actions.missed_contract(second.voucher_id, by=JOB, now=missed)

    ended = store.load_application("application-1").value
    assert (ended.state, ended.returns, ended.ended_at) == ("withdrawn", 1, stamp(missed))
    assert store.find_entry(ended) is None
    assert children.load_holdings(ended.child_id).value.held == ()
    assert "notice:applications/ended-unused" in told(ended.person_id)
    assert apply_club(parent, "application-2", now=missed + A_DAY).state == "queued"


def test_a_pack_that_says_returned_leaves_the_application_as_it_is(tables: TestTables) -> None:
    from tests.applications.builders import offer

    parent = registered()
    apply(parent)
    voucher = offer("application-1")
    actions.confirm("application-1", by=parent, now=NOW)
    contract_by = vouchers_store.load_voucher(voucher.voucher_id).value.contract_by
    assert PACK.at(TODAY).terms.contract_missed == "returned"

    assert actions.missed_contract(voucher.voucher_id, by=JOB, now=at(contract_by))

    assert vouchers_store.load_voucher(voucher.voucher_id).value.state == "returned"
    assert store.load_application("application-1").value.state == "fulfilled"


def test_two_jobs_at_once_send_back_once(tables: TestTables) -> None:
    parent = registered()
    apply_club(parent)
    voucher = give("application-1")
    missed = at(voucher.contract_by)
    barrier, outcomes = threading.Barrier(2), []

    def job() -> None:
        barrier.wait()
        outcomes.append(actions.missed_contract(voucher.voucher_id, by=JOB, now=missed))

    threads = [threading.Thread(target=job) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]
    assert store.load_application("application-1").value.returns == 1


@pytest.mark.parametrize(
    ("returns", "returns_max", "state", "after"),
    [(0, 1, "queued", 1), (1, 1, "withdrawn", 1), (0, 0, "withdrawn", 0), (1, 2, "queued", 2)],
)
def test_how_often_it_goes_back_is_the_packs_to_say(
    returns: int, returns_max: int, state: str, after: int
) -> None:
    from tests.applications.builders import an_application

    terms = replace(CLUB_RULES.terms, returns_max=returns_max)
    application = an_application(
        state="fulfilled", voucher_id="v", returns=returns, intake="intake-one", ended_at="e"
    )

    moved = rules.decide_send_back(application, "v", terms=terms, now=NOW)

    assert (moved.state, moved.returns, moved.voucher_ended_at) == (state, after, stamp(NOW))


@pytest.mark.parametrize(
    "changes",
    [{"state": "queued"}, {"voucher_id": "another"}, {"state": "offered"}, {"state": "withdrawn"}],
)
def test_only_the_voucher_in_hand_sends_back(changes: dict[str, Any]) -> None:
    from tests.applications.builders import an_application

    application = replace(an_application(state="fulfilled", voucher_id="v"), **changes)

    with pytest.raises(rules.NotFulfilled):
        rules.decide_send_back(application, "v", terms=CLUB_RULES.terms, now=NOW)


def test_the_voucher_clock_is_the_packs() -> None:
    ten_days = CLUBS.calendar.deadline(NOW, working_days=10)

    assert CLUB_RULES.terms.contract_working_days == 10
    assert from_stamp(stamp(ten_days)) == ten_days > datetime(2026, 3, 13, tzinfo=UTC)


# --- nobody came


def signed(parent: Actor, *, now: datetime = NOW) -> Voucher:
    """Give a voucher with money, choose the club and sign with it; return the voucher."""
    voucher = give("application-1", now=now, reserved=True)
    vouchers.choose(voucher.voucher_id, "group-club-1", by=parent, now=now)
    vouchers.sign(voucher.voucher_id, local_day(now), by=parent, now=now)
    return vouchers_store.load_voucher(voucher.voucher_id).value


def test_whoever_never_came_goes_back_and_seat_money_and_holdings_with_it(
    tables: TestTables,
) -> None:
    parent = registered()
    a_club()
    allot()
    before = free()
    first = apply_club(parent, kind="sport")
    voucher = signed(parent)
    assert free() < before
    assert CLUB_RULES.terms.first_visit_working_days == 10
    missed = at(voucher.first_visit_by)
    early = just_before(voucher.first_visit_by)
    assert not actions.missed_first_visit(voucher.voucher_id, by=JOB, now=early)

    assert actions.missed_first_visit(voucher.voucher_id, by=JOB, now=missed)

    back = store.load_application("application-1").value
    assert (back.state, back.returns, back.ordered_at) == ("queued", 1, stamp(missed))
    assert (back.tier, back.category) == (first.tier, first.category)
    ended = vouchers_store.load_voucher(voucher.voucher_id).value
    assert (ended.state, ended.closed_as) == ("closed", "no-first-visit")
    assert providers.load_group("group-club-1").value.holders == {}
    assert vouchers_store.find_roster("site-club-1", "group-club-1").value.members[0].ends_on
    held = children.load_holdings(back.child_id).value.held
    assert [(h.kind, h.id) for h in held] == [("application", "application-1")]
    assert "notice:applications/sent-back-visit" in told(back.person_id)
    # The month that had begun stays promised, for lessons of it may have been held.
    month = voucher.reserve_tiyn
    assert free() == before - month
    assert not actions.missed_first_visit(voucher.voucher_id, by=JOB, now=missed + A_DAY)


def test_whoever_signs_no_contract_gives_all_the_money_back(tables: TestTables) -> None:
    parent = registered()
    allot()
    before = free()
    apply_club(parent, kind="sport")
    voucher = give("application-1", reserved=True)

    actions.missed_contract(voucher.voucher_id, by=JOB, now=at(voucher.contract_by))

    assert free() == before  # no provider can be owed anything


def test_who_signed_did_not_miss_the_contract_and_who_did_not_missed_no_visit(
    tables: TestTables,
) -> None:
    parent = registered()
    a_club()
    allot()
    apply_club(parent)
    unsigned = give("application-1", reserved=True)
    far = NOW + timedelta(days=60)
    assert not actions.missed_first_visit(unsigned.voucher_id, by=JOB, now=far)
    vouchers.choose(unsigned.voucher_id, "group-club-1", by=parent, now=NOW)
    vouchers.sign(unsigned.voucher_id, TODAY, by=parent, now=NOW)

    assert not actions.missed_contract(unsigned.voucher_id, by=JOB, now=far)
    assert not actions.missed_contract("voucher-none", by=JOB, now=far)
    assert not actions.missed_first_visit("voucher-none", by=JOB, now=far)


def test_a_voucher_without_a_queue_ends_for_good_when_nobody_came(tables: TestTables) -> None:
    parent = registered()
    a_club()
    allot()
    apply_club(parent)
    voucher = signed(parent)
    kept = vouchers_store.load_voucher(voucher.voucher_id)
    commit([vouchers_store.keep_voucher(kept, replace(kept.value, application_id=""))])
    missed = at(voucher.first_visit_by)

    assert actions.missed_first_visit(voucher.voucher_id, by=JOB, now=missed)

    assert vouchers_store.load_voucher(voucher.voucher_id).value.state == "closed"
    assert children.load_holdings(voucher.child_id).value.held == ()
    assert "notice:applications/target-unused" in told(voucher.person_id)
    assert store.load_application("application-1").value.state == "fulfilled"


def test_A16_the_journal_rebuilds_what_going_back_wrote(tables: TestTables) -> None:
    parent = registered()
    a_club()
    allot()
    apply_club(parent)
    voucher = signed(parent)
    actions.missed_first_visit(voucher.voucher_id, by=JOB, now=at(voucher.first_visit_by))

    assert list(journal.differences()) == []


def test_signing_and_missing_race_and_one_wins(tables: TestTables) -> None:
    parent = registered()
    a_club()
    allot()
    apply_club(parent)
    voucher = give("application-1", reserved=True)
    vouchers.choose(voucher.voucher_id, "group-club-1", by=parent, now=NOW)
    voucher = vouchers_store.load_voucher(voucher.voucher_id).value
    barrier, outcomes = threading.Barrier(2), {}

    def sign() -> None:
        barrier.wait()
        try:
            now = just_before(voucher.contract_by)
            vouchers.sign(voucher.voucher_id, local_day(now), by=parent, now=now)
            outcomes["signed"] = True
        except Refusal:
            outcomes["signed"] = False

    def miss() -> None:
        barrier.wait()
        outcomes["missed"] = actions.missed_contract(
            voucher.voucher_id, by=JOB, now=at(voucher.contract_by)
        )

    threads = [threading.Thread(target=step) for step in (sign, miss)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes["signed"] != outcomes["missed"]
    held = children.load_holdings(voucher.child_id).value.held
    kinds = sorted(h.kind for h in held)
    assert kinds == (["enrolment", "voucher"] if outcomes["signed"] else ["application"])
