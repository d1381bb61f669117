"""Rows of tablets: the one people see, and the state that every upload touches."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.attendance.rules import (
    BUCKET_SECONDS,
    Device,
    DeviceRevoked,
    DeviceState,
    Doubt,
    NotPaired,
    Pairing,
    cost_of,
    doubts_of,
    spend,
)
from chalicelib.attendance.rules.health import SKEW_SECONDS_MAX, Vitals
from chalicelib.attendance.store.evidence import FLAGS
from chalicelib.attendance.store.updates import TRIES, Change, number, table_of, text, update
from chalicelib.kernel.periods import stamp
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, Raced, Update, Write
from chalicelib.storage.rows import AttendanceRow
from chalicelib.storage.shelf import Kept, Shelf

NOTHING_SAID = Vitals()


class DeviceRow(AttendanceRow):
    """A tablet's state: all that the one conditional update of an upload needs."""

    site_id = UnicodeAttribute(null=True)
    programme = UnicodeAttribute(null=True)
    area = UnicodeAttribute(null=True)
    head_counter = NumberAttribute(null=True)
    head_hash = UnicodeAttribute(null=True)
    bucket_at = NumberAttribute(null=True)
    revoked = UnicodeAttribute(null=True)
    last_at = UnicodeAttribute(null=True)
    skew_s = NumberAttribute(null=True)
    skew_worst_s = NumberAttribute(null=True)
    app = UnicodeAttribute(null=True)
    battery = NumberAttribute(null=True)
    place = UnicodeAttribute(null=True)


PAIRINGS: Shelf[Pairing] = Shelf(AttendanceRow, Pairing)
DEVICES: Shelf[Device] = Shelf(AttendanceRow, Device)


def find_pairing(digest: str) -> Kept[Pairing] | None:
    return PAIRINGS.find(keys.pairing(digest))


def create_pairing(digest: str, pairing: Pairing, *, expires_at: int) -> Put:
    return PAIRINGS.create(keys.pairing(digest), pairing, expires_at=expires_at)


def keep_pairing(kept: Kept[Pairing], pairing: Pairing, *, expires_at: int) -> Put:
    return PAIRINGS.replace(kept, pairing, expires_at=expires_at)


def find_device(site_id: str, device_id: str) -> Kept[Device] | None:
    return DEVICES.find(keys.site_device(site_id, device_id))


def list_devices(site_id: str) -> list[Kept[Device]]:
    """Return a site's tablets, revoked ones too, by id. One query."""
    pk, begins = keys.site_device(site_id, "")
    return list(DEVICES.each(pk, begins=begins))


def load_doubts(site_id: str, *, upto: str | None = None) -> list[Doubt]:
    """Return what of a site's records is doubted: its tablets and their forks. One query.

    upto: as it was known at an instant.
    """
    devices: list[Device] = []
    suspicions: dict[str, list[tuple[int, str]]] = {}
    for row in AttendanceRow.query(keys.site_device(site_id, "")[0], consistent_read=True):
        if row.sk.startswith("FLAG#"):
            flag = FLAGS.kept(row).value
            suspicions.setdefault(flag.device_id, []).append((flag.first, flag.at))
        elif row.sk.startswith("DEVICE#"):
            devices.append(DEVICES.kept(row).value)
    return [
        doubt
        for device in devices
        for doubt in doubts_of(device, suspicions.get(device.device_id, ()), upto=upto)
    ]


def clear_device(kept: Kept[Device], device: Device) -> Put:
    """Describe a tablet that an officer cleared."""
    return DEVICES.replace(kept, device)


def find_state(device_id: str) -> DeviceState | None:
    """Return a tablet's state, None where none is paired. One read."""
    found = table_of(DeviceRow).get_item(*keys.device(device_id), consistent_read=True)
    item = found.get("Item")
    return None if item is None else _state(device_id, item)


def find_states(device_ids: Sequence[str]) -> dict[str, DeviceState]:
    rows = DeviceRow.batch_get([keys.device(d) for d in device_ids], consistent_read=True)
    states = (_state(row.pk.removeprefix("DEVICE#"), row.serialize()) for row in rows)
    return {state.device_id: state for state in states}


def create_device(device: Device) -> list[Write]:
    """Describe a new tablet: the row people see, and the state that uploads touch."""
    row = DeviceRow(*keys.device(device.device_id))
    fresh = [
        DeviceRow.site_id.set(device.site_id),
        DeviceRow.programme.set(device.programme),
        DeviceRow.area.set(device.area),
        DeviceRow.head_counter.set(0),
        DeviceRow.head_hash.set(""),
        DeviceRow.bucket_at.set(0),
    ]
    return [
        DEVICES.create(keys.site_device(device.site_id, device.device_id), device),
        Update(row, fresh, only_if=DeviceRow.pk.does_not_exist()),
    ]


def revoke_device(kept: Kept[Device], device: Device) -> list[Write]:
    """Describe a revocation; the next upload of the tablet meets it."""
    row = DeviceRow(*keys.device(device.device_id))
    revoked = [DeviceRow.revoked.set(device.revoked_at or "")]
    return [DEVICES.replace(kept, device), Update(row, revoked)]


def restore_state(device: Device, *, head_counter: int, head_hash: str) -> None:
    """Set a tablet's state as its row and its evidence say; part of a rebuild."""
    values = {
        ":site": text(device.site_id),
        ":programme": text(device.programme),
        ":area": text(device.area),
        ":head": number(head_counter),
        ":hash": text(head_hash),
        ":zero": number(0),
    }
    change = _RESTORE
    if device.revoked_at:
        values[":revoked"] = text(device.revoked_at)
        change = _RESTORE_REVOKED
    update(DeviceRow, keys.device(device.device_id), change, values)


