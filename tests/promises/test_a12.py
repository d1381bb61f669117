"""A12: at four times the design peak no key passes 500 writes a second.

What an upload writes is counted on the engine, key by key; the peak and a flush after an hour
without a network are then replayed over the country's kindergartens, all writes of an upload in one
second. A hot key would show in three ways: as one that uploads of different sites share, as one
that an upload writes more often than it brings children, or as the fullest of the replay.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from bench import cost, peak, played, providers
from chalicelib.attendance import store
from chalicelib.attendance.rules import MARKS_MAX
from chalicelib.budgets.rules.sharding import MOST_SHARDS
from chalicelib.kernel.periods import Month
from chalicelib.storage import keys
from chalicelib.storage import tables as schema
from infra.local import faults
from infra.local.testing import TestCloud

MOST = peak.MOST
# Keys that all uploads share: the public record's, which takes entries in batches.
SHARED = {"LOG", "TILE", "CHECKPOINTS"}
_PEAK = cost.tables()[1]["attendance"]


@pytest.fixture
def played_month(cloud: TestCloud) -> played.Played:
    """Two kindergartens of fifty, a tablet to each group, on the first day of a month."""
    month = played.Played(cloud, [50, 50], families=False)
    month.days = month.days[:1]
    month.meter.heat = True
    return month


def test_a12_no_two_sites_write_one_key_but_the_record_in_batches(
    played_month: played.Played,
) -> None:
    month = played_month

    month.play(["uploads"])

    records, uploads = 2 * month.children, 8
    own: Counter[str] = Counter()
    shared: Counter[str] = Counter()
    names = {p.site_id: p.site_id for p in month.providers}
    names |= {t.device_id: t.device_id for p in month.providers for t in p.tablets.values()}
    for (_, key), times in month.meter.wrote.items():
        whose = [name for name in names if name in key]
        assert len(whose) <= 1, key
        (own if whose else shared)[peak.kind_of(key)] += times
    assert set(shared) <= SHARED
    # A mark is one write, an upload's evidence one, its tablet's row two at most, one leaf.
    assert own.pop("SHEET") == records
    assert own.pop("DEVICE") <= 2 * uploads
    assert own.pop("EVIDENCE") == uploads
    assert own.pop("LEAF") == uploads
    assert not own


def test_a12_an_upload_writes_a_child_once_however_many_records_it_brings(
    played_month: played.Played,
) -> None:
    """A site's fullest second is bounded by its children, not by the length of the silence."""
    month = played_month
    provider = month.providers[0]
    group_id, kids = next(iter(provider.groups.items()))
    tablet, day = provider.tablets[group_id], month.days[0]
    month._at(day, "12:45")
    records = [
        tablet.sign(f"{day}T{hour:02d}:{n:02d}:07+05:00", kind, enrolment=kid.enrolment_id)
        for hour, kind in ((8, "in"), (9, "out"), (10, "in"), (12, "out"))
        for n, kid in enumerate(kids)
    ]

    with faults.watch() as seen:
        said = month.cloud.post(
            "/v1/attendance/records", {"records": records}, token=tablet.token(month._now())
        )

    assert {one["outcome"] for one in said.json["outcomes"]} == {"accepted"}
    heat = Counter(key for call in seen.calls for key in call.keys)
    assert max(heat.values()) == len(kids)
    assert len(records) == 4 * len(kids)


def test_a12_the_peak_and_a_flush_of_the_country_leave_every_key_below_the_limit(
    played_month: played.Played,
) -> None:
    month = played_month
    month.play(["uploads"])
    units = month.meter.of(step="uploads").written / (2 * month.children)
    groups = peak.pattern_of(month.meter.wrote, 8, 2 * month.children, units)
    month.meter.wrote.clear()
    month.days = month.pack.calendar.working_days_in(month.month)[1:2]
    month.play(["single uploads"])
    units = month.meter.of(step="single uploads").written / (2 * month.children)
    alone = peak.pattern_of(month.meter.wrote, 2 * month.children, 2 * month.children, units)
    sizes = cost.places(cost.tables()[1])[1].sizes
    # A minute of the ten: each second is like the others.
    minute = list(peak.peak(sizes, _PEAK["peak_records_s"], 60))
    singly = list(peak.peak(sizes, _PEAK["peak_records_s"], 60, of=1))
    flushed = list(peak.flush(sizes, _PEAK["flush_s"]))

    assert sum(u.records for u in minute) == sum(u.records for u in singly) == 60 * 900
    assert sum(u.records for u in flushed) == sum(sizes) == 788_000
    for timeline, pattern in ((minute, groups), (singly, alone), (flushed, groups)):
        most, whose, _, _ = peak.fullest(timeline, pattern)
        assert most <= MOST, whose
    # What a record costs: a write for its mark, and its part of what an upload writes.
    assert groups.write_units_of_a_record < 2
    assert alone.write_units_of_a_record < 8


