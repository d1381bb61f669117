"""Timetables: one row per group, beside the site's rosters, so that one query reads both."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chalicelib.kernel.periods import Month
from chalicelib.lessons.rules import MonthClosed, Timetable
from chalicelib.storage import keys
from chalicelib.storage.commit import Check, Put
from chalicelib.storage.rows import AttendanceRow
from chalicelib.storage.shelf import Kept, Shelf
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Roster

TIMETABLES: Shelf[Timetable] = Shelf(AttendanceRow, Timetable)
_TIMETABLE = "#TIMETABLE"


def load_site(site_id: str) -> tuple[list[Roster], dict[str, Timetable]]:
    """Return all rosters of a site, and its timetables by group. One query."""
    rosters: list[Roster] = []
    timetables: dict[str, Timetable] = {}
    row: Any
    for row in AttendanceRow.query(keys.roster(site_id, "")[0], consistent_read=True):
        if row.sk.endswith(_TIMETABLE):
            timetable = TIMETABLES.kept(row).value
            timetables[timetable.group_id] = timetable
        else:
            rosters.append(vouchers.ROSTERS.kept(row).value)
    return rosters, timetables


def find_timetable(site_id: str, group_id: str) -> Kept[Timetable]:
    """Return a group's timetable; empty, at version 0, before one was published. One read."""
    key = keys.timetable(site_id, group_id)
    return TIMETABLES.find(key) or Kept(
        Timetable(group_id=group_id, site_id=site_id), *key, 0, "{}"
    )


def find_timetables(site_id: str, group_ids: Collection[str]) -> dict[str, Timetable]:
    """Return the timetables of some groups of a site, by group. One call per hundred."""
    if not group_ids:
        return {}
    found = TIMETABLES.find_many([keys.timetable(site_id, group_id) for group_id in group_ids])
    return {kept.value.group_id: kept.value for kept in found.values()}


def keep_timetable(kept: Kept[Timetable], timetable: Timetable) -> Put:
    if kept.version == 0:
        return TIMETABLES.create((kept.pk, kept.sk), timetable)
    return TIMETABLES.replace(kept, timetable)


def still_open(site_id: str, month: Month) -> Check:
    """Demand that the provider has not closed a month: its row stands from then on."""
    row = AttendanceRow(*keys.site_month(site_id, month))
    return Check(
        row, only_if=AttendanceRow.pk.does_not_exist(), otherwise=MonthClosed(month=str(month))
    )
