"""The draw of an intake: everybody who applies within a window counts as simultaneous.

    announced   window, source of the seed, its moment and its round are public
    open        applications made now belong to the window; each stands as of its opening
    closed      the beacon has yet to speak
    drawn       its value is the seed; with it anybody can count the order again
    cancelled   before it opened: nobody stands in it, and it is in nobody's way

Nobody can choose the seed: it is what a public beacon says at a moment named before anybody
applied, and it does not exist before the window has closed. Who would order the window at will
would have to choose tickets, which are random and given by us, knowing a value that nobody knows.

A number is never stored with an application. It follows from seed and ticket wherever order is
made: SHA-256 of three lines, the smallest first. docs/queue-draw.md shows how to count it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from chalicelib.applications.rules.refusals import (
    AlreadyDrawn,
    AnnouncedTooLate,
    BadBeacon,
    BadWindow,
    BeaconNotYet,
    IntakeCancelled,
    IntakeNotOpen,
    IntakeOpened,
    NoDrawHere,
    OtherRound,
    WindowsOverlap,
    WindowTooShort,
)
from chalicelib.kernel.periods import stamp
from chalicelib.policy.rules import IntakeRule

IntakeState = Literal["announced", "open", "closed", "drawn", "cancelled"]

_DRAW = "kezek-draw-v1"
DRAWN = "drawn-"  # begins the names of checkpoints that are made by draws alone
_FURTHEST = timedelta(days=2 * 366)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeAsked:
    """A window to be announced: it opens, it closes, then the beacon speaks."""

    programme: str
    area: str
    opens_at: datetime
    closes_at: datetime
    beacon_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A window and its draw.

    round: of the beacon, the one that is new at beacon_at; round_at: when it comes out.
    randomness: the round's value, which is the seed; None before the draw. asked: digest of what
    was announced.
    """

    intake_id: str
    programme: str
    area: str
    opens_at: str
    closes_at: str
    beacon_at: str
    beacon: str
    beacon_url: str
    round: int
    round_at: str
    announced_at: str
    pack: str
    asked: str
    randomness: str | None = None
    signature: str | None = None
    drawn_at: str | None = None
    cancelled_at: str | None = None

    @property
    def position(self) -> str:
        """Return its place in the list of windows: by opening, then by id."""
        return f"{self.opens_at}#{self.intake_id}"

    @property
    def value_at(self) -> str:
        """Return the address at which the beacon itself publishes the round."""
        return f"{self.beacon_url}/public/{self.round}"

    @property
    def checkpoint_id(self) -> str | None:
        """Return the checkpoint that shows the order as drawn; None before the draw."""
        return f"{DRAWN}{self.intake_id}" if self.randomness is not None else None

    def state(self, now: datetime) -> IntakeState:
        """Return how the window stands; the instant of closing is outside."""
        at = stamp(now)
        if self.cancelled_at is not None:
            return "cancelled"
        if self.randomness is not None:
            return "drawn"
        if at < self.opens_at:
            return "announced"
        return "open" if at < self.closes_at else "closed"


@dataclass(frozen=True, slots=True)
class Intakes:
    """All windows an area ever announced in a programme, by opening."""

    intakes: tuple[Intake, ...] = ()

    @property
    def standing(self) -> tuple[Intake, ...]:
        """Return the windows that were not cancelled."""
        return tuple(i for i in self.intakes if i.cancelled_at is None)

    def of(self, intake_id: str | None) -> Intake | None:
        return next((i for i in self.intakes if i.intake_id == intake_id), None)


def draw_number(seed: str, ticket: str) -> str:
    """Return the number a ticket draws, 64 hex digits; the smallest stands first.

    seed: the beacon's value in hex, as published; ticket: as published. Independent of who else
    is drawn and of any order of reading.
    """
    return hashlib.sha256(f"{_DRAW}\n{seed}\n{ticket}".encode()).hexdigest()


