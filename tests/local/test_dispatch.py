"""Queue, stream and schedule delivery, by the same code that `make serve` runs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.cloud import BadAdvance
from infra.local.sources import UnknownSource
from infra.local.testing import MORNING, STAGE, TestCloud, Undelivered
from tests.local.tiny import Poison, effects

QUEUE = f"kezek-{STAGE}-work"


def send(cloud: TestCloud, *messages: dict[str, Any]) -> None:
    cloud.messages.send(QUEUE, [(json.dumps(message), {}) for message in messages])


def write(cloud: TestCloud, *names: str) -> None:
    for name in names:
        assert cloud.put(f"/notes/{name}").status == 200


def test_a7_one_poison_message_ends_with_its_reason_and_neither_blocks_nor_repeats_others(
    tiny_cloud: TestCloud,
) -> None:
    send(
        tiny_cloud,
        {"name": "a"},
        {"name": "b", "poison": True},
        *[{"name": f"c{n}"} for n in range(30)],
    )

    with pytest.raises(Undelivered, match="tiny/poison"):
        tiny_cloud.drain()

    done = effects("work", tiny_cloud.tables.client)
    assert done == {"a": 1, **{f"c{n}": 1 for n in range(30)}}
    (letter,) = tiny_cloud.dead_letters()
    assert letter["queue"] == f"{QUEUE}-dead"
    assert letter["reason"] == "tiny/poison"
    assert json.loads(letter["body"])["name"] == "b"
    counted = tiny_cloud.triggers.counters()["work"]
    assert (counted["done"], counted["retried"], counted["dead"]) == (31, 4, 1)


def test_a_handler_that_raises_fails_its_batch_and_the_reason_is_kept_without_the_message(
    tiny_cloud: TestCloud,
) -> None:
    send(tiny_cloud, {"name": "Aigerim", "raises": True})

    with pytest.raises(Poison):
        tiny_cloud.drain()

    (letter,) = tiny_cloud.dead_letters()
    assert letter["reason"] == "Poison tiny/poison"


def test_an_answer_naming_an_unknown_item_fails_the_whole_batch_as_in_aws(
    tiny_cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(tiny_cloud, {"name": "a"})
    wrong = {"batchItemFailures": [{"itemIdentifier": "nobody"}]}
    source = tiny_cloud.triggers.queues[0].source
    delivery = tiny_cloud.triggers.queues[0]
    monkeypatch.setattr(
        delivery, "source", type(source)(source.name, lambda e, c: wrong, source.queue, 10)
    )

    tiny_cloud.drain(strict=False)

    (letter,) = tiny_cloud.dead_letters()
    assert letter["reason"] == "the answer names an item that was not sent"


def test_every_stream_record_is_delivered_in_order_once_when_nothing_fails(
    tiny_cloud: TestCloud,
) -> None:
    names = [f"n{n:03}" for n in range(25)]
    write(tiny_cloud, *names)

    tiny_cloud.drain()
    assert tiny_cloud.drain() == 0

    assert effects("entry", tiny_cloud.tables.client) == dict.fromkeys(names, 1)


def test_a_bad_stream_record_is_found_by_halving_and_parked_and_the_rest_arrives(
    tiny_cloud: TestCloud,
) -> None:
    write(tiny_cloud, "a", "b", "c", "bad", "d", "e", "f")

    tiny_cloud.drain(strict=False)

    assert set(effects("entry", tiny_cloud.tables.client)) == set("abcdef")
    (letter,) = tiny_cloud.dead_letters()
    assert letter["queue"] == f"kezek-{STAGE}-streams-dead"
    assert letter["reason"] == "Poison tiny/poison"
    lost = json.loads(letter["body"])["DDBStreamBatchInfo"]
    assert lost["batchSize"] == 1
    assert lost["startSequenceNumber"] == lost["endSequenceNumber"]


def test_a_stream_handler_that_names_its_failure_keeps_what_came_before_it(
    tiny_cloud: TestCloud,
) -> None:
    got: list[str] = []

    def handle(event: dict[str, Any], _: Any) -> dict[str, Any]:
        for record in event["Records"]:
            name = record["dynamodb"]["Keys"]["pk"]["S"]
            got.append(name)
            if name == "c" and got.count("c") < 3:
                failed = record["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": failed}]}
        return {"batchItemFailures": []}

    delivery = tiny_cloud.triggers.streams[0]
    delivery.source = type(delivery.source)("entries", handle, delivery.source.table, 100)
    write(tiny_cloud, *"abcde")
    tiny_cloud.drain()

    assert {name: got.count(name) for name in "abcde"} == {"a": 1, "b": 1, "c": 3, "d": 1, "e": 1}
    assert list(dict.fromkeys(got)) == list("abcde")


def test_what_was_not_passed_comes_again_after_a_restart(
    tiny_cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tiny_cloud, "a")
    tiny_cloud.drain()
    write(tiny_cloud, "b")
    delivery = tiny_cloud.triggers.streams[0]

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        # The process dies between the handler's effect and the checkpoint.
        patched.setattr(delivery.feed, "passed", die)
        delivery.step()
    delivery.feed.forget()
    tiny_cloud.drain()

    assert effects("entry", tiny_cloud.tables.client) == {"a": 1, "b": 2}


def test_events_have_the_shapes_aws_documents(tiny_cloud: TestCloud) -> None:
    seen: dict[str, Any] = {}

    def keep(event: dict[str, Any], context: Any) -> None:
        seen[context.function_name] = event

    for delivery in tiny_cloud.triggers.deliveries:
        source: Any = delivery.source
        delivery.source = type(source)(source.name, keep, *_rest(source))
    send(tiny_cloud, {"name": "a"})
    write(tiny_cloud, "b")
    tiny_cloud.drain()

    (message,) = seen["work"]["Records"]
    assert set(message) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody",
        "eventSource", "eventSourceARN", "awsRegion",
    }  # fmt: skip
    assert message["eventSource"] == "aws:sqs"
    (record,) = seen["entries"]["Records"]
    assert (record["eventSource"], record["eventName"]) == ("aws:dynamodb", "INSERT")
    assert record["dynamodb"]["NewImage"]["raw"] == {"B": "AP8="}
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)
    assert json.loads(json.dumps(seen)) == seen


def _rest(source: Any) -> tuple[Any, int]:
    return getattr(source, "queue", None) or source.table, source.batch_size


def test_advancing_fires_every_occurrence_in_time_order_at_its_own_instant(
    tiny_cloud: TestCloud,
) -> None:
    fired = tiny_cloud.advance(MORNING + timedelta(days=1))

    times = [(one.name, f"{one.at:%d %H:%M}") for one in fired]
    assert times == [
        ("often", "02 06:00"),
        ("often", "02 12:00"),
        ("evening", "02 13:00"),
        ("often", "02 18:00"),
        ("often", "03 00:00"),
    ]
    assert effects("evening", tiny_cloud.tables.client) == {"2026-03-02T13:00:00Z": 1}
    row = tiny_cloud.tables.dump()[f"kezek-{STAGE}-facts"][0]
    assert row["at_time"]["S"] == "2026-03-02T13:00:00+00:00"
    assert tiny_cloud.clock() == MORNING + timedelta(days=1)


def test_advancing_may_fire_what_falls_due_often_only_now_and_then(tiny_cloud: TestCloud) -> None:
    fired = tiny_cloud.advance(MORNING + timedelta(days=1), apart=timedelta(hours=10))

    assert [(one.name, f"{one.at:%d %H:%M}") for one in fired] == [
        ("often", "02 06:00"),
        ("evening", "02 13:00"),
        ("often", "02 18:00"),
        ("often", "03 00:00"),
    ]


def test_advancing_may_leave_schedules_out_and_never_goes_back(tiny_cloud: TestCloud) -> None:
    only = tiny_cloud.advance(MORNING + timedelta(days=1), only=["evening"])
    later = tiny_cloud.advance(MORNING + timedelta(days=1, hours=3))

    assert [one.name for one in only] == ["evening"]
    assert [f"{one.at:%d %H:%M}" for one in later] == ["03 06:00"]
    with pytest.raises(BadAdvance):
        tiny_cloud.advance(MORNING)
    with pytest.raises(UnknownSource):
        tiny_cloud.advance(MORNING + timedelta(days=9), only=["nothing"])


def test_a_failing_schedule_is_tried_three_times_and_then_reported(
    tiny_cloud: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_FAILS", "often")

    fired = tiny_cloud.advance(MORNING + timedelta(hours=3), strict=False)

    assert [(one.name, one.tries, one.reason) for one in fired] == [
        ("often", 3, "Poison tiny/poison")
    ]
    (letter,) = tiny_cloud.dead_letters()
    assert letter["queue"] == f"kezek-{STAGE}-schedules-dead"
    assert json.loads(letter["body"])["requestPayload"]["time"] == "2026-03-02T06:00:00Z"
    with pytest.raises(Poison):
        tiny_cloud.advance(MORNING + timedelta(hours=12))


def test_what_fell_due_while_nothing_ran_is_caught_up_in_order(tiny_cloud: TestCloud) -> None:
    fired: list[Any] = []
    tiny_cloud.clock.freeze(MORNING + timedelta(hours=12))  # time passes, nothing runs

    tiny_cloud.triggers.catch_up(fired.append)
    tiny_cloud.triggers.catch_up(fired.append)

    times = [(one.name, f"{one.at:%H:%M}") for one in fired]
    assert times == [("often", "06:00"), ("often", "12:00"), ("evening", "13:00")]


def test_after_a_long_silence_the_last_day_and_each_latest_occurrence_are_caught_up(
    tiny_cloud: TestCloud,
) -> None:
    fired: list[Any] = []
    tiny_cloud.clock.freeze(datetime(2026, 3, 16, 1, 0, tzinfo=UTC))  # a Monday, two weeks later

    tiny_cloud.triggers.catch_up(fired.append)

    times = [(one.name, f"{one.at:%d %H:%M}") for one in fired]
    assert times == [
        ("evening", "13 13:00"),
        ("often", "15 06:00"),
        ("often", "15 12:00"),
        ("often", "15 18:00"),
        ("often", "16 00:00"),
    ]


def test_a_firing_costs_less_than_five_milliseconds_beyond_its_handler(
    tiny_cloud: TestCloud,
) -> None:
    for schedule in tiny_cloud.triggers.sources.schedules:
        object.__setattr__(schedule, "handler", lambda event, context: None)
    begun = time.process_time()
    fired = tiny_cloud.advance(MORNING + timedelta(days=60))
    spent_ms = (time.process_time() - begun) * 1000

    # Of the processor, since others may use the machine at the same time.
    assert len(fired) > 250
    assert spent_ms / len(fired) < 5
