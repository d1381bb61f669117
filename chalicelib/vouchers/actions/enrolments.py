"""The rows of enrolments: their own, rosters, stays and holdings, as parts of a commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.children.rules import Holding
from chalicelib.kernel.periods import local_day, stamp
from chalicelib.storage.commit import Put, Write
from chalicelib.storage.shelf import Kept
from chalicelib.vouchers import rules, store
from chalicelib.vouchers.rules import Enrolment, Roster, Stays


def begins(started: Enrolment, *, now: datetime) -> list[Write]:
    """Describe an enrolment's beginning: its row, the roster, the child's stays."""
    return [
        store.create_enrolment(started),
        *rosters([started], [], now=now),
        stays([started], []),
    ]


def ends(current: Kept[Enrolment], ended: Enrolment, *, now: datetime) -> list[Write]:
    """Describe an enrolment's end: its row, the roster, the child's stays."""
    return [
        store.keep_enrolment(current, ended),
        *rosters([], [ended], now=now),
        stays([], [ended]),
    ]


def holding(enrolment: Enrolment, now: datetime) -> Holding:
    """Return what a child holds with an enrolment."""
    return Holding(
        kind="enrolment",
        id=enrolment.enrolment_id,
        programme=enrolment.programme,
        area=enrolment.area,
        site_id=enrolment.site_id,
        since=stamp(now),
    )


def rosters(
    started: list[Enrolment],
    ended: list[Enrolment],
    *,
    now: datetime,
    read: Callable[[str, str], Kept[Roster]] = store.find_roster,
) -> list[Write]:
    """Describe the rosters of the groups where somebody starts or ends; each row once."""
    today = local_day(now)
    kept = {e.group_id: read(e.site_id, e.group_id) for e in (*ended, *started)}
    after = {group_id: k.value for group_id, k in kept.items()}
    for enrolment in ended:
        after[enrolment.group_id] = rules.end_member(
            after[enrolment.group_id], enrolment, today=today
        )
    for enrolment in started:
        after[enrolment.group_id] = rules.add_member(
            after[enrolment.group_id], enrolment, today=today
        )
    return [store.keep_roster(kept[group_id], after[group_id]) for group_id in kept]


def stays(
    started: list[Enrolment],
    ended: list[Enrolment],
    *,
    began: rules.Began = "contract",
    read: Callable[[str, str], Kept[Stays]] = store.find_stays,
) -> Put:
    """Describe the child's row of stays after these enrolments began or got an end."""
    enrolments = [*ended, *started]
    kept = read(enrolments[0].child_id, enrolments[0].programme)
    after = kept.value
    for enrolment in enrolments:
        after = rules.note_stay(after, enrolment, began=began)
    return store.keep_stays(kept, after)
