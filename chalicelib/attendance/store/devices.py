"""Rows of tablets: the one people see, and the state that every upload touches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from chalicelib.attendance.rules import (
    BUCKET_SECONDS,
    Device,
    DeviceRevoked,
    DeviceState,
    NotPaired,
    Pairing,
    cost_of,
    spend,
)
from chalicelib.attendance.store.updates import TRIES, table_of, update
from chalicelib.kernel.periods import stamp
from chalicelib.storage import keys
from chalicelib.storage.commit import Put, Raced, Update, Write
from chalicelib.storage.rows import AttendanceRow
from chalicelib.storage.shelf import Kept, Shelf


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
    actions = [
        DeviceRow.site_id.set(device.site_id),
        DeviceRow.programme.set(device.programme),
        DeviceRow.area.set(device.area),
        DeviceRow.head_counter.set(head_counter),
        DeviceRow.head_hash.set(head_hash),
        DeviceRow.bucket_at.set(DeviceRow.bucket_at | 0),
    ]
    if device.revoked_at:
        actions.append(DeviceRow.revoked.set(device.revoked_at))
    behind = DeviceRow.head_counter.does_not_exist() | (DeviceRow.head_counter <= head_counter)
    update(DeviceRow, keys.device(device.device_id), actions, behind)


def touch_device(
    device_id: str, *, records: int, top: tuple[int, str] | None, now: datetime
) -> DeviceState:
    """Let an upload in: not revoked, units left in the bucket, the head moved on. Usually one call.

    top: counter and hash of the upload's last record; a head that is further stays. Returns the
    state before. Raises NotPaired, DeviceRevoked, TooManyUploads, StoreSilent.
    """
    key = keys.device(device_id)
    at, cost = int(now.timestamp()), cost_of(records)
    # Most uploads come from a known tablet that was used today and go on where it stood: try that
    # at once. Otherwise the failed condition brings the row, and the second try is exact.
    condition = (
        DeviceRow.revoked.does_not_exist()
        & (DeviceRow.bucket_at > at - BUCKET_SECONDS)
        & (DeviceRow.bucket_at <= at - cost)
    )
    actions: list[Action] = [
        DeviceRow.bucket_at.set(DeviceRow.bucket_at + cost),
        DeviceRow.last_at.set(stamp(now)),
    ]
    if top is not None:
        condition &= DeviceRow.head_counter < top[0]
        actions += [DeviceRow.head_counter.set(top[0]), DeviceRow.head_hash.set(top[1])]
    for attempt in range(TRIES):
        changed, item = update(DeviceRow, key, actions, condition)
        if item is None:
            raise NotPaired()
        state = _state(device_id, item)
        if changed:
            return state
        if state.revoked:
            raise DeviceRevoked()
        spent = spend(state.bucket_at, cost, now=now)
        condition = DeviceRow.revoked.does_not_exist() & (DeviceRow.bucket_at == state.bucket_at)
        condition &= DeviceRow.head_counter == state.head_counter
        actions = [DeviceRow.bucket_at.set(spent), DeviceRow.last_at.set(stamp(now))]
        if top is not None and top[0] > state.head_counter:
            actions += [DeviceRow.head_counter.set(top[0]), DeviceRow.head_hash.set(top[1])]
        del attempt
    raise Raced()


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
    )
