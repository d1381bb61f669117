"""A6: the monthly run may be killed at any call, started twice at once, or a day late: same ledger,
same files. A run that did not start raises an alarm.

The month is attended and confirmed; then its schedules fire, their work is done, the hands pass it
on and the files are made. What one undisturbed course of this leaves is compared with what a
disturbed one leaves. Work that waits is taken from the outbox and from what was sent, as a queue
would deliver it; whoever is killed loses what was under way, and the next one begins anew.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
import pytest

import app
from chalicelib.adapters import work
from chalicelib.budgets.store import ledger as books
from chalicelib.edge import tables as files_of
from chalicelib.payouts import actions
from chalicelib.payouts.rules import files
from chalicelib.storage import ran
from chalicelib.storage.outbox import Work
from infra.local import faults
from infra.local.testing import TestCloud, TestTables
from tests.attendance.builders import at
from tests.payouts.clock_town import LARGE, SMALL, ClockTown, event
from tests.promises import money
from tests.promises.rewind import Kept, rows_of

CHECK_DAY, A_DAY_LATE, CLAIM_DAY = "2026-04-11", "2026-04-12", "2026-04-14"
RUNS = ("run_billing", "run_claims", "run_clock")
SEEDS = range(4)


@pytest.fixture
def town(cloud: TestCloud, one_salt: None, monkeypatch: pytest.MonkeyPatch) -> ClockTown:
    """March at two kindergartens, attended and confirmed but for a child of whom nobody spoke."""
    made = ClockTown()
    made.begin(cloud)
    made.attend_all()
    made.few(7)
    for site_id in (LARGE, SMALL):
        made.close(site_id)
    made.approve_all(6)
    made.approve(7, SMALL)
    monkeypatch.setattr(work, "send", Queue.sent)
    return made


class Queue:
    """What was sent to the queue, by thread: every runner has its own."""

    own = threading.local()

    @classmethod
    def waiting(cls) -> list[work.Message]:
        if not hasattr(cls.own, "messages"):
            cls.own.messages = []
        return cls.own.messages  # type: ignore[no-any-return]

    @classmethod
    def sent(cls, messages: Any) -> int:
        new = list(messages)
        cls.waiting().extend(new)
        return len(new)


def run_month(town: ClockTown, day: str) -> None:
    """Fire the schedules of a day and do all the work that follows, to the end."""
    now = at(f"{day} 12:00")
    Queue.waiting().clear()
    done: set[str] = set()
    for job in RUNS:
        app.calendar_runs()[job](event(now))
        pump(town.cloud.tables, done, now)


def pump(tables: TestTables, done: set[str], now: datetime) -> None:
    while True:
        due = [*Queue.waiting(), *_left(tables, done)]
        Queue.waiting().clear()
        if not due:
            return
        for message in due:
            app.work()[message.topic](message.facts, now)


def _left(tables: TestTables, done: set[str]) -> Iterator[work.Message]:
    """Yield the outbox's work that this runner has not done, read past every fault."""
    for table, row in rows_of(tables):
        if table != "outbox" or not row["pk"]["S"].startswith("WORK#"):
            continue
        if row["pk"]["S"] in done:
            continue
        done.add(row["pk"]["S"])
        item = msgspec.json.decode(row["body"]["S"], type=Work)
        yield work.Message(item.topic, item.facts)


def ledger(tables: TestTables) -> dict[str, Any]:
    """Return what the ledger and the claims say, without when and how often it was written."""
    found: dict[str, Any] = {}
    for table, row in rows_of(tables):
        if table != "money" or row["pk"]["S"].startswith("CLOCK#"):
            continue
        if "LINE#" in row["sk"]["S"]:
            continue  # named by its instant; the posting says the same
        body = msgspec.json.decode(row["body"]["S"]) if "body" in row else None
        if isinstance(body, dict):
            body = {k: v for k, v in body.items() if not k.endswith("at")}
            body.pop("lines", None) if row["pk"]["S"].startswith("ACCOUNT#") else None
        balance = row.get("balance_tiyn") or row.get("b")
        found[f"{row['pk']['S']} {row['sk']['S']}"] = (body, balance)
    return found


def pass_on(town: ClockTown) -> list[bytes]:
    """Let the hands pass the claims on, and return the files of the payment run."""
    for site_id in (LARGE, SMALL):
        claim = town.newest(site_id)
        town.sign(claim)
        town.agree(claim)
        town.release(claim)
    town.pay("payment-run-1")
    register = actions.register_of("payment-run-1", by=money.FINANCE)
    rows = files.register_rows(register)
    return [files.pain_001(register), files_of.csv_file(files.REGISTER_HEADINGS, rows)]


@contextmanager
def undisturbed(town: ClockTown) -> Iterator[tuple[Kept, dict[str, Any]]]:
    """Run the month once in peace; give the store before it, and what the ledger says after."""
    before = Kept(town.cloud.tables)
    run_month(town, CHECK_DAY)
    yield before, ledger(town.cloud.tables)


def test_a6_the_ledger_that_is_compared_holds_the_month(town: ClockTown) -> None:
    with undisturbed(town) as (_, whole):
        pass

    kinds = {name.split("#", 1)[0] for name in whole}
    assert kinds >= {"STATEMENT", "POSTING", "ACCOUNT", "CLAIM", "CLAIMS"}
    assert town.newest(LARGE).amount_tiyn == 5 * money.RATE
    assert town.newest(SMALL).amount_tiyn == money.RATE