def decide_announce(
    intakes: Intakes,
    asked: IntakeAsked,
    *,
    intake_id: str,
    rule: IntakeRule,
    pack: str,
    fingerprint: str,
    now: datetime,
) -> Intake:
    """Return a window that may be published.

    Raises NoDrawHere, BadWindow, WindowTooShort, AnnouncedTooLate, WindowsOverlap. The beacon is at
    most two years ahead, and its round must come out after the window has closed: at that moment
    nobody can apply any more.
    """
    if rule.mode != "draw":
        raise NoDrawHere()
    if asked.closes_at <= asked.opens_at:
        raise BadWindow(field="closes_at")
    if asked.beacon_at <= asked.closes_at or asked.beacon_at - now > _FURTHEST:
        raise BadWindow(field="beacon_at")
    if asked.opens_at <= now:
        raise _too_late(rule, now)
    round_ = rule.round_at(math.floor(asked.beacon_at.timestamp()))
    comes_out = rule.beacon_genesis + (round_ - 1) * rule.beacon_period_seconds
    round_at = datetime.fromtimestamp(comes_out, tz=UTC)
    if round_ < 1 or round_at <= asked.closes_at:
        raise BadWindow(field="beacon_at")
    if asked.closes_at - asked.opens_at < timedelta(days=rule.days):
        raise WindowTooShort(days=rule.days)
    if asked.opens_at - now < timedelta(days=rule.announce_days):
        raise _too_late(rule, now)
    intake = Intake(
        intake_id=intake_id,
        programme=asked.programme,
        area=asked.area,
        opens_at=stamp(asked.opens_at),
        closes_at=stamp(asked.closes_at),
        beacon_at=stamp(asked.beacon_at),
        beacon=rule.beacon,
        beacon_url=rule.beacon_url,
        round=round_,
        round_at=stamp(round_at),
        announced_at=stamp(now),
        pack=pack,
        asked=fingerprint,
    )
    for other in intakes.standing:
        if intake.opens_at < other.beacon_at and other.opens_at < intake.beacon_at:
            raise WindowsOverlap(
                intake_id=other.intake_id, opens_at=other.opens_at, beacon_at=other.beacon_at
            )
    return intake


def _too_late(rule: IntakeRule, now: datetime) -> AnnouncedTooLate:
    earliest = now + timedelta(days=rule.announce_days)
    return AnnouncedTooLate(days=rule.announce_days, earliest=stamp(earliest))


def announced(intakes: Intakes, intake: Intake) -> Intakes:
    """Return the windows with one more, or with a newer version of one."""
    others = (i for i in intakes.intakes if i.intake_id != intake.intake_id)
    return Intakes(tuple(sorted((*others, intake), key=lambda i: i.position)))


def decide_cancel(intake: Intake, *, now: datetime) -> Intake:
    """Return a window that was announced by mistake, cancelled; cancelled already, as it is.

    Only before it opens, when nobody stands in it and its seed is known to nobody. Raises
    IntakeOpened.
    """
    if intake.cancelled_at is not None:
        return intake
    if stamp(now) >= intake.opens_at:
        raise IntakeOpened(opens_at=intake.opens_at)
    return replace(intake, cancelled_at=stamp(now))


def decide_draw(
    intake: Intake, *, round_: int, randomness: str, signature: str, now: datetime
) -> Intake:
    """Return a window with the beacon's value as its seed; with the same value, as it is.

    Raises IntakeCancelled, BeaconNotYet, OtherRound, BadBeacon, AlreadyDrawn, in this order. That
    the value is what the beacon said, everybody checks at its public address: here it is only
    checked that value and signature belong together.
    """
    if intake.cancelled_at is not None:
        raise IntakeCancelled(cancelled_at=intake.cancelled_at)
    if stamp(now) < intake.beacon_at:
        raise BeaconNotYet(beacon_at=intake.beacon_at, round=intake.round)
    if round_ != intake.round:
        raise OtherRound(round=intake.round)
    try:
        signed = bytes.fromhex(signature)
    except ValueError as refusal:
        raise BadBeacon() from refusal
    if hashlib.sha256(signed).hexdigest() != randomness:
        raise BadBeacon()
    if intake.randomness is not None:
        if intake.randomness != randomness:
            raise AlreadyDrawn(randomness=intake.randomness)
        return intake
    return replace(intake, randomness=randomness, signature=signature, drawn_at=stamp(now))


def intake_at(intakes: Intakes, now: datetime) -> Intake | None:
    """Return the window an application made now belongs to; None where time decides.

    Raises IntakeNotOpen before the first window an area announced: who came before it opens
    would stand before all who are drawn. An area that never announced any, and every area
    between two windows, takes applications by time.
    """
    at = stamp(now)
    for intake in intakes.standing:
        if intake.opens_at <= at < intake.closes_at:
            return intake
    first = next(iter(intakes.standing), None)
    if first is not None and at < first.opens_at:
        raise IntakeNotOpen(
            intake_id=first.intake_id, opens_at=first.opens_at, closes_at=first.closes_at
        )
    return None


def undrawn_at(intakes: Intakes, now: datetime) -> Intake | None:
    """Return a window that has opened and is not drawn yet: its order is not known."""
    return next((i for i in intakes.intakes if i.state(now) in ("open", "closed")), None)


def seeds(intakes: Intakes) -> Mapping[str, str | None]:
    """Return the seed of each window that anybody can stand in, None before its draw."""
    return {intake.intake_id: intake.randomness for intake in intakes.standing}
