"""Vouchers of a run by budget: some to a commit, in the order of serving, each with its money.

A commit moves the money of all its vouchers in one posting, so that an account is written once for
several of them; how many go together follows from the hundred rows a commit may hold. The account
itself refuses what it does not hold, whoever else draws on it: then the load is halved until the
child is found for whom the money does not reach. It is passed over, and with it everybody behind it
in its direction, because order is order; the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.budgets import actions as budgets
from chalicelib.budgets.rules.ledger import BudgetShort
from chalicelib.budgets.rules.reserving import Reserve
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import Month, from_stamp, shown_last_day
from chalicelib.kernel.refusals import Refusal, Unavailable
from chalicelib.queue import rules, store
from chalicelib.queue.actions.desk import (
    Desk,
    asks_confirmation,
    passed_over,
    told,
)
from chalicelib.queue.rules import Outcome, Run, Settled
from chalicelib.storage.commit import MOST_WRITES, Put, Raced, Write
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers.actions import issuing

_TRIES = 6
_OF_A_COMMIT = 2  # the run's row, the posting
_OF_A_VOUCHER = 2  # the application, its entry in the journal


@dataclass(frozen=True, slots=True)
class _Ready:
    """A voucher that may be issued: its rows, its application's first, and its money."""

    outcome: Outcome
    settled: Settled
    reserve: Reserve
    application: Put
    others: tuple[Write, ...]


def issue_funded(
    desk: Desk, kept: Kept[Run], planned: Sequence[Outcome], *, by: Actor, now: datetime
) -> list[tuple[Outcome, Settled]]:
    """Issue planned vouchers in their order; return what became of each.

    kept: the run; nothing is issued once it has moved on or was stopped. Raises RunMoved,
    Unavailable; then what was issued is found by its id.
    """
    results: dict[str, Settled] = {}
    made: dict[str, _Ready] = {}
    short = set(desk.run.short)
    most = len(planned)
    tries = 0
    left = list(planned)
    while left:
        load = _load(desk, left, results, short, made, most=most, now=now)
        settled_by_itself = [o for o in left if o.application_id in results]
        left = [o for o in left if o.application_id not in results]
        if not load:
            assert settled_by_itself or not left
            continue
        try:
            _commit(kept, load, by=by, now=now)
        except BudgetShort:
            if len(load) > 1:
                most = len(load) // 2
                continue
            short.add(load[0].reserve.direction)
            (results[load[0].outcome.application_id],) = passed_over(
                [load[0].outcome], rules.MONEY_GONE
            )
        except Raced:
            tries += 1
            if tries == _TRIES:
                raise
            desk.fetch([ready.outcome for ready in load])
            made.clear()
            continue
        except Unavailable:
            raise
        except Refusal as refusal:
            # Somebody's rows stand in the way: alone it is known whose.
            if len(load) > 1:
                most = 1
                continue
            (results[load[0].outcome.application_id],) = passed_over(
                [load[0].outcome], refusal.code
            )
        else:
            results |= {ready.outcome.application_id: ready.settled for ready in load}
        most, tries = len(planned), 0
        left = [o for o in left if o.application_id not in results]
    return [(outcome, results[outcome.application_id]) for outcome in planned]


def _load(
    desk: Desk,
    left: Sequence[Outcome],
    results: dict[str, Settled],
    short: set[str],
    made: dict[str, _Ready],
    *,
    most: int,
    now: datetime,
) -> list[_Ready]:
    """Return the next vouchers that one commit holds, at most so many, in their order.

    What is settled without a commit is noted in `results` on the way; what is ready and does not
    fit any more is kept in `made`.
    """
    load: list[_Ready] = []
    accounts: set[tuple[str, int]] = set()
    writes = _OF_A_COMMIT
    for outcome in left:
        if len(load) == most:
            break
        result = _without_commit(desk, outcome, short)
        if result is None and outcome.application_id not in made:
            try:
                made[outcome.application_id] = _ready(desk, outcome, now=now)
            except Unavailable:
                raise
            except Refusal as refusal:
                (result,) = passed_over([outcome], refusal.code)
        if result is not None:
            results[outcome.application_id] = result
            continue
        ready = made[outcome.application_id]
        touched = {
            (ready.reserve.direction, n) for n in range(1 + sum(1 for _ in ready.reserve.months()))
        }
        rows = _OF_A_VOUCHER + len(ready.others) + 2 * len(touched - accounts)
        if load and writes + rows > MOST_WRITES:
            break
        load.append(ready)
        accounts |= touched
        writes += rows
    return load


def _without_commit(desk: Desk, outcome: Outcome, short: set[str]) -> Settled | None:
    """Return what became of a voucher for which nothing is to be written; None if something is."""
    issued = desk.issued(outcome)
    if issued is not None:
        return issued
    if not desk.waits(outcome):
        return passed_over([outcome], rules.APPLICATION_CHANGED)[0]
    if outcome.direction in short:
        return passed_over([outcome], rules.MONEY_GONE)[0]
    return None


def _ready(desk: Desk, outcome: Outcome, *, now: datetime) -> _Ready:
    """Return a voucher with all its rows. Raises what stands in the way of this one child."""
    reserve = reserve_of(desk.run, outcome, sen=desk.seeker(outcome.application_id).sen)
    voucher = desk.voucher(outcome, reserve=reserve)
    application, rest = desk.leaving(outcome, voucher)
    last_day = shown_last_day(voucher.contract_by or voucher.confirm_by)
    template = (
        "notice:queue/voucher-to-confirm"
        if asks_confirmation(desk.judged)
        else "notice:queue/voucher-to-use"
    )
    notices = told(voucher, template, now, last_day=last_day)
    return _Ready(
        outcome,
        Settled(
            outcome.application_id,
            voucher.voucher_id,
            direction=outcome.direction,
            reserved_tiyn=reserve.total_tiyn,
        ),
        reserve,
        application,
        (*rest, *issuing(voucher), *notices),
    )


def reserve_of(run: Run, outcome: Outcome, *, sen: bool) -> Reserve:
    """Return the money a voucher holds: from the month of release to the last that was planned."""
    assert run.money is not None and run.released_at is not None and outcome.direction is not None
    released = Month.containing(from_stamp(run.released_at))
    return Reserve(
        programme=run.programme,
        area=run.area,
        direction=outcome.direction,
        month_tiyn=run.money.month_of(sen=sen),
        first=max(released, Month.parse(run.money.first)),
        last=Month.parse(run.money.last),
    )


def _commit(kept: Kept[Run], load: Sequence[_Ready], *, by: Actor, now: datetime) -> None:
    first = load[0]
    run = kept.value
    assert run.released_at is not None
    money = budgets.reserving(
        f"reserve#{first.settled.voucher_id}",
        [ready.reserve for ready in load],
        at=run.released_at,
    )

    def entry(ready: _Ready) -> Entry:
        return journal.entry(
            "queue/voucher-issued",
            f"application/{ready.outcome.application_id}",
            by=by,
            now=now,
            pack=run.pack,
            run_id=run.run_id,
            voucher=ready.settled.voucher_id,
            direction=ready.reserve.direction,
            reserved_tiyn=ready.reserve.total_tiyn,
        )

    journal.commit(
        entry(first),
        first.application,
        store.while_at(kept),
        *first.others,
        *(
            write
            for ready in load[1:]
            for write in (
                ready.application,
                *ready.others,
                journal.beside(entry(ready), ready.application),
            )
        ),
        *money,
    )
