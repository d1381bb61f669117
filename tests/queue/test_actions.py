"""Runs over real tables: proposed, released, issued, stopped, broken off and resumed."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.applications import store as applications
from chalicelib.children import store as children
from chalicelib.children.rules import Holding, Holdings
from chalicelib.journal import actions as journal
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.providers import store as providers
from chalicelib.providers.rules import take_seat
from chalicelib.queue import actions, rules, store
from chalicelib.storage.commit import commit
from chalicelib.vouchers import store as vouchers
from infra.local import faults
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    OPERATOR,
    PROGRAMME,
    SECOND,
    STRANGER,
    a_group,
    a_small_city,
    an_application,
    finished,
    released,
    settle_in,
)

pytestmark = pytest.mark.usefixtures("tables", "one_salt")


def propose(run_id: str = "run-of-the-day", by: Any = JOB, area: str = AREA) -> rules.Run:
    return actions.propose(run_id, programme=PROGRAMME, area=area, by=by, now=EVENING)


def run_of(run_id: str = "run-of-the-day") -> rules.Run:
    return store.load_run(run_id).value


def given() -> dict[str, str | None]:
    """Which group each application's voucher holds; those without a voucher are left out."""
    found = {}
    for name in range(200):
        kept = applications.find_application(f"application-{name:04d}")
        if kept is not None and kept.value.voucher_id:
            voucher = vouchers.load_voucher(kept.value.voucher_id).value
            found[kept.value.application_id] = voucher.group_id
    return found


# --- a run from draft to end --------------------------------------------------------------------


def test_a_run_issues_what_it_planned_and_leaves_every_trace_in_step() -> None:
    a_small_city(200, 12)
    drafted = propose()
    actions.release_due(drafted.run_id, by=JOB, now=LATER)

    finished(drafted.run_id)

    run = run_of()
    plan = {o.application_id: o for o in store.each_outcome(run)}
    expected = {a: o.group_id for a, o in plan.items() if o.group_id}
    assert (run.state, run.issued, run.skipped) == ("committed", drafted.vouchers, 0)
    assert given() == expected
    assert 0 < len(expected) < len(plan) == 200
    queue = {k.value.application_id for k in applications.list_queue(PROGRAMME, AREA)}
    assert queue == plan.keys() - expected.keys()
    seats = Counter()
    for kept in providers.list_groups(PROGRAMME, AREA):
        assert len(kept.value.holders) <= kept.value.capacity
        seats[kept.value.group_id] = len(kept.value.holders)
    assert +seats == Counter(expected.values())
    for application_id, outcome in plan.items():
        kept = applications.load_application(application_id).value
        held = children.load_holdings(kept.child_id).value.of(PROGRAMME, "voucher")
        assert (held is None) == (outcome.group_id is None)
        if outcome.group_id:
            voucher = vouchers.load_voucher(kept.voucher_id or "").value
            assert (kept.state, kept.confirm_by) == ("offered", voucher.confirm_by)
            assert tuple(w.group_id for w in voucher.waiting) == outcome.waiting
            for waiting in voucher.waiting:
                rows = list(vouchers.each_waiter(waiting.group_id))
                assert voucher.voucher_id in {row.value.voucher_id for row in rows}
    # Two working days after the release, the end of Thursday in Almaty.
    assert run.confirm_by == "2025-09-04T19:00:00.000000Z"


def test_A16_the_journal_rebuilds_what_a_run_wrote() -> None:
    a_small_city(20, 3)
    finished(released())

    assert list(journal.differences()) == []


def test_waiting_lists_hold_the_order_of_the_merged_queue() -> None:
    queue = [an_application(f"{n:04d}", preferences=("group-a",)) for n in range(4)]
    settle_in([a_group("a", 1), a_group("b", 9)], queue)

    finished(released())

    waiters = [row.value.voucher_id for row in vouchers.each_waiter("group-a")]
    expected = [rules.voucher_id_for("run-of-the-day", f"application-{n:04d}") for n in (1, 2, 3)]
    assert waiters == expected


