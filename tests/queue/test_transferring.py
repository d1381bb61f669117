"""Holders moved by a run: in order, in rings, stopped, broken off, overtaken by their parents."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.applications import store as applications
from chalicelib.children import store as children
from chalicelib.children.rules import Alias, Holding, Person, Relation, hold
from chalicelib.journal import actions as journal
from chalicelib.journal import store as entries
from chalicelib.kernel.actors import Actor, Role
from chalicelib.providers import store as providers
from chalicelib.providers.rules import Seat, take_seat
from chalicelib.queue import actions, rules, store
from chalicelib.queue.actions import transferring
from chalicelib.storage import keys, outbox
from chalicelib.storage.commit import commit
from chalicelib.vouchers import actions as vouchers_actions
from chalicelib.vouchers import rules as vouchers_rules
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.actions import change, enrolments
from chalicelib.vouchers.rules import Enrolment, Voucher, Waiting
from infra.local import faults
from infra.local.testing import TestCloud
from tests.promises.rewind import Kept
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    OPERATOR,
    PROGRAMME,
    YEAR,
    a_group,
    an_application,
    finished,
    settle_in,
)

pytestmark = pytest.mark.usefixtures("tables", "one_salt")

RUN = "run-of-the-day"
# The run is on Tuesday 2 September; who is enrolled moves on Wednesday.
TODAY, WEDNESDAY = date(2025, 9, 2), date(2025, 9, 3)


def a_holder(name: str, at: str, *wishes: str, enrolled: bool = True, **said: Any) -> str:
    """Let a child have a place in a group and wish others; return its voucher's id."""
    application = an_application(name, state="fulfilled", voucher_id=f"voucher-{name}", **said)
    kept = providers.load_group(f"group-{at}")
    group = kept.value
    voucher = Voucher(
        voucher_id=f"voucher-{name}",
        application_id=application.application_id,
        child_id=application.child_id,
        person_id=application.person_id,
        programme=PROGRAMME,
        area=AREA,
        age=application.age,
        academic_year=YEAR,
        language="kk",
        kind="general",
        order=f"20250801-{name}",
        state="used" if enrolled else "confirmed",
        issued_at="2025-08-01T05:00:00.000000Z",
        confirm_by="2025-08-05T19:00:00.000000Z",
        contract_by="2025-09-30T19:00:00.000000Z",
        run_id="run-before-it",
        pack="pack",
        group_id=group.group_id,
        site_id=group.site_id,
        organisation_id=group.organisation_id,
        seat="used" if enrolled else "reserved",
        papers="accepted" if enrolled else "none",
        enrolment_id=f"enrolment-{name}" if enrolled else None,
        waiting=tuple(Waiting(f"group-{w}", standing=True) for w in wishes),
    )
    seat = Seat("used" if enrolled else "reserved", date(2025, 9, 1))
    held = [Holding(kind="voucher", id=voucher.voucher_id, programme=PROGRAMME, area=AREA)]
    rest: list[Any] = []
    if enrolled:
        enrolment = Enrolment(
            enrolment_id=f"enrolment-{name}",
            voucher_id=voucher.voucher_id,
            child_id=voucher.child_id,
            person_id=voucher.person_id,
            programme=PROGRAMME,
            area=AREA,
            organisation_id=group.organisation_id,
            site_id=group.site_id,
            group_id=group.group_id,
            kind="general",
            hours="10.5",
            locality="urban",
            starts_on=date(2025, 9, 1),
        )
        held.append(enrolments.holding(enrolment, EVENING))
        rest += enrolments.begins(enrolment, now=EVENING)
    holdings = children.load_holdings(voucher.child_id)
    after = holdings.value
    for one in held:
        after = hold(after, one)
    own, *others = vouchers_actions.issuing(voucher)
    entries.commit(
        entries.entry("queue/issued", f"voucher/{voucher.voucher_id}", by=JOB, now=EVENING),
        own,  # type: ignore[arg-type]
        *others,
        *rest,
        applications.create_application(application),
        *applications.announce(application),
        providers.keep_group(
            kept, replace(group, holders={**group.holders, voucher.voucher_id: seat})
        ),
        children.keep_holdings(holdings, after),
    )
    return voucher.voucher_id


