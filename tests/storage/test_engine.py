"""What the storage layer relies on and AWS documents, asked of the engine itself.

Run on every engine that may stand in for DynamoDB: a difference belongs into
`engine_differences.toml`, with the reason why nothing of ours rests on it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from infra.local.testing import TestTables
from tests.storage.conftest import FILE

TABLE = "facts"


@pytest.fixture
def client(tables: TestTables) -> Any:
    return boto3.client("dynamodb", endpoint_url=tables.engine.endpoint)


@pytest.fixture
def table(tables: TestTables) -> str:
    return f"kezek-{tables.stage}-{TABLE}"


def item(pk: str, sk: str = "-", **more: Any) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}, **more}


def refused(act: Callable[[], object]) -> ClientError:
    with pytest.raises(ClientError) as told:
        act()
    return told.value


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def test_a_failed_transaction_names_each_reason_in_order_and_writes_nothing(
    client: Any, table: str
) -> None:
    client.put_item(TableName=table, Item=item("there"))
    new = {"ConditionExpression": "attribute_not_exists(pk)", "TableName": table}

    error = refused(
        lambda: client.transact_write_items(
            TransactItems=[
                {"Put": {**new, "Item": item("first")}},
                {"Put": {**new, "Item": item("there")}},
                {"Put": {**new, "Item": item("third")}},
            ]
        )
    )

    assert code(error) == "TransactionCanceledException"
    codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed", "None"]
    assert "Item" not in client.get_item(TableName=table, Key=item("first"), ConsistentRead=True)


def test_a_failed_condition_returns_the_row_it_met(client: Any, table: str) -> None:
    client.put_item(TableName=table, Item=item("there", v={"N": "7"}))

    error = refused(
        lambda: client.put_item(
            TableName=table,
            Item=item("there"),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    )

    assert code(error) == "ConditionalCheckFailedException"
    assert error.response["Item"]["v"] == {"N": "7"}


def test_one_row_twice_in_a_transaction_is_refused(client: Any, table: str) -> None:
    put = {"Put": {"TableName": table, "Item": item("twice")}}

    error = refused(lambda: client.transact_write_items(TransactItems=[put, put]))

    assert code(error) == "ValidationException"


def test_a_row_over_400_kb_is_refused(client: Any, table: str) -> None:
    big = item("big", body={"S": "x" * 410_000})

    error = refused(lambda: client.put_item(TableName=table, Item=big))

    assert code(error) == "ValidationException"


def test_a_query_answers_at_most_a_megabyte_and_says_that_there_is_more(
    client: Any, table: str
) -> None:
    for n in range(6):
        row = item("large", f"{n}", body={"S": "x" * 300_000})
        client.put_item(TableName=table, Item=row)

    page = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "large"}},
        ConsistentRead=True,
    )

    assert 1 <= len(page["Items"]) < 6
    assert "LastEvaluatedKey" in page


def test_sort_keys_are_ordered_by_bytes(client: Any, table: str) -> None:
    for sk in ("b", "A", "a", "Z", "10", "9", "ә", "~"):
        client.put_item(TableName=table, Item=item("order", sk))

    page = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "order"}},
    )

    found = [row["sk"]["S"] for row in page["Items"]]
    assert found == sorted(found, key=lambda text: text.encode())


def test_numbers_keep_their_38_digits(client: Any, table: str) -> None:
    number = "9223372036854775807123456789012345678"
    client.put_item(TableName=table, Item=item("number", n={"N": number}))

    said = client.get_item(TableName=table, Key=item("number"), ConsistentRead=True)["Item"]["n"]

    assert TypeDeserializer().deserialize(said) == Decimal(number)


def test_a_number_set_holds_each_number_once(client: Any, table: str) -> None:
    for marks in (["1", "2"], ["2", "3"]):
        client.update_item(
            TableName=table,
            Key=item("marks"),
            UpdateExpression="ADD m :m",
            ExpressionAttributeValues={":m": {"NS": marks}},
        )

    said = client.get_item(TableName=table, Key=item("marks"), ConsistentRead=True)
    assert sorted(said["Item"]["m"]["NS"]) == ["1", "2", "3"]


def test_a_set_with_no_elements_is_refused(client: Any, table: str) -> None:
    act = lambda: client.put_item(TableName=table, Item=item("e", m={"NS": []}))  # noqa: E731

    assert code(refused(act)) == "ValidationException"


def test_a_write_unit_is_a_kilobyte_and_a_transaction_doubles_it(client: Any, table: str) -> None:
    row = item("units", body={"S": "x" * 1500})

    alone = client.put_item(TableName=table, Item=row, ReturnConsumedCapacity="TOTAL")
    together = client.transact_write_items(
        TransactItems=[{"Put": {"TableName": table, "Item": row}}], ReturnConsumedCapacity="TOTAL"
    )

    assert alone["ConsumedCapacity"]["CapacityUnits"] == 2
    assert together["ConsumedCapacity"][0]["CapacityUnits"] == 4


def test_a_consistent_read_unit_is_four_kilobytes(client: Any, table: str) -> None:
    client.put_item(TableName=table, Item=item("read", body={"S": "x" * 5000}))

    said = client.get_item(
        TableName=table, Key=item("read"), ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
    )

    assert said["ConsumedCapacity"]["CapacityUnits"] == 2


def test_a_write_that_changes_nothing_leaves_no_record_in_the_stream(
    tables: TestTables, client: Any
) -> None:
    name = f"kezek-{tables.stage}-outbox"
    for _ in range(2):
        client.put_item(TableName=name, Item=item("same", body={"S": "same"}))

    assert len(_records(tables, name)) == 1


def test_known_differences_name_tests_that_exist() -> None:
    listed = tomllib.loads(FILE.read_text("utf-8"))["differs"]
    names = {f"test_engine.py::{name}" for name in globals() if name.startswith("test_")}

    assert all(d["what"] and d["why"] for d in listed)
    assert {d["test"] for d in listed if d["test"].startswith("test_engine.py")} <= names


def _records(tables: TestTables, name: str) -> list[Any]:
    streams = tables.engine.streams
    arn = tables.client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        at = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=at)["Records"]
    return [r for r in found if r["dynamodb"]["Keys"]["pk"]["S"] == "same"]
