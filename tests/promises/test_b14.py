"""B14: within an hour, whose data somebody saw in a stretch of time. The law gives a working day.

`python -m bench breach` is the drill on a million entries; here are fewer, and their rate.
"""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.edge.tables import csv_file
from chalicelib.kernel.periods import stamp
from chalicelib.rights.actions import breaching
from infra.local.testing import MORNING, TestCloud
from tests.promises.looks import Crowd, entries, write
from tests.rights.conftest import Family

THIEF = "thief-000001"
SINCE = datetime(2026, 2, 1, tzinfo=UTC)


def test_b14_the_children_are_exactly_those_the_records_name(cloud: TestCloud) -> None:
    crowd = Crowd(subjects=40, children=500, since=SINCE, days=28)
    first, last = SINCE + timedelta(days=7), SINCE + timedelta(days=14)
    made = list(entries(crowd, 6000, thief=THIEF, share=5))
    write(iter(made))

    found = breaching.exposed(subject=THIEF, since=first, until=last, now=MORNING)

    mine = [k for k in made if k.subject == THIEF and stamp(first)[:16] <= k.at < stamp(last)]
    assert {child.child_id for child in found.children} == {k.children[0] for k in mine}
    assert found.looks == len({(k.at, k.children, k.fields) for k in mine})
    one = found.children[0]
    assert one.fields == {f for k in mine if k.children == (one.child_id,) for f in k.fields}
    assert found.tell_by == "2026-03-03T19:00:00.000000Z"


def test_b14_a_million_fits_into_an_hour_by_the_measured_rate(cloud: TestCloud) -> None:
    """The worst case: all entries are the thief's, of a city with a hundred thousand children."""
    count, children = 10_000, 400
    crowd = Crowd(subjects=1, children=children, since=SINCE, days=28)
    write(entries(crowd, count, thief=THIEF, share=1))
    month = {"subject": THIEF, "since": SINCE, "until": SINCE + timedelta(days=28)}

    began = time.perf_counter()
    alone = breaching.exposed(**month, now=MORNING, tell=False)
    reading = time.perf_counter() - began
    began = time.perf_counter()
    whole = breaching.exposed(**month, now=MORNING)
    telling = max(0.0, time.perf_counter() - began - reading)

    assert alone.looks == whole.looks > 0.99 * count
    assert len(whole.children) == children
    seconds = reading / count * 1_000_000 + telling / children * 100_000
    assert seconds < 3600


def test_b14_what_an_officer_really_saw_and_whom_to_tell(family: Family) -> None:
    family.verify()
    family.cloud.put(
        "/v1/applications/application-1/statuses/teacher",
        {"result": "proved"},
        token=family.officer,
    )
    subject = next(look.subject for look in _looks_of(family))

    found = breaching.exposed(
        subject=subject, since=MORNING, until=MORNING + timedelta(minutes=1), now=MORNING
    )

    (child,) = found.children
    assert child.child_id == family.child_id
    assert child.fields == {"application", "statuses"}
    assert child.changed == {"applications/status-decided"}
    assert len(child.tell) == 1 and found.persons == child.tell
    later = MORNING + timedelta(minutes=1)
    nothing = breaching.exposed(
        subject=subject, since=later, until=later + timedelta(days=1), now=later
    )
    assert nothing.children == ()


def test_b14_a_sign_in_is_enough_to_go_by(cloud: TestCloud, family: Family) -> None:
    family.verify()
    look = next(iter(_looks_of(family)))
    until = MORNING + timedelta(days=1)

    found = breaching.exposed(session=look.session, since=MORNING, until=until, now=MORNING)
    other = breaching.exposed(session="another", since=MORNING, until=until, now=MORNING)

    assert found.subjects == (look.subject,) and len(found.children) == 1
    assert other.children == ()


@pytest.mark.parametrize("name", ["=1+1", "-2", "@x"])
def test_b14_the_table_opens_safely(name: str) -> None:
    one = breaching.Exposed(name, {"names"}, 1, "2026-03-02T04:00:00Z", "2026-03-02T04:00:00Z")
    rows = list(csv.reader(io.StringIO(csv_file(breaching.HEADINGS, [one.cells()]).decode())))

    assert rows[1][0] == "'" + name


def _looks_of(family: Family) -> list:  # type: ignore[type-arg]
    from chalicelib.access.store import looking

    return [kept.value for kept in looking.each_look(family.child_id)]
