"""Rows of complaints; what people wrote lies sealed under the complaint's own subject."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from importlib import resources
from typing import Any

from chalicelib.complaints.rules import (
    Book,
    Complaint,
    Counts,
    Sent,
    Term,
    Text,
    Topic,
    Waiting,
    waiting,
)
from chalicelib.kernel.actors import Role
from chalicelib.kernel.periods import DateRange, Month
from chalicelib.storage import keys, vault
from chalicelib.storage.commit import Delete, Put, Write
from chalicelib.storage.rows import FactsRow
from chalicelib.storage.shelf import Kept, Shelf

COMPLAINTS: Shelf[Complaint] = Shelf(FactsRow, Complaint)
POINTERS: Shelf[str] = Shelf(FactsRow, str)
WAITING: Shelf[Waiting] = Shelf(FactsRow, Waiting)
SENT: Shelf[Sent] = Shelf(FactsRow, Sent)
COUNTS: Shelf[Counts] = Shelf(FactsRow, Counts)


@functools.lru_cache(maxsize=1)
def book() -> Book:
    """Return topics, terms and desks. Read once per process: they come with the deployment."""
    text = resources.files("chalicelib.complaints").joinpath("desks.toml").read_text("utf-8")
    said = tomllib.loads(text)
    return Book(
        topics=tuple(
            Topic(
                code=row["code"],
                levels=tuple(Role(level) for level in row["levels"]),
                during=_during(row),
                source=row["source"],
                text=_text(row),
            )
            for row in said["topics"]
        ),
        terms=tuple(
            Term(
                answer_working_days=row["answer_working_days"],
                reply_working_days=row["reply_working_days"],
                during=_during(row),
                source=row["source"],
                text=_text(row),
            )
            for row in said["terms"]
        ),
        desks={Role(row["role"]): _text(row) for row in said["desks"]},
    )


# --- one complaint


def find_complaint(complaint_id: str) -> Kept[Complaint] | None:
    """Return a complaint, or None. One read."""
    return COMPLAINTS.find(keys.complaint(complaint_id))


def load_complaint(complaint_id: str) -> Kept[Complaint]:
    """Return a complaint. Raises Unknown. One read."""
    return COMPLAINTS.load(keys.complaint(complaint_id))


def find_complaints(complaint_ids: list[str]) -> dict[str, Complaint]:
    """Return complaints by id. One call per hundred."""
    found = COMPLAINTS.find_many([keys.complaint(one) for one in complaint_ids])
    return {kept.value.complaint_id: kept.value for kept in found.values()}


def find_ticket(ticket: str) -> str | None:
    """Return the id of the complaint a ticket stands for. One read."""
    kept = POINTERS.find(keys.complaint_ticket(ticket))
    return kept.value if kept else None


def create_complaint(complaint: Complaint) -> Put:
    """Describe a new complaint."""
    return COMPLAINTS.create(keys.complaint(complaint.complaint_id), complaint)


def shown_in(complaint: Complaint) -> list[Write]:
    """Describe the lists that a new complaint stands in: by ticket, by sender, by child, inbox."""
    complaint_id, at = complaint.complaint_id, complaint.received_at
    lists = [keys.complaint_ticket(complaint.ticket)]
    if complaint.by:
        lists.append(keys.complaint_of(complaint.by, at, complaint_id))
    if complaint.child_id is not None:
        lists.append(keys.child_complaint(complaint.child_id, complaint_id))
    pointers: list[Write] = [POINTERS.create(key, complaint_id) for key in lists]
    return [*pointers, *in_inbox(complaint, version=1)]


def keep_complaint(kept: Kept[Complaint], complaint: Complaint) -> Put:
    """Describe a complaint's next version."""
    return COMPLAINTS.replace(kept, complaint)


def in_inbox(complaint: Complaint, *, version: int) -> list[Write]:
    """Describe how the area's inbox shows a complaint from now on. version: the complaint's own.

    The complaint's row carries the condition; these follow it.
    """
    key = keys.complaint_waiting(
        complaint.programme, complaint.area, complaint.received_at, complaint.complaint_id
    )
    shown = waiting(complaint)
    if shown is None:
        return [Delete(FactsRow(*key, version=version))]
    return [Put(WAITING.create(key, shown, version=version).row)]


# --- lists


def each_own(by: str, *, before: str | None, limit: int) -> list[tuple[str, str]]:
    """Return (position, id) of somebody's complaints, newest first, older than a position."""
    pk, _ = keys.complaint_of(by, "", "")
    upto = before + "\x00" if before is not None else None
    found = POINTERS.each(pk, upto=upto, newest_first=True, limit=limit + 1)
    return [(kept.sk, kept.value) for kept in found if kept.sk != before][:limit]


def each_about(child_id: str) -> Iterator[str]:
    """Yield the ids of complaints about a child's things. One query."""
    pk, begins = keys.child_complaint(child_id, "")
    return (kept.value for kept in POINTERS.each(pk, begins=begins))


def each_waiting(programme: str, area: str, *, after: str | None) -> Iterator[Kept[Waiting]]:
    """Yield what waits for an answer in an area, oldest first."""
    pk, _ = keys.complaint_waiting(programme, area, "", "")
    return WAITING.each(pk, after=after)


# --- what was written


def open_fields(complaint_id: str) -> dict[str, str]:
    """Return what a complaint says, and the answers to it; empty after an erasure. Two reads."""
    return vault.open_fields(_subject(complaint_id))


def seal(complaint_id: str, fields: Mapping[str, str]) -> list[Put]:
    """Describe the sealed texts of a new complaint."""
    return vault.seal(_subject(complaint_id), fields)


def add_fields(complaint_id: str, fields: Mapping[str, str]) -> Put:
    """Describe further texts of a complaint. Raises Unknown after an erasure."""
    return vault.reseal(_subject(complaint_id), fields)


def _subject(complaint_id: str) -> str:
    return f"COMPLAINT#{complaint_id}"


# --- counts


def find_sent(who: str, on: date) -> Kept[Sent]:
    """Return how many complaints somebody sent on a day; none yet is at version 0. One read."""
    pk, sk = keys.complaints_sent(who, on)
    return SENT.find((pk, sk)) or Kept(Sent(), pk, sk, 0, "{}")


def keep_sent(kept: Kept[Sent], sent: Sent) -> Put:
    """Describe a day's next count."""
    if kept.version == 0:
        return SENT.create((kept.pk, kept.sk), sent)
    return SENT.replace(kept, sent)


def find_counts(programme: str, area: str, month: Month, topic: str) -> Kept[Counts]:
    """Return a month's counts of a topic; none yet is at version 0. One read."""
    pk, sk = keys.complaint_counts(programme, area, month, topic)
    return COUNTS.find((pk, sk)) or Kept(Counts(topic=topic), pk, sk, 0, "{}")


def list_counts(programme: str, area: str, month: Month) -> list[Counts]:
    """Return a month's counts by topic. One query."""
    pk, _ = keys.complaint_counts(programme, area, month, "")
    return [kept.value for kept in COUNTS.each(pk)]


def keep_counts(kept: Kept[Counts], counts: Counts) -> Put:
    """Describe a month's next counts."""
    if kept.version == 0:
        return COUNTS.create((kept.pk, kept.sk), counts)
    return COUNTS.replace(kept, counts)


def _during(row: Mapping[str, Any]) -> DateRange:
    return DateRange(row["valid_from"], row.get("valid_to"))


def _text(row: Mapping[str, Any]) -> Text:
    return Text(row["kk"], row["ru"], row["en"])
