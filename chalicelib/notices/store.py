"""Outbox rows, as the notices slice reads and closes them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.notices.rules import Channel
from chalicelib.storage import keys
from chalicelib.storage.commit import Put
from chalicelib.storage.outbox import NOTICES, Notice, notice_ends
from chalicelib.storage.shelf import Kept


def find_notice(to: str, event_key: str) -> Kept[Notice] | None:
    """Return one notice."""
    return NOTICES.find(keys.notice(to, event_key))


def find_notices(named: Sequence[tuple[str, str]]) -> list[Kept[Notice]]:
    """Return those notices that exist, by (addressee, event key). One call per hundred."""
    found = NOTICES.find_many([keys.notice(to, event_key) for to, event_key in named])
    return list(found.values())


def list_notices(to: str, *, after: str | None, limit: int | None) -> Iterator[Kept[Notice]]:
    """Yield what one addressee was told, by event key."""
    return NOTICES.each(keys.notice(to, "")[0], after=after, limit=limit)


def sent(kept: Kept[Notice], *, at: str, channel: Channel) -> Put:
    """Describe the mark that a notice was handed to its channel."""
    value = dataclasses.replace(kept.value, sent_at=at, channel=channel)
    return NOTICES.replace(kept, value, expires_at=notice_ends(value.at))


def desk(name: str) -> Mapping[str, Any]:
    """Return where a desk of the staff is reached, "operator:astana"; {} where nobody said.

    An area's own entry comes before the role's, which serves every area that has none.
    """
    known: dict[str, Mapping[str, Any]] = json.loads(os.environ.get("KEZEK_DESKS") or "{}")
    return known.get(name) or known.get(name.partition(":")[0]) or {}
