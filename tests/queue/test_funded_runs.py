"""Runs by budget over real tables: planned, issued, stopped, broken off, raced."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.applications import store as applications
from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.children import store as children
from chalicelib.children.rules import Holding, Holdings, Relation
from chalicelib.journal import actions as journal
from chalicelib.journal.store import history
from chalicelib.kernel.periods import Month
from chalicelib.kernel.refusals import Unavailable
from chalicelib.queue import actions, jobs, rules, store
from chalicelib.storage import agenda
from chalicelib.storage.commit import Raced, Write, commit
from chalicelib.storage.outbox import NOTICES
from chalicelib.vouchers import store as vouchers
from infra.local import faults
from infra.local.testing import TestCloud
from tests.queue.city import JOB, fired
from tests.queue.clubs import (
    AREA,
    DIRECTIONS,
    EVENING,
    LATER,
    MONTHS,
    PROGRAMME,
    RUN,
    a_small_city_of_clubs,
    a_wish,
    allot,
    committed,
    cost,
    finished,
    free,
    let_wait,
    released,
)

pytestmark = pytest.mark.usefixtures("tables", "one_salt")


def run_of(run_id: str = RUN) -> rules.Run:
    return store.load_run(run_id).value


def issued() -> dict[str, str]:
    """Whose money each application's voucher holds; those without a voucher are left out."""
    found = {}
    for name in range(200):
        kept = applications.find_application(f"application-{name:04d}")
        if kept is not None and kept.value.voucher_id:
            voucher = vouchers.load_voucher(kept.value.voucher_id).value
            found[kept.value.application_id] = voucher.direction
    return found


def spend(direction: str, amount: int) -> None:
    """Let somebody else promise money of a direction, and all that is kept free of the queue."""
    of = (PROGRAMME, AREA, 2026, [direction])
    queue_s = budgets.promisable(*of, kept_free_per_mille=100)
    amount += free()[direction] - queue_s[direction]
    reserve = Reserve(
        programme=PROGRAMME,
        area=AREA,
        direction=direction,
        month_tiyn=amount,
        first=Month(2026, 12),
        last=Month(2026, 12),
    )
    commit(budgets.reserving(f"elsewhere#{direction}", [reserve], at="2026-09-10T13:00:00.000000Z"))


# --- a run from draft to end --------------------------------------------------------------------


def test_a_run_by_budget_issues_what_it_planned_and_leaves_every_trace_in_step() -> None:
    a_small_city_of_clubs(60)
    before = free()

    finished(released())

    run = run_of()
    plan = {o.application_id: o for o in store.each_outcome(run)}
    expected = {a: o.direction for a, o in plan.items() if o.gets}
    assert (run.state, run.issued, run.skipped) == ("committed", len(expected), 0)
    assert issued() == expected and 0 < len(expected) < len(plan) == 60
    queue = {k.value.application_id for k in applications.list_queue(PROGRAMME, AREA)}
    assert queue == plan.keys() - expected.keys()
    held: Counter[str] = Counter()
    for application_id, direction in expected.items():
        application = applications.load_application(application_id).value
        voucher = vouchers.load_voucher(application.voucher_id or "").value
        assert (application.state, application.confirm_by) == ("fulfilled", None)
        assert (voucher.state, voucher.voucher_kind) == ("confirmed", "universal")
        assert (voucher.reserved_from, voucher.reserved_to) == ("2026-09", "2026-12")
        assert voucher.sen == application.sen and voucher.group_id is None
        # Ten working days after Thursday evening, the end of Thursday in Almaty.
        assert voucher.contract_by == "2026-09-24T19:00:00.000000Z"
        kept = children.load_holdings(application.child_id).value
        assert [(h.kind, h.id) for h in kept.held] == [("voucher", voucher.voucher_id)]
        assert voucher.reserve_tiyn * MONTHS == cost(sen=application.sen)
        held[direction or ""] += voucher.reserve_tiyn * MONTHS
    assert committed() == {d: held[d] for d in DIRECTIONS}
    assert free() == {d: before[d] - held[d] for d in DIRECTIONS}
    assert run.reserved_tiyn == sum(held.values())
    due = {k.value.topic for k in agenda.list_due(LATER, days_back=0)}
    assert "applications/confirm" not in due


def test_a_family_is_told_until_when_to_choose() -> None:
    let_wait([a_wish("0001")])
    allot(sport=1)

    finished(released())

    (notice,) = [kept.value for kept in NOTICES.each("NOTICES#person:person-0001")]
    assert notice.template == "notice:queue/voucher-to-use"
    assert notice.facts["last_day"] == "24.09.2026"


