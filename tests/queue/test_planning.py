"""What a run reads besides the queue: holders to be moved, who waits outside it, siblings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from chalicelib.applications import store as applications
from chalicelib.policy import actions as policy
from chalicelib.policy.rules import Pack
from chalicelib.providers import store as providers
from chalicelib.providers.rules import take_seat
from chalicelib.queue import actions, rules, store
from chalicelib.queue.actions import planning
from chalicelib.queue.rules import Place, Seeker
from chalicelib.storage.commit import Write, commit
from chalicelib.vouchers import store as vouchers
from chalicelib.vouchers.rules import Enrolment, Voucher, Waiting
from chalicelib.vouchers.rules.values import Waiter
from infra.local.testing import TestCloud
from tests.queue.city import (
    AREA,
    EVENING,
    JOB,
    PROGRAMME,
    YEAR,
    a_group,
    an_application,
    settle_in,
)

SOON = "2025-09-12T19:00:00.000000Z"


def a_holder(
    name: str, own: str, *wishes: str, standing: bool = True, applied: bool = True, **said: object
) -> Voucher:
    """Put a holder with a seat and wishes into the tables, as the voucher's own actions do."""
    application = an_application(name)
    told = {
        "voucher_id": f"voucher-{name}",
        "application_id": application.application_id if applied else "",
        "child_id": application.child_id,
        "person_id": application.person_id,
        "programme": PROGRAMME,
        "area": AREA,
        "age": 4,
        "academic_year": YEAR,
        "language": "kk",
        "kind": "general",
        "order": f"20250801T000000Z-{name:0>7}",
        "state": "confirmed",
        "issued_at": "2025-08-01T00:00:00.000000Z",
        "confirm_by": SOON,
        "contract_by": SOON,
        "run_id": "run-before",
        "pack": "pack",
        "group_id": f"group-{own}",
        "seat": "reserved",
        "waiting": tuple(Waiting(f"group-{wish}", standing=standing) for wish in wishes),
    }
    voucher = Voucher(**{**told, **said})  # type: ignore[arg-type]
    group = providers.load_group(f"group-{own}")
    seated = take_seat(group.value, voucher.voucher_id, "reserved", date(2025, 9, 1))
    writes: list[Write] = [vouchers.create_voucher(voucher), providers.keep_group(group, seated)]
    if applied:
        gone = replace(application, state="fulfilled", voucher_id=voucher.voucher_id)
        writes.append(applications.create_application(gone))
    if standing:
        writes.append(vouchers.put_standing(voucher, version=1))
    for wish in wishes:
        waiter = Waiter(f"group-{wish}", voucher.voucher_id, voucher.order, standing=standing)
        writes.append(vouchers.put_waiting(waiter, version=1))
    commit(writes)
    return voucher


def supplied() -> tuple[list[Seeker], dict[str, Place]]:
    reading = planning.read(PROGRAMME, AREA, now=EVENING)
    seekers, places = planning.supply(reading, PROGRAMME, AREA, now=EVENING)
    return [s for s in seekers if s.own], {p.group_id.removeprefix("group-"): p for p in places}


def proposed() -> rules.Run:
    return actions.propose("run-1", programme=PROGRAMME, area=AREA, by=JOB, now=EVENING)


def test_holders_with_a_standing_wish_stand_in_the_run_with_their_place_at_issue(
    evening: TestCloud,
) -> None:
    settle_in([a_group("a", 0), a_group("b", 1), a_group("c", 1)], [an_application("0001")])
    a_holder("0007", "b", "c", "a", "b")

    (mover,), places = supplied()

    assert mover == Seeker(
        application_id="application-0007",
        ticket="ticket-0007",
        tier="general",
        cohort=2021,
        age=4,
        ordered_at="2025-09-01T05:00:00.000007Z",
        language="kk",
        kind="general",
        preferences=("group-c", "group-a"),
        own="group-b",
        voucher_id="voucher-0007",
        since="20250801T000000Z-0000007",
    )
    assert places["b"].free == 0


def test_a_run_is_decided_again_with_its_movers_and_counts_them_apart(evening: TestCloud) -> None:
    settle_in([a_group("a", 1), a_group("b", 1)], [an_application("0001")])
    a_holder("0007", "b", "a")

    run = proposed()

    assert (run.vouchers, run.moves, run.planned) == (1, 1, 2)
    assert sum(run.waiting_before.values()) == 1
    again = actions.decide_again(run)
    assert store.digest(again.outcomes) == run.outcome
    assert [(o.reason, o.group_id) for o in again.outcomes] == [
        ("moved", "group-a"),
        ("other-group", "group-b"),
    ]
    assert again.outcomes == tuple(store.each_outcome(run))


@pytest.mark.parametrize(
    "said",
    [
        {"state": "issued"},
        {"state": "lapsed"},
        {"contract_by": "2025-09-02T12:00:00.000000Z"},
    ],
)
def test_who_could_not_move_by_hand_today_is_not_in_the_run(
    evening: TestCloud, said: dict[str, object]
) -> None:
    settle_in([a_group("a", 1), a_group("b", 1)], [])
    a_holder("0007", "b", "a", **said)  # type: ignore[arg-type]

    assert supplied()[0] == []


