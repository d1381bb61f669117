"""Tablets: paired by a one-time code, limited by a bucket, revoked for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from chalicelib.attendance.rules.marks import Mark, tag_of
from chalicelib.kernel import onetime
from chalicelib.kernel.periods import Month, from_stamp, local_day, stamp
from chalicelib.kernel.refusals import Malformed, NotAllowed, OutOfTurn, TooMuch

ClearReason = Literal["replaced-machine", "restored-copy", "inspected", "records-agree"]
CODE_LENGTH = 8
CODE_MINUTES = 15
DEVICES_MAX = 100
PROOF_PREFIX = "kezek-pair-v1"

# A unit a second, up to twenty thousand: a month of a big site at once, or ten days offline twice.
BUCKET_SECONDS = 20_000
UPLOAD_COST = 5


class BadCode(NotAllowed):
    """No tablet can be paired with this code: wrong, used or older than 15 minutes, all alike."""

    code = "attendance/bad-code"


class BadKey(Malformed):
    """The key is not 32 bytes of Ed25519, the id not the key's, or the proof not made with it."""

    code = "attendance/bad-key"


class AlreadyPaired(OutOfTurn):
    """This key was paired before; a tablet that is paired again makes a new key."""

    code = "attendance/already-paired"


class PairingOver(OutOfTurn):
    """The code of this pairing was used or is too old; ask for another under a new id."""

    code = "attendance/pairing-over"


class TooManyDevices(OutOfTurn):
    """The site has as many tablets as one site may have."""

    code = "attendance/too-many-devices"


class NotPaired(NotAllowed):
    """No such tablet is paired."""

    code = "attendance/not-paired"


class DeviceRevoked(NotAllowed):
    """The tablet was revoked; nothing it sends counts any more."""

    code = "attendance/device-revoked"


class DayToCome(Malformed):
    """A tablet cannot have been in foreign hands on a day that is still to come."""

    code = "attendance/day-to-come"


class NotDoubted(OutOfTurn):
    """Nothing is known against the tablet, or it was cleared of it."""

    code = "attendance/not-doubted"


class TooManyUploads(TooMuch):
    """The tablet sends more than one tablet may; `retry_after_s` says when to go on."""

    code = "attendance/too-many-uploads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """An invitation for one tablet. asked: fingerprint of who asked for what."""

    pairing_id: str
    site_id: str
    organisation_id: str
    programme: str
    area: str
    label: str
    asked: str
    created_at: str
    valid_until: str
    device_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A tablet of a site. public_key: base64url, 43 signs.

    foreign_on: the day from which it may have been in foreign hands, said at foreign_at. cleared:
    an officer looked into all that was known against it until then, and found it in order.
    foreign_before, cleared_before: what was said before of either, so that it can be told what was
    doubted at any instant.
    """

    device_id: str
    site_id: str
    organisation_id: str
    programme: str
    area: str
    label: str
    public_key: str
    pairing_id: str
    paired_at: str
    asked: str
    revoked_at: str | None = None
    foreign_on: date | None = None
    foreign_at: str | None = None
    cleared_at: str | None = None
    cleared_by: str | None = None
    cleared_reason: ClearReason | None = None
    foreign_before: tuple[tuple[date, str], ...] = ()
    cleared_before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """Which marks of a tablet are not proof enough: from a record, or from a day on.

    counter: of the first record that two machines, or none of ours, may have signed; None where
    the day says it. day: from which it may have been in foreign hands.
    """

    device_id: str
    counter: int | None = None
    day: date | None = None

    def covers(self, mark: Mark, month: Month) -> bool:
        """Return whether a mark of that month is doubted."""
        if mark.tag != tag_of(self.device_id):
            return False
        if self.counter is not None and mark.counter >= self.counter:
            return True
        return self.day is not None and date(month.year, month.month, mark.day) >= self.day


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """What every upload needs of its tablet, in one row of plain attributes.

    head_counter, head_hash: the last record of its chain, 0 and "" before the first. bucket_at:
    epoch seconds at which the bucket of units was empty, or will be. skew_s: its clock minus ours
    at the last upload that told; skew_worst_s: the greatest ever, without its sign, among those
    that were too great. app, battery, place: as it says itself.
    """

    device_id: str
    site_id: str
    programme: str
    area: str
    head_counter: int = 0
    head_hash: str = ""
    bucket_at: int = 0
    revoked: bool = False
    last_at: str | None = None
    skew_s: int | None = None
    skew_worst_s: int = 0
    app: str | None = None
    battery: int | None = None
    place: str | None = None


