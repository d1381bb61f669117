"""What happens by itself: the stream, the schedule, the work; each twice, counted once."""

from __future__ import annotations

from typing import Any

import pytest

import app
from chalicelib.adapters import work
from chalicelib.record import jobs as record_jobs
from chalicelib.signals import actions, jobs
from infra.local.testing import TestCloud, TestTables
from tests.attendance.builders import MARCH, SITE, at, enrolment, open_site, pair, send
from tests.attendance.tablets import Tablet
from tests.signals.builders import evidence_images, open_signals
from tests.signals.test_months import FEBRUARY, attend


class Event:
    def __init__(self, time: str) -> None:
        self.time = time


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[work.Message]:
    """The queue, as a list."""
    messages: list[work.Message] = []

    def take(new: Any) -> int:
        before = len(messages)
        messages.extend(new)
        return len(messages) - before

    monkeypatch.setattr(work, "send", take)
    return messages


def a_crowd() -> None:
    open_site(children_count=8)
    tablet = Tablet()
    pair(tablet)
    for n in range(1, 9):
        tablet.sign("2026-03-02T08:10:07+05:00", "in", enrolment(n))
    send(tablet, tablet.records, now=at("2026-03-02 09:00"))


def streamed(images: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Records": [
            {"eventName": "INSERT", "dynamodb": {"NewImage": image, "SequenceNumber": str(n)}}
            for n, image in enumerate(images)
        ]
    }


def test_an_odd_upload_is_handed_to_the_queue_and_judged_there(
    tables: TestTables, sent: list[work.Message]
) -> None:
    a_crowd()

    assert jobs.take_in(streamed(evidence_images(tables))) == {"batchItemFailures": []}

    (message,) = sent
    assert message.topic == "signals/arrived"
    jobs.arrived(message.facts, at("2026-03-02 09:01"))
    jobs.arrived(message.facts, at("2026-03-02 09:02"))
    assert [one.kind for one in open_signals()] == ["one-second"]


def test_other_rows_of_the_journal_are_passed_over(
    tables: TestTables, sent: list[work.Message]
) -> None:
    a_crowd()
    rows = tables.dump()["kezek-test-journal"]

    jobs.take_in(streamed(rows))
    removed = streamed(rows)
    for record in removed["Records"]:
        record["eventName"] = "REMOVE"
    jobs.take_in(removed)

    assert len(sent) == 1


def test_a_row_that_cannot_be_read_hinders_no_other(
    tables: TestTables, sent: list[work.Message]
) -> None:
    a_crowd()
    (image,) = evidence_images(tables)
    broken = {**image, "body": {"S": "{"}}

    assert jobs.take_in(streamed([broken, image])) == {"batchItemFailures": []}
    assert len(sent) == 1


def test_a_silent_queue_has_the_batch_delivered_again(
    tables: TestTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: Any) -> int:
        raise work.QueueSilent()

    monkeypatch.setattr(work, "send", silent)
    a_crowd()
    (image,) = evidence_images(tables)
    honest = {**image, "pk": {"S": "voucher/1"}}

    failed = jobs.take_in(streamed([honest, image]))["batchItemFailures"]

    assert failed == [{"itemIdentifier": "1"}]


def test_the_stream_goes_on_from_the_earliest_that_the_log_or_the_signals_could_not_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, signals = ([{"itemIdentifier": number}] for number in ("7", "3"))
    monkeypatch.setattr(record_jobs, "take_in", lambda _: {"batchItemFailures": log})
    monkeypatch.setattr(jobs, "take_in", lambda _: {"batchItemFailures": signals})

    answer = app.on_journal(streamed([]), None)

    assert answer == {"batchItemFailures": [*log, *signals]}


@pytest.mark.parametrize(
    ("day", "months"),
    [
        ("2026-03-31", []),
        ("2026-04-01", ["2026-03"]),  # the close
        ("2026-04-04", ["2026-03", "2026-04"]),  # a Saturday: the month under way, too
        ("2026-04-13", ["2026-03"]),  # the last day of the check
        ("2026-04-14", []),
        ("2026-04-18", ["2026-04"]),
    ],
)
def test_a_month_is_looked_at_from_its_close_to_the_end_of_the_check(
    tables: TestTables, sent: list[work.Message], day: str, months: list[str]
) -> None:
    open_site()

    jobs.run_signals(Event(f"{day}T00:30:00Z"))

    assert [(m.topic, m.facts) for m in sent] == [
        ("signals/month", {"site_id": SITE, "month": month}) for month in months
    ]


def test_the_days_work_may_come_twice(tables: TestTables) -> None:
    open_site(children_count=1)
    attend(1, FEBRUARY)
    attend(1, MARCH, shift=4)
    facts = {"site_id": SITE, "month": str(MARCH)}

    jobs.month(facts, at("2026-04-08 04:00"))
    jobs.month(facts, at("2026-04-09 04:00"))

    assert [one.kind for one in open_signals()] == ["no-act"]


def test_through_the_switchboard(cloud: TestCloud) -> None:
    """A tablet's upload, the stream, the queue, the signal: with nothing called by hand."""
    a_crowd()

    cloud.drain()

    assert [one.kind for one in open_signals()] == ["one-second"]
    assert actions.months_to_look_at(at("2026-04-02 04:00"))