def released(run_id: str = RUN) -> str:
    actions.propose(run_id, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    actions.release_due(run_id, by=JOB, now=LATER)
    return run_id


def run_of(run_id: str = RUN) -> rules.Run:
    return store.load_run(run_id).value


def at(name: str) -> str | None:
    return vouchers.load_voucher(f"voucher-{name}").value.group_id


def given(name: str) -> str | None:
    kept = applications.load_application(f"application-{name}").value
    return vouchers.load_voucher(kept.voucher_id).value.group_id if kept.voucher_id else None


def results() -> dict[str, tuple[str | None, str | None]]:
    return {
        s.application_id.removeprefix("application-"): (s.group_id, s.skipped)
        for s in store.each_settled(run_of())
    }


def a_chain() -> None:
    """A is free; 1 in B wants it, 2 in C wants B; two children wait for C."""
    settle_in(
        [a_group("a", 1), a_group("b", 1), a_group("c", 1)],
        [an_application(f"9{n:03d}", preferences=("group-c",)) for n in range(2)],
    )
    a_holder("0001", "b", "a")
    a_holder("0002", "c", "b")


def test_a_chain_moves_in_order_and_who_waits_gets_what_is_left_from_the_next_day() -> None:
    a_chain()

    finished(released())

    run = run_of()
    assert (run.moves, run.moved, run.vouchers, run.issued, run.skipped) == (2, 2, 1, 1, 0)
    assert (at("0001"), at("0002"), given("9000"), given("9001")) == (
        "group-a",
        "group-b",
        "group-c",
        None,
    )
    assert results() == {
        "0001": ("group-a", None),
        "0002": ("group-b", None),
        "9000": ("group-c", None),
    }
    for name, newcomer in (("b", "voucher-0002"), ("c", None)):
        holders = providers.load_group(f"group-{name}").value.holders
        assert sorted((s.until for s in holders.values()), key=str) == [TODAY, None]
        staying = next(s for v, s in holders.items() if s.until is None)
        assert staying.since == WEDNESDAY, newcomer
    assert vouchers.list_movers(PROGRAMME, AREA) == []
    assert list(journal.differences()) == []


def test_the_messages_of_a_release_move_and_tell(evening: TestCloud) -> None:
    a_chain()
    parent_of("0001")
    released()

    evening.set_clock(LATER)
    evening.drain()

    assert (run_of().state, run_of().moved) == ("committed", 2)
    told = [k.value.template for k in outbox.NOTICES.each("NOTICES#person:person-0001")]
    assert told == ["notice:vouchers/moved"]


def test_two_who_block_each_other_swap_in_one_commit() -> None:
    settle_in([a_group("a", 1), a_group("b", 1)], [an_application("9000")])
    one = a_holder("0001", "a", "b")
    two = a_holder("0002", "b", "a", enrolled=False)

    finished(released())

    assert (at("0001"), at("0002")) == ("group-b", "group-a")
    seats = providers.load_group("group-a").value.holders
    assert (seats[one].until, seats[two].since) == (TODAY, WEDNESDAY)
    assert run_of().moved == 2
    assert [e.facts["ring"] for e in entries.newest(f"voucher/{two}", limit=1)] == [2]
    assert list(journal.differences()) == []


def test_a_holder_who_stays_or_moved_reads_why_not_what_it_wished_more() -> None:
    settle_in([a_group("a", 1), a_group("b", 1), a_group("c", 1), a_group("d", 1)], [])
    a_holder("0001", "b", "a")
    a_holder("0002", "c", "a", "b")
    a_holder("0003", "d", "a", "b")
    finished(released())
    actions.publish("after", programme=PROGRAMME, area=AREA, by=JOB, now=LATER)

    def told(name: str) -> list[tuple[str, str, str | None]]:
        seen = actions.place_of(f"application-{name}", by=parent_of(name), now=LATER)
        assert (seen.state, seen.rank) == ("fulfilled", None)
        return [(one.group_id, one.why, one.last) for one in seen.preferred]

    assert told("0001") == []
    assert told("0002") == [("group-a", "full", "other-right")]
    assert told("0003") == [("group-a", "full", "other-right"), ("group-b", "full", "other-right")]


def test_what_became_of_a_holder_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_in([a_group("a", 1), a_group("b", 1), a_group("c", 1), a_group("d", 1)], [])
    a_holder("0001", "a", "b")
    a_holder("0002", "b", "a")
    a_holder("0003", "d", "c")

    def settled() -> dict[str, str | None]:
        shown, _ = actions.run_outcomes(RUN, by=OPERATOR, position=None, limit=100)
        return {one.ticket.removeprefix("ticket-"): one.settled for one in shown}

    released()
    assert settled() == {"0001": None, "0002": None, "0003": None}
    finished(RUN)
    assert settled() == {"0001": "moved", "0002": "moved", "0003": "moved"}
    decided = list(store.each_outcome(run_of()))
    traded = [replace(one, reason="swapped") if one.ring else one for one in decided]
    monkeypatch.setattr(store, "each_outcome", lambda run, start=0: iter(traded))
    assert settled() == {"0001": "swapped", "0002": "swapped", "0003": "moved"}


def test_a_stop_voids_the_moves_that_were_not_made() -> None:
    a_chain()
    released()

    actions.stop(RUN, reason="wrong-input", by=OPERATOR, now=LATER)

    shown, _ = actions.run_outcomes(RUN, by=OPERATOR, position=None, limit=100)
    assert {one.ticket.removeprefix("ticket-"): one.settled for one in shown} == {
        "0001": "void",
        "0002": "void",
        "9000": "void",
        "9001": None,
    }


def test_what_fell_through_keeps_its_seat_and_nobody_behind_gets_it() -> None:
    a_chain()
    released()
    kept = providers.load_group("group-a")
    commit([providers.keep_group(kept, take_seat(kept.value, "x", "reserved", TODAY))])

    finished(RUN)

    assert (at("0001"), at("0002"), given("9000")) == ("group-b", "group-c", None)
    assert results() == {
        "0001": (None, "place-taken"),
        "0002": (None, "place-taken"),
        "9000": (None, "place-taken"),
    }
    assert (run_of().moved, run_of().issued, run_of().skipped) == (0, 0, 1)


@pytest.mark.parametrize("standing", [True, False])
def test_whose_seat_is_gone_takes_none_that_a_holder_waits_for(standing: bool) -> None:
    settle_in(
        [a_group("a", 1), a_group("b", 0), a_group("c", 1)],
        [an_application("9000", preferences=("group-a",))],
    )
    holder = a_holder("0001", "c", "b")
    if not standing:
        kept = vouchers.load_voucher(holder)
        asked = replace(kept.value, waiting=(Waiting("group-b"),))
        own, rest = change.puts(change.writes(kept, asked, now=EVENING))
        commit([own, *rest])
    released()
    # Its planned seat goes, and one becomes free where the holder stands on the list.
    kept_a, kept_b = providers.load_group("group-a"), providers.load_group("group-b")
    wider = replace(
        kept_b.value, capacity=1, capacities=(replace(kept_b.value.capacities[0], capacity=1),)
    )
    commit([providers.keep_group(kept_a, take_seat(kept_a.value, "x", "reserved", TODAY))])
    commit([providers.keep_group(kept_b, wider)])

    finished(RUN)

    assert given("9000") is None
    assert results()["9000"] == (None, "place-taken")
    assert providers.load_group("group-b").value.holders == {}


def parent_of(name: str) -> Actor:
    subject = f"parent-of-{name}"
    relation = Relation(
        child_id=f"child-{name}",
        person_id=f"person-{name}",
        powers=("choose", "withdraw"),
        valid_from=date(2025, 1, 1),
        valid_to=None,
        basis="birth-record",
    )
    person = Person(
        person_id=f"person-{name}",
        subject=subject,
        language="kk",
        created_at="2025-09-01T05:00:00.000000Z",
        asked="",
    )
    commit(
        [
            children.create_person(person),
            children.ALIASES.create(keys.alias(subject), Alias(person_id=f"person-{name}")),
            *children.create_relation(relation),
        ]
    )
    return Actor(subject, frozenset({Role.REPRESENTATIVE}))


@pytest.mark.parametrize(
    ("what", "why"),
    [("chose", "voucher-changed"), ("unwished", "vouchers/wish-withdrawn"), ("closed", None)],
)
def test_what_a_parent_did_meanwhile_stands(what: str, why: str | None) -> None:
    a_chain()
    settle_in([a_group("d", 1)], [])
    parent = parent_of("0001")
    released()
    if what == "chose":
        vouchers_actions.transfer("voucher-0001", "group-d", by=parent, now=LATER)
    elif what == "unwished":
        vouchers_actions.leave("voucher-0001", "group-a", by=parent, now=LATER)
    else:
        vouchers_actions.close("voucher-0001", "withdrawal", TODAY, by=parent, now=LATER)

    finished(RUN)

    if what == "unwished":
        # The place it did not want goes to the first who waits and finds its own choice taken.
        assert (at("0001"), at("0002"), given("9000")) == ("group-b", "group-c", "group-a")
    else:
        # It left its place by itself: the one behind moves there all the same.
        assert at("0001") == ("group-d" if what == "chose" else None)
        assert (at("0002"), given("9000")) == ("group-b", "group-c")
    assert results()["0001"] == (None, why or "voucher-changed")


def test_a_month_that_was_used_meanwhile_and_a_closed_group_are_reasons() -> None:
    a_chain()
    released()
    kept = vouchers.load_voucher("voucher-0001")
    commit([vouchers.keep_voucher(kept, replace(kept.value, transfers=("2025-09",)))])
    group = providers.load_group("group-b")
    commit([providers.keep_group(group, replace(group.value, open=False))])

    finished(RUN)

    assert results()["0001"] == (None, "vouchers/one-transfer-a-month")
    assert results()["0002"] == (None, "providers/group-closed")


def test_a_ring_falls_as_a_whole() -> None:
    settle_in([a_group("a", 1), a_group("b", 1)], [])
    a_holder("0001", "a", "b")
    a_holder("0002", "b", "a")
    parent = parent_of("0002")
    released()
    vouchers_actions.leave("voucher-0002", "group-a", by=parent, now=LATER)

    finished(RUN)

    assert (at("0001"), at("0002")) == ("group-a", "group-b")
    assert {why for _, why in results().values()} == {"vouchers/wish-withdrawn"}
    assert run_of().state == "committed"


def test_a_stop_while_moving_leaves_what_was_moved_and_counts_it() -> None:
    a_chain()
    released()
    actions.commit_part(RUN, by=JOB, now=LATER, most=1)

    stopped = actions.stop(RUN, reason="wrong-input", by=OPERATOR, now=LATER)

    assert not actions.commit_part(RUN, by=JOB, now=LATER, most=50)
    assert (at("0001"), at("0002"), given("9000")) == ("group-a", "group-c", None)
    assert (stopped.moved, stopped.issued) == (1, 0)
    assert actions.list_to_offer(RUN, now=LATER) == ["group-b"]


def test_a_run_that_is_stopped_between_two_moves_makes_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_chain()
    released()
    real = transferring.make

    def stopped_after(*args: Any, **said: Any) -> list[Voucher]:
        moved = real(*args, **said)
        actions.stop(RUN, reason="wrong-input", by=OPERATOR, now=LATER)
        return moved

    monkeypatch.setattr(transferring, "make", stopped_after)

    assert not actions.commit_part(RUN, by=JOB, now=LATER, most=50)

    assert (at("0001"), at("0002"), given("9000")) == ("group-a", "group-c", None)
    assert (run_of().state, run_of().moved, run_of().issued) == ("stopped", 1, 0)
    assert results() == {"0001": ("group-a", None)}


def test_a_stop_after_a_move_that_was_not_told_counts_it() -> None:
    a_chain()
    released()
    real = store.keep_run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "keep_run", lambda *_: (_ for _ in ()).throw(faults.Crash()))
        with pytest.raises(faults.Crash):
            actions.commit_part(RUN, by=JOB, now=LATER, most=1)
    assert store.keep_run is real and run_of().done == 0

    stopped = actions.stop(RUN, reason="outage", by=OPERATOR, now=LATER)

    assert stopped.moved == 1
    assert results() == {"0001": ("group-a", None)}


