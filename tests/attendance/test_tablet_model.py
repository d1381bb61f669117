"""Promise A5 on a bad line: what was acknowledged is stored, the rest is still on the tablet."""

from __future__ import annotations

import random

import pytest

from chalicelib.attendance import rules, store
from chalicelib.attendance.actions import Receipt
from chalicelib.kernel.refusals import Unavailable
from infra.local import faults
from infra.local.testing import TestTables
from tests.attendance.builders import MARCH, SITE, at, child, enrolment, open_site, pair, send
from tests.attendance.tablets import Tablet

NOW = at("2026-03-02 18:30")
pytestmark = pytest.mark.usefixtures("one_salt")


class Line:
    """A tablet on a line that loses, doubles and delays uploads and answers."""

    def __init__(self, tablet: Tablet, chance: random.Random) -> None:
        self.tablet, self.chance = tablet, chance
        self.waiting: list[dict] = []
        self.delayed: list[list[dict]] = []
        self.acknowledged: set[int] = set()

    def mark(self) -> None:
        minute = 7 * 60 + len(self.tablet.records)
        self.waiting.append(
            self.tablet.sign(
                f"2026-03-02T{minute // 60:02d}:{minute % 60:02d}:00+05:00",
                kind=self.chance.choice(["in", "out"]),
                enrolment=enrolment(self.chance.choice([1, 2, 3])),
            )
        )

    def upload(self) -> None:
        if not self.waiting:
            return
        size = self.chance.randint(1, len(self.waiting))
        batch = self.waiting[:size]
        fate = self.chance.random()
        if fate < 0.2:
            return  # the upload is lost
        if fate < 0.35:
            self.delayed.append(batch)  # it will arrive after others
            return
        receipt = self._deliver(batch)
        if receipt is not None and self.chance.random() < 0.7:
            self._acknowledge(receipt)  # else the answer is lost

    def late(self) -> None:
        if self.delayed and self.chance.random() < 0.5:
            self._deliver(self.delayed.pop(self.chance.randrange(len(self.delayed))))

    def quiet(self) -> None:
        """The line is good again: everything that waits is sent until nothing does."""
        while self.waiting:
            self._acknowledge(send(self.tablet, self.waiting[:500], now=NOW))

    def _deliver(self, batch: list[dict]) -> Receipt | None:
        call = self.chance.randint(1, 8)
        plan = self.chance.choice([None, None, "before", "after", "lost"])
        try:
            if plan is None:
                return send(self.tablet, batch, now=NOW)
            if plan == "lost":
                with faults.lost_answer(call):
                    return send(self.tablet, batch, now=NOW)
            with faults.crash(**{plan: call}):
                return send(self.tablet, batch, now=NOW)
        except (faults.Crash, Unavailable):
            return None

    def _acknowledge(self, receipt: Receipt) -> None:
        known = {outcome.counter for outcome in receipt.outcomes}
        assert all(o.outcome in ("accepted", "had") for o in receipt.outcomes)
        self.acknowledged |= {counter for counter in known if counter is not None}
        self.waiting = [r for r in self.waiting if r["counter"] not in known]


def stored_counters() -> set[int]:
    found: set[int] = set()
    for n in (1, 2, 3):
        sheet = store.find_sheet(SITE, MARCH, child(n))
        found |= {rules.read_mark(mark).counter for mark in sheet.marks}
    return found


@pytest.mark.parametrize("seed", range(8))
def test_a5_acknowledged_is_stored_is_sent_and_equal_when_quiet(
    tables: TestTables, seed: int
) -> None:
    open_site(children_count=3)
    tablet = Tablet()
    pair(tablet)
    line = Line(tablet, random.Random(seed))

    for _ in range(30):
        line.mark()
        line.upload()
        line.late()
        sent = set(range(1, tablet.counter + 1))
        stored = stored_counters()
        assert line.acknowledged <= stored <= sent
    line.quiet()
    for batch in line.delayed:
        send(tablet, batch, now=NOW)

    assert line.acknowledged == stored_counters() == set(range(1, tablet.counter + 1))
    in_evidence = [
        rules.read_record(store.line_values(raw))
        for kept in store.each_evidence(tablet.device_id)
        for raw in kept.lines
    ]
    assert {r.counter for r in in_evidence} == line.acknowledged
    assert not [f for f in store.list_flags(tablet.device_id) if f.kind != "gap"]


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("call", range(1, 7))
def test_a1_an_upload_killed_at_any_call_and_sent_again_is_as_if_sent_once(
    tables: TestTables, where: str, call: int
) -> None:
    def run(fault: bool) -> tuple[Receipt, list]:
        tables.wipe()
        open_site(children_count=3)
        tablet = Tablet()
        pair(tablet)
        for n in (1, 2, 3):
            tablet.sign(f"2026-03-02T08:0{n}:00+05:00", enrolment=enrolment(n))
        if fault:
            with pytest.raises(faults.Crash), faults.crash(**{where: call}):
                send(tablet, tablet.records, now=NOW)
            for _ in range(2):
                send(tablet, tablet.records, now=NOW)
        receipt = send(tablet, tablet.records, now=NOW)
        rows = tables.dump()["kezek-test-attendance"]
        # Sending again takes units from the bucket: that is what the bucket is for.
        return receipt, [{k: v for k, v in row.items() if k != "bucket_at"} for row in rows]

    assert run(fault=True) == run(fault=False)


def test_marks_left_out_by_a_crash_are_folded_from_the_evidence(tables: TestTables) -> None:
    from chalicelib.attendance import actions

    open_site(children_count=3)
    tablet = Tablet()
    pair(tablet)
    for n in (1, 2, 3):
        tablet.sign(f"2026-03-02T08:0{n}:00+05:00", enrolment=enrolment(n))
    with pytest.raises(faults.Crash), faults.crash(after=5):
        send(tablet, tablet.records, now=NOW)
    assert len(stored_counters()) < 3

    rebuilt = actions.rebuild_marks(SITE)

    assert stored_counters() == {1, 2, 3}
    assert (rebuilt.uploads, rebuilt.marks, rebuilt.gaps, rebuilt.forks) == (1, 3, 0, 0)
    before = tables.dump()
    actions.rebuild_marks(SITE)
    assert tables.dump() == before


def test_a16_marks_and_states_are_rebuilt_to_the_byte_after_their_rows_are_lost(
    tables: TestTables,
) -> None:
    from chalicelib.attendance import actions

    open_site(children_count=3)
    tablet = Tablet()
    pair(tablet)
    for n in (1, 2, 3):
        tablet.sign(f"2026-03-02T08:0{n}:00+05:00", enrolment=enrolment(n))
        send(tablet, tablet.records[-1:], now=NOW)
    before = tables.dump()["kezek-test-attendance"]
    lost = [r for r in before if r["pk"]["S"].startswith(("SHEET#", "DEVICE#"))]
    for row in lost:
        tables.client.delete_item(
            TableName="kezek-test-attendance", Key={"pk": row["pk"], "sk": row["sk"]}
        )

    actions.rebuild_marks(SITE)

    def shape(rows: list) -> list:
        # When the tablet last spoke, and its bucket, are no facts of attendance.
        return [{k: v for k, v in r.items() if k not in ("bucket_at", "last_at")} for r in rows]

    assert shape(tables.dump()["kezek-test-attendance"]) == shape(before)
    receipt = send(tablet, [tablet.sign("2026-03-02T08:09:00+05:00")], now=NOW)
    assert receipt.outcomes[0].flags == ()
