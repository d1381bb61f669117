"""Rows of vouchers, waiting lists, enrolments and rosters: reads, and writes described.

A waiting-list row is written only together with its voucher and carries the voucher's version:
it may go and come again, and the newest of its images in the journal is still the one that counts.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from datetime import date

from chalicelib.storage import keys
from chalicelib.storage.commit import Check, Delete, Put, Raced
from chalicelib.storage.rows import AttendanceRow, FactsRow
from chalicelib.storage.shelf import Kept, Shelf
from chalicelib.vouchers.rules import Enrolment, Reserved, Roster, Standing, Stays, Voucher, Waiter

VOUCHERS: Shelf[Voucher] = Shelf(FactsRow, Voucher)
WAITERS: Shelf[Waiter] = Shelf(FactsRow, Waiter)
STANDING: Shelf[Standing] = Shelf(FactsRow, Standing)
RESERVED: Shelf[Reserved] = Shelf(FactsRow, Reserved)
ENROLMENTS: Shelf[Enrolment] = Shelf(FactsRow, Enrolment)
STAYS: Shelf[Stays] = Shelf(FactsRow, Stays)
ROSTERS: Shelf[Roster] = Shelf(AttendanceRow, Roster)

_ENROLMENT = "ENROLMENT#"


# --- vouchers


def find_voucher(voucher_id: str) -> Kept[Voucher] | None:
    return VOUCHERS.find(keys.voucher(voucher_id))


def load_voucher(voucher_id: str) -> Kept[Voucher]:
    """Return a voucher. Raises Unknown."""
    return VOUCHERS.load(keys.voucher(voucher_id))


def find_vouchers(voucher_ids: Sequence[str]) -> dict[str, Kept[Voucher]]:
    """Return those vouchers that exist, by id; a call per hundred."""
    found = VOUCHERS.find_many([keys.voucher(v) for v in voucher_ids])
    return {kept.value.voucher_id: kept for kept in found.values()}


def create_voucher(voucher: Voucher) -> Put:
    return VOUCHERS.create(keys.voucher(voucher.voucher_id), voucher)


def keep_voucher(kept: Kept[Voucher], voucher: Voucher) -> Put:
    return VOUCHERS.replace(kept, voucher)


def as_judged(voucher_id: str, kept: Kept[Voucher] | None) -> Check:
    """Demand that a voucher stands as it was read, or still is not there; Raced if not."""
    row = FactsRow(*keys.voucher(voucher_id))
    same = FactsRow.pk.does_not_exist() if kept is None else FactsRow.version == kept.version
    return Check(row, only_if=same, otherwise=Raced())


# --- waiting lists


def each_waiter(group_id: str) -> Iterator[Kept[Waiter]]:
    """Yield who stands on a group's list, first first, those with an open offer too."""
    return WAITERS.each(keys.waiting(group_id, "", "")[0], limit=None)


def put_waiting(waiter: Waiter, *, version: int) -> Put:
    """Describe a waiting-list row; version: of the voucher's row in the same commit."""
    key = keys.waiting(waiter.group_id, waiter.order, waiter.voucher_id)
    row = WAITERS.create(key, waiter).row
    row.version = version
    return Put(row)


def remove_waiting(waiter: Waiter, *, version: int) -> Delete:
    """Describe the removal of a waiting-list row; version as for `put_waiting`."""
    key = keys.waiting(waiter.group_id, waiter.order, waiter.voucher_id)
    return Delete(FactsRow(*key, version=version))


# --- vouchers to be moved when it is their turn


def list_movers(programme: str, area: str) -> list[Kept[Voucher]]:
    """Return an area's vouchers that have a standing wish, in the vouchers' order.

    A query per shard, and a call per hundred vouchers.
    """
    shards = [STANDING.each(pk) for pk in keys.mover_shards(programme, area)]
    named = [kept.value.voucher_id for kept in heapq.merge(*shards, key=lambda kept: kept.sk)]
    found = find_vouchers(named)
    # A voucher that ended between the two reads is not there any more, or has no wish left.
    return [
        found[v] for v in named if v in found and any(w.standing for w in found[v].value.waiting)
    ]


def put_standing(voucher: Voucher, *, version: int) -> Put:
    """Describe a voucher's row in that list; version: of the voucher's row in the same commit."""
    key = keys.mover(voucher.programme, voucher.area, voucher.order, voucher.voucher_id)
    row = STANDING.create(key, Standing(voucher.voucher_id, voucher.order)).row
    row.version = version
    return Put(row)


def remove_standing(voucher: Voucher, *, version: int) -> Delete:
    """Describe the removal of a row of that list; version as for `put_standing`."""
    key = keys.mover(voucher.programme, voucher.area, voucher.order, voucher.voucher_id)
    return Delete(FactsRow(*key, version=version))


# --- vouchers that hold money


def each_reserved(
    programme: str, area: str, *, after: str = "", upto: str
) -> Iterator[Kept[Reserved]]:
    """Yield an area's vouchers that hold money up to a month or less, in the vouchers' order.

    after: the sort key to go on from. A query per shard, as far as it is read.
    """
    shards = (
        RESERVED.each(pk, after=after, upto=f"{upto}~")
        for pk in keys.reserved_shards(programme, area)
    )
    return heapq.merge(*shards, key=lambda kept: kept.sk)