def test_a_race_at_one_move_does_not_touch_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    a_chain()
    released()
    real, calls = transferring.make, []

    def raced(*args: Any, **said: Any) -> list[Voucher]:
        calls.append(said)
        if len(calls) == 1:
            kept = providers.load_group("group-b")
            commit([providers.keep_group(kept, kept.value)])
        return real(*args, **said)

    monkeypatch.setattr(transferring, "make", raced)

    finished(RUN)

    assert len(calls) == 3
    assert (run_of().moved, at("0001"), at("0002")) == (2, "group-a", "group-b")


def test_a_move_of_a_run_costs_two_calls_and_a_few_for_all() -> None:
    a_chain()
    released()
    kept = store.load_run(RUN)
    planned = [[o] for o in store.each_outcome(kept.value) if o.moves]

    with faults.watch() as seen:
        transferring.move_planned(kept, planned, by=JOB, now=LATER)

    # The vouchers, the groups they go to, and all the rest: three calls for a hundred of them.
    assert seen.operations == {"BatchGetItem": 3, "TransactWriteItems": 2}


def test_who_waits_to_be_asked_gets_the_place_that_a_mover_leaves() -> None:
    a_chain()
    settle_in([a_group("d", 1)], [])
    asked = a_holder("0000", "d")
    kept = vouchers.load_voucher(asked)
    waits = replace(kept.value, waiting=(Waiting("group-c"),))
    commit(change.writes(kept, waits, now=EVENING))

    finished(released())

    assert (at("0001"), at("0002"), given("9000")) == ("group-a", "group-b", None)
    # The place is the mover's until tonight; tomorrow it is offered to who stood there first.
    vouchers_actions.end_seats("voucher-0002", by=JOB, now=LATER + timedelta(days=1))
    vouchers_actions.offer_seats("group-c", by=JOB, now=LATER + timedelta(days=1))
    assert vouchers.load_voucher(asked).value.waiting[0].state == "offered"