def test_a_place_that_a_voucher_holder_waits_for_is_not_given_past_the_waiting_list() -> None:
    queue = [an_application(f"{n:04d}", preferences=("group-a",)) for n in range(2)]
    settle_in([a_group("a", 1), a_group("b", 1)], queue)
    finished(released())
    settle_in([], [an_application("0009", preferences=("group-a",))])
    kept = providers.load_group("group-a")
    wider = replace(kept.value, capacities=(replace(kept.value.capacities[0], capacity=2),))
    commit([providers.keep_group(kept, wider)])

    later = actions.propose("run-two-of-it", programme=PROGRAMME, area=AREA, by=JOB, now=LATER)

    assert (later.places, later.vouchers) == (0, 0), "the second family waits for that place"


def test_the_next_run_goes_on_with_the_turn_that_was_carried() -> None:
    queue = [an_application(f"{n:04d}") for n in range(5)]
    queue += [an_application(f"1{n:03d}", tier="first-priority") for n in range(3)]
    settle_in([a_group("a", 2)], queue)
    finished(released())
    first = run_of()

    opened = store.find_open(PROGRAMME, AREA).value
    later = actions.propose("run-two-of-it", programme=PROGRAMME, area=AREA, by=JOB, now=LATER)

    # One first-priority and one general child were served: two general turns are left.
    assert first.carry_after == {2021: 2} == opened.carry == later.carry_before
    line = [o.tier for o in store.each_outcome(later)]
    assert line == ["general"] * 2 + ["first-priority"] + ["general"] * 2 + ["first-priority"]


def test_a_run_over_an_empty_queue_ends() -> None:
    settle_in([a_group("a", 2)], [])

    finished(released())

    assert (run_of().state, run_of().issued) == ("committed", 0)


def test_a_child_that_grew_too_old_since_it_applied_gets_nothing_and_is_told_why() -> None:
    grown = an_application("0001", birth_year=2019, academic_year=2024)
    settle_in([a_group("a", 5)], [grown, an_application("0002")])

    finished(released())

    outcomes = {o.ticket: (o.reason, o.group_id) for o in store.each_outcome(run_of())}
    assert outcomes == {
        "ticket-0001": ("too-old", None),
        "ticket-0002": ("other-group", "group-a"),
    }


def test_the_same_run_asked_twice_is_one_run_and_another_content_is_refused() -> None:
    a_small_city(10, 2)
    once = propose()

    assert propose() == once
    with pytest.raises(AnotherContent):
        actions.propose("run-of-the-day", programme=PROGRAMME, area="astana", by=JOB, now=EVENING)


def test_one_run_of_an_area_at_a_time() -> None:
    a_small_city(10, 2)
    propose()

    with pytest.raises(rules.RunUnderWay) as refused:
        propose("run-number-two")

    assert refused.value.facts == {"run_id": "run-of-the-day"}


def test_a_foreign_area_is_as_if_it_did_not_exist() -> None:
    a_small_city(4, 1)
    propose()

    for attempt in (
        lambda: propose("run-number-two", by=STRANGER),
        lambda: actions.release("run-of-the-day", by=STRANGER, now=EVENING),
        lambda: actions.stop("run-of-the-day", reason="other", by=STRANGER, now=EVENING),
        lambda: actions.run_of("run-of-the-day", by=STRANGER),
    ):
        with pytest.raises(Unknown):
            attempt()


def test_a_draft_waits_for_its_time_or_for_a_second_person() -> None:
    a_small_city(4, 1)
    propose(by=OPERATOR)

    assert not actions.release_due("run-of-the-day", by=JOB, now=LATER - timedelta(seconds=1))
    with pytest.raises(rules.NeedsAnother):
        actions.release("run-of-the-day", by=OPERATOR, now=EVENING)
    run = actions.release("run-of-the-day", by=SECOND, now=EVENING)

    assert (run.state, run.released_by) == ("released", "operator-2")
    assert actions.release("run-of-the-day", by=SECOND, now=LATER) == run
    assert not actions.release_due("run-of-the-day", by=JOB, now=LATER)


