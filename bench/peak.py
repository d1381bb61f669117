"""The morning's peak and a flush after an hour without a network: `python -m bench peak`.

900 records a second for ten minutes (four times what the country's 788,000 children make of an
hour), and an hour's records in five minutes. Two halves:

    what one upload writes, key by key, is counted on the engine: some seconds of the peak are
    really sent, by so many tablets as it takes, and every mark is looked for afterwards;
    the whole peak is then replayed as a timeline of uploads over the country's kindergartens, each
    write falling into its key and its second, all writes of an upload into the very same second.

A12 is about the fullest key of all: no key takes more than 500 writes in any second, whether tables
or indexes; there are no indexes. SECONDS=10 sends more of it for real (two by default).
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import cost, played
from bench.gates import Gate

MOST = 500
SECONDS = int(os.environ.get("SECONDS", "2"))
# Of the record: entries are sequenced in batches, so its keys are written once in so many.
_RECORD = ("LOG", "TILE", "CHECKPOINTS", "NODE", "KEYS")


@dataclass(frozen=True)
class Upload:
    """What a tablet sends: when, from which site and tablet, how many records of children."""

    second: int
    site: int
    tablet: int
    records: int


@dataclass(frozen=True)
class Pattern:
    """Writes of one upload by kind of key, counted: some are per upload, some per record.

    shared: writes to keys that all uploads share, per upload.
    """

    per_upload: Mapping[str, float]
    per_record: Mapping[str, float]
    shared: Mapping[str, float]
    write_units_of_a_record: float


def run() -> list[Gate]:
    """Return the fullest key of the peak and of the flush, and what a record costs."""
    prices, country = cost.tables()
    sizes = cost.places(country)[1].sizes
    told = country["attendance"]
    pattern, sent = counted(told["peak_records_s"] * SECONDS)
    alone, _ = counted(played.GROUP * 4, single=True)
    gates = [
        Gate(
            "peak, records really sent and found again",
            f"{sent:,} in uploads of {played.GROUP}",
            "all",
            sent >= told["peak_records_s"] * SECONDS,
        )
    ]
    records_s, seconds = told["peak_records_s"], told["peak_s"]
    for name, timeline, by in (
        ("peak in groups", list(peak(sizes, records_s, seconds)), pattern),
        ("peak, one by one", list(peak(sizes, records_s, seconds, of=1)), alone),
        ("an hour's flush", list(flush(sizes, told["flush_s"])), pattern),
        ("a flush in one second", list(flush(sizes, 1)), pattern),
    ):
        most, key, writes, span = fullest(timeline, by)
        records = sum(upload.records for upload in timeline)
        gates.append(
            Gate(
                f"A12 {name}: fullest key",
                f"{most:.0f} writes/s ({key}); {records:,} records, {writes / span:,.0f} writes/s",
                f"{MOST}",
                # Everybody in one second is what no network does; it is shown, not held.
                most <= MOST or timeline[-1].second == 0,
            )
        )
    price = prices["dynamodb"]["write_units_million"]
    for name, by in (("in groups", pattern), ("alone", alone)):
        units = by.write_units_of_a_record
        _say(f"a record {name}: {units:.2f} write units, {units * price / 1e4:.7f} cents of writes")
    return gates


def counted(records: int, *, single: bool = False) -> tuple[Pattern, int]:
    """Send so many records for real; return what an upload writes, and how many marks are there."""
    from chalicelib.attendance import store

    per_site = 4 * played.GROUP
    sites = max(2, -(-records // per_site))
    with played.a_cloud() as cloud:
        month = played.Played(cloud, [per_site if not single else played.GROUP] * sites)
        cloud.drain()
        month.meter.heat = True
        month.days = month.days[:1]
        uploads = 0
        with month.meter.on():
            month.meter.step = "peak"
            day = month.days[0]
            month._at(day, "08:45")
            for provider in month.providers:
                for group_id, kids in provider.groups.items():
                    for part in [[kid] for kid in kids] if single else [kids]:
                        month._upload(provider.tablets[group_id], part, "in", day, 8)
                        uploads += 1
            cloud.drain()
        found = sum(
            len(store.find_sheet(provider.site_id, month.month, kid.child_id).marks)
            for provider in month.providers
            for kid in provider.kids
        )
        units = month.meter.of(step="peak").written / month.children
        return pattern_of(month.meter.wrote, uploads, month.children, units), found


def pattern_of(
    wrote: Mapping[tuple[str, str], int], uploads: int, records: int, units: float
) -> Pattern:
    """Return writes by kind of key, from counts by (table, key)."""
    kinds: Counter[str] = Counter()
    for (_, key), times in wrote.items():
        kinds[kind_of(key)] += times
    shared = {k: n / uploads for k, n in kinds.items() if k in _RECORD}
    per_record = {k: n / records for k, n in kinds.items() if k == "SHEET"}
    per_upload = {
        k: n / uploads for k, n in kinds.items() if k not in shared and k not in per_record
    }
    return Pattern(per_upload, per_record, shared, units)


def kind_of(key: str) -> str:
    """Return what a key is of: "SHEET" of "SHEET#site#month"."""
    return key.split("#", 1)[0]


def peak(
    sizes: Sequence[int], records_s: int, seconds: int, *, of: int = played.GROUP
) -> Iterator[Upload]:
    """Yield uploads of the peak: so many records each second, from tablets anywhere."""
    chance = random.Random(8)
    tablets = _tablets(sizes)
    for second in range(seconds):
        left = records_s
        while left > 0:
            site, tablet, group = chance.choice(tablets)
            records = min(left, of, group)
            yield Upload(second, site, tablet, records)
            left -= records


def flush(sizes: Sequence[int], seconds: int) -> Iterator[Upload]:
    """Yield uploads of a flush: each tablet sends its hour at once, somewhen in so many seconds.

    A kindergarten's tablets hang on one line: when it is back, all of them send in one second.
    """
    chance = random.Random(9)
    back = [chance.randrange(seconds) for _ in sizes]
    uploads = [Upload(back[site], site, tablet, group) for site, tablet, group in _tablets(sizes)]
    yield from sorted(uploads, key=lambda upload: upload.second)


def _tablets(sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    return [
        (site, first // played.GROUP, min(played.GROUP, size - first))
        for site, size in enumerate(sizes)
        for first in range(0, size, played.GROUP)
    ]


def fullest(timeline: Iterable[Upload], pattern: Pattern) -> tuple[float, str, float, int]:
    """Return the most writes one key takes in a second, whose it is, all writes, and seconds."""
    most, whose, writes, second, last = 0.0, "-", 0.0, -1, 0
    heat: defaultdict[str, float] = defaultdict(float)

    def looked() -> None:
        nonlocal most, whose
        for key, times in heat.items():
            if times > most:
                most, whose = times, kind_of(key)
        heat.clear()

    for upload in timeline:
        if upload.second != second:
            looked()
            second = upload.second
        for kind, times in pattern.per_record.items():
            heat[f"{kind}#{upload.site}"] += times * upload.records
            writes += times * upload.records
        for kind, times in pattern.per_upload.items():
            heat[f"{kind}#{upload.site}#{upload.tablet}"] += times
            writes += times
        for kind, times in pattern.shared.items():
            heat[kind] += times
            writes += times
        last = upload.second
    looked()
    return most, whose, writes, last + 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