def test_A1_a_run_that_moves_and_dies_at_any_call_ends_the_same(tables: Any) -> None:
    a_chain()
    settle_in([a_group("d", 1), a_group("e", 1)], [])
    a_holder("0004", "d", "e")
    a_holder("0005", "e", "d", enrolled=False)
    released()
    begun = Kept(tables)
    with faults.watch() as seen:
        finished(RUN, most=2)
    clean = tables.dump()
    assert run_of().moved == 4
    writes = [n for n, call in enumerate(seen.calls, 1) if call.writes]

    # Who dies at a read leaves what the write before it left.
    for crash in (faults.crash(before=1), *(faults.crash(after=number) for number in writes)):
        begun.put_back()
        with crash as struck, pytest.raises(faults.Crash):
            finished(RUN, most=2)
        finished(RUN, most=2)
        assert tables.dump() == clean, f"died at call {struck.number}"


def test_A9_two_runners_at_once_move_as_one_would() -> None:
    a_chain()
    released()
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def runner() -> None:
        try:
            barrier.wait()
            finished(RUN, most=1)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=runner) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert (at("0001"), at("0002"), given("9000")) == ("group-a", "group-b", "group-c")
    assert (run_of().state, run_of().moved, run_of().issued) == ("committed", 2, 1)
    assert list(journal.differences()) == []


def test_a_parent_who_chooses_while_the_run_commits_has_one_place() -> None:
    a_chain()
    settle_in([a_group("d", 1)], [])
    parent = parent_of("0002")
    released()
    barrier = threading.Barrier(2)

    def choose() -> None:
        barrier.wait()
        with contextlib.suppress(vouchers_rules.TransferPending):  # the run was first
            vouchers_actions.transfer("voucher-0002", "group-d", by=parent, now=LATER)

    thread = threading.Thread(target=choose)
    thread.start()
    barrier.wait()
    finished(RUN, most=1)
    thread.join()

    voucher = vouchers.load_voucher("voucher-0002").value
    assert voucher.group_id in ("group-b", "group-d")
    staying = [
        g
        for g in ("group-a", "group-b", "group-c", "group-d")
        if (s := providers.load_group(g).value.holders.get("voucher-0002")) and s.until is None
    ]
    assert staying == [voucher.group_id]
    assert len(voucher.transfers) == 1
    assert results()["0002"] in ((voucher.group_id, None), (None, "voucher-changed"))
    assert list(journal.differences()) == []
