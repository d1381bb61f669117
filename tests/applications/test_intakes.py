"""Windows of intake: announced, applied in, drawn; and the draw itself."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import random
import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.applications import actions, rules, store
from chalicelib.applications.rules import Intake, Intakes
from chalicelib.journal import store as journal
from chalicelib.kernel.actors import Actor, Role, system
from chalicelib.kernel.ids import new_ticket
from chalicelib.kernel.periods import from_stamp, stamp
from chalicelib.kernel.refusals import AnotherContent, Refusal, Unknown
from infra.local.testing import TestTables
from tests.applications.builders import PACK, RULES, at
from tests.applications.clubs import (
    A_DAY,
    BEACON,
    CLOSES,
    CLUB_RULES,
    INTAKE,
    OPENS,
    OPERATOR,
    SEED,
    SIGNATURE,
    a_window,
    announce,
    apply_club,
    draw,
    give,
)
from tests.children.builders import NOW, TODAY, registered

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "queue-draw.md"
A_MOMENT = timedelta(microseconds=1)
RULE = CLUB_RULES.intake

# The first round of the beacon that the packs name, as it publishes it.
ROUND_1 = (
    "b55e7cb2d5c613ee0b2e28d6750aabbb78c39dcc96bd9d38"
    "c2c2e12198df95571de8e8e402a0cc48871c7089a2b3af4b"
)
VALUE_1 = "1466a6cd24e327188770752f6134001c64d6efcc590ccc26b721611ad96f165a"


NONE_YET = Intakes()


def a_decision(intakes: Intakes = NONE_YET, now: datetime = NOW, **changes: Any) -> Intake:
    return rules.decide_announce(
        intakes,
        a_window(**changes),
        intake_id="intake-new",
        rule=RULE,
        pack="p",
        fingerprint="f",
        now=now,
    )


# --- announcing


@pytest.mark.parametrize(
    ("moment", "round_"),
    [
        (datetime(2023, 8, 23, 15, 9, 27, tzinfo=UTC), 1),
        (datetime(2026, 4, 20, tzinfo=UTC), 27946612),
        (datetime(2026, 4, 20, 12, 30, 45, tzinfo=UTC), 27961627),
        (datetime(2026, 4, 20, 12, 30, 47, 999999, tzinfo=UTC), 27961627),
        (datetime(2026, 4, 20, 12, 30, 48, tzinfo=UTC), 27961628),
    ],
)
def test_the_round_is_the_beacons_own(moment: datetime, round_: int) -> None:
    assert RULE.round_at(int(moment.timestamp())) == round_


def test_what_is_announced_names_the_source_of_the_seed() -> None:
    intake = a_decision()

    assert (intake.opens_at, intake.closes_at) == (stamp(OPENS), stamp(CLOSES))
    assert intake.beacon == "drand-quicknet"
    assert intake.value_at == f"{RULE.beacon_url}/public/{intake.round}"
    assert from_stamp(intake.closes_at) < from_stamp(intake.round_at) <= BEACON
    assert intake.randomness is None


# Instants that no calendar can write down in another zone.
FIRST_OF_ALL = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
LAST_OF_ALL = datetime.max.replace(tzinfo=timezone(-timedelta(hours=12)))
WEEK = timedelta(days=RULE.announce_days)
LENGTH = timedelta(days=RULE.days)


@pytest.mark.parametrize(
    ("now", "changes", "refusal"),
    [
        (OPENS - WEEK, {}, None),
        (OPENS - WEEK + A_MOMENT, {}, rules.AnnouncedTooLate),
        (NOW, {"closes_at": OPENS + LENGTH}, None),
        (NOW, {"closes_at": OPENS + LENGTH - A_MOMENT}, rules.WindowTooShort),
        (NOW, {"closes_at": OPENS}, rules.BadWindow),
        (NOW, {"closes_at": OPENS - A_DAY}, rules.BadWindow),
        (NOW, {"beacon_at": CLOSES}, rules.BadWindow),
        (NOW, {"beacon_at": CLOSES - A_DAY}, rules.BadWindow),
        (NOW, {"beacon_at": CLOSES + timedelta(seconds=3)}, None),
        (NOW, {"beacon_at": datetime(2020, 1, 1, tzinfo=UTC)}, rules.BadWindow),
        (OPENS + A_DAY, {}, rules.AnnouncedTooLate),
        (NOW, {"beacon_at": NOW + timedelta(days=732)}, None),
        (NOW, {"beacon_at": NOW + timedelta(days=733)}, rules.BadWindow),
        (NOW, {"opens_at": FIRST_OF_ALL}, rules.AnnouncedTooLate),
        (
            NOW,
            {"opens_at": FIRST_OF_ALL, "closes_at": FIRST_OF_ALL + A_DAY},
            rules.AnnouncedTooLate,
        ),
        (NOW, {"closes_at": LAST_OF_ALL}, rules.BadWindow),
        (NOW, {"beacon_at": LAST_OF_ALL}, rules.BadWindow),
    ],
)
def test_who_announces_when(
    now: datetime, changes: dict[str, Any], refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        assert a_decision(now=now, **changes).announced_at == stamp(now)
        return
    with pytest.raises(refusal):
        a_decision(now=now, **changes)


@given(st.integers(1, 9_000_000))
def test_the_round_never_comes_out_before_the_window_has_closed(microseconds: int) -> None:
    moment = CLOSES + timedelta(microseconds=microseconds)
    try:
        intake = a_decision(beacon_at=moment)
    except rules.BadWindow:
        return
    assert CLOSES < from_stamp(intake.round_at) <= moment


@pytest.mark.parametrize(
    ("opens_at", "refused"),
    [
        (OPENS, True),
        (OPENS + A_DAY, True),
        (BEACON - A_MOMENT, True),
        (BEACON, False),
        (OPENS - timedelta(days=3, hours=2), True),
        (OPENS - timedelta(days=5), False),
    ],
)
def test_two_windows_of_an_area_never_overlap(opens_at: datetime, refused: bool) -> None:
    first = a_decision()
    other = {
        "opens_at": opens_at,
        "closes_at": opens_at + LENGTH,
        "beacon_at": opens_at + LENGTH + timedelta(hours=3),
    }
    now = OPENS - timedelta(days=60)

    if not refused:
        a_decision(Intakes((first,)), now=now, **other)
        return
    with pytest.raises(rules.WindowsOverlap) as overlap:
        a_decision(Intakes((first,)), now=now, **other)
    assert overlap.value.facts["intake_id"] == first.intake_id


def test_where_time_decides_no_window_is_announced() -> None:
    assert RULES.intake.mode == "first-come"

    with pytest.raises(rules.NoDrawHere):
        rules.decide_announce(
            Intakes(),
            a_window(),
            intake_id="i",
            rule=RULES.intake,
            pack="p",
            fingerprint="f",
            now=NOW,
        )


def test_announcing_again_is_the_same_and_other_content_is_refused(tables: TestTables) -> None:
    first = announce()

    assert announce(now=OPENS + A_DAY) == first
    with pytest.raises(AnotherContent):
        announce(beacon_at=BEACON + A_DAY)
    with pytest.raises(Unknown):
        actions.announce(
            "intake-two",
            a_window(),
            by=Actor("o", frozenset({Role.OPERATOR}), areas=frozenset({"astana"})),
            now=NOW,
        )
    with pytest.raises(rules.NoDrawHere):
        actions.announce(
            "intake-two",
            a_window(programme="preschool", area="taldykorgan"),
            by=Actor("o", frozenset({Role.OPERATOR}), areas=frozenset({"taldykorgan"})),
            now=NOW,
        )
    entries = list(journal.history("intakes/clubs/karaganda"))
    assert [e.event for e in entries] == ["applications/intake-announced"]
    assert entries[0].facts["round"] == first.round


def test_of_two_overlapping_windows_announced_at_once_one_wins(tables: TestTables) -> None:
    barrier, outcomes = threading.Barrier(2), []

    def operator(intake_id: str) -> None:
        barrier.wait()
        try:
            announce(intake_id)
            outcomes.append("announced")
        except rules.WindowsOverlap:
            outcomes.append("refused")

    threads = [threading.Thread(target=operator, args=(f"intake-{n}-x",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["announced", "refused"]
    assert len(store.load_intakes("clubs", "karaganda").value.intakes) == 1


def test_one_id_is_one_window_in_the_whole_country(tables: TestTables) -> None:
    announce()
    elsewhere = Actor("o", frozenset({Role.OPERATOR}), areas=frozenset({"astana"}))

    with pytest.raises(AnotherContent):
        actions.announce(INTAKE, a_window(area="astana"), by=elsewhere, now=NOW)


# --- cancelling


def test_a_window_announced_by_mistake_is_in_nobodys_way(tables: TestTables) -> None:
    parent = registered()
    announce()

    cancelled = actions.cancel(INTAKE, by=OPERATOR, now=OPENS - A_MOMENT)

    assert cancelled.state(OPENS) == "cancelled"
    assert actions.cancel(INTAKE, by=OPERATOR, now=BEACON) == cancelled
    assert apply_club(parent, now=OPENS - A_DAY).intake is None
    assert apply_club(parent, "application-2", 2, now=OPENS).intake is None
    assert actions.seeds_of("clubs", "karaganda") == {}
    assert actions.open_intake("clubs", "karaganda", OPENS) is None
    with pytest.raises(rules.IntakeCancelled):
        draw(cancelled)
    assert announce("intake-in-its-stead").state(OPENS) == "open"
    assert announce() == cancelled


def test_an_open_window_is_never_cancelled(tables: TestTables) -> None:
    announce()

    with pytest.raises(rules.IntakeOpened):
        actions.cancel(INTAKE, by=OPERATOR, now=OPENS)
    with pytest.raises(Unknown):
        actions.cancel("intake-none", by=OPERATOR, now=NOW)
    with pytest.raises(Unknown):
        actions.cancel(
            INTAKE,
            by=Actor("o", frozenset({Role.OPERATOR}), areas=frozenset({"astana"})),
            now=NOW,
        )


# --- applying


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        (OPENS, True),
        (OPENS + A_DAY, True),
        (CLOSES - A_MOMENT, True),
        (CLOSES, False),
        (BEACON + A_DAY, False),
    ],
)
def test_everybody_of_a_window_stands_as_of_its_opening(
    tables: TestTables, now: datetime, inside: bool
) -> None:
    parent = registered()
    announce()

    application = apply_club(parent, now=now)

    entry = store.load_entry(application).value
    assert application.received_at == stamp(now)
    assert application.intake == entry.intake == (INTAKE if inside else None)
    assert application.ordered_at == entry.ordered_at == stamp(OPENS if inside else now)


def test_before_the_first_window_nobody_can_stand_ahead_of_it(tables: TestTables) -> None:
    parent = registered()
    early = apply_club(parent, "application-0", 1)  # nothing was announced: time decides
    announce()

    with pytest.raises(rules.IntakeNotOpen) as refused:
        apply_club(parent, now=OPENS - A_MOMENT)

    assert refused.value.facts["opens_at"] == stamp(OPENS)
    assert (early.intake, early.ordered_at) == (None, stamp(NOW))


def test_between_two_windows_the_queue_stays_open_by_time(tables: TestTables) -> None:
    parent = registered()
    announce()
    later = BEACON + timedelta(days=30)
    announce(
        "intake-two",
        opens_at=later,
        closes_at=later + LENGTH,
        beacon_at=later + LENGTH + A_DAY,
        now=NOW,
    )

    between = apply_club(parent, now=later - A_MOMENT)
    within = apply_club(parent, "application-2", 2, now=later)

    assert (between.intake, between.ordered_at) == (None, stamp(later - A_MOMENT))
    assert within.intake == "intake-two"


def test_the_same_application_again_keeps_its_window_and_ticket(tables: TestTables) -> None:
    parent = registered()
    announce()
    first = apply_club(parent, now=OPENS)

    assert apply_club(parent, now=BEACON) == first


def test_whoever_is_sent_back_stands_behind_the_window(tables: TestTables) -> None:
    parent = registered()
    announce()
    apply_club(parent, now=OPENS)
    draw(announce())
    voucher = give("application-1", now=BEACON)

    actions.missed_contract(
        voucher.voucher_id, by=system("queue/deadlines"), now=at(voucher.contract_by)
    )

    back = store.load_application("application-1").value
    assert (back.intake, back.ordered_at) == (None, voucher.contract_by)


# --- drawing


def test_the_value_of_a_real_round_is_taken() -> None:
    intake = replace(a_decision(), round=1)

    drawn = rules.decide_draw(intake, round_=1, randomness=VALUE_1, signature=ROUND_1, now=BEACON)

    assert drawn.randomness == VALUE_1
    assert drawn.state(BEACON) == "drawn"


@pytest.mark.parametrize(
    ("now", "changes", "refusal"),
    [
        (BEACON, {}, None),
        (BEACON - A_MOMENT, {}, rules.BeaconNotYet),
        (BEACON, {"round_": 1}, rules.OtherRound),
        (BEACON, {"randomness": "00" * 32}, rules.BadBeacon),
        (BEACON, {"signature": "cd" * 48}, rules.BadBeacon),
        (BEACON, {"signature": "no hex"}, rules.BadBeacon),
    ],
)
def test_what_the_beacon_must_have_said(
    now: datetime, changes: dict[str, Any], refusal: type[Refusal] | None
) -> None:
    intake = a_decision()
    said = {"round_": intake.round, "randomness": SEED, "signature": SIGNATURE, **changes}

    if refusal is None:
        assert rules.decide_draw(intake, now=now, **said).randomness == SEED
        return
    with pytest.raises(refusal):
        rules.decide_draw(intake, now=now, **said)


def test_a_window_is_drawn_once_for_good(tables: TestTables) -> None:
    intake = announce()
    drawn = draw(intake)

    assert draw(intake, now=BEACON + A_DAY) == drawn
    with pytest.raises(rules.AlreadyDrawn) as refused:
        draw(intake, signature="cd" * 48)
    assert refused.value.facts == {"randomness": SEED}
    with pytest.raises(Unknown):
        actions.draw(
            "intake-none",
            round_=1,
            randomness=SEED,
            signature=SIGNATURE,
            by=OPERATOR,
            now=BEACON,
        )
    with pytest.raises(Unknown):
        actions.draw(
            INTAKE,
            round_=intake.round,
            randomness=SEED,
            signature=SIGNATURE,
            by=Actor("o", frozenset({Role.OPERATOR}), areas=frozenset({"astana"})),
            now=BEACON,
        )


def test_two_values_at_once_one_is_drawn(tables: TestTables) -> None:
    intake = announce()
    barrier, outcomes = threading.Barrier(2), []

    def operator(signature: str) -> None:
        barrier.wait()
        try:
            outcomes.append(draw(intake, signature=signature).randomness)
        except rules.AlreadyDrawn as refusal:
            outcomes.append(refusal.facts["randomness"])

    threads = [threading.Thread(target=operator, args=(s * 48,)) for s in ("ab", "cd")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(outcomes)) == 1
    assert actions.seeds_of("clubs", "karaganda") == {INTAKE: outcomes[0]}


@pytest.mark.parametrize(
    ("now", "state", "blocks_runs"),
    [
        (NOW, "announced", False),
        (OPENS, "open", True),
        (CLOSES, "closed", True),
        (BEACON, "closed", True),
    ],
)
def test_no_run_is_made_while_the_order_is_not_known(
    tables: TestTables, now: datetime, state: str, blocks_runs: bool
) -> None:
    intake = announce()

    assert intake.state(now) == state
    blocking = actions.open_intake("clubs", "karaganda", now)
    assert (blocking is not None) == blocks_runs
    assert actions.seeds_of("clubs", "karaganda") == {INTAKE: None}
    draw(intake)
    assert actions.open_intake("clubs", "karaganda", BEACON) is None
    assert actions.seeds_of("clubs", "karaganda") == {INTAKE: SEED}


def test_where_time_always_decided_nothing_is_read() -> None:
    # No tables stand behind this test.
    assert actions.seeds_of(PACK.programme, PACK.area) == {}
    assert actions.open_intake(PACK.programme, PACK.area, NOW) is None
    assert actions.intakes.intake_at("preschool", "taldykorgan", RULES, now=NOW) is None
    assert PACK.at(TODAY).intake.mode == "first-come"


def test_a_family_sees_its_window_and_its_number_once_it_is_drawn(tables: TestTables) -> None:
    parent = registered()
    intake = announce()
    application = apply_club(parent, now=OPENS)

    before = actions.see("application-1", by=parent, now=OPENS)
    waiting = actions.see("application-1", by=parent, now=CLOSES)
    draw(intake)
    after = actions.see("application-1", by=parent, now=BEACON)

    assert before.drawn is not None and waiting.drawn is not None and after.drawn is not None
    assert (before.drawn.state, before.drawn.number) == ("open", None)
    assert (before.next.step, before.next.until) == ("wait-for-close", stamp(CLOSES))
    assert (waiting.next.step, waiting.next.until) == ("wait-for-draw", stamp(BEACON))
    assert after.next.step == "wait"
    assert after.drawn.number == rules.draw_number(SEED, application.ticket)


# --- the draw itself


def order(seed: str, tickets: list[str]) -> list[str]:
    return sorted(tickets, key=lambda ticket: rules.draw_number(seed, ticket))


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_the_draw_does_not_depend_on_the_order_of_reading(
    shuffler: random.Random, number: int
) -> None:
    tickets = [f"ticket-{n}" for n in range(20)]
    seed = hashlib.sha256(str(number).encode()).hexdigest()
    shuffled = list(tickets)
    shuffler.shuffle(shuffled)

    assert order(seed, shuffled) == order(seed, tickets)


@given(st.sets(st.integers(0, 99), max_size=90))
def test_nobody_gains_or_loses_by_anothers_withdrawal(gone: set[int]) -> None:
    tickets = [f"ticket-{n}" for n in range(100)]
    left = [t for n, t in enumerate(tickets) if n not in gone]

    assert order(SEED, left) == [t for t in order(SEED, tickets) if t in left]


def test_the_draw_is_uniform_over_seeds() -> None:
    """Each of the 24 orders of four tickets comes as often, within what chance allows."""
    tickets = ["585r-v4v6-2enw", "ccew-zd8m-jwax", "2749-dx9d-pm9k", "7q3f-t0sa-h5ym"]
    seeds = [hashlib.sha256(f"round {n}".encode()).hexdigest() for n in range(12_000)]

    counts = Counter(tuple(order(seed, tickets)) for seed in seeds)

    expected = len(seeds) / math.factorial(4)
    chi_square = sum(
        (counts[order_] - expected) ** 2 / expected for order_ in permutations(tickets)
    )
    assert chi_square < 49.73  # 23 degrees of freedom, one in a thousand


def test_no_place_of_a_ticket_is_better_than_another_over_seeds() -> None:
    """The mean rank of every ticket is the middle, also of those that look alike."""
    alike = [f"2749-dx9d-pm{n:02d}" for n in range(50)]
    seeds = [hashlib.sha256(f"seed {n}".encode()).hexdigest() for n in range(600)]
    ranks: Counter[str] = Counter()
    for seed in seeds:
        for place, ticket in enumerate(order(seed, alike)):
            ranks[ticket] += place

    middle = (len(alike) - 1) / 2
    deviation = math.sqrt((len(alike) ** 2 - 1) / 12 / len(seeds))
    assert all(abs(ranks[t] / len(seeds) - middle) < 4 * deviation for t in alike)


def test_tickets_are_not_the_order_of_applying() -> None:
    """Of the pairs of an hour's tickets about half are drawn the other way round."""
    tickets = [new_ticket() for _ in range(300)]
    places = {ticket: place for place, ticket in enumerate(order(SEED, tickets))}

    turned = sum(places[a] > places[b] for n, a in enumerate(tickets) for b in tickets[n + 1 :])

    pairs = math.comb(len(tickets), 2)
    assert abs(turned / pairs - 0.5) < 0.12


def test_the_document_counts_what_the_system_counts() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    snippets = [
        "\n".join(line.removeprefix(indent) for line in body.split("\n"))
        for indent, body in re.findall(r"( *)```python\n(.*?)```", text, re.S)
    ]
    counted, checked = snippets
    shown = io.StringIO()

    with contextlib.redirect_stdout(shown):
        exec(counted, names := {})
    exec(checked, {})

    tickets, seed = names["tickets"], names["seed"]
    assert len(tickets) == 5
    assert len([line for line in counted.splitlines() if line.strip()]) <= 10
    assert f"```text\n{shown.getvalue()}```" in text
    assert [line.split()[1] for line in shown.getvalue().splitlines()] == order(seed, tickets)
    assert all(names["number"](t) == rules.draw_number(seed, t) for t in tickets)
