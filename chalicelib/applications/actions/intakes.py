"""Windows of intake: announced before they open, drawn by a beacon after they close."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.access import actions as access
from chalicelib.applications import rules, store
from chalicelib.applications.rules import Intake, IntakeAsked, Intakes
from chalicelib.journal import store as journal
from chalicelib.journal.rules import Entry
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.periods import local_day
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.policy.actions import load_pack
from chalicelib.policy.rules import Rules
from chalicelib.storage import outbox
from chalicelib.storage.commit import settles
from chalicelib.storage.secrets import fingerprint
from chalicelib.storage.shelf import Kept


@settles
def announce(intake_id: str, asked: IntakeAsked, *, by: Actor, now: datetime) -> Intake:
    """Announce a window and the source of its seed; the same again gets the same answer.

    Raises Unknown, AnotherContent, NoPack, NoRuleInForce, NoDrawHere, BadWindow, WindowTooShort,
    AnnouncedTooLate, WindowsOverlap, in this order.
    """
    access.demand(by, area=asked.area)
    content = fingerprint(asked)
    earlier = find(intake_id)
    if earlier is not None:
        if earlier.asked != content:
            raise AnotherContent()
        return earlier
    pack = load_pack(asked.programme, asked.area)
    kept = store.load_intakes(asked.programme, asked.area)
    intake = rules.decide_announce(
        kept.value,
        asked,
        intake_id=intake_id,
        rule=pack.at(local_day(now)).intake,
        pack=pack.version,
        fingerprint=content,
        now=now,
    )
    journal.commit(
        _entry(
            "intake-announced",
            intake,
            by=by,
            now=now,
            opens_at=intake.opens_at,
            closes_at=intake.closes_at,
            beacon=intake.beacon,
            beacon_at=intake.beacon_at,
            round=intake.round,
        ),
        store.keep_intakes(kept, rules.announced(kept.value, intake)),
        store.claim_intake(intake_id, asked.programme, asked.area),
    )
    return intake


@settles
def draw(
    intake_id: str, *, round_: int, randomness: str, signature: str, by: Actor, now: datetime
) -> Intake:
    """Take the beacon's value as the seed of a window; the same value again changes nothing.

    The order is published at once, while everybody drawn still stands in it: a run of the same day
    takes those who get a voucher out of the next evening's.

    Raises Unknown, IntakeCancelled, BeaconNotYet, OtherRound, BadBeacon, AlreadyDrawn, in this
    order.
    """
    kept, intake = _served(intake_id, by=by)
    drawn = rules.decide_draw(
        intake, round_=round_, randomness=randomness, signature=signature, now=now
    )
    if drawn != intake:
        journal.commit(
            _entry(
                "intake-drawn",
                drawn,
                by=by,
                now=now,
                round=drawn.round,
                randomness=drawn.randomness,
                signature=drawn.signature,
            ),
            store.keep_intakes(kept, rules.announced(kept.value, drawn)),
            outbox.work(
                f"checkpoint-drawn#{intake_id}",
                "queue/checkpoint",
                now=now,
                checkpoint_id=drawn.checkpoint_id,
                programme=drawn.programme,
                area=drawn.area,
            ),
        )
    return drawn


@settles
def cancel(intake_id: str, *, by: Actor, now: datetime) -> Intake:
    """Cancel a window before it opens; cancelled already, the same answer.

    Raises Unknown, IntakeOpened, in this order.
    """
    kept, intake = _served(intake_id, by=by)
    cancelled = rules.decide_cancel(intake, now=now)
    if cancelled != intake:
        journal.commit(
            _entry("intake-cancelled", cancelled, by=by, now=now),
            store.keep_intakes(kept, rules.announced(kept.value, cancelled)),
        )
    return cancelled


def find(intake_id: str) -> Intake | None:
    """Return a window by its id. Two reads."""
    area = store.find_intake_area(intake_id)
    if area is None:
        return None
    return store.load_intakes(area.programme, area.area).value.of(intake_id)


def intake(intake_id: str) -> Intake:
    """Return a window to everybody. Raises Unknown."""
    found = find(intake_id)
    if found is None:
        raise Unknown()
    return found


def intakes_page(
    programme: str, area: str, *, after: str | None, limit: int
) -> tuple[list[Intake], str | None]:
    """Return an area's windows, the newest opening first, after a position. Raises NoPack."""
    load_pack(programme, area)
    newest = reversed(store.load_intakes(programme, area).value.intakes)
    left = [i for i in newest if after is None or i.position < after]
    return left[:limit], left[limit - 1].position if len(left) > limit else None


def intake_at(programme: str, area: str, in_force: Rules, *, now: datetime) -> Intake | None:
    """Return the window an application made now belongs to; None where time decides.

    No read where the rules order by time. Raises IntakeNotOpen.
    """
    if in_force.intake.mode != "draw":
        return None
    return rules.intake_at(store.load_intakes(programme, area).value, now)


def open_intake(programme: str, area: str, now: datetime) -> Intake | None:
    """Return a window that is open, or closed and not drawn: its order is not known yet.

    While there is one no run is made: what it would decide is not known. One read, none where
    the rules order by time and always did.
    """
    if not _draws(programme, area):
        return None
    return rules.undrawn_at(store.load_intakes(programme, area).value, now)


def seeds_of(programme: str, area: str) -> Mapping[str, str | None]:
    """Return the seed of each window of an area, None before its draw.

    One read, none where the rules order by time and always did.
    """
    if not _draws(programme, area):
        return {}
    return rules.seeds(store.load_intakes(programme, area).value)


def _served(intake_id: str, *, by: Actor) -> tuple[Kept[Intakes], Intake]:
    """Return a window of an area the caller serves, with its area's row. Raises Unknown."""
    area = store.find_intake_area(intake_id)
    access.demand(by, area=area.area if area is not None else None)
    if area is None:
        raise Unknown()
    kept = store.load_intakes(area.programme, area.area)
    intake = kept.value.of(intake_id)
    if intake is None:
        raise Unknown()
    return kept, intake


def _draws(programme: str, area: str) -> bool:
    """Return whether a pack ever ordered by draw: entries of that time keep their numbers."""
    return any(row.mode == "draw" for row in load_pack(programme, area).rows["intake"])


def _entry(event: str, intake: Intake, *, by: Actor, now: datetime, **facts: object) -> Entry:
    return journal.entry(
        f"applications/{event}",
        f"intakes/{intake.programme}/{intake.area}",
        by=by,
        now=now,
        pack=intake.pack,
        intake=intake.intake_id,
        programme=intake.programme,
        area=intake.area,
        **facts,
    )
