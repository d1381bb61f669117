"""The steps by which a keyring gets new keys while everything runs.

    quiet       one root, one lookup key
    announced   the new keys are there; nothing is sealed by them; numbers are claimed under both
    sealing     the new root seals; the job wraps data keys anew and claims the numbers it finds
    leading     the new lookup key decides who holds a number; both are still claimed
    retiring    the old lookup key is not claimed any more; the job removes what lies under it
    quiet       the old keys are gone

Two neighbours of this list may serve at the same time: each opens what the other seals, and both
claim a number under one version at least, so that of two registrations one loses. That is why the
steps are apart, and why a step waits until no process of the step before can still be writing.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import OutOfTurn
from chalicelib.storage.secrets import Keyring


class Step(StrEnum):
    """How far a rotation is."""

    QUIET = "quiet"
    ANNOUNCED = "announced"
    SEALING = "sealing"
    LEADING = "leading"
    RETIRING = "retiring"


class TooEarly(OutOfTurn):
    """A process with the ring of the step before may still be writing."""

    code = "kezek/keys-too-early"


class NotNow(OutOfTurn):
    """The rotation is not at the step from which this could be done."""

    code = "kezek/keys-not-now"


def step_of(ring: Keyring) -> Step:
    """Return how far the rotation is."""
    newest_root, newest_lookup = newest(ring.root), newest(ring.lookup)
    if len(ring.root) == len(ring.lookup) == 1:
        return Step.QUIET
    if ring.seals != newest_root:
        return Step.ANNOUNCED
    if ring.leads != newest_lookup:
        return Step.SEALING
    return Step.LEADING if len(ring.claims) > 1 else Step.RETIRING


def newest(versions: object) -> str:
    """Return the newest of some versions."""
    return max(versions, key=int)  # type: ignore[call-overload,no-any-return]


def older(ring: Keyring) -> tuple[list[str], list[str]]:
    """Return the root and the lookup versions that are to go."""
    root, lookup = newest(ring.root), newest(ring.lookup)
    return [v for v in ring.root if v != root], [v for v in ring.lookup if v != lookup]


def announce(ring: Keyring, *, now: datetime) -> Keyring:
    """Return the ring with new keys that nothing uses yet. Raises NotNow."""
    if step_of(ring) is not Step.QUIET:
        raise NotNow(step=step_of(ring).value)
    root, lookup = (str(int(newest(versions)) + 1) for versions in (ring.root, ring.lookup))
    return replace(
        ring,
        root={**ring.root, root: os.urandom(32)},
        lookup={**ring.lookup, lookup: os.urandom(32)},
        claims=(*ring.claims, lookup),
        since=stamp(now),
    )


def seal(ring: Keyring, *, now: datetime, settle: timedelta) -> Keyring:
    """Return the ring whose new root seals. Raises NotNow, TooEarly."""
    _ready(ring, Step.ANNOUNCED, now, settle)
    return replace(ring, seals=newest(ring.root), since=stamp(now))


def lead(ring: Keyring, *, now: datetime, settle: timedelta) -> Keyring:
    """Return the ring whose new lookup key decides; every number is claimed under it by now."""
    _ready(ring, Step.SEALING, now, settle)
    return replace(ring, leads=newest(ring.lookup), since=stamp(now))


def stop_claiming(ring: Keyring, *, now: datetime, settle: timedelta) -> Keyring:
    """Return the ring that claims numbers under the new lookup key alone."""
    _ready(ring, Step.LEADING, now, settle)
    return replace(ring, claims=(ring.leads,), since=stamp(now))


def drop(ring: Keyring, *, now: datetime, settle: timedelta) -> Keyring:
    """Return the ring without its old keys; nothing uses them by now."""
    _ready(ring, Step.RETIRING, now, settle)
    return replace(
        ring,
        root={ring.seals: ring.root[ring.seals]},
        lookup={ring.leads: ring.lookup[ring.leads]},
        since=stamp(now),
    )


def settled(ring: Keyring, *, now: datetime, settle: timedelta) -> bool:
    """Tell whether no process can still be writing with the ring of the step before."""
    return not ring.since or now >= from_stamp(ring.since) + settle


def _ready(ring: Keyring, wanted: Step, now: datetime, settle: timedelta) -> None:
    if step_of(ring) is not wanted:
        raise NotNow(step=step_of(ring).value)
    if not settled(ring, now=now, settle=settle):
        raise TooEarly(since=ring.since, wait_s=int(settle.total_seconds()))