# --- what changed between plan and issue --------------------------------------------------------


def test_who_withdrew_meanwhile_is_passed_over_and_nobody_else() -> None:
    settle_in([a_group("a", 2)], [an_application("0001"), an_application("0002")])
    run_id = released()
    kept = applications.load_application("application-0001")
    entry = applications.load_entry(kept.value)
    gone = replace(kept.value, state="withdrawn")
    commit([applications.keep_application(kept, gone), applications.leave_queue(entry)])

    finished(run_id)

    settled = {s.application_id: s for s in store.each_settled(run_of())}
    assert settled["application-0001"].skipped == "application-changed"
    assert given() == {"application-0002": "group-a"}
    assert (run_of().issued, run_of().skipped) == (1, 1)


def test_who_finds_the_place_taken_gets_the_next_or_stays_in_the_queue() -> None:
    queue = [an_application("0001", preferences=("group-a",)), an_application("0002")]
    settle_in([a_group("a", 1), a_group("b", 1)], queue)
    run_id = released()
    kept = providers.load_group("group-a")
    taken = take_seat(kept.value, "somebody-else", "reserved", EVENING.date())
    commit([providers.keep_group(kept, taken)])

    finished(run_id)

    # The earlier child comes first to what is left, and waits for the group it preferred.
    assert given() == {"application-0001": "group-b"}
    voucher = vouchers.load_voucher(rules.voucher_id_for(run_id, "application-0001")).value
    assert [w.group_id for w in voucher.waiting] == ["group-a"]
    settled = {s.application_id: s.skipped for s in store.each_settled(run_of())}
    assert settled == {"application-0001": None, "application-0002": "place-taken"}
    assert [k.value.application_id for k in applications.list_queue(PROGRAMME, AREA)] == [
        "application-0002"
    ]


def test_a_child_who_holds_a_voucher_elsewhere_hinders_nobody() -> None:
    settle_in([a_group("a", 2)], [an_application("0001"), an_application("0002")])
    holding = Holding(kind="voucher", id="voucher-x", programme=PROGRAMME, area="astana")
    kept = children.load_holdings("child-0001")
    commit([children.keep_holdings(kept, Holdings((*kept.value.held, holding)))])

    finished(released())

    settled = {s.application_id: s.skipped for s in store.each_settled(run_of())}
    assert settled == {"application-0001": "children/already-held", "application-0002": None}


def test_twins_whose_place_shrank_are_not_parted() -> None:
    twins = [an_application(n, batch_id="batch-b") for n in ("0001", "0002")]
    settle_in([a_group("a", 2)], twins, {"batch-b": 2})
    run_id = released()
    kept = providers.load_group("group-a")
    commit([providers.keep_group(kept, take_seat(kept.value, "x", "reserved", EVENING.date()))])

    finished(run_id)

    assert given() == {}
    assert run_of().skipped == 2


# --- stopping -----------------------------------------------------------------------------------


def test_a_stopped_draft_issues_nothing_and_lets_the_next_run_begin() -> None:
    a_small_city(10, 2)
    propose()

    stopped = actions.stop("run-of-the-day", reason="wrong-input", by=OPERATOR, now=EVENING)

    assert actions.stop("run-of-the-day", reason="other", by=OPERATOR, now=LATER) == stopped
    assert given() == {}
    assert not actions.release_due("run-of-the-day", by=JOB, now=LATER)
    with pytest.raises(rules.RunStopped):
        actions.release("run-of-the-day", by=SECOND, now=LATER)
    assert propose("run-number-two").state == "draft"