def test_applying_stays_open_when_the_money_is_spent_and_new_money_moves_the_queue() -> None:
    let_wait([a_wish(f"{n:04d}") for n in range(5)])
    allot(sport=2)
    finished(released())

    assert len(issued()) == 2
    allot(act="act-2", sport=4)
    actions.propose("run-number-two", programme=PROGRAMME, area=AREA, by=JOB, now=LATER)
    actions.release("run-number-two", by=JOB.__class__("other", JOB.roles, JOB.areas), now=LATER)
    finished("run-number-two")

    assert sorted(issued()) == [f"application-{n:04d}" for n in range(4)]


def test_A16_the_journal_rebuilds_what_a_run_by_budget_wrote() -> None:
    a_small_city_of_clubs(20)
    finished(released())

    assert list(journal.differences()) == []


def test_what_a_run_read_decides_the_same_again() -> None:
    a_small_city_of_clubs(30)
    finished(released())

    again = actions.decide_again(run_of())

    assert store.digest(again.outcomes) == run_of().outcome


def test_many_vouchers_go_into_one_commit_and_an_account_is_written_once_in_it() -> None:
    let_wait([a_wish(f"{n:04d}") for n in range(20)])
    allot(sport=20)
    released()

    with faults.watch() as seen:
        finished()

    # Nine rows a voucher, ten of the money's accounts, two of the commit; run and end beside.
    assert seen.operations["TransactWriteItems"] <= 20 // 9 + 1 + 2
    for n in range(20):
        (entry,) = history(f"application/application-{n:04d}")
        assert (entry.event, entry.facts["reserved_tiyn"]) == ("queue/voucher-issued", cost())


# --- what changed between plan and issue --------------------------------------------------------


def test_money_gone_meanwhile_passes_over_that_child_and_those_behind_it_in_its_direction() -> None:
    let_wait(
        [
            *(a_wish(f"{n:04d}") for n in range(4)),
            a_wish("0004", kind="creative"),
            a_wish("0005", sen=False),
        ]
    )
    allot(sport=5, creative=1)
    run_id = released()
    spend("sport", 3 * cost())

    finished(run_id, most=3)

    settled = {s.application_id[-1]: s.skipped for s in store.each_settled(run_of())}
    assert settled == {
        "0": None,
        "1": None,
        "2": "money-gone",
        "3": "money-gone",
        "4": None,
        "5": "money-gone",
    }
    assert (run_of().issued, run_of().skipped, run_of().short) == (3, 3, ("sport",))
    assert free()["sport"] == cost() - 1


def test_a_cheaper_child_never_passes_the_one_whose_money_is_gone_even_in_a_later_part() -> None:
    let_wait([a_wish("0000", sen=True), a_wish("0001")])
    allot(sport=3)
    run_id = released()
    spend("sport", 4 * cost() - 1 - cost(sen=True) + 1)

    finished(run_id, most=1)

    assert issued() == {} and free()["sport"] >= cost()


def test_who_withdrew_meanwhile_is_passed_over_and_the_money_stays() -> None:
    let_wait([a_wish("0001"), a_wish("0002")])
    allot(sport=2)
    run_id = released()
    kept = applications.load_application("application-0001")
    entry = applications.load_entry(kept.value)
    gone = replace(kept.value, state="withdrawn")
    commit([applications.keep_application(kept, gone), applications.leave_queue(entry)])

    finished(run_id)

    assert issued() == {"application-0002": "sport"}
    assert committed()["sport"] == cost()


def test_a_child_who_holds_a_voucher_elsewhere_hinders_nobody_of_its_commit() -> None:
    let_wait([a_wish(f"{n:04d}") for n in range(3)])
    allot(sport=3)
    holding = Holding(kind="voucher", id="voucher-x", programme=PROGRAMME, area="astana")
    kept = children.load_holdings("child-0001")
    commit([children.keep_holdings(kept, Holdings((*kept.value.held, holding)))])

    finished(released())

    settled = {s.application_id[-1]: s.skipped for s in store.each_settled(run_of())}
    assert settled == {"0": None, "1": "children/already-held", "2": None}


# --- stopped, broken off, raced -----------------------------------------------------------------


def test_a_stop_while_issuing_leaves_the_prefix_and_its_money() -> None:
    let_wait([a_wish(f"{n:04d}") for n in range(12)])
    allot(sport=12)
    run_id = released()
    actions.commit_part(run_id, by=JOB, now=LATER, most=4)

    actions.stop(run_id, reason="wrong-input", by=JOB, now=LATER)

    assert not actions.commit_part(run_id, by=JOB, now=LATER, most=50)
    assert sorted(issued()) == [f"application-{n:04d}" for n in range(4)]
    assert committed()["sport"] == run_of().reserved_tiyn == 4 * cost()


def whole_run() -> None:
    released()
    finished(most=6)


