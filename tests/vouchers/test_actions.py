"""Choice, papers, contract, transfer, closure and waiting lists on real tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.children import store as people
from chalicelib.children.rules import AlreadyHeld
from chalicelib.journal import store as journal
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.providers import store as providers
from chalicelib.providers.rules import NoPlace, SiteState
from chalicelib.storage import agenda
from chalicelib.storage.outbox import NOTICES, WORK
from chalicelib.storage.rows import OutboxRow
from chalicelib.vouchers import actions, rules, store
from tests.children.builders import a_parent
from tests.vouchers.builders import (
    BOT,
    EDUCATOR,
    FAR_OFFICER,
    HEAD,
    NOW,
    OFFICER,
    ORG,
    OTHER_HEAD,
    OTHER_SITE,
    SITE,
    TODAY,
    Town,
    both,
    later,
)

A, B, C = "group-aaaa", "group-bbbb", "group-cccc"


def choose(town: Town, voucher_id: str, group_id: str, now: datetime = NOW):
    return actions.choose(voucher_id, group_id, by=town.parents[voucher_id], now=now)


def transfer(town: Town, voucher_id: str, group_id: str, now: datetime = NOW):
    return actions.transfer(voucher_id, group_id, by=town.parents[voucher_id], now=now)


def wait(town: Town, voucher_id: str, group_id: str, now: datetime = NOW):
    return actions.join(voucher_id, group_id, by=town.parents[voucher_id], now=now)


def answer(town: Town, voucher_id: str, group_id: str, accept: bool, now: datetime = NOW):
    return actions.answer(voucher_id, group_id, accept=accept, by=town.parents[voucher_id], now=now)


def close(town: Town, voucher_id: str, last_day: date | None, now: datetime = NOW):
    return actions.close(voucher_id, "withdrawal", last_day, by=town.parents[voucher_id], now=now)


def offered_work() -> list[str]:
    """Return the groups whose seats are to be offered, in order of key."""
    works = [WORK.kept(row).value for row in OutboxRow.scan(OutboxRow.pk.startswith("WORK#"))]
    return sorted(w.facts["group_id"] for w in works if w.topic == "vouchers/offer")


def notices_to(who: str) -> list[str]:
    return [k.value.template.rpartition("/")[2] for k in NOTICES.each(f"NOTICES#{who}")]


def told(town: Town, voucher_id: str) -> list[str]:
    return notices_to(f"person:{town.voucher(voucher_id).person_id}")


# --- choice ---------------------------------------------------------------------------------------


def test_a_choice_swaps_the_seat_in_one_commit(town: Town):
    town.group(A), town.group(B, site_id=OTHER_SITE)
    voucher_id = town.confirmed(A)

    choose(town, voucher_id, B)
    again = choose(town, voucher_id, B)

    assert town.holders(A) == set()
    assert town.holders(B) == {voucher_id}
    assert (again.group_id, again.site_id) == (B, OTHER_SITE)
    assert offered_work() == [A]
    assert told(town, voucher_id) == ["chosen"]
    assert notices_to("organisation:org-00002") == ["expected"]
    events = [e.event for e in journal.history(f"voucher/{voucher_id}")]
    assert events == ["queue/issued", "vouchers/confirmed", "vouchers/chosen"]


def test_another_family_s_voucher_is_as_unknown_as_none(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)
    stranger = town.parents[town.confirmed(A)]

    for actor in (stranger, a_parent("nobody")):
        with pytest.raises(Unknown):
            actions.choose(voucher_id, A, by=actor, now=NOW)
        with pytest.raises(Unknown):
            actions.load_own(voucher_id, by=actor, now=NOW)
    with pytest.raises(Unknown):
        actions.choose("voucher-none", A, by=stranger, now=NOW)


def test_a_full_group_is_not_chosen(town: Town):
    town.group(A), town.group(B, capacity=1)
    town.confirmed(B)
    voucher_id = town.confirmed(A)

    with pytest.raises(NoPlace):
        choose(town, voucher_id, B)

    assert town.holders(A) == {voucher_id}


def test_two_holders_choose_the_last_place_and_one_has_it(town: Town):
    town.group(A), town.group(B, capacity=1)
    one, two = town.confirmed(A), town.confirmed(A)

    results = both(lambda: choose(town, one, B), lambda: choose(town, two, B))

    assert sorted(type(r).__name__ for r in results) == ["NoPlace", "Voucher"]
    assert len(town.holders(A)) == len(town.holders(B)) == 1
    assert town.holders(A) | town.holders(B) == {one, two}


# --- papers and contract --------------------------------------------------------------------------


def test_papers_are_judged_by_the_chosen_kindergarten_alone(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)

    with pytest.raises(Unknown):
        actions.judge_papers(voucher_id, "accepted", None, by=OTHER_HEAD, now=NOW)
    actions.judge_papers(voucher_id, "refused", "incomplete", by=HEAD, now=NOW)
    actions.judge_papers(voucher_id, "refused", "incomplete", by=HEAD, now=later(hours=1))

    assert town.holders(A) == {voucher_id}
    assert told(town, voucher_id) == ["papers-refused-incomplete"]
    text = actions.papers_text(town.voucher(voucher_id), "kk", now=NOW)
    assert text == "Құжаттар топтамасы толық емес"


def test_an_unconfirmed_voucher_is_nobody_s_to_judge(town: Town):
    town.group(A)
    voucher_id = town.issued(A)

    with pytest.raises(Unknown):
        actions.judge_papers(voucher_id, "accepted", None, by=HEAD, now=NOW)


def test_a_contract_enrols_once(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)
    town.papers(voucher_id)

    enrolment = town.sign(voucher_id)
    again = town.sign(voucher_id, now=later(hours=1))

    assert again == enrolment
    voucher = town.voucher(voucher_id)
    assert (voucher.state, voucher.seat) == ("used", "used")
    assert providers.load_group(A).value.holders[voucher_id].state == "used"
    (roster,) = store.load_rosters(SITE)
    assert [m.child_id for m in roster.members] == [voucher.child_id]
    held = people.load_holdings(voucher.child_id).value
    assert held.of("preschool", "enrolment").id == enrolment.enrolment_id  # type: ignore[union-attr]
    assert actions.enrolment_of_child(voucher.child_id, "preschool") == enrolment
    assert told(town, voucher_id).count("signed") == 1
    with pytest.raises(AnotherContent):
        town.sign(voucher_id, starts_on=TODAY + timedelta(days=1))


def test_two_signatures_at_once_are_one_contract(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)
    town.papers(voucher_id)

    one, two = both(lambda: town.sign(voucher_id), lambda: town.sign(voucher_id))

    assert one == two
    assert len(store.list_enrolments(SITE)) == 1


# --- transfer -------------------------------------------------------------------------------------


def test_move_on_the_17th_swaps_the_seat_without_a_race(town: Town):
    """Lesson 20: moved on the 17th, no gap, no overlap, both kindergartens know the days."""
    the_16th = datetime(2026, 3, 16, 4, tzinfo=UTC)
    town.group(A), town.group(B, capacity=1, site_id=OTHER_SITE)
    voucher_id = town.enrolled(A)
    child_id = town.voucher(voucher_id).child_id

    one, two = both(
        lambda: transfer(town, voucher_id, B, the_16th),
        lambda: transfer(town, voucher_id, B, the_16th),
    )

    assert one == two
    old, new = actions.enrolments_of_child(
        child_id, "preschool", first=date(2026, 3, 1), last=date(2026, 3, 31)
    )
    assert (old.site_id, old.starts_on, old.ends_on) == (SITE, TODAY, date(2026, 3, 16))
    assert (new.site_id, new.starts_on, new.ends_on) == (OTHER_SITE, date(2026, 3, 17), None)
    assert store.load_rosters(SITE)[0].members[0].ends_on == date(2026, 3, 16)
    assert store.load_rosters(OTHER_SITE)[0].members[0].starts_on == date(2026, 3, 17)
    assert town.voucher(voucher_id).transfers == ("2026-03",)
    assert people.load_holdings(child_id).value.of("preschool", "enrolment").site_id == OTHER_SITE  # type: ignore[union-attr]
    # The old seat is used to its last day, and then it goes to the next.
    assert town.holders(A) == {voucher_id}
    assert actions.end_seats(voucher_id, by=BOT, now=datetime(2026, 3, 16, 19, tzinfo=UTC))
    assert town.holders(A) == set()
    assert offered_work() == [A]
    assert actions.enrolment_of_child(child_id, "preschool") == new


def test_a_transfer_and_a_choice_want_the_last_place_and_one_has_it(town: Town):
    town.group(A), town.group(B, capacity=1)
    enrolled, choosing = town.enrolled(A), town.confirmed(A)

    results = both(lambda: transfer(town, enrolled, B), lambda: choose(town, choosing, B))

    assert sorted(type(r).__name__ for r in results) in (
        ["Enrolment", "NoPlace"],
        ["NoPlace", "Voucher"],
    )
    assert len(town.holders(B)) == 1
    assert len(store.list_enrolments(SITE)) == (2 if town.holders(B) == {enrolled} else 1)


def test_a_second_transfer_waits_for_the_next_month(town: Town):
    town.group(A), town.group(B)
    voucher_id = town.enrolled(A)
    transfer(town, voucher_id, B)
    next_week = later(days=7)

    with pytest.raises(rules.TransferPending):
        transfer(town, voucher_id, A)
    with pytest.raises(rules.OneTransferAMonth):
        transfer(town, voucher_id, A, next_week)

    assert store.load_enrolment(SITE, town.voucher(voucher_id).enrolment_id or "")


def test_moving_back_though_the_seats_job_is_late(town: Town):
    town.group(A), town.group(B)
    voucher_id = town.enrolled(A)
    transfer(town, voucher_id, B)

    back = transfer(town, voucher_id, A, datetime(2026, 4, 6, 4, tzinfo=UTC))

    seat = providers.load_group(A).value.holders[voucher_id]
    assert (seat.state, seat.since, seat.until) == ("used", back.starts_on, None)
    assert [x.group_id for x in town.voucher(voucher_id).leaving] == [B]
    assert offered_work() == []


def test_leaving_a_suspended_kindergarten_is_free_of_the_limit(town: Town):
    town.group(A), town.group(B, site_id=OTHER_SITE), town.group(C, site_id=OTHER_SITE)
    voucher_id = town.enrolled(A)
    transfer(town, voucher_id, B)
    actions.end_seats(voucher_id, by=BOT, now=later(days=1))
    town.set_site(OTHER_SITE, state=SiteState.SUSPENDED, transition_until=date(2026, 4, 1))

    moved = transfer(town, voucher_id, A, later(days=1))

    assert moved.group_id == A
    assert town.voucher(voucher_id).transfers == ("2026-03",)


# --- closure --------------------------------------------------------------------------------------


def test_a_closed_voucher_frees_everything_after_the_last_day(town: Town):
    town.group(A)
    voucher_id = town.enrolled(A)
    child_id = town.voucher(voucher_id).child_id
    last_day = date(2026, 3, 10)

    closed = close(town, voucher_id, last_day)
    again = close(town, voucher_id, last_day)

    assert closed == again
    assert [h.kind for h in people.load_holdings(child_id).value.held] == ["enrolment"]
    assert not actions.end_seats(voucher_id, by=BOT, now=datetime(2026, 3, 10, 18, tzinfo=UTC))
    assert actions.end_seats(voucher_id, by=BOT, now=datetime(2026, 3, 10, 19, tzinfo=UTC))
    assert not actions.end_seats(voucher_id, by=BOT, now=datetime(2026, 3, 10, 19, tzinfo=UTC))
    assert town.holders(A) == set()
    assert people.load_holdings(child_id).value.held == ()
    assert offered_work() == [A]
    with pytest.raises(AnotherContent):
        close(town, voucher_id, date(2026, 3, 11))
    # A month is approved after its end, so its days are still found.
    assert actions.enrolments_of_child(
        child_id, "preschool", first=date(2026, 3, 1), last=date(2026, 3, 31)
    )


def test_a_head_closes_only_in_the_own_kindergarten(town: Town):
    town.group(A)
    voucher_id = town.enrolled(A)

    with pytest.raises(Unknown):
        actions.close(voucher_id, "graduation", TODAY, by=OTHER_HEAD, now=NOW)
    with pytest.raises(rules.ClosingReason):
        actions.close(voucher_id, "withdrawal", TODAY, by=HEAD, now=NOW)
    closed = actions.close(voucher_id, "graduation", TODAY, by=HEAD, now=NOW)

    assert closed.closed_as == "graduation"


def test_a_contract_that_never_begins_gives_all_back_at_once(town: Town):
    town.group(A)
    voucher_id = town.enrolled(A, starts_on=date(2026, 4, 1))
    child_id = town.voucher(voucher_id).child_id

    close(town, voucher_id, TODAY)
    close(town, voucher_id, TODAY)

    assert town.holders(A) == set()
    assert people.load_holdings(child_id).value.held == ()
    assert store.load_rosters(SITE)[0].members == ()
    assert store.list_enrolments(SITE, first=TODAY, last=date(2026, 4, 30)) == []
    assert actions.enrolments_of_child(child_id, "preschool", first=TODAY, last=TODAY) == []


def test_a_voucher_without_contract_is_given_back(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)

    close(town, voucher_id, None)
    again = close(town, voucher_id, None)

    assert again.state == "closed"
    assert town.holders(A) == set()
    assert people.load_holdings(again.child_id).value.held == ()


def test_no_contract_while_an_earlier_enrolment_runs(town: Town):
    town.group(A), town.group(B)
    voucher_id = town.enrolled(A)
    voucher = town.voucher(voucher_id)
    close(town, voucher_id, date(2026, 3, 31))
    second = town.confirmed(B)
    kept = store.load_voucher(second)
    same_child = replace(kept.value, child_id=voucher.child_id)
    from chalicelib.storage.commit import commit

    commit([store.keep_voucher(kept, same_child)])
    town.papers(second)

    with pytest.raises(AlreadyHeld):
        actions.sign(second, TODAY, by=town.parents[voucher_id], now=NOW)


# --- waiting lists --------------------------------------------------------------------------------


def test_the_list_is_in_the_order_of_issue_whoever_asks_first(town: Town):
    town.group(A, capacity=4), town.group(B, capacity=1)
    leaving = town.enrolled(B)
    second, first = town.confirmed(A, order="0200"), town.confirmed(A, order="0100")
    wait(town, second, B)
    wait(town, first, B)
    wait(town, first, B)

    assert town.waiting(B) == [first, second]
    close(town, leaving, TODAY)
    actions.end_seats(leaving, by=BOT, now=later(days=1))
    assert actions.offer_seats(B, by=BOT, now=later(days=1)) == 1
    assert actions.offer_seats(B, by=BOT, now=later(days=1)) == 0

    assert town.holders(B) == {first}
    assert town.holders(A) == {first, second}
    assert told(town, first) == ["offered"]


def offered_to_first(town: Town) -> tuple[str, str, datetime]:
    """Bring a town to where the first of two waiting has an offer for B; return them."""
    town.group(A, capacity=4), town.group(B, capacity=1)
    leaving = town.confirmed(B)
    first, second = town.confirmed(A), town.confirmed(A)
    wait(town, first, B)
    wait(town, second, B)
    close(town, leaving, None)
    now = later(hours=1)
    assert actions.offer_seats(B, by=BOT, now=now) == 1
    return first, second, now


def test_an_accepted_offer_gives_up_the_old_seat(town: Town):
    first, second, now = offered_to_first(town)

    answer(town, first, B, True, now)
    again = answer(town, first, B, True, now)

    assert (again.group_id, again.waiting) == (B, ())
    assert town.holders(B) == {first}
    assert town.holders(A) == {second}
    assert town.waiting(B) == [second]
    assert A in offered_work()


def test_a_declined_offer_goes_to_the_next(town: Town):
    first, second, now = offered_to_first(town)

    answer(town, first, B, False, now)
    answer(town, first, B, False, now)
    actions.offer_seats(B, by=BOT, now=now)

    assert town.holders(B) == {second}
    assert town.holders(A) == {first, second}
    assert town.waiting(B) == [second]


def test_an_unanswered_offer_lapses_after_one_calendar_day(town: Town):
    first, second, _ = offered_to_first(town)
    subject = f"{first}/{B}"

    assert not actions.lapse_offer(subject, by=BOT, now=later(days=1))
    assert actions.lapse_offer(subject, by=BOT, now=later(days=2))
    assert not actions.lapse_offer(subject, by=BOT, now=later(days=2))
    actions.offer_seats(B, by=BOT, now=later(days=2))

    assert town.holders(B) == {second}
    assert "offer-lapsed" in told(town, first)
    with pytest.raises(rules.NotOffered):
        answer(town, first, B, True, later(days=2))


def test_an_answer_and_the_lapse_at_once_end_in_one_of_the_two(town: Town):
    first, _, now = offered_to_first(town)

    both(
        lambda: answer(town, first, B, True, now),
        lambda: actions.lapse_offer(f"{first}/{B}", by=BOT, now=later(days=2)),
    )

    voucher = town.voucher(first)
    assert voucher.waiting == ()
    if voucher.group_id == B:
        assert (town.holders(B), first in town.holders(A)) == ({first}, False)
    else:
        assert (town.holders(B), first in town.holders(A)) == (set(), True)


def test_a_freed_place_is_not_snatched_from_those_who_wait(town: Town):
    town.group(A, capacity=4), town.group(B, capacity=1)
    leaving, waiting, quick = town.confirmed(B), town.confirmed(A), town.confirmed(A)
    wait(town, waiting, B)
    close(town, leaving, None)

    with pytest.raises(rules.OthersWait):
        choose(town, quick, B)

    # Asking for it set the offer going, though its message has not come.
    assert town.holders(B) == {waiting}
    assert told(town, waiting) == ["offered"]
    with pytest.raises(NoPlace):
        choose(town, quick, B)


def test_who_waits_first_may_choose_the_freed_place(town: Town):
    town.group(A, capacity=4), town.group(B, capacity=1)
    leaving, waiting = town.confirmed(B), town.confirmed(A)
    wait(town, waiting, B)
    close(town, leaving, None)

    chosen = choose(town, waiting, B)

    assert (chosen.group_id, chosen.waiting) == (B, ())
    assert town.waiting(B) == []


def test_a_place_nobody_waiting_could_take_is_free_for_others(town: Town):
    town.group(A, capacity=4), town.group(B, capacity=1), town.group(C, capacity=4)
    leaving, moved, quick = town.confirmed(B), town.enrolled(A), town.confirmed(A)
    transfer(town, moved, C)
    wait(town, moved, B)
    close(town, leaving, None)

    assert choose(town, quick, B).group_id == B


def test_an_enrolled_child_accepts_an_offer_as_a_transfer(town: Town):
    town.group(A), town.group(B, capacity=1, site_id=OTHER_SITE)
    leaving, voucher_id = town.confirmed(B), town.enrolled(A)
    wait(town, voucher_id, B)
    close(town, leaving, None)
    actions.offer_seats(B, by=BOT, now=NOW)

    moved = answer(town, voucher_id, B, True)
    again = answer(town, voucher_id, B, True)

    assert moved == again
    assert moved.transfers == ("2026-03",)
    enrolment = store.load_enrolment(OTHER_SITE, moved.enrolment_id or "").value
    assert enrolment.starts_on == date(2026, 3, 3)
    assert providers.load_group(B).value.holders[voucher_id].state == "used"
    assert town.waiting(B) == []


def test_nobody_waiting_leaves_the_place_free(town: Town):
    town.group(A)

    assert actions.offer_seats(A, by=BOT, now=NOW) == 0
    assert actions.offer_seats("group-none", by=BOT, now=NOW) == 0


def test_who_cannot_accept_now_is_passed_over_but_keeps_the_place(town: Town):
    town.group(A, capacity=4), town.group(B, capacity=1), town.group(C, capacity=4)
    leaving, moved = town.confirmed(B), town.enrolled(A)
    transfer(town, moved, C)
    wait(town, moved, B)
    second = town.confirmed(A)
    wait(town, second, B)
    close(town, leaving, None)

    actions.offer_seats(B, by=BOT, now=NOW)

    assert town.holders(B) == {second}
    assert town.waiting(B) == [moved, second]


def test_leaving_a_list_twice_is_leaving_it(town: Town):
    first, _, now = offered_to_first(town)

    actions.leave(first, B, by=town.parents[first], now=now)
    after = actions.leave(first, B, by=town.parents[first], now=now)

    assert after.waiting == ()
    assert town.holders(B) == set()


def test_a_list_row_that_went_and_came_is_newer_each_time(town: Town):
    town.group(A), town.group(B, capacity=1)
    town.confirmed(B)
    voucher_id = town.confirmed(A)

    versions = []
    for _ in range(2):
        wait(town, voucher_id, B)
        versions += [k.version for k in store.each_waiter(B)]
        actions.leave(voucher_id, B, by=town.parents[voucher_id], now=NOW)

    assert versions == sorted(set(versions))


# --- what others see ------------------------------------------------------------------------------


def test_names_are_opened_for_the_own_kindergarten_only(town: Town):
    town.group(A)
    town.enrolled(A)

    for actor, named in ((HEAD, True), (EDUCATOR, True), (OFFICER, False)):
        (seen,), more = actions.site_enrolments(SITE, on=None, by=actor, after=None, limit=10)
        assert bool(seen.names) is named
        assert more is None
    for actor in (OTHER_HEAD, FAR_OFFICER):
        with pytest.raises(Unknown):
            actions.site_enrolments(SITE, on=None, by=actor, after=None, limit=10)


def test_expected_children_are_named_once_confirmed(town: Town):
    town.group(A, capacity=4)
    issued, confirmed = town.issued(A), town.confirmed(A)
    town.enrolled(A)

    expected, more = actions.site_expected(SITE, by=HEAD, after="", limit=10)

    assert {e.voucher.voucher_id: bool(e.names) for e in expected} == {
        issued: False,
        confirmed: True,
    }
    assert more is None


def test_lists_come_in_pages(town: Town):
    town.group(A, capacity=5)
    made = [town.enrolled(A) for _ in range(3)]

    first, more = actions.site_enrolments(SITE, on=TODAY, by=HEAD, after=None, limit=2)
    rest, end = actions.site_enrolments(SITE, on=TODAY, by=HEAD, after=more, limit=2)

    assert {e.enrolment.voucher_id for e in (*first, *rest)} == set(made)
    assert end is None


def test_a_family_sees_its_live_vouchers(town: Town):
    town.group(A)
    voucher_id = town.enrolled(A)

    voucher, enrolment = actions.load_own(voucher_id, by=town.parents[voucher_id], now=NOW)

    assert actions.list_own(by=town.parents[voucher_id], now=NOW) == [voucher]
    assert enrolment is not None and enrolment.organisation_id == ORG


# --- terms ----------------------------------------------------------------------------------------


def test_an_unsigned_voucher_returns_to_the_pool(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)
    child_id = town.voucher(voucher_id).child_id
    end = datetime(2026, 3, 10, 19, tzinfo=UTC)

    assert not actions.lapse_contract(voucher_id, by=BOT, now=end - timedelta(seconds=1))
    assert actions.lapse_contract(voucher_id, by=BOT, now=end)
    assert not actions.lapse_contract(voucher_id, by=BOT, now=end)

    assert town.voucher(voucher_id).state == "returned"
    assert town.holders(A) == set()
    assert people.load_holdings(child_id).value.held == ()
    assert offered_work() == [A]
    assert "returned" in told(town, voucher_id)


def test_a_term_is_reminded_of_once_when_a_day_is_left(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)
    last_day = datetime(2026, 3, 9, 19, tzinfo=UTC)

    assert not actions.contract_soon(voucher_id, by=BOT, now=last_day - timedelta(hours=1))
    assert actions.contract_soon(voucher_id, by=BOT, now=last_day)
    assert not actions.contract_soon(voucher_id, by=BOT, now=last_day)

    assert told(town, voucher_id) == ["contract-soon"]


def test_every_term_has_its_reminder(town: Town):
    first, _, _ = offered_to_first(town)

    due = {(k.value.topic, k.value.subject) for k in agenda.list_due(later(days=9), days_back=9)}

    assert ("vouchers/contract", first) in due
    assert ("vouchers/contract-soon", first) in due
    assert ("vouchers/offer-lapse", f"{first}/{B}") in due
    assert {topic for topic, _ in due} <= set(actions.DEADLINES)
