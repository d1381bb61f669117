"""Reading a table's stream: shards, iterators, and where each consumer stands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.messages import Messages

_KIND = "checkpoint"
_LOOK_AGAIN_S = 30.0


@dataclass(slots=True)
class _Shard:
    id: str
    iterator: str | None
    passed: str | None
    last: str | None = None
    following: str | None = None


class Feed:
    """One consumer's view of one stream; remembers per shard what it has passed.

    A shard's records come in order; the checkpoint moves only by `passed`, so what was not
    passed comes again after a restart.
    """

    def __init__(
        self, client: Any, arn: str, consumer: str, messages: Messages, batch_size: int
    ) -> None:
        self.client = client
        self.arn = arn
        self.consumer = consumer
        self.messages = messages
        self.batch_size = batch_size
        self._shards: list[_Shard] | None = None
        self._looked = 0.0

    def next(self) -> tuple[str, list[Mapping[str, Any]]] | None:
        """Return a shard's id and its next records; None when nothing new is there.

        The same records come again until they are passed.
        """
        if self._shards is None or time.monotonic() - self._looked > _LOOK_AGAIN_S:
            self._look()
        for shard in self._shards or []:
            if shard.iterator is None:
                continue
            records = self._records(shard)
            if records:
                return shard.id, records
        return None

    def passed(self, shard_id: str, sequence: str) -> None:
        """Remember that a record and all before it are dealt with."""
        for shard in self._shards or []:
            if shard.id == shard_id:
                shard.passed = sequence
                whole = sequence == shard.last and shard.following is not None
                shard.iterator = shard.following if whole else self._iterator(shard)
        self.messages.remember(_KIND, {self._name(shard_id): sequence})

    def checkpoints(self) -> dict[str, str]:
        """Return the last passed sequence number by shard."""
        return {shard.id: shard.passed for shard in self._shards or [] if shard.passed}

    def forget(self) -> None:
        """Start over: the stream was emptied."""
        self._shards = None

    def _records(self, shard: _Shard) -> list[Mapping[str, Any]]:
        errors = self.client.exceptions
        try:
            answer = self.client.get_records(ShardIterator=shard.iterator, Limit=self.batch_size)
        except (errors.ExpiredIteratorException, errors.TrimmedDataAccessException):
            shard.iterator = self._iterator(shard)
            answer = self.client.get_records(ShardIterator=shard.iterator, Limit=self.batch_size)
        records: list[Mapping[str, Any]] = answer["Records"]
        shard.following = answer.get("NextShardIterator")
        if records:
            shard.last = records[-1]["dynamodb"]["SequenceNumber"]
        else:
            # A closed shard ends; the next look finds its children.
            shard.iterator = shard.following
        return records

    def _look(self) -> None:
        recalled = self.messages.recall(_KIND)
        known = {shard.id: shard for shard in self._shards or []}
        description = self.client.describe_stream(StreamArn=self.arn)["StreamDescription"]
        self._shards = []
        for found in description["Shards"]:
            shard = known.get(found["ShardId"])
            if shard is None:
                shard = _Shard(found["ShardId"], None, recalled.get(self._name(found["ShardId"])))
                shard.iterator = self._iterator(shard)
            self._shards.append(shard)
        self._looked = time.monotonic()

    def _iterator(self, shard: _Shard) -> str | None:
        where: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard.passed is not None:
            where = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": shard.passed,
            }
        try:
            answer = self.client.get_shard_iterator(StreamArn=self.arn, ShardId=shard.id, **where)
        except self.client.exceptions.TrimmedDataAccessException:
            answer = self.client.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard.id, ShardIteratorType="TRIM_HORIZON"
            )
        return str(answer["ShardIterator"])

    def _name(self, shard_id: str) -> str:
        # A stream's ARN ends in its own birth: a table made anew starts from the beginning.
        return f"{self.consumer}|{self.arn}|{shard_id}"
