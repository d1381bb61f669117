"""Standing wishes on real tables: named, ranked, carried out in chains and rings, told."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from chalicelib.journal import actions as journal
from chalicelib.journal import store as entries
from chalicelib.providers import store as providers
from chalicelib.providers.rules import SiteState
from chalicelib.storage.commit import commit
from chalicelib.storage.outbox import WORK
from chalicelib.storage.rows import OutboxRow
from chalicelib.vouchers import actions, jobs, rules, store
from chalicelib.vouchers.actions import Move, Rows, make
from infra.local import faults, testing
from tests.promises.rewind import Kept
from tests.vouchers.builders import (
    BOT,
    CALENDAR,
    NOW,
    OTHER_SITE,
    SITE,
    TERMS,
    TODAY,
    Town,
    a_voucher,
    both,
    later,
)
from tests.vouchers.promises import is_rebuilt, rows
from tests.vouchers.test_actions import A, B, C, choose, close, notices_to, told, transfer, wait

D, E = "group-dddd", "group-eeee"
TOMORROW = date(2026, 3, 3)


def stand(town: Town, voucher_id: str, *groups: str, now: datetime = NOW) -> None:
    """Wish to be moved to groups, the dearest first."""
    for group_id in groups:
        actions.join(voucher_id, group_id, standing=True, by=town.parents[voucher_id], now=now)


def work(topic: str) -> list[dict[str, Any]]:
    found = [WORK.kept(row).value for row in OutboxRow.scan(OutboxRow.pk.startswith("WORK#"))]
    return [w.facts for w in sorted(found, key=lambda w: w.key) if w.topic == topic]


def deliver(now: datetime = NOW) -> None:
    """Deliver all work there is to fill places, and what it leaves behind, twice."""
    for _ in range(2):
        seen: list[dict[str, Any]] = []
        while fresh := [facts for facts in work("vouchers/offer") if facts not in seen]:
            for facts in fresh:
                jobs.offer(facts, now)
            seen += fresh
        for facts in work("vouchers/moved"):
            jobs.moved(facts, now)


def a_row(town: Town, *groups: str) -> list[str]:
    """One enrolled child in each group of one place; return their vouchers."""
    for n, group_id in enumerate(groups):
        town.group(group_id, capacity=1, site_id=(SITE, OTHER_SITE)[n % 2])
    return [town.enrolled(group_id) for group_id in groups]


# --- the wish -------------------------------------------------------------------------------------


def test_a_wish_is_named_changed_and_listed_for_the_area(town: Town):
    town.group(A, capacity=1), town.group(B, capacity=1), town.group(C, capacity=4)
    town.confirmed(A), town.confirmed(B)
    first, second = town.confirmed(C), town.confirmed(C)
    stand(town, second, A, B)
    stand(town, first, A)

    movers = store.list_movers("preschool", "taldykorgan")
    assert [k.value.voucher_id for k in movers] == [first, second]
    assert rules.standing_wishes(movers[1].value) == (A, B)
    rows_of = {k.value.voucher_id: k.value for k in store.each_waiter(A)}
    assert (rows_of[second].own, rows_of[second].wishes) == (C, (A, B))

    actions.join(second, B, rank=1, by=town.parents[second], now=NOW)
    assert rules.standing_wishes(town.voucher(second)) == (B, A)
    assert {k.value.wishes for k in store.each_waiter(B)} == {(B, A)}
    actions.join(second, A, standing=False, by=town.parents[second], now=NOW)
    assert rules.standing_wishes(town.voucher(second)) == (B,)
    assert [w.group_id for w in town.voucher(second).waiting] == [B, A]
    actions.leave(second, B, by=town.parents[second], now=NOW)
    actions.leave(first, A, by=town.parents[first], now=NOW)
    assert store.list_movers("preschool", "taldykorgan") == []


def test_asked_again_without_more_a_wish_stays_as_it_is(town: Town):
    town.group(A, capacity=1), town.group(C)
    town.confirmed(A)
    one = town.confirmed(C)
    stand(town, one, A)
    version = store.load_voucher(one).version

    again = wait(town, one, A)
    stand(town, one, A)

    assert rules.standing_wishes(again.voucher) == (A,)
    assert store.load_voucher(one).version == version


def test_a_choice_by_hand_ends_what_was_wished_less_and_asks_for_the_rest(town: Town):
    for group_id in (A, B, C):
        town.group(group_id, capacity=1)
    town.group(D), town.group(E)
    town.confirmed(A), town.confirmed(C)
    in_b, one = town.confirmed(B), town.confirmed(D)
    stand(town, one, A, B, C)
    close(town, in_b, None)

    chosen = choose(town, one, B)
    assert rules.standing_wishes(chosen) == (A,)
    assert [w.group_id for w in chosen.waiting] == [A]
    elsewhere = choose(town, one, E)
    assert rules.standing_wishes(elsewhere) == ()
    assert [w.group_id for w in elsewhere.waiting] == [A]
    assert store.list_movers("preschool", "taldykorgan") == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, None),
        ({"waiting": ()}, "no-wish"),
        ({"state": "issued"}, "not-confirmed"),
        ({"state": "closed"}, "not-confirmed"),
        ({"group_id": None}, "no-seat"),
        ({"contract_by": "2026-03-01T19:00:00.000000Z"}, "term-passed"),
        (
            {"contract_by": "2026-03-01T19:00:00.000000Z", "paused_since": "2026-02-27T04:00:00Z"},
            None,
        ),
        ({"state": "used", "transfers": ("2026-03",)}, "month-used"),
        ({"state": "used", "transfers": ("2026-02",)}, None),
        ({"state": "used", "leaving": (rules.Leaving(B, TODAY, "e"),)}, "transfer-pending"),
    ],
)
def test_only_who_could_go_by_hand_today_is_moved(said: dict[str, Any], why: str | None):
    wish = (rules.Waiting(A, standing=True), rules.Waiting(C, "offered", "2026-02-28T19:00:00Z"))
    voucher = a_voucher(**{"group_id": B, "seat": "reserved", "waiting": wish, **said})

    assert rules.not_now(voucher, now=NOW, terms=TERMS, calendar=CALENDAR) == why
    if why == "month-used":
        free = rules.not_now(voucher, now=NOW, terms=TERMS, calendar=CALENDAR, limited=False)
        assert free is None


# --- a freed place --------------------------------------------------------------------------------


def test_a_freed_place_moves_the_first_and_so_on_in_one_evening(town: Town):
    leaving, one, two = a_row(town, A, B, C)
    stand(town, one, A), stand(town, two, B)
    transfers = store.find_stays(town.voucher(one).child_id, "preschool")
    close(town, leaving, TODAY)
    evening = later(hours=20)  # 05:00 on Tuesday: the seat is free
    actions.end_seats(leaving, by=BOT, now=evening)

    deliver(evening)

    assert (town.voucher(one).group_id, town.voucher(two).group_id) == (A, B)
    assert len(transfers.value.stays) == 1
    for voucher_id, old, new in ((one, B, A), (two, C, B)):
        stays = store.find_stays(town.voucher(voucher_id).child_id, "preschool").value.stays
        assert [(s.group_id, s.starts_on, s.ends_on) for s in stays] == [
            (old, TODAY, date(2026, 3, 3)),
            (new, date(2026, 3, 4), None),
        ]
        assert town.voucher(voucher_id).transfers == ("2026-03",)
        assert town.voucher(voucher_id).waiting == ()
        assert told(town, voucher_id).count("moved") == 1
    # Nobody has a seat on a day that another has it.
    seats = providers.load_group(B).value.holders
    assert (seats[one].until, seats[two].since) == (date(2026, 3, 3), date(2026, 3, 4))
    assert notices_to("organisation:org-00002").count("left") == 1
    assert [k.value for k in store.each_waiter(A)] == []
    is_rebuilt_now()


def is_rebuilt_now() -> None:
    assert list(journal.differences()) == []


def test_who_has_no_contract_yet_gets_the_seat_and_a_whole_term(town: Town):
    town.group(A, capacity=1), town.group(B, capacity=1), town.group(C, capacity=1)
    leaving, one, two = town.confirmed(A), town.confirmed(B), town.confirmed(C)
    town.papers(one)
    stand(town, one, A), stand(town, two, B)
    close(town, leaving, None, now=later(days=1))

    deliver(later(days=1))

    moved = town.voucher(one)
    assert (moved.group_id, moved.seat, moved.papers, moved.state) == (
        A,
        "reserved",
        "none",
        "confirmed",
    )
    assert moved.contract_by == "2026-03-11T19:00:00.000000Z"
    assert town.voucher(two).group_id == B
    assert "moved-to-hand-in" in told(town, one)
    assert town.holders(C) == set()


def test_who_is_to_be_asked_is_not_overtaken_and_its_answer_goes_on(town: Town):
    town.group(A, capacity=1), town.group(B, capacity=1), town.group(C, capacity=1)
    leaving, asked, mover = town.confirmed(A), town.confirmed(B), town.confirmed(C)
    wait(town, asked, A)
    stand(town, mover, A, B)
    close(town, leaving, None)

    deliver()
    assert town.holders(A) == {asked}
    assert "offered" in told(town, asked)
    assert town.voucher(mover).group_id == C

    actions.answer(asked, A, accept=True, by=town.parents[asked], now=NOW)
    deliver()
    assert (town.holders(A), town.holders(B), town.holders(C)) == ({asked}, {mover}, set())
    # It moved to its second wish and still waits for its first.
    assert rules.standing_wishes(town.voucher(mover)) == (A,)


def test_an_unanswered_offer_moves_who_said_meanwhile_that_it_wants_to_go(town: Town):
    town.group(A, capacity=1), town.group(B)
    leaving, one = town.confirmed(A), town.confirmed(B)
    wait(town, one, A)
    close(town, leaving, None)
    actions.offer_seats(A, by=BOT, now=NOW)
    stand(town, one, A)
    assert town.voucher(one).waiting[0].state == "offered"

    actions.lapse_offer(f"{one}/{A}", by=BOT, now=later(days=2))
    deliver(later(days=2))

    assert (town.voucher(one).group_id, town.holders(B)) == (A, set())


def test_a_used_month_passes_over_and_keeps_the_place_on_the_list(town: Town):
    leaving, one, two = a_row(town, A, B, C)
    town.group(D)
    transfer(town, one, D)
    stand(town, one, A), stand(town, two, A)
    close(town, leaving, TODAY)
    wednesday = later(days=2)
    for voucher_id in (leaving, one):
        actions.end_seats(voucher_id, by=BOT, now=wednesday)

    deliver(wednesday)

    assert town.voucher(one).group_id == D
    assert rules.standing_wishes(town.voucher(one)) == (A,)
    assert town.voucher(two).group_id == A


def test_leaving_a_suspended_provider_costs_no_transfer_and_none_moves_into_it(town: Town):
    leaving, one, two = a_row(town, A, B, C)  # B is the other provider's
    stand(town, one, A), stand(town, two, B)
    close(town, leaving, TODAY)
    town.set_site(OTHER_SITE, state=SiteState.SUSPENDED, transition_until=date(2026, 4, 1))
    tuesday = later(days=1)
    actions.end_seats(leaving, by=BOT, now=tuesday)

    deliver(tuesday)

    assert (town.voucher(one).group_id, town.voucher(one).transfers) == (A, ())
    assert town.voucher(two).group_id == C


def test_a_ring_moves_at_once(town: Town):
    one, two, three = a_row(town, A, B, C)
    stand(town, one, B), stand(town, two, C), stand(town, three, A)
    moves = [Move(store.load_voucher(v), to) for v, to in ((one, B), (two, C), (three, A))]
    rows_read = Rows("preschool", "taldykorgan")
    with faults.watch() as seen:
        rows_read.fetch(moves)
        make(moves, rows_read, run_id="run-00002", by=BOT, now=NOW)

    assert seen.operations == {"BatchGetItem": 1, "TransactWriteItems": 1}
    assert [town.voucher(v).group_id for v in (one, two, three)] == [B, C, A]
    for group_id in (A, B, C):
        until = [s.until for s in providers.load_group(group_id).value.holders.values()]
        assert sorted(until, key=str) == [TODAY, None]
    for voucher_id in (one, two, three):
        assert town.voucher(voucher_id).moved_in == "run-00002"
        assert [e.event for e in entries.newest(f"voucher/{voucher_id}", limit=1)] == [
            "vouchers/moved"
        ]
    is_rebuilt_now()


def test_a_ring_of_six_fits_into_one_commit_and_a_mixed_one_keeps_days_apart(town: Town):
    ids = [f"group-{n:04d}" for n in range(6)]
    for n, group_id in enumerate(ids):
        town.group(group_id, capacity=1, site_id=(SITE, OTHER_SITE)[n % 2])
    ring = [town.confirmed(ids[0]), *(town.enrolled(group_id) for group_id in ids[1:])]
    for n, voucher_id in enumerate(ring):
        # All lists they may stand on, and all of them given up by the move.
        others = [g for g in ids if g not in (ids[n], ids[(n + 1) % 6])]
        stand(town, voucher_id, ids[(n + 1) % 6], *others)
    moves = [Move(store.load_voucher(v), ids[(n + 1) % 6]) for n, v in enumerate(ring)]
    rows_read = Rows("preschool", "taldykorgan")
    rows_read.fetch(moves)

    make(moves, rows_read, run_id="run-00002", by=BOT, now=NOW)

    assert [town.voucher(v).group_id for v in ring] == [*ids[1:], ids[0]]
    # Who has no contract gets the seat from the day after the other's last.
    seat = providers.load_group(ids[1]).value.holders
    assert (seat[ring[0]].state, seat[ring[0]].since) == ("reserved", TOMORROW)
    assert seat[ring[1]].until == TODAY
    town.papers(ring[0])
    with pytest.raises(rules.BadStart) as refused:
        town.sign(ring[0], starts_on=TODAY)
    assert refused.value.facts["first"] == TOMORROW.isoformat()
    assert town.sign(ring[0], starts_on=TOMORROW).starts_on == TOMORROW


# --- whatever breaks off --------------------------------------------------------------------------


def a_chain(town: Town) -> datetime:
    leaving, one, two, three = a_row(town, A, B, C, D)
    stand(town, one, A), stand(town, two, B), stand(town, three, C)
    close(town, leaving, TODAY)
    actions.end_seats(leaving, by=BOT, now=later(days=1))
    return later(days=1)


def test_P7_a_chain_costs_two_calls_a_move_and_a_few_to_begin(town: Town):
    now = a_chain(town)

    with faults.watch() as seen:
        assert actions.offer_seats(A, by=BOT, now=now) == 3

    moves = 3
    # A list is read for each place that is left, and a move is one transaction; the vouchers and
    # all the rows of all moves come in a call each. A last look finds no more place to give.
    assert seen.operations == {
        "GetItem": 4,
        "Query": moves + 1,
        "BatchGetItem": 2,
        "TransactWriteItems": moves,
    }


@pytest.mark.usefixtures("one_salt")
def test_A1_a_chain_that_dies_at_any_call_ends_the_same(tables: testing.TestTables) -> None:
    now = a_chain(Town())
    begun = Kept(tables)
    with faults.watch() as seen:
        actions.offer_seats(A, by=BOT, now=now)
    deliver(now)
    clean = rows(tables)

    writes = [n for n, call in enumerate(seen.calls, 1) if call.writes]
    # Who dies at a read leaves what the write before it left.
    for crash in (faults.crash(before=1), *(faults.crash(after=number) for number in writes)):
        begun.put_back()
        with crash as struck, contextlib.suppress(faults.Crash):
            actions.offer_seats(A, by=BOT, now=now)
        deliver(now)
        assert rows(tables) == clean, struck.number
        for group_id in (A, B, C, D):
            assert len([s for s in seats(group_id) if s.until is None]) <= 1


def seats(group_id: str) -> list[Any]:
    return list(providers.load_group(group_id).value.holders.values())


def test_a_holder_who_chooses_while_its_place_is_filled_has_one_seat(town: Town):
    for group_id in (A, B, D):
        town.group(group_id, capacity=1)
    leaving, one = town.confirmed(A), town.confirmed(B)
    stand(town, one, A)
    close(town, leaving, None)

    both(
        lambda: actions.offer_seats(A, by=BOT, now=NOW),
        lambda: choose(town, one, D),
    )

    # Who chose first is asked about A: that place is kept a day for the answer.
    voucher = town.voucher(one)
    offered = {w.group_id for w in voucher.waiting if w.state == "offered"}
    held = {g for g in (A, B, D) if one in town.holders(g)}
    assert voucher.group_id in (A, D)
    assert held == {voucher.group_id} | offered
    assert offered <= {A}
    assert is_rebuilt_now() is None


def test_two_messages_at_once_move_once(town: Town):
    now = a_chain(town)

    both(*[lambda: actions.offer_seats(A, by=BOT, now=now)] * 2)
    deliver(now)

    assert [len(seats(g)) for g in (A, B, C, D)] == [1, 2, 2, 1]
    assert len(work("vouchers/moved")) == 3
    is_rebuilt_now()


@pytest.mark.usefixtures("one_salt")
def test_A16_standing_wishes_and_moves_are_rebuilt(tables: testing.TestTables, town: Town):
    deliver(a_chain(town))

    is_rebuilt(tables, ("VOUCHER#", "WAITING#", "MOVERS#", "ENROLMENT#"))


def test_a_wish_that_cannot_be_carried_out_keeps_no_place_from_others(town: Town):
    town.group(A, capacity=1), town.group(B), town.group(C)
    leaving, one, other = town.confirmed(A), town.confirmed(B), town.confirmed(C)
    stand(town, one, A)
    kept = providers.load_group(A)
    commit([providers.keep_group(kept, replace(kept.value, sen=True))])
    commit_sen(other)
    close(town, leaving, None)

    assert choose(town, other, A).group_id == A
    assert town.voucher(one).group_id == B


def commit_sen(voucher_id: str) -> None:
    kept = store.load_voucher(voucher_id)
    commit([store.keep_voucher(kept, replace(kept.value, sen=True))])


def test_who_chooses_a_free_place_finds_that_the_first_to_be_moved_has_it(town: Town):
    town.group(A, capacity=1), town.group(B), town.group(C)
    leaving, one, other = town.confirmed(A), town.confirmed(B), town.confirmed(C)
    stand(town, one, A)
    close(town, leaving, None)

    with pytest.raises(rules.OthersWait):
        choose(town, other, A)

    assert town.voucher(one).group_id == A