def put_reserved(programme: str, area: str, reserved: Reserved, *, version: int) -> Put:
    """Describe a row of that list; version: of the voucher's row in the same commit."""
    row = RESERVED.create(_reserved_key(programme, area, reserved), reserved).row
    row.version = version
    return Put(row)


def remove_reserved(programme: str, area: str, reserved: Reserved, *, version: int) -> Delete:
    """Describe the removal of a row of that list; version as for `put_reserved`."""
    return Delete(FactsRow(*_reserved_key(programme, area, reserved), version=version))


def _reserved_key(programme: str, area: str, reserved: Reserved) -> tuple[str, str]:
    return keys.reserved(programme, area, reserved.reserved_to, reserved.order, reserved.voucher_id)


# --- enrolments


def load_enrolment(site_id: str, enrolment_id: str) -> Kept[Enrolment]:
    """Return an enrolment. Raises Unknown."""
    return ENROLMENTS.load(keys.enrolment(site_id, enrolment_id))


def find_enrolment(site_id: str, enrolment_id: str) -> Kept[Enrolment] | None:
    return ENROLMENTS.find(keys.enrolment(site_id, enrolment_id))


def each_enrolment(site_id: str, *, after: str | None = None) -> Iterator[Kept[Enrolment]]:
    """Yield a site's enrolments by id, ended ones too; after: an enrolment id to go on from."""
    pk, begins = keys.enrolment(site_id, "")
    if after is None:
        return ENROLMENTS.each(pk, begins=begins)
    return ENROLMENTS.each(pk, after=f"{_ENROLMENT}{after}", upto=f"{_ENROLMENT}~")


def list_enrolments(
    site_id: str, *, first: date | None = None, last: date | None = None
) -> list[Enrolment]:
    """Return a site's enrolments that have a day from `first` to `last`; without them, all.

    Those that never began have no day.
    """
    return [
        e
        for e in (kept.value for kept in each_enrolment(site_id))
        if (last is None or e.starts_on <= last)
        and (first is None or e.ends_on is None or e.ends_on >= max(first, e.starts_on))
    ]


def find_enrolments(places: Sequence[tuple[str, str]]) -> list[Kept[Enrolment]]:
    """Return those of the enrolments, (site id, enrolment id), that exist; a call per hundred."""
    found = ENROLMENTS.find_many([keys.enrolment(*place) for place in places])
    return list(found.values())


def enrolment_at(site_id: str, enrolment_id: str) -> tuple[Shelf[Enrolment], tuple[str, str]]:
    """Return where an enrolment lies, for a reading of several rows in one call; so below."""
    return ENROLMENTS, keys.enrolment(site_id, enrolment_id)


def stays_at(child_id: str, programme: str) -> tuple[Shelf[Stays], tuple[str, str]]:
    return STAYS, keys.stays(child_id, programme)


def roster_at(site_id: str, group_id: str) -> tuple[Shelf[Roster], tuple[str, str]]:
    return ROSTERS, keys.roster(site_id, group_id)


def create_enrolment(enrolment: Enrolment) -> Put:
    return ENROLMENTS.create(keys.enrolment(enrolment.site_id, enrolment.enrolment_id), enrolment)


def keep_enrolment(kept: Kept[Enrolment], enrolment: Enrolment) -> Put:
    return ENROLMENTS.replace(kept, enrolment)


def find_stays(child_id: str, programme: str) -> Kept[Stays]:
    """Return all enrolments a child ever had in a programme; none yet is empty, at version 0."""
    pk, sk = keys.stays(child_id, programme)
    return STAYS.find((pk, sk)) or Kept(Stays(), pk, sk, 0, "{}")


def each_stays(child_id: str) -> Iterator[tuple[str, Stays]]:
    """Yield (programme, enrolments) of every programme a child was ever enrolled in. One query."""
    pk, begins = keys.stays(child_id, "")
    for kept in STAYS.each(pk, begins=begins):
        yield kept.sk.removeprefix(begins), kept.value


def find_stays_of(child_ids: Collection[str], programme: str) -> dict[str, Stays]:
    """Return the enrolments of those children who ever had any, by child; a call per hundred."""
    wanted = {keys.stays(child_id, programme): child_id for child_id in child_ids}
    found = STAYS.find_many(list(wanted))
    return {wanted[key]: kept.value for key, kept in found.items()}


def keep_stays(kept: Kept[Stays], stays: Stays) -> Put:
    if kept.version == 0:
        return STAYS.create((kept.pk, kept.sk), stays)
    return STAYS.replace(kept, stays)


# --- rosters


def load_rosters(site_id: str) -> list[Roster]:
    """Return the rosters of all groups of a site. One query.

    Their timetables lie beside them, each under its group's id and a "#".
    """
    return [k.value for k in ROSTERS.each(keys.roster(site_id, "")[0]) if "#" not in k.sk]


def find_roster(site_id: str, group_id: str) -> Kept[Roster]:
    """Return a group's roster; one nobody was put on yet is empty, at version 0."""
    pk, sk = keys.roster(site_id, group_id)
    return ROSTERS.find((pk, sk)) or Kept(Roster(site_id, group_id), pk, sk, 0, "{}")


def keep_roster(kept: Kept[Roster], roster: Roster) -> Put:
    if kept.version == 0:
        return ROSTERS.create((kept.pk, kept.sk), roster)
    return ROSTERS.replace(kept, roster)
