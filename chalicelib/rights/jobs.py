"""Rights unattended: erasures whose term is over, the list of them kept apart, what has ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.adapters import files, work
from chalicelib.edge import log
from chalicelib.kernel.actors import system
from chalicelib.kernel.periods import from_stamp, local_day
from chalicelib.rights.actions import erasing, retaining

RIGHTS = system("rights")


def finish_erasure(facts: Mapping[str, Any], now: datetime) -> None:
    """Forget texts about an erased child and representatives who have no child left.

    Work topic "rights/finish-erasure". First the erasure is noted apart from all tables: the file
    is what a restore of the tables cannot undo.
    """
    entry = {name: facts[name] for name in ("child_id", "persons", "at")}
    name = f"erasures/{entry['at'][:10]}-{entry['child_id']}.json"
    files.save(name, json.dumps(entry, sort_keys=True).encode())
    erasing.forget_texts(str(facts["child_id"]))
    for person_id in facts["persons"]:
        erasing.forget_person(str(person_id), by=RIGHTS, now=now)


def run_retention(event: Any) -> int:
    """Ask for the day's parts of the weekly reading to be done; return how many."""
    now = from_stamp(event.time)
    return work.send([_message(part) for part in retaining.parts_of(local_day(now))])


def retain(facts: Mapping[str, Any], now: datetime) -> None:
    """End what is over in one part, and hand the rest of it on. Work topic "rights/retain"."""
    after = facts.get("after")
    part = retaining.Part(int(facts["segment"]), (after[0], after[1]) if after else None)
    ended, left = retaining.retain(part, by=RIGHTS, now=now)
    log.logger.info("retention", extra={"segment": part.segment, "ended": ended})
    if left is not None:
        work.send([_message(left)])


def _message(part: retaining.Part) -> work.Message:
    return work.Message(
        retaining.TOPIC,
        {"segment": part.segment, "after": list(part.after) if part.after else None},
    )


# For the switchboard: deadlines of a slice above the queue, by topic.
DEADLINES = {erasing.TOPIC: erasing.fall_due}