def test_a12_the_replay_finds_a_key_that_all_uploads_would_share() -> None:
    counter = peak.Pattern({"DEVICE": 1}, {"SHEET": 1}, {"COUNT": 1}, 1.0)
    singly = list(peak.peak([400] * 10, 900, 2, of=1))

    most, whose, writes, seconds = peak.fullest(singly, counter)

    assert (most, whose) == (900, "COUNT")
    assert (writes, seconds) == (3 * 1800, 2)


def test_a12_no_table_has_an_index_that_could_be_hotter_than_its_table() -> None:
    for table in schema.definitions("any"):
        assert "GlobalSecondaryIndexes" not in table
        assert "LocalSecondaryIndexes" not in table


def test_a12_a_child_month_has_room_for_the_fullest_hour() -> None:
    assert MARKS_MAX >= 8 * 31


@contextmanager
def _sometimes_throttled(seed: int, one_in: int) -> Iterator[None]:
    """Refuse a call for load now and then, and all the tries of some."""
    chance, lock = random.Random(seed), threading.Lock()
    left = 0

    def plan(call: faults.Call, send: faults.Send) -> Any:
        nonlocal left
        del send
        if call.service != "dynamodb":
            return None
        with lock:
            if left == 0 and chance.randrange(one_in) == 0:
                left = chance.choice((1, 2, 30))
            if left == 0:
                return None
            left -= 1
        return faults.refusal("ProvisionedThroughputExceededException", "too much")

    with faults.planned(plan):
        yield


def test_a12_a_flush_loses_nothing_though_the_store_is_short_of_breath(
    played_month: played.Played,
) -> None:
    """All tablets at once, refused for load here and there; each sends until it is acknowledged."""
    month = played_month
    day = month.days[0]
    month._at(day, "09:00")
    flushes = [
        (
            tablet,
            [
                tablet.sign(f"{day}T08:{n:02d}:07+05:00", enrolment=k.enrolment_id)
                for n, k in enumerate(kids)
            ],
        )
        for provider in month.providers
        for group_id, kids in provider.groups.items()
        for tablet in [provider.tablets[group_id]]
    ]
    told: dict[str, list[int]] = {}

    def flush(tablet: Any, records: Sequence[dict[str, Any]]) -> None:
        statuses = told.setdefault(tablet.device_id, [])
        for _ in range(60):
            said = month.cloud.post(
                "/v1/attendance/records",
                {"records": list(records)},
                token=tablet.token(month._now()),
            )
            statuses.append(said.status)
            if said.status == 200:
                return

    with _sometimes_throttled(seed=12, one_in=25):
        threads = [threading.Thread(target=flush, args=one) for one in flushes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert {statuses[-1] for statuses in told.values()} == {200}
    assert any(status != 200 for statuses in told.values() for status in statuses)
    assert {s for statuses in told.values() for s in statuses} <= {200, 429, 503}
    for provider in month.providers:
        sheets = store.list_sheets(provider.site_id, Month.of(day))
        assert {k.child_id for k in provider.kids} == set(sheets)
        assert all(len(sheet.digits) == 1 for sheet in sheets.values())


def test_a12_a_billing_night_leaves_every_key_that_providers_share_below_the_limit(
    cloud: TestCloud,
) -> None:
    """At the rate at which the work queue bills one region after another, all of it in one area."""
    month = providers.city_of(cloud, [2] * 8)
    meter = played.Meter()
    meter.heat = True

    with meter.on():
        cloud.advance(providers.CHECK_DAY.replace(day=11), only=["run_billing", "run_claims"])

    own = {
        name
        for provider in month
        for name in (
            provider.site_id,
            provider.organisation_id,
            *(kid.child_id for kid in provider.kids),
        )
    }
    shared: Counter[str] = Counter()
    for (_, key), times in meter.wrote.items():
        if not any(name in key for name in own):
            shared[key] += times
    rate = cost.tables()[1]["billing"]["provider_months_s"]
    budget = f"ACCOUNT#budget:{played.PROGRAMME}:{played.AREA}:{providers.MONTH.year}"
    rows = {key for key in shared if key.startswith(budget)}
    # Two writes a statement, its row picked by the statement's name: many names, many rows.
    assert sum(shared.pop(key) for key in rows) == 2 * len(month)
    assert len(rows) > 1
    names = [f"statement#{played.an_id('site', n)}#{providers.MONTH}#0001" for n in range(1_000)]
    spread = Counter(keys.shard(name, shards=MOST_SHARDS) for name in names)
    assert max(spread.values()) / len(names) * 2 * rate <= MOST
    hot = {key: times / len(month) * rate for key, times in shared.items()}
    assert {key: heat for key, heat in hot.items() if heat > MOST} == {}
    # The claims of an area's month stand in one place, one write for each: the fullest there is.
    assert shared[f"CLAIMS#{played.PROGRAMME}#{played.AREA}#{providers.MONTH}"] == len(month)
