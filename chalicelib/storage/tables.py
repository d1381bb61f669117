"""The tables as AWS and the local engine create them: one definition for both."""

from __future__ import annotations

from typing import Any

from chalicelib.storage.rows import STREAMED, TABLES, TTL_ATTRIBUTE, stage, table_name

__all__ = ["TABLES", "definitions", "ttl_attributes"]


def definitions(at: str | None = None) -> list[dict[str, Any]]:
    """Return create_table's arguments for each table of a stage, in a fixed order."""
    tables: list[dict[str, Any]] = []
    for logical in TABLES:
        table: dict[str, Any] = {
            "TableName": table_name(logical, at or stage()),
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
        }
        if logical in STREAMED:
            table["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        tables.append(table)
    return tables


def ttl_attributes() -> dict[str, str]:
    """Return the attribute by which each table's rows expire."""
    return dict.fromkeys(TABLES, TTL_ATTRIBUTE)
