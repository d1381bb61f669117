"""Rights unattended: erasures whose term is over, and the list of them kept apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.adapters import files
from chalicelib.kernel.actors import system
from chalicelib.rights.actions import erasing

RIGHTS = system("rights")


def finish_erasure(facts: Mapping[str, Any], now: datetime) -> None:
    """Forget the representatives who have no child left; note the erasure apart from all tables.

    Work topic "rights/finish-erasure". The file is what a restore of the tables cannot undo.
    """
    entry = {name: facts[name] for name in ("child_id", "persons", "at")}
    name = f"erasures/{entry['at'][:10]}-{entry['child_id']}.json"
    files.save(name, json.dumps(entry, sort_keys=True).encode())
    for person_id in facts["persons"]:
        erasing.forget_person(str(person_id), by=RIGHTS, now=now)


# For the switchboard: deadlines of a slice above the queue, by topic.
DEADLINES = {erasing.TOPIC: erasing.fall_due}
