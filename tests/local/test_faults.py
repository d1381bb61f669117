"""The fault injector: what is refused, what takes effect, what is counted."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from infra.local import faults
from infra.local.testing import STAGE, TestTables
from tests.local import tiny

TABLE = f"kezek-{STAGE}-facts"


@pytest.fixture
def client(tables: TestTables) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))


def put(client: Any, pk: str) -> None:
    client.put_item(TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": "1"}})


def keys(tables: TestTables) -> list[str]:
    return [row["pk"]["S"] for row in tables.dump()[TABLE]]


def test_a_crash_before_a_call_leaves_no_effect_and_one_after_it_does(
    client: Any, tables: TestTables
) -> None:
    with pytest.raises(faults.Crash), faults.crash(before=2) as before:
        put(client, "a")
        put(client, "b")
    assert keys(tables) == ["a"]
    with pytest.raises(faults.Crash), faults.crash(after=1):
        put(client, "c")
    assert keys(tables) == ["a", "c"]
    with faults.crash(before=2) as beyond:
        put(client, "d")
    assert before
    assert not beyond


def test_no_except_exception_swallows_a_crash(client: Any) -> None:
    with pytest.raises(faults.Crash), faults.crash(before=1):
        try:
            put(client, "a")
        except Exception as error:
            raise AssertionError from error


def test_a_lost_answer_takes_effect_and_is_retried_where_the_client_retries(
    client: Any, tables: TestTables
) -> None:
    with pytest.raises(ReadTimeoutError), faults.lost_answer(1):
        put(client, "a")
    assert keys(tables) == ["a"]

    with faults.lost_answer(1) as lost:
        tiny.did("work", "x")
    assert lost.calls == 2
    # The trap itself: ADD is repeated by the client's own retry.
    assert tiny.effects("work", tables.client) == {"x": 2}


def test_load_and_conflicts_are_refused_with_dynamodbs_own_errors(client: Any) -> None:
    item = {"Put": {"TableName": TABLE, "Item": {"pk": {"S": "a"}, "sk": {"S": "1"}}}}

    with (
        faults.throttle(1),
        pytest.raises(client.exceptions.ProvisionedThroughputExceededException),
    ):
        put(client, "a")
    with faults.conflict(1), pytest.raises(client.exceptions.TransactionConflictException):
        put(client, "a")
    with (
        faults.conflict(1),
        pytest.raises(client.exceptions.TransactionCanceledException) as cancelled,
    ):
        client.transact_write_items(TransactItems=[item, {**item}])

    reasons = cancelled.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["TransactionConflict", "None"]
    with faults.throttle(1, times=2), pytest.raises(ClientError):
        put(client, "a")


def test_an_empty_page_is_not_the_last_one(client: Any) -> None:
    for n in range(3):
        client.put_item(TableName=TABLE, Item={"pk": {"S": "p"}, "sk": {"S": str(n)}})
    query = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }

    with faults.empty_page(1):
        pages = list(client.get_paginator("query").paginate(**query))

    assert [page["Count"] for page in pages] == [0, 3]


def test_stale_reads_see_the_past_unless_consistency_was_asked_for(client: Any) -> None:
    key = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    with faults.stale_reads():
        assert "Item" not in client.get_item(TableName=TABLE, Key=key)
        put(client, "a")
        assert "Item" not in client.get_item(TableName=TABLE, Key=key)
        assert "Item" in client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
    assert "Item" in client.get_item(TableName=TABLE, Key=key)


def test_watching_counts_calls_units_and_keys(client: Any) -> None:
    item = {"Put": {"TableName": TABLE, "Item": {"pk": {"S": "t"}, "sk": {"S": "1"}}}}
    with faults.watch() as seen:
        put(client, "a")
        client.transact_write_items(TransactItems=[item])
        client.get_item(TableName=TABLE, Key={"pk": {"S": "a"}, "sk": {"S": "1"}})

    assert dict(seen.operations) == {"PutItem": 1, "TransactWriteItems": 1, "GetItem": 1}
    assert seen.units == (0.5, 3.0)
    assert seen.write_units["TransactWriteItems", TABLE] == 2.0
    assert [call.keys for call in seen.calls] == [[(TABLE, "a")], [(TABLE, "t")], []]
    assert [call.writes for call in seen.calls] == [True, True, False]


def test_the_local_clouds_own_calls_are_not_disturbed(tables: TestTables) -> None:
    with faults.crash(before=1) as struck, faults.watch() as seen:
        tables.dump()

    assert (struck.calls, seen.calls) == (0, [])
