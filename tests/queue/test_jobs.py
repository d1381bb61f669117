"""The daily run, its vouchers, checkpoints and deadlines, as they happen by themselves."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.access import actions as access
from chalicelib.access.rules import Reach
from chalicelib.applications import store as applications
from chalicelib.journal import actions as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.providers import store as providers
from chalicelib.providers.rules import free_seat, take_seat
from chalicelib.queue import actions, jobs, rules, store
from chalicelib.storage import agenda
from chalicelib.storage.commit import Raced, commit
from chalicelib.storage.outbox import NOTICES
from chalicelib.vouchers import store as vouchers
from infra.local import faults
from infra.local.testing import TestCloud
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    LATER,
    PROGRAMME,
    a_group,
    a_small_city,
    an_application,
    finished,
    fired,
    released,
    settle_in,
)

RUN = "run-preschool-taldykorgan-2025-09-02"
pytestmark = pytest.mark.usefixtures("tables", "one_salt")


def notices_to(person_id: str) -> list[str]:
    return [kept.value.template for kept in NOTICES.each(f"NOTICES#person:{person_id}")]


# --- the daily run ------------------------------------------------------------------------------


def test_an_evening_from_draft_to_published_ranks_without_anybody(evening: TestCloud) -> None:
    a_small_city(30, 3)
    jobs.run_iteration(fired(EVENING))
    jobs.run_iteration(fired(EVENING + timedelta(minutes=1)))  # a schedule may fire twice
    assert store.load_run(RUN).value.state == "draft"

    evening.set_clock(LATER)
    jobs.run_deadlines(fired(LATER))
    evening.drain()

    run = store.load_run(RUN).value
    assert (run.state, run.issued) == ("committed", run.vouchers) and run.issued > 0
    head = store.find_head(PROGRAMME, AREA)
    assert head is not None
    assert head.value.checkpoint_id == f"after-{RUN}"
    assert head.value.waiting == 30 - run.issued
    runs, _ = actions.runs_page(PROGRAMME, AREA, position=None, limit=10)
    assert [line.run_id for line in runs] == [RUN]
    told = Counter(t for n in range(30) for t in notices_to(f"person-{n:04d}"))
    assert told["notice:queue/voucher-issued"] == run.issued
    assert evening.dead_letters() == []


def test_a_run_that_was_stopped_while_issuing_publishes_the_order_it_left(
    evening: TestCloud,
) -> None:
    a_small_city(30, 3)
    run_id = released()
    actions.commit_part(run_id, by=JOB, now=LATER, most=4)

    stopped = actions.stop(run_id, reason="wrong-input", by=JOB, now=LATER)
    evening.drain()

    head = store.find_head(PROGRAMME, AREA)
    assert head is not None and 0 < stopped.issued < stopped.vouchers
    assert (head.value.checkpoint_id, head.value.run_id) == (f"after-{run_id}", run_id)
    assert head.value.waiting == 30 - stopped.issued
    assert evening.dead_letters() == []


def test_a_draft_that_was_stopped_changed_no_order_and_publishes_none(evening: TestCloud) -> None:
    a_small_city(6, 2)
    actions.propose("run-of-the-day", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)

    actions.stop("run-of-the-day", reason="wrong-input", by=JOB, now=EVENING)
    evening.drain()

    assert store.find_head(PROGRAMME, AREA) is None


@pytest.mark.parametrize(
    ("at", "runs"),
    [
        (datetime(2025, 9, 5, 13, 0, tzinfo=UTC), True),  # Friday
        (datetime(2025, 9, 6, 13, 0, tzinfo=UTC), False),  # Saturday
        (datetime(2025, 8, 29, 13, 0, tzinfo=UTC), True),  # the working day before a holiday
    ],
)
def test_the_packs_calendar_decides_whether_a_day_has_a_run(at: datetime, runs: bool) -> None:
    settle_in([a_group("a", 1)], [an_application("0001")])

    jobs.run_iteration(fired(at))

    run_id = f"run-preschool-taldykorgan-{at.date().isoformat()}"
    assert (store.find_run(run_id) is not None) == runs


def test_A6_a_day_late_the_run_is_still_that_of_its_day() -> None:
    settle_in([a_group("a", 1)], [an_application("0001")])

    jobs.run_iteration(fired(EVENING))
    jobs.run_iteration(fired(EVENING))

    assert store.load_run(RUN).value.proposed_at == "2025-09-02T13:00:00.000000Z"


def test_a_message_does_a_part_and_sends_on_the_rest(
    evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_small_city(30, 3)
    released()
    monkeypatch.setattr(jobs, "PARTS_IN_A_MESSAGE", 1)
    monkeypatch.setattr(jobs, "VOUCHERS_IN_A_PART", 2)

    evening.drain()

    run = store.load_run("run-of-the-day").value
    assert (run.state, run.issued) == ("committed", run.vouchers) and run.issued > 4


def test_a_seat_freed_between_plan_and_issue_is_offered_to_who_waits_for_it(
    evening: TestCloud,
) -> None:
    settle_in(
        [a_group("a", 1), a_group("b", 1)], [an_application("0001", preferences=("group-a",))]
    )
    kept = providers.load_group("group-a")
    held = take_seat(kept.value, "somebody", "reserved", EVENING.date())
    commit([providers.keep_group(kept, held)])
    released()
    kept = providers.load_group("group-a")
    commit([providers.keep_group(kept, free_seat(kept.value, "somebody"))])

    evening.set_clock(LATER)
    evening.drain()

    voucher_id = rules.voucher_id_for("run-of-the-day", "application-0001")
    voucher = vouchers.load_voucher(voucher_id).value
    assert voucher.group_id == "group-b"
    assert [(w.group_id, w.state) for w in voucher.waiting] == [("group-a", "offered")]


# --- checkpoints --------------------------------------------------------------------------------


def test_the_same_evening_publishes_once() -> None:
    a_small_city(12, 2)

    jobs.run_checkpoint(fired(EVENING + timedelta(hours=1)))
    once = store.find_head(PROGRAMME, AREA)
    jobs.run_checkpoint(fired(EVENING + timedelta(hours=1)))

    assert store.find_head(PROGRAMME, AREA) == once is not None


def test_a_family_is_told_once_that_its_turn_is_near() -> None:
    settle_in([], [an_application(f"{n:04d}") for n in range(60)])

    for hour in range(3):
        actions.publish(
            f"checkpoint-{hour}",
            programme=PROGRAMME,
            area=AREA,
            by=JOB,
            now=EVENING + timedelta(hours=hour),
        )

    # The pack says fifty: the first has none ahead, the fifty-first has fifty.
    assert [len(notices_to(f"person-{n:04d}")) for n in (0, 50, 51, 59)] == [1, 1, 0, 0]
    assert notices_to("person-0000") == ["notice:queue/turn-is-near"]


@pytest.mark.parametrize("at", [3, 11, 14, 16, 18, 20])
def test_A1_a_checkpoint_that_broke_off_is_published_by_the_next_try(tables: Any, at: int) -> None:
    def publish() -> None:
        actions.publish("checkpoint-1", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)

    a_small_city(6, 2)
    publish()
    clean = tables.dump()
    tables.wipe()
    a_small_city(6, 2)

    with faults.crash(after=at), pytest.raises(faults.Crash):
        publish()
    publish()

    assert tables.dump() == clean


def test_A16_the_journal_rebuilds_a_checkpoint() -> None:
    a_small_city(12, 2)
    jobs.run_checkpoint(fired(EVENING))

    assert list(journal.differences()) == []


# --- deadlines ----------------------------------------------------------------------------------


class Handled:
    """Handlers that note what they were called with."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def well(self, subject: str, /, *, by: Actor, now: datetime) -> bool:
        del by, now
        self.seen.append(subject)
        return True

    def poison(self, subject: str, /, *, by: Actor, now: datetime) -> bool:
        self.well(subject, by=by, now=now)
        raise ZeroDivisionError

    def refused(self, subject: str, /, *, by: Actor, now: datetime) -> bool:
        self.well(subject, by=by, now=now)
        raise OutOfTurn()

    def raced(self, subject: str, /, *, by: Actor, now: datetime) -> bool:
        self.well(subject, by=by, now=now)
        raise Raced()

    @property
    def table(self) -> dict[str, jobs.Lapse]:
        return {
            "test/well": self.well,
            "test/poison": self.poison,
            "test/refused": self.refused,
            "test/raced": self.raced,
        }


