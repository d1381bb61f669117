"""The vault's jobs: wrap data keys anew, claim numbers anew, collect what nothing refers to.

daily            run_vault    starts the parts of an open rotation, collects orphans
a message a part turn         goes on with a part for a minute, then asks for the next message
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.adapters import work
from chalicelib.edge import clock, log
from chalicelib.storage import vault
from chalicelib.storage.secrets import keyring
from chalicelib.storage.vault import ring, rotation
from chalicelib.storage.vault.ring import Step

TOPIC = "rotation/turn"
LONGEST_S = 60.0
# The longest that a function runs, and some more: until then an old ring may still be in use.
SETTLE = timedelta(minutes=16)
COLLECTED_AT_ONCE, COLLECTED_MOST = 500, 20_000


class Scheduled(Protocol):
    """The part of Chalice's event that a job uses."""

    time: str


def run_vault(event: Scheduled) -> int:
    """Start what is left of the ring's pass, collect orphans; return how many messages it sent."""
    counts: dict[str, int] = {}
    for _ in range(COLLECTED_MOST // COLLECTED_AT_ONCE):
        found = vault.collect(most=COLLECTED_AT_ONCE)
        counts = {name: counts.get(name, 0) + number for name, number in found.items()}
        if not any(found.values()):
            break
    if any(counts.values()):
        log.logger.info("vault collected", extra=counts)
    now = clock.now()
    if not ring.settled(keyring(), now=now, settle=SETTLE):
        return 0
    return start()


def start() -> int:
    """Ask for every part of the ring's pass that is not over; return how many."""
    if ring.step_of(keyring()) in (Step.QUIET, Step.ANNOUNCED):
        return 0
    over = {part.part for part in rotation.progress() if part.done}
    waiting = [part for part in range(rotation.PARTS) if part not in over]
    return work.send(work.Message(TOPIC, {"part": part}) for part in waiting)


def turn(facts: Mapping[str, Any], now: datetime) -> None:
    """Go on with one part of the ring's pass; what is left is another message's."""
    if ring.step_of(keyring()) in (Step.QUIET, Step.ANNOUNCED):
        return
    end = time.monotonic() + LONGEST_S
    done = rotation.turn(int(facts["part"]), now=now, enough=lambda: time.monotonic() >= end)
    log.logger.info(
        "keys turned",
        extra={
            "part": done.part,
            "over": done.done,
            "seen": done.seen,
            "wrapped": done.wrapped,
            "claimed": done.claimed,
            "freed": done.freed,
        },
    )
    if not done.done:
        work.send([work.Message(TOPIC, {"part": done.part})])