def code_from(digest: bytes) -> str:
    """Return a one-time code made of 8 letters and digits that do not look alike."""
    return onetime.code_of(digest, length=CODE_LENGTH)


def proof_text(device_id: str, code: str) -> bytes:
    """Return what a tablet signs to prove that it holds its key."""
    return f"{PROOF_PREFIX}|{device_id}|{code}".encode()


def valid_until(now: datetime) -> datetime:
    return now + timedelta(minutes=CODE_MINUTES)


def decide_code(pairing: Pairing, *, now: datetime) -> Pairing:
    """Return a pairing whose code may still be shown. Raises PairingOver."""
    if pairing.device_id is not None or now >= from_stamp(pairing.valid_until):
        raise PairingOver()
    return pairing


def decide_pairing(
    pairing: Pairing,
    *,
    device_id: str,
    public_key: str,
    label: str,
    asked: str,
    now: datetime,
) -> tuple[Pairing, Device]:
    """Return the used pairing and the new tablet. Raises BadCode."""
    if pairing.device_id is not None or now >= from_stamp(pairing.valid_until):
        raise BadCode()
    device = Device(
        device_id=device_id,
        site_id=pairing.site_id,
        organisation_id=pairing.organisation_id,
        programme=pairing.programme,
        area=pairing.area,
        label=label,
        public_key=public_key,
        pairing_id=pairing.pairing_id,
        paired_at=stamp(now),
        asked=asked,
    )
    return replace(pairing, device_id=device_id), device


def decide_revocation(device: Device, *, foreign_on: date | None = None, now: datetime) -> Device:
    """Return the tablet revoked; one that is stays as it was.

    foreign_on: from which day it may have been in foreign hands; that may be said later too, and
    an earlier day takes the place of a later one. Raises DayToCome for a day to come.
    """
    revoked = device if device.revoked_at else replace(device, revoked_at=stamp(now))
    if foreign_on is None:
        return revoked
    if foreign_on > local_day(now):
        raise DayToCome(on=foreign_on.isoformat())
    if device.foreign_on is not None and device.foreign_on <= foreign_on:
        return revoked
    before = device.foreign_before
    if device.foreign_on is not None and device.foreign_at is not None:
        before = (*before, (device.foreign_on, device.foreign_at))
    return replace(revoked, foreign_on=foreign_on, foreign_at=stamp(now), foreign_before=before)


def doubts_of(
    device: Device, suspicions: Iterable[tuple[int, str]], *, upto: str | None = None
) -> list[Doubt]:
    """Return what of a tablet's records is doubted now, or was at an instant.

    suspicions: counter and instant of each fork or copy in its chain.
    """

    said = list(device.foreign_before)
    if device.foreign_on is not None and device.foreign_at is not None:
        said.append((device.foreign_on, device.foreign_at))
    clearings = [*device.cleared_before, *([device.cleared_at] if device.cleared_at else [])]
    cleared = max((at for at in clearings if upto is None or at <= upto), default="")

    def stands(at: str) -> bool:
        return cleared < at and (upto is None or at <= upto)

    counters = [counter for counter, at in suspicions if stands(at)]
    days = [day for day, at in said if stands(at)]
    found = [Doubt(device.device_id, counter=min(counters))] if counters else []
    return [*found, Doubt(device.device_id, day=min(days))] if days else found


def decide_clearing(
    device: Device, doubts: Sequence[Doubt], *, reason: ClearReason, by: str, now: datetime
) -> Device:
    """Return the tablet cleared of what is known against it; the same again changes nothing.

    Raises NotDoubted where nothing is.
    """
    if not doubts:
        if (device.cleared_by, device.cleared_reason) == (by, reason):
            return device
        raise NotDoubted()
    before = device.cleared_before
    if device.cleared_at is not None:
        before = (*before, device.cleared_at)
    return replace(
        device,
        cleared_at=stamp(now),
        cleared_by=by,
        cleared_reason=reason,
        cleared_before=before,
    )


def state_of(device: Device) -> DeviceState:
    """Return a tablet's state before its first upload."""
    return DeviceState(
        device_id=device.device_id,
        site_id=device.site_id,
        programme=device.programme,
        area=device.area,
        revoked=device.revoked_at is not None,
    )


def cost_of(records: int) -> int:
    """Return the units an upload takes out of the bucket."""
    return UPLOAD_COST + records


def spend(bucket_at: int, cost: int, *, now: datetime) -> int:
    """Return when the bucket is empty after this upload. Raises TooManyUploads."""
    at = int(now.timestamp())
    spent = max(bucket_at, at - BUCKET_SECONDS) + cost
    if spent > at:
        raise TooManyUploads(retry_after_s=spent - at)
    return spent
