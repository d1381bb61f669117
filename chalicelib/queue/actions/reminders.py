"""What has fallen due, looked at once.

Reminders lie by day. A short look goes a few days back from now; once a day a long look finds what
was written late, for example by a run that broke off and was resumed after a deadline of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.queue import store
from chalicelib.queue.store import Mark
from chalicelib.storage import agenda
from chalicelib.storage.agenda import Due
from chalicelib.storage.commit import commit
from chalicelib.storage.shelf import Kept

LONG_LOOK_DAYS = 40
MARGIN_DAYS = 2
IN_A_COMMIT = 40


def list_reminders(now: datetime) -> Iterator[Kept[Due]]:
    """Yield what has fallen due and was not looked at, oldest first."""
    today = local_day(now)
    kept = store.find_mark()
    if kept is None or kept.value.swept_on < today:
        days_back = LONG_LOOK_DAYS
    else:
        behind = (today - kept.value.from_day).days + MARGIN_DAYS
        days_back = max(MARGIN_DAYS, min(LONG_LOOK_DAYS, behind))
    return agenda.list_due(now, days_back=days_back)


def looked_at(reminders: Sequence[Kept[Due]], *, by: Actor, now: datetime) -> None:
    """Take reminders off the agenda; one that is off already is no matter."""
    for start in range(0, len(reminders), IN_A_COMMIT):
        first, *rest = (agenda.done(kept) for kept in reminders[start : start + IN_A_COMMIT])
        journal.commit(
            journal.entry(
                "queue/reminders-looked-at",
                f"{first.row.pk}/{first.row.sk}",
                by=by,
                now=now,
                reminders=1 + len(rest),
            ),
            first,
            *rest,
        )


def passed(left: Sequence[Kept[Due]], *, now: datetime) -> None:
    """Note that all reminders up to now were looked at, except those left."""
    today = local_day(now)
    days = [local_day(datetime.fromisoformat(kept.value.at)) for kept in left]
    from_day = min([today, *days])
    oldest = today - timedelta(days=LONG_LOOK_DAYS)
    commit([store.keep_mark(Mark(max(from_day, oldest), today))])