def touch_device(
    device_id: str,
    *,
    records: int,
    top: tuple[int, str] | None,
    now: datetime,
    vitals: Vitals = NOTHING_SAID,
) -> DeviceState:
    """Let an upload in: not revoked, units left in the bucket, the head moved on. Usually one call.

    top: counter and hash of the upload's last record; a head that is further stays. vitals: what
    the upload says of its tablet; an upload from behind the head tells its clock only. Returns the
    state before. Raises NotPaired, DeviceRevoked, TooManyUploads, StoreSilent.
    """
    key = keys.device(device_id)
    at, cost = int(now.timestamp()), cost_of(records)
    # Most uploads come from a known tablet that was used today and go on where it stood: try that
    # at once. Otherwise the failed condition brings the row, and the second try is exact. A bucket
    # that was full is left to run over by as much again, or each upload after a pause of seconds
    # would meet a full one and cost two calls. A clock that is wrong as never before costs two
    # calls as well, so the greatest skew is kept without a read.
    said = _said(vitals)
    values = {
        ":cost": number(cost),
        ":now": text(stamp(now)),
        ":low": number(at - 2 * BUCKET_SECONDS),
        ":high": number(at - cost),
        **said,
    }
    skew = abs(vitals.skew_s or 0)
    if skew > SKEW_SECONDS_MAX:
        values[":skewed"] = number(skew)
    if top is not None:
        values |= {":head": number(top[0]), ":hash": text(top[1])}
    change = _touch(tuple(said), top is not None, ":skewed" in values)
    for _ in range(TRIES):
        changed, item = update(DeviceRow, key, change, values)
        if item is None:
            raise NotPaired()
        state = _state(device_id, item)
        if changed:
            return state
        if state.revoked:
            raise DeviceRevoked()
        further = top is not None and top[0] > state.head_counter
        head = top if top is not None and further else (state.head_counter, state.head_hash)
        told = dict(said) if further else {k: v for k, v in said.items() if k == ":skew_s"}
        if skew > max(state.skew_worst_s, SKEW_SECONDS_MAX):
            told[":skew_worst_s"] = number(skew)
        change = _touch_exactly(tuple(told))
        values = {
            ":now": text(stamp(now)),
            ":spent": number(spend(state.bucket_at, cost, now=now)),
            ":bucket": number(state.bucket_at),
            ":met": number(state.head_counter),
            ":head": number(head[0]),
            ":hash": text(head[1]),
            **told,
        }
    raise Raced()


def _said(vitals: Vitals) -> dict[str, dict[str, str]]:
    """Return what an upload says of its tablet, as values of an update."""
    said: dict[str, dict[str, str]] = {}
    if vitals.skew_s is not None:
        said[":skew_s"] = number(vitals.skew_s)
    if vitals.app is not None:
        said[":app"] = text(vitals.app)
    if vitals.battery is not None:
        said[":battery"] = number(vitals.battery)
    if vitals.place is not None:
        said[":place"] = text(vitals.place.text())
    return said


@functools.lru_cache(maxsize=64)
def _touch(said: tuple[str, ...], on: bool, skewed: bool) -> Change:
    """Return the update of most uploads. said: names of values that go to like attributes."""
    moves = ", head_counter = :head, head_hash = :hash" if on else ""
    only_if = "attribute_not_exists(revoked) AND bucket_at > :low AND bucket_at <= :high"
    if on:
        only_if += " AND head_counter < :head"
    if skewed:
        only_if += " AND skew_worst_s >= :skewed"
    return Change(f"SET bucket_at = bucket_at + :cost, last_at = :now{moves}{_sets(said)}", only_if)


@functools.lru_cache(maxsize=64)
def _touch_exactly(said: tuple[str, ...]) -> Change:
    """Return the update of an upload that knows the row it met."""
    return Change(
        "SET bucket_at = :spent, last_at = :now, head_counter = :head, head_hash = :hash"
        f"{_sets(said)}",
        "attribute_not_exists(revoked) AND bucket_at = :bucket AND head_counter = :met",
    )


def _sets(said: tuple[str, ...]) -> str:
    return "".join(f", {name[1:]} = {name}" for name in said)


_RESTORE = Change(
    "SET site_id = :site, programme = :programme, area = :area, head_counter = :head,"
    " head_hash = :hash, bucket_at = if_not_exists(bucket_at, :zero)",
    "attribute_not_exists(head_counter) OR head_counter <= :head",
)
_RESTORE_REVOKED = Change(f"{_RESTORE.expression}, revoked = :revoked", _RESTORE.only_if)


def _state(device_id: str, item: dict[str, Any]) -> DeviceState:
    return DeviceState(
        device_id=device_id,
        site_id=item["site_id"]["S"],
        programme=item["programme"]["S"],
        area=item["area"]["S"],
        head_counter=int(item["head_counter"]["N"]),
        head_hash=item["head_hash"]["S"],
        bucket_at=int(item.get("bucket_at", {"N": "0"})["N"]),
        revoked="revoked" in item,
        last_at=item.get("last_at", {}).get("S"),
        skew_s=int(item["skew_s"]["N"]) if "skew_s" in item else None,
        skew_worst_s=int(item.get("skew_worst_s", {"N": "0"})["N"]),
        app=item.get("app", {}).get("S"),
        battery=int(item["battery"]["N"]) if "battery" in item else None,
        place=item.get("place", {}).get("S"),
    )