def test_a6_killed_at_any_call_and_run_again_it_is_the_same_to_the_byte(town: ClockTown) -> None:
    before = Kept(town.cloud.tables)
    with faults.watch() as seen:
        run_month(town, CHECK_DAY)
    whole = town.cloud.tables.effects()
    writes = [n for n, call in enumerate(seen.calls, start=1) if call.writes]

    # A death at a read leaves what the write before it left.
    for number in writes:
        for fault in (faults.crash(before=number), faults.crash(after=number)):
            before.put_back()
            with fault, pytest.raises(faults.Crash):
                run_month(town, CHECK_DAY)
            run_month(town, CHECK_DAY)
            assert town.cloud.tables.effects() == whole, (number, seen.calls[number - 1].operation)


def test_a6_a_day_late_it_is_the_same_ledger_and_the_same_files(town: ClockTown) -> None:
    with undisturbed(town) as (before, whole):
        in_time = pass_on(town)
    before.put_back()

    run_month(town, A_DAY_LATE)

    assert ledger(town.cloud.tables) == whole
    assert pass_on(town) == in_time


def test_a6_run_on_every_day_of_the_check_it_is_the_same_as_once(town: ClockTown) -> None:
    with undisturbed(town) as (_, whole):
        pass

    for day in (CHECK_DAY, A_DAY_LATE, "2026-04-13", CLAIM_DAY):
        run_month(town, day)

    assert ledger(town.cloud.tables) == whole


# --- two runners at once ------------------------------------------------------------------------


class Turns:
    """Lets one of two threads make its next call, drawn by a seed, while the other waits."""

    def __init__(self, seed: int, names: tuple[str, ...]) -> None:
        self.dice = random.Random(seed)
        self.live, self.waiting = set(names), set[str]()
        self.turn: str | None = None
        self.changed = threading.Condition()
        self.drawn: list[str] = []

    def plan(self, call: faults.Call, send: faults.Send) -> Any:
        name = threading.current_thread().name
        if name not in self.live:
            return None
        with self.changed:
            self.waiting.add(name)
            self._draw()
            assert self.changed.wait_for(lambda: self.turn == name, timeout=240)
        answer = send()
        with self.changed:
            self.turn = None
        return answer

    def over(self, name: str) -> None:
        with self.changed:
            self.live.discard(name)
            self.waiting.discard(name)
            self._draw()

    def _draw(self) -> None:
        if self.turn is None and self.live and self.waiting == self.live:
            self.turn = self.dice.choice(sorted(self.waiting))
            self.waiting.discard(self.turn)
            self.drawn.append(self.turn)
            self.changed.notify_all()


def both(seed: int, act: Callable[[], None]) -> list[str]:
    """Let two runners do the same at once; return whose calls came when."""
    turns = Turns(seed, ("one", "other"))
    failed: list[BaseException] = []

    def runner() -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)
        finally:
            turns.over(threading.current_thread().name)

    with faults.planned(turns.plan):
        threads = [threading.Thread(target=runner, name=name) for name in ("one", "other")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(600)
    assert failed == []
    return turns.drawn


@pytest.mark.parametrize("seed", SEEDS)
def test_a6_two_runners_at_once_leave_the_ledger_of_one(town: ClockTown, seed: int) -> None:
    with undisturbed(town) as (before, whole):
        in_time = pass_on(town)
    before.put_back()

    drawn = both(seed, lambda: run_month(town, CHECK_DAY))

    assert {"one", "other"} == set(drawn)
    assert any(a != b for a, b in itertools.pairwise(drawn)), "they took turns"
    # What the first had not sent on when the second looked is done by the next run.
    run_month(town, CHECK_DAY)
    assert ledger(town.cloud.tables) == whole
    assert sum(books.balances(_accounts(town.cloud.tables)).values()) == 0
    assert pass_on(town) == in_time


def _accounts(tables: TestTables) -> list[str]:
    names = {
        row["pk"]["S"].removeprefix("ACCOUNT#").split("#", 1)[0]
        for table, row in rows_of(tables)
        if table == "money" and row["pk"]["S"].startswith("ACCOUNT#")
    }
    return sorted(names)


# --- a run that did not start -------------------------------------------------------------------


def test_a6_a_run_that_did_not_start_raises_an_alarm(
    town: ClockTown, capsys: pytest.CaptureFixture[str]
) -> None:
    """More of it: tests/payouts/test_clock_jobs.py, and the alarms of the template there."""
    from chalicelib.payouts import jobs

    for job in actions.RUNS:
        if job != "run_billing":
            ran.mark(job, at=at(f"{CHECK_DAY} 12:00"))
    capsys.readouterr()

    jobs.run_watch(event(at(f"{CHECK_DAY} 15:00")), app.calendar_runs())
    pump(town.cloud.tables, set(), at(f"{CHECK_DAY} 15:00"))

    said = capsys.readouterr().out
    assert '"CalendarRunMissing"' in said
    assert town.newest(LARGE).amount_tiyn == 5 * money.RATE