def test_a_stop_while_issuing_leaves_the_prefix_and_voids_the_rest() -> None:
    a_small_city()
    run_id = released()
    actions.commit_part(run_id, by=JOB, now=LATER, most=7)
    with faults.crash(after=12), pytest.raises(faults.Crash):
        actions.commit_part(run_id, by=JOB, now=LATER, most=7)
    issued = given()

    actions.stop(run_id, reason="wrong-input", by=OPERATOR, now=LATER)

    assert not actions.commit_part(run_id, by=JOB, now=LATER, most=50)
    plan = [o for o in store.each_outcome(run_of()) if o.group_id]
    assert [o.application_id for o in plan[: len(issued)]] == [
        o.application_id for o in plan if o.application_id in issued
    ]
    assert given() == issued and 7 < len(issued) < len(plan)
    assert run_of().issued == len(issued)
    assert store.find_open(PROGRAMME, AREA).value.carry == run_of().carry_after
    shown, _ = actions.run_outcomes(run_id, by=OPERATOR, position=None, limit=100)
    assert Counter(o.settled for o in shown if o.group_id) == {
        "issued": len(issued),
        "void": len(plan) - len(issued),
    }


def test_a_finished_run_cannot_be_stopped() -> None:
    a_small_city(4, 1)
    run_id = released()
    finished(run_id)

    with pytest.raises(rules.RunCommitted):
        actions.stop(run_id, reason="other", by=OPERATOR, now=LATER)


# --- broken off and resumed ---------------------------------------------------------------------


def whole_run() -> None:
    released()
    finished("run-of-the-day", most=5)


def calls_of_a_whole_run(tables: Any) -> tuple[int, dict[str, Any]]:
    a_small_city(24, 3)
    with faults.watch() as seen:
        whole_run()
    clean = tables.dump()
    tables.wipe()
    return len(seen.calls), clean


@pytest.mark.parametrize("when", ["before", "after"])
def test_A1_a_run_that_dies_at_any_call_ends_the_same_when_it_is_run_again(
    tables: Any, when: str
) -> None:
    calls, clean = calls_of_a_whole_run(tables)
    assert calls > 50

    for at in range(1 if when == "before" else 4, calls + 1, 6):
        a_small_city(24, 3)
        with faults.crash(**{when: at}), pytest.raises(faults.Crash):
            whole_run()
        actions.propose("run-of-the-day", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)
        actions.release_due("run-of-the-day", by=JOB, now=LATER)
        finished("run-of-the-day", most=5)

        assert tables.dump() == clean, f"died {when} call {at}"
        tables.wipe()


def test_A9_two_runners_at_once_issue_what_one_would(tables: Any) -> None:
    a_small_city(40, 4)
    run_id = released()
    plan = {o.application_id: o.group_id for o in store.each_outcome(run_of()) if o.group_id}
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
    assert given() == plan
    assert (run_of().state, run_of().issued) == ("committed", len(plan))


def test_two_proposals_at_once_make_one_run() -> None:
    a_small_city(20, 3)
    barrier = threading.Barrier(2)
    made: list[Any] = []

    def proposer(run_id: str) -> None:
        barrier.wait()
        try:
            made.append(propose(run_id))
        except rules.RunUnderWay as refusal:
            made.append(refusal)

    threads = [threading.Thread(target=proposer, args=(n,)) for n in ("run-one-one", "run-two-two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(type(one) for one in made) == {rules.Run: 1, rules.RunUnderWay: 1}


def test_the_outcome_does_not_depend_on_who_was_written_first(tables: Any) -> None:
    at = "2025-09-01T05:00:00.000000Z"
    queue = [an_application(f"{n:04d}", ordered_at=at, ticket=f"t-{9 - n}") for n in range(4)]
    outcomes = []
    for order in (queue, queue[::-1]):
        settle_in([a_group("a", 2)], order)
        finished(released())
        outcomes.append(given())
        tables.wipe()

    assert outcomes[0] == outcomes[1]
    # The ticket decides among those of one instant: the smaller one stands first.
    assert outcomes[0].keys() == {"application-0003", "application-0002"}