@pytest.fixture(autouse=True)
def rows_of_access(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the topics of these tests their rows; without one nothing is done."""
    for topic in Handled().table:
        monkeypatch.setitem(access.table().jobs, topic, Reach.OWN)  # type: ignore[arg-type]


def remind(topic: str, subject: str, at: datetime) -> None:
    commit([agenda.due(at, topic, subject)])


def open_reminders() -> list[str]:
    far = EVENING + timedelta(days=60)
    return [kept.value.subject for kept in agenda.list_due(far, days_back=120)]


def test_each_reminder_is_looked_at_once_and_not_before_its_time() -> None:
    handled = Handled()
    remind("test/well", "past", EVENING - timedelta(days=3))
    remind("test/well", "now", EVENING)
    remind("test/well", "soon", EVENING + timedelta(minutes=1))

    for _ in range(2):
        jobs.run_deadlines(fired(EVENING), handled.table)

    assert handled.seen == ["past", "now"]
    assert open_reminders() == ["soon"]
    jobs.run_deadlines(fired(EVENING + timedelta(hours=1)), handled.table)
    assert handled.seen == ["past", "now", "soon"]


def test_A7_a_poison_deadline_never_blocks_the_others(evening: TestCloud) -> None:
    handled = Handled()
    for n, topic in enumerate(["test/poison", "test/refused", "test/raced", "test/well"]):
        remind(topic, topic, EVENING - timedelta(minutes=10 - n))

    jobs.run_deadlines(fired(EVENING), handled.table)

    assert handled.seen == ["test/poison", "test/refused", "test/raced", "test/well"]
    # What time may cure is tried again, what it cannot cure is kept with its reason.
    assert open_reminders() == ["test/poison", "test/raced"]
    (letter,) = evening.dead_letters()
    assert '"subject":"test/refused"' in letter["body"] and "kezek/out-of-turn" in letter["body"]


def test_a_topic_of_a_later_version_is_left_alone() -> None:
    remind("later/topic", "something", EVENING - timedelta(days=1))

    jobs.run_deadlines(fired(EVENING), {})

    assert open_reminders() == ["something"]


def test_what_was_written_late_is_found_by_the_days_long_look() -> None:
    handled = Handled()
    jobs.run_deadlines(fired(EVENING), handled.table)
    remind("test/well", "late", EVENING - timedelta(days=20))

    jobs.run_deadlines(fired(EVENING + timedelta(hours=1)), handled.table)
    assert handled.seen == []
    jobs.run_deadlines(fired(EVENING + timedelta(days=1)), handled.table)

    assert handled.seen == ["late"]


def test_an_hourly_look_reads_few_days(tables: Any) -> None:
    jobs.run_deadlines(fired(EVENING))

    with faults.watch() as seen:
        jobs.run_deadlines(fired(EVENING + timedelta(hours=1)))

    assert seen.operations["Query"] == 3


def test_a_long_look_goes_on_in_another_message(
    evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import work

    handled = Handled()
    monkeypatch.setitem(
        work(),
        "queue/deadlines",
        lambda facts, now: jobs.deadlines(facts, now, handled.table),
    )
    monkeypatch.setattr(jobs, "REMINDERS_IN_A_LOOK", 3)
    for n in range(8):
        remind("test/well", f"s{n}", EVENING - timedelta(minutes=20 - n))

    jobs.run_deadlines(fired(EVENING), handled.table)
    evening.drain()

    assert handled.seen == [f"s{n}" for n in range(8)]
    assert open_reminders() == []


def test_who_does_not_confirm_in_two_working_days_becomes_inactive_and_is_reminded_before() -> None:
    settle_in([a_group("a", 1)], [an_application("0001")])
    finished(released())
    confirm_by = datetime(2025, 9, 4, 19, 0, tzinfo=UTC)

    jobs.run_deadlines(fired(confirm_by - timedelta(hours=24)))
    assert applications.load_application("application-0001").value.state == "offered"
    assert notices_to("person-0001") == [
        "notice:applications/confirm-soon",
        "notice:queue/voucher-issued",
    ]
    jobs.run_deadlines(fired(confirm_by - timedelta(seconds=1)))
    assert applications.load_application("application-0001").value.state == "offered"
    jobs.run_deadlines(fired(confirm_by))

    application = applications.load_application("application-0001").value
    assert application.state == "inactive"
    assert providers.load_group("group-a").value.holders == {}
    voucher_id = rules.voucher_id_for("run-of-the-day", "application-0001")
    assert vouchers.load_voucher(voucher_id).value.state == "lapsed"
    assert list(journal.differences()) == []