@pytest.mark.parametrize("when", ["before", "after"])
def test_A1_a_run_by_budget_that_dies_at_any_call_ends_the_same(tables: Any, when: str) -> None:
    a_small_city_of_clubs(24)
    with faults.watch() as seen:
        whole_run()
    calls, clean = len(seen.calls), tables.dump()
    tables.wipe()

    for at in range(1 if when == "before" else 4, calls + 1, 7):
        a_small_city_of_clubs(24)
        with faults.crash(**{when: at}), pytest.raises(faults.Crash):
            whole_run()
        actions.propose(RUN, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
        actions.release_due(RUN, by=JOB, now=LATER)
        finished(most=6)

        assert tables.dump() == clean, f"died {when} call {at}"
        tables.wipe()


def test_A9_two_runners_at_once_issue_what_one_would_and_reserve_it_once() -> None:
    a_small_city_of_clubs(40)
    run_id = released()
    plan = {o.application_id: o.direction for o in store.each_outcome(run_of()) if o.gets}
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def runner() -> None:
        try:
            barrier.wait()
            finished(run_id, most=5)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=runner) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert issued() == plan
    assert (run_of().state, run_of().issued) == ("committed", len(plan))
    assert sum(committed().values()) == run_of().reserved_tiyn


def test_A9_a_run_and_others_who_draw_on_the_same_account_never_promise_more_than_there_is() -> (
    None
):
    let_wait(a_wish(f"{n:04d}") for n in range(12))
    allot(sport=12)
    run_id = released()
    whole = free()["sport"]
    barrier = threading.Barrier(2)
    taken: list[int] = []
    errors: list[BaseException] = []

    def others() -> None:
        barrier.wait()
        for n in range(8):
            reserve = Reserve(
                programme=PROGRAMME,
                area=AREA,
                direction="sport",
                month_tiyn=cost(),
                first=Month(2026, 12),
                last=Month(2026, 12),
            )
            try:
                commit(
                    budgets.reserving(f"elsewhere#{n}", [reserve], at="2026-09-10T13:00:00.000000Z")
                )
                taken.append(cost())
            except (BudgetShort, Raced):
                pass

    def runner() -> None:
        try:
            barrier.wait()
            finished(run_id, most=4)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=others), threading.Thread(target=runner)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    run = run_of()
    assert run.state == "committed" and run.issued == len(issued())
    assert run.reserved_tiyn == run.issued * cost()
    assert free()["sport"] == whole - sum(taken) - run.reserved_tiyn >= 0
    assert committed()["sport"] == sum(taken) + run.reserved_tiyn
    # Whoever lacked the money is followed by nobody.
    names = sorted(issued())
    assert names == [f"application-{n:04d}" for n in range(len(names))]


def test_a_runner_that_fell_behind_issues_nothing_that_was_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_wait(a_wish(f"{n:04d}") for n in range(3))
    allot(sport=3)
    run_id = released()
    behind = store.load_run(run_id)
    finished(run_id, most=2)

    with monkeypatch.context() as patched:
        patched.setattr(store, "load_run", lambda _: behind)
        left = actions.commit_part(run_id, by=JOB, now=LATER, most=2)

    assert left and run_of().issued == 3 and committed()["sport"] == 3 * cost()


