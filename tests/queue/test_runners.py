"""Two runners of one run, one of them slow or killed: what is told is what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.children import store as children
from chalicelib.children.rules import Holding, Holdings
from chalicelib.journal import actions as journal
from chalicelib.providers import store as providers
from chalicelib.providers.rules import free_seat, take_seat
from chalicelib.queue import actions, rules, store
from chalicelib.queue.actions import issuing
from chalicelib.storage.commit import commit
from infra.local import faults
from tests.queue import clubs
from tests.queue.city import EVENING, JOB, LATER, OPERATOR, a_group, an_application, settle_in
from tests.queue.test_transferring import a_holder, at, given, released, results, run_of

pytestmark = pytest.mark.usefixtures("tables", "one_salt")

ENDS = ("before it tells", "after it told", "never")


def one_part(run_id: str) -> bool:
    return actions.commit_part(run_id, by=JOB, now=LATER, most=50)


@contextmanager
def another_runner(run_id: str, first: Callable[[], None], killed: str) -> Iterator[None]:
    """Let another runner do the same part just before the first tells how far it got.

    first: what happens before it; killed: when it dies.
    """
    real, told = issuing.journal.commit, []

    def tell(entry: Any, *writes: Any) -> None:
        if entry.event == "queue/run-advanced":
            told.append(entry)
            mark = len(told)
        else:
            mark = 0
        if mark == 1:
            first()
            with suppress(faults.Crash):
                one_part(run_id)
        if mark == 2 and killed == "before it tells":
            raise faults.Crash
        real(entry, *writes)
        if mark == 2 and killed == "after it told":
            raise faults.Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issuing.journal, "commit", tell)
        yield
    assert len(told) > 1


@contextmanager
def behind(run_id: str) -> Iterator[None]:
    """Be a runner that read the run before another one told how far it is."""
    kept = store.load_run(run_id)
    one_part(run_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "load_run", lambda _: kept)
        yield


def take(group_id: str) -> None:
    kept = providers.load_group(group_id)
    commit([providers.keep_group(kept, take_seat(kept.value, "x", "reserved", EVENING.date()))])


def leave(group_id: str) -> None:
    kept = providers.load_group(group_id)
    commit([providers.keep_group(kept, free_seat(kept.value, "x"))])


def hold_elsewhere(child_id: str, *held: Holding) -> None:
    kept = children.load_holdings(child_id)
    rest = tuple(one for one in kept.value.held if one.id != "voucher-x")
    commit([children.keep_holdings(kept, Holdings((*rest, *held)))])


ELSEWHERE = Holding(kind="voucher", id="voucher-x", programme="clubs", area="astana")


def a_voucher_without_a_place() -> str:
    settle_in([a_group("a", 1)], [an_application("0001", preferences=("group-a",))])
    run_id = released()
    take("group-a")
    return run_id


def a_move_without_a_place() -> str:
    settle_in([a_group("a", 1), a_group("b", 1)], [])
    a_holder("0001", "b", "a")
    run_id = released()
    take("group-a")
    return run_id


def a_wish_that_is_hindered() -> str:
    clubs.let_wait([clubs.a_wish("0001")])
    clubs.allot(sport=1)
    run_id = clubs.released()
    hold_elsewhere("child-0001", ELSEWHERE)
    return run_id


# --- vouchers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("killed", ENDS)
def test_A9_whom_another_runner_served_meanwhile_is_not_told_as_passed_over(killed: str) -> None:
    run_id = a_voucher_without_a_place()

    with another_runner(run_id, lambda: leave("group-a"), killed):
        while one_part(run_id):
            pass

    assert given("0001") == "group-a"
    assert results() == {"0001": ("group-a", None)}
    run = run_of()
    assert (run.state, run.issued, run.skipped) == ("committed", 1, 0)
    assert list(journal.differences()) == []


def test_A9_a_runner_that_fell_behind_serves_nobody_who_was_passed_over() -> None:
    run_id = a_voucher_without_a_place()

    with behind(run_id):
        leave("group-a")
        assert one_part(run_id)

    assert given("0001") is None
    assert results() == {"0001": (None, "place-taken")}
    assert (run_of().issued, run_of().skipped) == (0, 1)


def test_A6_a_stop_between_two_vouchers_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    settle_in([a_group("a", 2)], [an_application("0001"), an_application("0002")])
    run_id = released()
    real = issuing._issue

    def stopped_after(*args: Any, **said: Any) -> None:
        real(*args, **said)
        actions.stop(run_id, reason="wrong-input", by=OPERATOR, now=LATER)

    monkeypatch.setattr(issuing, "_issue", stopped_after)

    assert not one_part(run_id)

    assert (given("0001"), given("0002")) == ("group-a", None)
    assert results() == {"0001": ("group-a", None)}
    assert (run_of().state, run_of().issued) == ("stopped", 1)


def test_a_part_of_which_everybody_was_passed_over_fits_into_one_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle_in([a_group("a", 60)], [an_application(f"{n:04d}") for n in range(60)])
    run_id = released()
    monkeypatch.setattr(rules, "still_waits", lambda _: False)

    while actions.commit_part(run_id, by=JOB, now=LATER, most=500):
        pass

    assert {why for _, why in results().values()} == {"application-changed"}
    assert (run_of().state, run_of().skipped) == ("committed", 60)


# --- moves --------------------------------------------------------------------------------------


@pytest.mark.parametrize("killed", ENDS)
def test_A9_whom_another_runner_moved_meanwhile_is_not_told_as_passed_over(killed: str) -> None:
    run_id = a_move_without_a_place()

    with another_runner(run_id, lambda: leave("group-a"), killed):
        while one_part(run_id):
            pass

    assert at("0001") == "group-a"
    assert results() == {"0001": ("group-a", None)}
    assert (run_of().state, run_of().moved) == ("committed", 1)
    assert list(journal.differences()) == []


def test_A9_a_runner_that_fell_behind_moves_nobody_who_was_passed_over() -> None:
    run_id = a_move_without_a_place()

    with behind(run_id):
        leave("group-a")
        assert one_part(run_id)

    assert at("0001") == "group-b"
    assert results() == {"0001": (None, "place-taken")}
    assert run_of().moved == 0


# --- by budget ----------------------------------------------------------------------------------


def results_by_budget() -> dict[str, str | None]:
    run = store.load_run(clubs.RUN).value
    return {one.application_id[-4:]: one.skipped for one in store.each_settled(run)}


@pytest.mark.parametrize("killed", ENDS)
def test_A9_whom_another_runner_gave_money_is_not_told_as_passed_over(killed: str) -> None:
    run_id = a_wish_that_is_hindered()

    def part(run_id: str) -> bool:
        return actions.commit_part(run_id, by=JOB, now=clubs.LATER, most=50)

    with another_runner(run_id, lambda: hold_elsewhere("child-0001"), killed):
        while part(run_id):
            pass

    run = store.load_run(run_id).value
    assert results_by_budget() == {"0001": None}
    assert (run.issued, run.skipped) == (1, 0)
    assert clubs.committed()["sport"] == run.reserved_tiyn == clubs.cost()


def test_A9_a_runner_that_fell_behind_gives_nobody_money_who_was_passed_over() -> None:
    run_id = a_wish_that_is_hindered()

    with behind(run_id):
        hold_elsewhere("child-0001")
        assert actions.commit_part(run_id, by=JOB, now=clubs.LATER + timedelta(minutes=1), most=50)

    assert results_by_budget() == {"0001": "children/already-held"}
    assert clubs.committed()["sport"] == 0