def test_places_that_holders_outside_the_run_wait_for_are_left_to_them(evening: TestCloud) -> None:
    settle_in([a_group("a", 3), a_group("b", 4), a_group("c", 9)], [])
    a_holder("0001", "c", "a", standing=False)
    a_holder("0002", "c", "a")
    # One seat of b is free, two wait for it outside the run, and one of b's own asks to leave.
    a_holder("0003", "b", "a")
    for name in ("0004", "0005"):
        a_holder(name, "b")
    for name in ("0006", "0007"):
        a_holder(name, "c", "b", standing=False)

    _, places = supplied()

    assert (places["a"].free, places["a"].awaited) == (2, 0)
    assert (places["b"].free, places["b"].awaited) == (0, 1)
    assert (places["c"].free, places["c"].awaited) == (5, 0)


def test_a_voucher_without_a_ticket_moves_between_runs_and_its_place_is_left_to_it(
    evening: TestCloud,
) -> None:
    settle_in([a_group("a", 1), a_group("b", 1)], [])
    a_holder("0007", "b", "a", applied=False)

    movers, places = supplied()

    assert movers == []
    assert places["a"].free == 0


def test_a_wish_for_another_language_is_carried_out_between_runs_and_its_place_is_left_to_it(
    evening: TestCloud,
) -> None:
    settle_in([a_group("a", 1), a_group("b", 2), a_group("ru", 1, language="ru")], [])
    a_holder("0007", "b", "ru", "a")
    a_holder("0008", "b", "ru")

    movers, places = supplied()

    assert [(m.voucher_id, m.preferences) for m in movers] == [("voucher-0007", ("group-a",))]
    assert [places[name].free for name in ("a", "ru")] == [1, 0]


def test_a_seat_of_the_year_before_is_left_in_its_own_way(evening: TestCloud) -> None:
    settle_in([a_group("a", 1), a_group("old", 1, academic_year=YEAR - 1)], [])
    a_holder("0007", "old", "a")

    assert supplied()[0] == []


def _with(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, table: str = "iteration", **said: object
) -> None:
    """Let the area's pack say something else of its iterations, or in another table."""
    rows = [replace(row, **said) for row in pack.rows[table]]
    changed = replace(pack, rows={**pack.rows, table: tuple(rows)})
    monkeypatch.setattr(planning, "load_pack", lambda *_: changed)


def test_where_the_pack_moves_nobody_standing_wishes_are_not_read(
    evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle_in([a_group("a", 1), a_group("b", 1)], [])
    a_holder("0007", "b", "a")
    _with(policy.load_pack(PROGRAMME, AREA), monkeypatch, movers=False, swaps=False)

    assert supplied()[0] == []


def test_a_pack_that_keeps_a_reserve_carries_no_turn(
    evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [an_application(f"9{n:03d}", tier="first-priority") for n in range(4)]
    settle_in([a_group("a", 4)], [*(an_application(f"{n:04d}") for n in range(4)), *late])
    pack = policy.load_pack(PROGRAMME, AREA)
    _with(pack, monkeypatch, "interleave", reading="reserve", reserve_per_mille=500)

    run = proposed()

    again = actions.decide_again(run)
    assert store.digest(again.outcomes) == run.outcome
    assert [o.ticket for o in again.outcomes if o.gets] == [
        "ticket-0000",
        "ticket-0001",
        "ticket-9000",
        "ticket-9001",
    ]
    assert again.carry == {}


def an_enrolment(name: str, group: str, person: str, **said: object) -> Enrolment:
    told = {
        "enrolment_id": f"enrolment-{name}",
        "voucher_id": f"voucher-{name}",
        "child_id": f"child-{name}",
        "person_id": f"person-{person}",
        "programme": PROGRAMME,
        "area": AREA,
        "organisation_id": "organisation",
        "site_id": f"site-{group}",
        "group_id": f"group-{group}",
        "kind": "general",
        "hours": "10.5",
        "locality": "urban",
        "starts_on": date(2025, 9, 1),
    }
    return Enrolment(**{**told, **said})  # type: ignore[arg-type]


def siblings(names: Sequence[str]) -> list[tuple[str, ...]]:
    reading = planning.read(PROGRAMME, AREA, now=EVENING)
    seekers, _ = planning.supply(reading, PROGRAMME, AREA, now=EVENING)
    by_name = {s.application_id.removeprefix("application-"): s.siblings for s in seekers}
    return [by_name[name] for name in names]


def test_brothers_and_sisters_are_found_where_the_pack_says_so(
    evening: TestCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [
        a_group("a", 1),
        a_group("a2", 1, site_id="site-a", age_from=5),
        a_group("a3", 1, site_id="site-a"),
        a_group("b", 1),
    ]
    names = ["0001", "0002", "0003", "0004"]
    settle_in([groups[0], groups[3]], [an_application(name) for name in names])
    commit([w for group in groups[1:3] for w in providers.create_group(group)])
    commit(
        [
            vouchers.create_enrolment(an_enrolment("9001", "a", person="0001")),
            # One's own enrolment is nobody's sibling; one that ended is none any more.
            vouchers.create_enrolment(an_enrolment("0002", "b", person="0002")),
            vouchers.create_enrolment(
                an_enrolment("9003", "a", person="0003", state="ended", ends_on=date(2025, 9, 1))
            ),
        ]
    )
    assert siblings(names) == [()] * 4

    _with(policy.load_pack(PROGRAMME, AREA), monkeypatch, siblings=True)

    assert siblings(names) == [("group-a", "group-a3"), (), (), ()]
