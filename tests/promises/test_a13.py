"""A13: no transaction above 100 items or 4 MB, no item above 400 KB, no answer above 6 MB.

The engine refuses none of these as AWS does, so every write of a year is measured on the wire.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from infra.local import faults
from infra.local.testing import Said
from tests.promises.script import City

_ITEMS, _TRANSACTION, _ITEM, _ANSWER = 100, 4_000_000, 400_000, 6_000_000


class Scales:
    """Weighs what passes."""

    def __init__(self) -> None:
        self.heaviest = {"items": 0, "transaction": 0, "item": 0}

    def __call__(self, call: faults.Call, send: faults.Send) -> Any:
        del send
        asked = call.asked
        if call.operation == "TransactWriteItems":
            writes = [next(iter(w.values())) for w in asked["TransactItems"]]
            self._note("items", len(writes))
            self._note("transaction", len(call.body))
        else:
            writes = [asked] if call.operation == "PutItem" else []
        for write in writes:
            if "Item" in write:
                self._note("item", len(json.dumps(write["Item"], ensure_ascii=False).encode()))

    def _note(self, what: str, amount: int) -> None:
        self.heaviest[what] = max(self.heaviest[what], amount)


def test_a13_a_year_with_the_largest_upload_stays_within_the_limits(city: City) -> None:
    scales = Scales()
    with faults.planned(scales):
        for part in city.parts:
            part(city)
            if part.__name__ == "september":
                said = _largest_upload(city)

    assert said.status == 200, said.text[:300]
    assert len(said.json["outcomes"]) == 500
    assert len(said.content) < _ANSWER
    heaviest = scales.heaviest
    assert 0 < heaviest["items"] <= _ITEMS
    assert 0 < heaviest["transaction"] < _TRANSACTION
    assert 0 < heaviest["item"] < _ITEM


def _largest_upload(city: City) -> Said:
    """500 marks of one child in an afternoon, whatever becomes of each."""
    tablet, enrolment = city.tablets[0], city.enrolments[3]
    came = city.cloud.clock() + timedelta(seconds=1)
    records = []
    for n in range(250):
        at = came + timedelta(seconds=40 * n)
        records.append(tablet.record(enrolment, "in", at))
        records.append(tablet.record(enrolment, "out", at + timedelta(seconds=20)))
    city.cloud.set_clock(came + timedelta(hours=3))
    return tablet.upload(records)
