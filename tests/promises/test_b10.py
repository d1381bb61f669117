"""B10: abuse is bounded for each subject, not only for each address."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.access.actions import limiting
from chalicelib.access.rules import limits
from chalicelib.access.rules.limits import Limit, after, limit
from chalicelib.access.store import meters
from chalicelib.kernel.actors import Actor, Role
from chalicelib.kernel.refusals import TooMuch
from infra.local import faults
from infra.local.testing import MORNING, TestCloud, TestTables


def person(name: str = "person-1") -> Actor:
    return Actor(name, frozenset({Role.REPRESENTATIVE}))


def educator(name: str, organisation: str = "organisation-1") -> Actor:
    return Actor(name, frozenset({Role.EDUCATOR}), organisations=frozenset({organisation}))


@pytest.fixture
def strict(tables: TestTables) -> Iterator[None]:
    """The limits as they stand, in a process that remembers nothing."""
    limiting.use(None)
    yield
    limiting.use(None)


def let_in(by: Actor, *, at: datetime = MORNING, changes: bool = True) -> bool:
    try:
        limiting.charge(by, changes=changes, now=at)
    except TooMuch:
        return False
    return True


CHANGES = {name: kind.changes for name, kind in limiting.kinds().items()}
CALLERS = {
    "clerk": replace(person(), via="clerk-1"),
    "operator": Actor("op-1", frozenset({Role.OPERATOR})),
    "provider": Actor("head-1", frozenset({Role.HEAD})),
    "office": Actor("officer-1", frozenset({Role.DEPARTMENT})),
    "portal": Actor("portal-1", frozenset({Role.PORTAL})),
    "person": person(),
}


def test_every_kind_says_why_it_may_ask_for_so_much() -> None:
    assert set(limiting.kinds()) == set(CALLERS)
    for name, caller in CALLERS.items():
        assert limits.kind_of(caller, limiting.kinds()) is limiting.kinds()[name]
        assert len(limiting.kinds()[name].why.split()) > 8


@pytest.mark.parametrize("name", [n for n in CALLERS if n != "operator"])
def test_b10_ten_times_the_burst_gets_no_more_than_the_burst(strict: None, name: str) -> None:
    size, caller = CHANGES[name], CALLERS[name]

    admitted = sum(let_in(caller) for _ in range(10 * size.burst))

    assert admitted == size.burst


def test_b10_over_an_hour_no_more_than_burst_and_rate_times_time(strict: None) -> None:
    size, caller, asked = CHANGES["person"], CALLERS["person"], 0
    admitted = 0
    for second in range(0, 3600, 2):
        for _ in range(3):
            asked += 1
            admitted += let_in(caller, at=MORNING + timedelta(seconds=second))

    most = size.burst + 3600 * 1000 // size.interval_ms
    assert asked > 3 * most
    assert most - 2 <= admitted <= most


def test_b10_many_hands_in_many_processes_get_no_more_than_one(strict: None) -> None:
    size, caller = CHANGES["person"], CALLERS["person"]
    barrier, counted = threading.Barrier(8), Counter[bool]()

    def hand(_: int) -> list[bool]:
        barrier.wait()
        return [let_in(caller) for _ in range(10 * size.burst // 8)]

    with ThreadPoolExecutor(8) as pool:
        for said in pool.map(hand, range(8)):
            counted.update(said)
            # What another process would believe of this caller is nothing.
            limiting._believed.clear()

    assert counted[True] == size.burst


def test_b10_others_do_not_notice(strict: None) -> None:
    for _ in range(10 * CHANGES["person"].burst):
        let_in(person("flood"))

    assert not let_in(person("flood"))
    assert all(let_in(person(f"other-{n}")) for n in range(30))


def test_b10_an_organisation_is_bounded_with_all_its_staff(strict: None) -> None:
    kind = limiting.kinds()["provider"]
    assert kind.together is not None
    staff = [educator(f"educator-{n}") for n in range(10)]

    admitted = Counter(who.subject for who in staff for _ in range(300) if let_in(who))

    assert sum(admitted.values()) == kind.together.burst
    assert max(admitted.values()) == kind.changes.burst, "nobody has it all"
    assert let_in(educator("educator-11", "organisation-2"))


def test_b10_a_clerk_is_charged_whoever_the_client_is(strict: None) -> None:
    size = CHANGES["clerk"]
    clients = [replace(person(f"person-{n}"), via="clerk-1") for n in range(200)]

    assert sum(let_in(client) for client in clients) == size.burst
    assert let_in(person("person-199")), "the client's own bucket is untouched"


def test_b10_who_waits_as_long_as_was_said_is_let_in(strict: None) -> None:
    size, caller = CHANGES["person"], CALLERS["person"]
    for _ in range(size.burst):
        limiting.charge(caller, changes=True, now=MORNING)
    with pytest.raises(TooMuch) as refused:
        limiting.charge(caller, changes=True, now=MORNING)

    wait = refused.value.facts["retry_after_s"]
    assert isinstance(wait, int) and wait >= 1
    assert let_in(caller, at=MORNING + timedelta(seconds=wait))


# --- what it costs


@pytest.mark.parametrize("changes", [True, False])
def test_b10_a_clock_that_was_wrong_locks_nobody_out_and_opens_nothing(
    strict: None, changes: bool
) -> None:
    by, kind = CALLERS["person"], limiting.kinds()["person"]
    later = MORNING + timedelta(days=2)
    while let_in(by, at=later, changes=changes):
        pass
    limiting.use(None)  # another process, whose clock is right

    most = kind.changes.burst if changes else kind.free.burst + kind.reads.burst
    let = [let_in(by, changes=changes) for _ in range(most)]

    assert let[0]
    assert sum(let) <= most
    if changes:
        soon = MORNING + timedelta(milliseconds=kind.changes.interval_ms)
        assert sum(let) == 1 and let_in(by, at=soon)


def test_an_ordinary_reader_costs_no_call(strict: None) -> None:
    with faults.watch() as seen:
        assert all(let_in(person(), changes=False) for _ in range(100))

    assert seen.calls == []


def test_a_greedy_reader_pays_by_tens_and_is_bounded(strict: None) -> None:
    kind = limiting.kinds()["person"]
    most = kind.free.burst + kind.reads.burst
    with faults.watch() as seen:
        admitted = sum(let_in(person(), changes=False) for _ in range(10 * most))

    assert kind.free.burst < admitted <= most
    paid = (admitted - kind.free.burst) // limiting.LEASED
    refused = 10 * most - admitted
    assert len(seen.calls) <= 2 * paid + refused + 1


def test_a_change_costs_one_update(strict: None) -> None:
    asked = []
    for n in range(20):
        with faults.watch() as seen:
            assert let_in(person(), at=MORNING + timedelta(milliseconds=n))
        asked.append(len(seen.calls))

    assert asked == [1] * 20


def test_staff_of_a_provider_cost_one_update_too(strict: None) -> None:
    with faults.watch() as seen:
        assert let_in(educator("educator-1"))

    assert len(seen.calls) == 1


def test_a_bucket_of_an_organisation_forgets_staff_that_left(strict: None) -> None:
    for n in range(60):
        assert let_in(educator(f"educator-{n:03d}"))
    limiting.use(None)

    later = MORNING + timedelta(hours=2)
    for _ in range(3):
        assert let_in(educator("educator-999"), at=later)
        limiting.use(None)

    (row,) = meters.MetersRow.scan()
    assert len(row.serialize()) <= 65


# --- trouble


def test_a_busy_store_blocks_nobody_and_opens_nothing(
    strict: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long a client waits between its tries is not what is asked here.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    size = CHANGES["person"]
    with faults.throttle(1, times=100_000):
        admitted = sum(let_in(person()) for _ in range(3 * size.burst))

    assert admitted == size.burst, "the process's own bucket holds"


def test_the_public_tablets_and_jobs_have_no_bucket_here(strict: None) -> None:
    for role in (Role.PUBLIC, Role.DEVICE, Role.SYSTEM):
        with faults.watch() as seen:
            assert all(let_in(Actor("x", frozenset({role}))) for _ in range(1000))
        assert seen.calls == []


# --- over HTTP


def test_b10_who_asks_too_much_is_told_when_to_go_on(cloud: TestCloud) -> None:
    limiting.use(None)
    burst = CHANGES["person"].burst
    path, body = "/v1/applications/application-1/withdrawal", None

    def ask(who: str) -> Any:
        return cloud.put(path, body, token=cloud.token("representative", who))

    said = [ask("flood") for _ in range(burst + 20)]

    assert Counter(one.status for one in said) == {404: burst, 429: 20}
    last = said[-1]
    assert (last.code, last.json["limit"]) == ("kezek/too-much", "person")
    assert 1 <= int(last.headers["retry-after"]) == last.json["retry_after_s"]
    assert ask("other").status == 404, "others do not notice"


# --- the arithmetic


@given(
    st.integers(1, 60_000),
    st.integers(1, 500),
    st.lists(st.integers(0, 100_000), min_size=1, max_size=300),
)
def test_no_stretch_of_time_lets_in_more_than_burst_and_rate(
    minute: int, burst: int, gaps: list[int]
) -> None:
    size = limit(minute, burst)
    empty_at, now, admitted = None, 0, []
    for gap in gaps:
        now += gap
        then = after(empty_at, size, cost=1, now_ms=now)
        if then is not None:
            empty_at = then
            admitted.append(now)

    for n, begin in enumerate(admitted):
        within = len(admitted) - n
        assert within <= size.burst + (admitted[-1] - begin) // size.interval_ms + 1


@pytest.mark.parametrize(("minute", "burst"), [(0, 1), (60_001, 1), (1, 0), (-1, 5)])
def test_a_limit_that_is_none_is_refused(minute: int, burst: int) -> None:
    with pytest.raises(ValueError, match="a limit is"):
        limit(minute, burst)


def test_a_rehearsal_is_as_much_more_generous_as_it_says() -> None:
    assert limits.scaled(Limit(3000, 60), 1000) == Limit(3, 60_000)