def test_a_draft_of_last_years_money_is_not_released() -> None:
    let_wait([a_wish("0001")])
    allot(sport=1)
    actions.propose(RUN, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    january = EVENING + timedelta(days=120)

    with pytest.raises(rules.RunOutdated) as refused:
        actions.release_due(RUN, by=JOB, now=january)

    assert refused.value.facts == {"run_id": RUN, "last": "2026-12"}


def test_a_run_released_a_month_later_reserves_from_that_month_on() -> None:
    let_wait([a_wish("0001")])
    allot(sport=1)
    actions.propose(RUN, programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
    october = EVENING + timedelta(days=30)
    assert actions.release_due(RUN, by=JOB, now=october)

    finished(now=october)

    voucher = vouchers.load_voucher(rules.voucher_id_for(RUN, "application-0001")).value
    assert (voucher.reserved_from, voucher.reserved_to) == ("2026-10", "2026-12")
    assert committed()["sport"] == run_of().reserved_tiyn == cost() * 3 // 4


@pytest.mark.parametrize("fault", ["lost_answer", "throttle", "conflict"])
def test_A1_a_lost_answer_a_throttle_or_a_conflict_changes_no_outcome(
    tables: Any, fault: str
) -> None:
    a_small_city_of_clubs(20)
    released()
    with faults.watch() as seen:
        finished(most=6)
    calls, expected = len(seen.calls), issued()
    tables.wipe()

    for at in range(2, calls + 1, 11):
        a_small_city_of_clubs(20)
        released()
        with contextlib.suppress(Unavailable), getattr(faults, fault)(at):
            finished(most=6)
        finished(most=6)

        assert issued() == expected, f"{fault} at call {at}"
        assert sum(committed().values()) == run_of().reserved_tiyn
        assert run_of().issued == len(expected)
        tables.wipe()


def test_families_who_withdraw_while_a_run_issues_leave_no_money_behind() -> None:
    let_wait(a_wish(f"{n:04d}") for n in range(16))
    allot(sport=16)
    run_id = released()
    barrier = threading.Barrier(2)
    gone: list[str] = []

    def families() -> None:
        barrier.wait()
        for n in range(15, -1, -2):
            kept = applications.load_application(f"application-{n:04d}")
            entry = applications.find_entry(kept.value)
            if kept.value.state != "queued" or entry is None:
                continue
            left = replace(kept.value, state="withdrawn")
            with contextlib.suppress(Raced):
                commit([applications.keep_application(kept, left), applications.leave_queue(entry)])
                gone.append(kept.value.application_id)

    def runner() -> None:
        barrier.wait()
        finished(run_id, most=8)

    threads = [threading.Thread(target=families), threading.Thread(target=runner)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    run = run_of()
    settled = {s.application_id: s.skipped for s in store.each_settled(run)}
    assert (run.state, run.issued) == ("committed", 16 - len(gone))
    assert {a for a, why in settled.items() if why} == set(gone)
    assert issued().keys().isdisjoint(gone)
    assert committed()["sport"] == run.issued * cost() == run.reserved_tiyn


def test_an_evening_of_clubs_goes_by_itself_from_draft_to_published_ranks(
    cloud: TestCloud,
) -> None:
    a_small_city_of_clubs(30)
    cloud.set_clock(EVENING)
    jobs.run_iteration(fired(EVENING))
    jobs.run_iteration(fired(EVENING + timedelta(minutes=1)))
    cloud.set_clock(LATER)
    jobs.run_deadlines(fired(LATER))
    cloud.drain()

    run = store.load_run(f"run-clubs-karaganda-{EVENING.date()}").value
    head = store.find_head(PROGRAMME, AREA)
    assert (run.state, run.issued) == ("committed", run.vouchers) and run.issued > 0
    assert head is not None and head.value.waiting == 30 - run.issued
    assert {one.direction for one in head.value.shortages} == set(DIRECTIONS)
    assert cloud.dead_letters() == []


def test_A13_a_january_of_three_directions_and_large_families_fits_its_commits() -> None:
    january = datetime(2026, 1, 15, 13, 0, tzinfo=UTC)
    let_wait(a_wish(f"{n:04d}", kind=DIRECTIONS[n % 3]) for n in range(9))
    writes: list[Write] = []
    for n in range(9):
        for parent in range(5):
            relation = Relation(
                child_id=f"child-{n:04d}",
                person_id=f"parent-{parent}-of-{n:04d}",
                powers=("apply",),
                valid_from=date(2025, 1, 1),
                valid_to=None,
                basis="birth-record",
            )
            writes += children.create_relation(relation)
    commit(writes[:50])
    commit(writes[50:])
    allot(january, sport=12, creative=12, education=12)
    actions.propose(RUN, programme=PROGRAMME, area=AREA, by=JOB, now=january)
    actions.release_due(RUN, by=JOB, now=january + timedelta(minutes=30))

    with faults.watch() as seen:
        finished(now=january + timedelta(minutes=30))

    assert (run_of().issued, run_of().skipped) == (9, 0)
    assert run_of().reserved_tiyn == 9 * cost() // MONTHS * 12
    sizes = [len(call.asked.get("TransactItems", ())) for call in seen.calls]
    assert 60 < max(sizes) <= 100


def test_a_voucher_nobody_used_gives_its_money_to_the_next_and_its_child_the_end_of_the_line() -> (
    None
):
    let_wait(a_wish(f"{n:04d}") for n in range(3))
    allot(sport=2)
    finished(released())
    assert sorted(issued()) == ["application-0000", "application-0001"]
    # Thursday 24 September, 24:00: the term to choose and sign.
    over = datetime(2026, 9, 24, 19, 0, tzinfo=UTC)

    jobs.run_deadlines(fired(over))
    line = [
        k.value.application_id
        for k in sorted(applications.list_queue(PROGRAMME, AREA), key=lambda k: k.value.ordered_at)
    ]
    actions.propose("run-number-two", programme=PROGRAMME, area=AREA, by=JOB, now=over)
    actions.release_due("run-number-two", by=JOB, now=over + timedelta(minutes=30))
    finished("run-number-two", now=over + timedelta(minutes=30))

    assert line[0] == "application-0002" and len(line) == 3
    second = run_of("run-number-two")
    got = [o.application_id for o in store.each_outcome(second) if o.gets]
    assert got[0] == "application-0002" and second.issued == len(got) == 2
    # Nobody signed with the first vouchers, so all they held is free, the month begun too.
    assert committed()["sport"] == second.reserved_tiyn
    assert list(journal.differences()) == []
