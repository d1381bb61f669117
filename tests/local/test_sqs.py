"""The small SQS, as boto3 sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local import sqs
from infra.local.httpd import Ask, Httpd, Reply
from infra.local.messages import MOST_RECEIVES, Messages

QUEUE = "kezek-test-work"


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[Messages]:
    made = Messages(tmp_path / "queues.sqlite")
    yield made
    made.close()


@pytest.fixture
def client(messages: Messages) -> Iterator[Any]:
    def answer(ask: Ask) -> Reply:
        target = ask.headers["x-amz-target"]
        status, headers, body = sqs.handle(messages, target, ask.body, served.base)
        return Reply(status, body, headers, sqs.CONTENT_TYPE)

    served = Httpd(answer)
    made = boto3.client("sqs", endpoint_url=served.base)
    yield made
    made.close()
    served.close()


@pytest.fixture
def url(client: Any) -> str:
    return str(client.get_queue_url(QueueName=QUEUE)["QueueUrl"])


def test_a_message_is_sent_received_once_and_deleted(client: Any, url: str) -> None:
    body = "Қыс 🧒"
    sent = client.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}},
    )

    (got,) = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    again = client.receive_message(QueueUrl=url).get("Messages")
    depth = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    client.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])

    md5 = hashlib.md5(body.encode()).hexdigest()
    assert (got["Body"], got["MessageId"]) == (body, sent["MessageId"])
    assert got["MD5OfBody"] == sent["MD5OfMessageBody"] == md5
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    assert got["MessageAttributes"]["a"]["StringValue"] == "b"
    assert again is None
    assert depth["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert client.receive_message(QueueUrl=url).get("Messages") is None


def test_a_batch_is_sent_whole_or_not_at_all(client: Any, url: str) -> None:
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(10)]
    answer = client.send_message_batch(QueueUrl=url, Entries=entries)
    assert [e["Id"] for e in answer["Successful"]] == [e["Id"] for e in entries]
    assert not answer.get("Failed")

    with pytest.raises(client.exceptions.TooManyEntriesInBatchRequest):
        client.send_message_batch(
            QueueUrl=url, Entries=[*entries, {"Id": "10", "MessageBody": "x"}]
        )
    with pytest.raises(client.exceptions.BatchEntryIdsNotDistinct):
        client.send_message_batch(QueueUrl=url, Entries=[entries[0], entries[0]])

    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [m["Body"] for m in got] == [f"m{n}" for n in range(10)]


def test_an_expired_lease_makes_a_message_visible_and_its_old_receipt_void(
    client: Any, url: str
) -> None:
    client.send_message(QueueUrl=url, MessageBody="m")
    (first,) = client.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    (second,) = client.receive_message(QueueUrl=url, VisibilityTimeout=30)["Messages"]

    client.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    client.change_message_visibility(
        QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0
    )

    (third,) = client.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"]
    assert third["Attributes"]["ApproximateReceiveCount"] == "3"


def test_a_delayed_message_waits_and_a_purge_drops_all(client: Any, url: str) -> None:
    client.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)
    assert client.receive_message(QueueUrl=url).get("Messages") is None

    client.purge_queue(QueueUrl=url)

    depth = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert depth["ApproximateNumberOfMessagesDelayed"] == "0"


def test_what_sqs_refuses_is_refused_with_its_codes(client: Any, url: str) -> None:
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.get_queue_url(QueueName="other")
    with pytest.raises(ClientError) as refused:
        client.receive_message(QueueUrl=url, MaxNumberOfMessages=11)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    with pytest.raises(ClientError):
        client.list_dead_letter_source_queues(QueueUrl=url)


def test_messages_survive_a_process_that_ends_without_closing(tmp_path: Path) -> None:
    path = tmp_path / "again.sqlite"
    first = Messages(path)
    first.send(QUEUE, [("kept", {}), ("leased", {})])
    first.receive(QUEUE, 1)

    # No close: what was acknowledged must be in the file already.
    second = Messages(path)
    second.release_leases()
    found = second.receive(QUEUE, 10)

    assert [(m.body, m.received) for m in found] == [("kept", 2), ("leased", 1)]
    first.close()
    second.close()


def test_the_fifth_failure_sends_a_message_to_the_dead_letters_and_redriving_revives_it(
    messages: Messages,
) -> None:
    messages.send(QUEUE, [("m", {})])
    for turn in range(1, MOST_RECEIVES + 1):
        (got,) = messages.receive(QUEUE, 1)
        dead = messages.give_back(got, after_s=0, dead_queue=f"{QUEUE}-dead", reason="why")
        assert dead == (turn == MOST_RECEIVES)

    (letter,) = messages.letters(f"{QUEUE}-dead")
    assert (letter["body"], letter["reason"]) == ("m", "why")
    assert messages.redrive(f"{QUEUE}-dead", QUEUE) == 1
    assert messages.receive(QUEUE, 1)[0].received == 1
