"""The tables and the one shape of row they hold.

A row is pk, sk, a version, and one packed JSON attribute: reading a queue costs a quarter of what
an attribute per field costs. What a condition or an ADD must reach stands as its own attribute in
a subclass, in the store that needs it.

Models here are pynamodb's. The stage comes from the environment when the first row is touched,
never at import, so that packaging may import everything with nothing set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import TableConnection
from pynamodb.models import Model

from chalicelib.storage import client

TABLES = (
    "facts",
    "queue",
    "attendance",
    "money",
    "journal",
    "outbox",
    "vault",
    "keys",
    "looks",
    "meters",
    "record",
)
STREAMED = frozenset({"outbox", "journal"})
TTL_ATTRIBUTE = "expires_at"


def stage() -> str:
    """Return the deployment's stage; `local` where nothing else is said."""
    return os.environ.get("KEZEK_STAGE", "local")


def table_name(logical: str, at: str | None = None) -> str:
    """Return a table's physical name; eleven characters or more, which stream clients need."""
    return f"kezek-{at or stage()}-{logical}"


class Row(Model):
    """Base of all rows; subclasses name their table with `logical`.

    imaged: False for rows of which the journal keeps no image.
    """

    logical: str
    imaged = True

    class Meta:
        table_name = ""
        region = client.region()

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(attr_name="v", null=True)
    body = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)
    # The newest journal entry of the aggregate whose row this is: its number and digest.
    head = UnicodeAttribute(attr_name="h", null=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        table = super()._get_connection()
        if table.connection._client is None:
            table.connection._client = client.client()
        return table


def _meta(logical: str) -> Any:
    return type("Meta", (Row.Meta,), {"table_name": table_name(logical)})


class FactsRow(Row):
    """Children, providers, applications, vouchers, enrolments."""

    logical = "facts"
    Meta = _meta("facts")


class QueueRow(Row):
    """Queue entries by area and shard, runs and what they decided, published ranks, due dates."""

    logical = "queue"
    Meta = _meta("queue")


class AttendanceRow(Row):
    """Devices, rosters, evidence, child-months."""

    logical = "attendance"
    Meta = _meta("attendance")


class MoneyRow(Row):
    """Statements, postings, accounts, claims, payment runs, bank answers."""

    logical = "money"
    Meta = _meta("money")


class JournalRow(Row):
    """Append-only entries, one partition per aggregate; the salt hides them in the public log."""

    logical = "journal"
    Meta = _meta("journal")
    salt = BinaryAttribute(legacy_encoding=False, null=True)


class RecordRow(Row):
    """The public log of all journal entries: its head, its tiles, where each entry stands."""

    logical = "record"
    Meta = _meta("record")


class OutboxRow(Row):
    """Notices and work to be done after a commit, written inside it."""

    logical = "outbox"
    Meta = _meta("outbox")


class VaultRow(Row):
    """Sealed personal fields, one row per person, child or organisation."""

    logical = "vault"
    Meta = _meta("vault")


class KeyRow(Row):
    """Wrapped data keys; deleting one erases its subject. Short backup retention."""

    logical = "keys"
    Meta = _meta("keys")


class LooksRow(Row):
    """Who looked at whose data: by child for its family, by looker and day for the drill."""

    logical = "looks"
    Meta = _meta("looks")


class MetersRow(Row):
    """Buckets of requests. No facts: not in the journal, not backed up, gone after a day."""

    logical = "meters"
    Meta = _meta("meters")


def models() -> Iterator[type[Row]]:
    """Yield every model that was defined, slices' own included."""
    waiting: list[type[Row]] = list(Row.__subclasses__())
    while waiting:
        model = waiting.pop()
        waiting.extend(model.__subclasses__())
        yield model


def use_stage(name: str) -> None:
    """Point every model at another stage's tables; for tests and for the command line."""
    os.environ["KEZEK_STAGE"] = name
    for model in models():
        model.Meta.table_name = table_name(model.logical, name)
        model._connection = None
    client.forget()
