"""What is to be done after a commit, written inside it: notices to people, work for jobs.

The stream of this table carries each row out at least once. A notice has one event key, which the
adapter gets too, so a person is told once; it stays readable in the person's cabinet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, Raced, commit
from chalicelib.storage.rows import OutboxRow
from chalicelib.storage.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to one addressee. `to` is "person:<id>", "organisation:<id>", "complaint:<id>" for
    who sent it, or "desk:<role>:<area>" of the staff.

    template: a key of the notices' texts; facts: pseudonymous, they fill the template. A category
    among them may tell a protected status, so they stand veiled.
    """

    key: str
    to: str
    template: str
    facts: dict[str, Any]
    at: str
    sent_at: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One message for a job: a topic and the ids it needs."""

    key: str
    topic: str
    facts: dict[str, Any] = field(default_factory=dict)
    at: str = ""


_NOTICE_DAYS = 3 * 366

NOTICES: Shelf[Notice] = Shelf(OutboxRow, Notice, veiled=("facts",))
WORK: Shelf[Work] = Shelf(OutboxRow, Work)


def notice(event_key: str, *, to: str, template: str, now: datetime, **facts: Any) -> Put:
    """Describe a notice; the same event never tells the same person twice."""
    value = Notice(event_key, to, template, facts, stamp(now))
    return NOTICES.create(
        keys.notice(to, event_key), value, otherwise=Raced(), expires_at=notice_ends(value.at)
    )


def notice_ends(at: str) -> int:
    """Return when the store may remove a notice: after three years, as retention.toml says."""
    return int(from_stamp(at).timestamp()) + _NOTICE_DAYS * 86400


def find_notice(to: str, event_key: str) -> Notice | None:
    """Return what somebody was told of an event, None where nothing was."""
    kept = NOTICES.find(keys.notice(to, event_key))
    return kept.value if kept else None


def work(event_key: str, topic: str, *, now: datetime, **facts: Any) -> Put:
    """Describe work for a job; kept a month after it was handed on."""
    value = Work(event_key, topic, facts, stamp(now))
    return WORK.create(
        keys.work(event_key), value, otherwise=Raced(), expires_at=int(now.timestamp()) + 30 * 86400
    )


def write_each(described: Iterable[Put]) -> int:
    """Write notices or work each by itself, and return how many are new.

    For jobs that tell many: what an earlier delivery of the same message wrote stays as it is.
    """
    new = 0
    for put in described:
        try:
            commit([put])
        except Raced:
            continue
        new += 1
    return new
