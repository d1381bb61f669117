"""New keys while everything runs: nothing is lost, nothing is held twice, the old keys can go."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from chalicelib.children import actions, rules, store
from chalicelib.children.actions import Correction
from chalicelib.edge import pages
from chalicelib.kernel.actors import Actor
from chalicelib.kernel.refusals import Refusal
from chalicelib.storage import keys, secrets, vault
from chalicelib.storage.commit import Put, Raced, commit
from chalicelib.storage.secrets import Keyring, keyring
from chalicelib.storage.vault import ring, rotation, sealing
from chalicelib.storage.vault.ring import Step
from infra.local import faults
from infra.local.testing import TestTables
from tests.children.builders import (
    NOW,
    a_child,
    a_parent,
    a_registration,
    an_iin,
    an_officer,
    details,
    registered,
)

REAL = datetime(2026, 11, 23, tzinfo=UTC)
AT_ONCE = timedelta(0)


@pytest.fixture(autouse=True)
def rings(tables: TestTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A ring of this test's own, which it may rotate."""
    file = tmp_path / "keys.json"
    secrets.new_keyring_file(file)
    monkeypatch.setenv("KEZEK_KEYS_FILE", str(file))
    yield file
    secrets.forget_keyring()


def become(new: Keyring) -> Keyring:
    import os

    secrets.write_keyring(Path(os.environ["KEZEK_KEYS_FILE"]), new)
    return keyring()


def announce() -> None:
    become(ring.announce(keyring(), now=REAL))


def seal() -> None:
    become(ring.seal(keyring(), now=REAL, settle=AT_ONCE))


def lead() -> None:
    become(ring.lead(keyring(), now=REAL, settle=AT_ONCE))


def stop_claiming() -> None:
    become(ring.stop_claiming(keyring(), now=REAL, settle=AT_ONCE))


def drop() -> None:
    become(ring.drop(keyring(), now=REAL, settle=AT_ONCE))


def whole_pass() -> list[rotation.Progress]:
    return [rotation.turn(part, now=NOW) for part in range(rotation.PARTS)]


def rotate() -> None:
    announce()
    seal()
    whole_pass()
    lead()


def retire() -> None:
    stop_claiming()
    whole_pass()
    drop()


def claims() -> list[str]:
    """Return under which versions numbers are claimed, a letter a row."""
    rows = secrets_rows()
    return sorted(pk.removeprefix("ALIAS#").partition("-")[0] for pk in rows if "-" in pk)


def secrets_rows() -> list[str]:
    from chalicelib.storage.numbers import NumberRow

    return [row.pk for row in NumberRow.scan() if row.pk.startswith("ALIAS#")]


# --- the steps


def test_the_steps_follow_each_other_and_none_is_skipped() -> None:
    at = keyring()
    seen = [ring.step_of(at)]
    at = ring.announce(at, now=REAL)
    seen.append(ring.step_of(at))
    for step in (ring.seal, ring.lead, ring.stop_claiming, ring.drop):
        for other in (ring.seal, ring.lead, ring.stop_claiming, ring.drop):
            if other is not step:
                with pytest.raises(ring.NotNow):
                    other(at, now=REAL, settle=AT_ONCE)
        with pytest.raises(ring.NotNow):
            ring.announce(at, now=REAL)
        at = step(at, now=REAL, settle=AT_ONCE)
        seen.append(ring.step_of(at))

    assert seen == [*Step, Step.QUIET]
    assert (list(at.root), list(at.lookup), at.seals, at.leads, at.claims) == (
        ["2"],
        ["2"],
        "2",
        "2",
        ("2",),
    )
    assert at.root["2"] != keyring().root["1"]
    assert at.names == keyring().names, "what stands in the journal is named as before"


def test_neighbouring_rings_open_each_others_work_and_share_a_claim() -> None:
    at = ring.announce(keyring(), now=REAL)
    steps = [keyring(), at]
    for step in (ring.seal, ring.lead, ring.stop_claiming, ring.drop):
        at = step(at, now=REAL, settle=AT_ONCE)
        steps.append(at)

    for before, after in itertools.pairwise(steps):
        assert before.seals in after.root
        assert after.seals in before.root
        assert set(before.claims) & set(after.claims)
        # Who reads the leading row reads what everybody writes.
        assert before.leads in after.claims
        assert after.leads in before.claims


def test_a_step_waits_until_nobody_has_the_ring_before_it() -> None:
    at = ring.announce(keyring(), now=REAL)
    quarter = timedelta(minutes=16)

    with pytest.raises(ring.TooEarly):
        ring.seal(at, now=REAL + timedelta(minutes=15), settle=quarter)
    assert ring.step_of(ring.seal(at, now=REAL + quarter, settle=quarter)) is Step.SEALING


def test_a_ring_shows_no_key() -> None:
    at = keyring()

    assert not [
        k for k in (*at.root.values(), *at.lookup.values(), at.names) if repr(k) in repr(at)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"root": {"1": "AAAA"}}',
        b'{"root": "AAAA", "lookup": "AAAA"}',
    ],
)
def test_what_is_no_ring_is_keys_silent(content: bytes, rings: Path) -> None:
    rings.write_bytes(content)

    with pytest.raises(secrets.KeysSilent):
        keyring()


def test_a_changed_file_is_another_ring_at_once(rings: Path) -> None:
    before = keyring()
    announce()

    assert keyring().root.keys() == {"1", "2"}
    assert keyring().root["1"] == before.root["1"]
    assert (rings.stat().st_mode & 0o777) == 0o600


# --- data keys


def test_data_keys_are_wrapped_anew_and_sealed_fields_stay_as_they_are() -> None:
    commit(vault.seal("CHILD#1", {"iin": "1"}))
    sealed = vault.SEALED.load(keys.sealed("CHILD#1")).body
    announce()
    seal()

    whole_pass()

    assert rotation.wrapped_by() == {"2": 1}
    assert vault.SEALED.load(keys.sealed("CHILD#1")).body == sealed
    assert vault.open_fields("CHILD#1") == {"iin": "1"}


def test_the_newest_seals_and_all_open() -> None:
    commit(vault.seal("CHILD#1", {"iin": "1"}))
    announce()
    commit(vault.seal("CHILD#2", {"iin": "2"}))
    seal()
    commit(vault.seal("CHILD#3", {"iin": "3"}))

    assert rotation.wrapped_by() == {"1": 2, "2": 1}
    assert vault.open_many([f"CHILD#{n}" for n in (1, 2, 3)]) == {
        f"CHILD#{n}": {"iin": str(n)} for n in (1, 2, 3)
    }


def test_after_retiring_what_the_old_key_wrapped_does_not_open() -> None:
    commit(vault.seal("CHILD#1", {"iin": "1"}))
    old = vault.DataKeyRow.get(*keys.data_key("CHILD#1"))
    rotate()
    retire()
    assert vault.open_fields("CHILD#1") == {"iin": "1"}

    # A copy of the table from before the rotation is put back.
    commit([Put(vault.DataKeyRow(old.pk, old.sk, wrapped=old.wrapped, wrapped_by="1"))])
    with pytest.raises(sealing.Retired):
        vault.open_fields("CHILD#1")
    commit([Put(vault.DataKeyRow(old.pk, old.sk, wrapped=old.wrapped, wrapped_by="2"))])
    with pytest.raises(InvalidTag):
        vault.open_fields("CHILD#1")


def test_a_subject_erased_during_the_pass_stays_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    commit(vault.seal("CHILD#1", {"iin": "1"}))
    announce()
    seal()
    row = vault.DataKeyRow.get(*keys.data_key("CHILD#1"))
    commit(vault.erase("CHILD#1"))

    assert rotation._wrap_anew(row) is False
    assert rotation.wrapped_by() == {}


# --- numbers


def test_a_number_stays_found_through_every_step() -> None:
    parent = registered()
    child = a_child(parent)

    def found() -> list[str | None]:
        held = [store.find_alias(store.iin_digests(an_iin(n))) for n in (0, 100)]
        return [h.value.person_id or h.value.child_id if h else None for h in held]

    whole = found()
    assert whole[1] == child.child_id
    for step in (announce, seal, whole_pass, lead, stop_claiming, whole_pass, drop):
        step()
        assert found() == whole
        assert a_child(parent, named="once-more").child_id == child.child_id
    assert claims() == ["2", "2"]


def test_a_number_is_claimed_under_both_versions_at_once() -> None:
    announce()

    registered()

    assert claims() == ["1", "2"]


def test_claims_of_before_are_made_under_the_new_version_by_the_pass() -> None:
    a_child(registered())
    announce()
    seal()
    assert claims() == ["1", "1"]

    done = whole_pass()

    assert claims() == ["1", "1", "2", "2"]
    assert sum(part.claimed for part in done) == 2
    assert sum(part.seen for part in done) == 2


def test_retiring_frees_what_lay_under_the_old_version() -> None:
    a_child(registered())
    rotate()
    stop_claiming()

    done = whole_pass()

    assert claims() == ["2", "2"]
    assert sum(part.freed for part in done) == 2


def test_a_correction_during_a_rotation_frees_and_claims_under_both() -> None:
    child = a_child(registered())
    announce()
    seal()
    whole_pass()

    actions.correct_identity(child.child_id, Correction(iin=an_iin(101)), by=an_officer(), now=NOW)

    assert store.find_alias(store.iin_digests(an_iin(100))) is None
    held = store.find_alias(store.iin_digests(an_iin(101)))
    assert held is not None
    assert (held.value.child_id, len(held.rows)) == (child.child_id, 2)


def test_what_an_older_ring_freed_meanwhile_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not seen the new ring yet frees the old row alone."""
    old = keyring()
    announce()
    child = a_child(registered())
    new = keyring()
    with monkeypatch.context() as patched:
        patched.setattr(secrets, "keyring", lambda: old)
        correction = Correction(iin=an_iin(101))
        actions.correct_identity(child.child_id, correction, by=an_officer(), now=NOW)
    assert keyring() is new

    held = store.find_alias(store.iin_digests(an_iin(100)))
    assert held is None or held.value.child_id is None
    other = a_child(registered("other", 1), named="b", given_name="Мақсат")
    assert other.child_id != child.child_id


def test_a_number_is_one_childs_even_if_two_register_it_under_different_rings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neighbouring rings serve at once; of two registrations of one number one wins."""
    mine = threading.local()
    old = keyring()
    steps = [old, ring.announce(old, now=REAL)]
    for step in (ring.seal, ring.lead, ring.stop_claiming, ring.drop):
        steps.append(step(steps[-1], now=REAL, settle=AT_ONCE))
    pairs = list(itertools.pairwise(steps))
    monkeypatch.setattr(secrets, "keyring", lambda: mine.ring)

    for n, (before, after) in enumerate(pairs):
        mine.ring = before
        parents = [registered(f"family-{n}-{side}", 10 * n + side) for side in (0, 1)]
        apply = partial(_apply, mine, threading.Barrier(2), n)

        # Persons were claimed under the ring before: the ring after finds them by sign-in.
        with ThreadPoolExecutor(2) as threads:
            ended = list(threads.map(apply, (0, 1), parents, (before, after)))

        assert sorted(len(e) == 26 for e in ended) == [False, True], ended
        assert rules.RepresentedByAnother.code in ended, ended


def _apply(
    mine: threading.local,
    together: threading.Barrier,
    n: int,
    side: int,
    parent: Actor,
    at: Keyring,
) -> str:
    mine.ring = at
    together.wait()
    try:
        return a_child(parent, iin=an_iin(200 + n), named=f"x{n}{side}").child_id
    except Refusal as refusal:
        return refusal.code


def test_two_persons_with_one_number_are_one_in_every_ring() -> None:
    registered()
    announce()
    with pytest.raises(Refusal) as said:
        actions.register(a_registration(), by=a_parent("another"), now=NOW)
    seal()
    whole_pass()
    lead()
    stop_claiming()
    with pytest.raises(Refusal) as again:
        actions.register(a_registration(), by=a_parent("another"), now=NOW)

    assert said.value.code == again.value.code


def test_numbers_can_be_claimed_anew_from_the_vault() -> None:
    """After a loss of the table: the journal keeps no image of these rows."""
    from chalicelib.storage.numbers import NumberRow

    child = a_child(registered())
    for row in list(NumberRow.scan()):
        if "-" in row.pk:
            row.delete()
    assert store.find_alias(store.iin_digests(an_iin(100))) is None

    assert rotation.claim_lost() == 2
    assert rotation.claim_lost() == 0

    held = store.find_alias(store.iin_digests(an_iin(100)))
    assert held is not None
    assert held.value.child_id == child.child_id


# --- cursors and fingerprints


def test_a_cursor_of_before_is_good_until_the_old_key_goes() -> None:
    given = pages.cursor("here", of="list")
    rotate()
    assert pages.position(given, of="list") == "here"
    newer = pages.cursor("there", of="list")
    retire()

    assert pages.position(newer, of="list") == "there"
    with pytest.raises(pages.BadCursor):
        pages.position(given, of="list")


def test_a1_the_same_request_is_the_same_before_and_after_a_rotation() -> None:
    parent = registered()
    once = a_child(parent)
    print_before = secrets.fingerprint(details())
    rotate()
    retire()

    assert secrets.fingerprint(details()) == print_before
    assert a_child(parent).child_id == once.child_id
    assert actions.register(a_registration(), by=parent, now=NOW).person_id


# --- in the middle of traffic


def test_a_rotation_in_the_middle_of_traffic_loses_nobody_and_doubles_nobody() -> None:
    made: dict[int, str] = {}
    wrong: list[str] = []
    over = threading.Event()
    numbers = itertools.count()

    def family() -> None:
        while not over.is_set():
            n = next(numbers)
            try:
                parent = registered(f"family{n:04d}", n)
                child = a_child(parent, iin=an_iin(1000 + n), named=f"application-{n}")
                made[n] = child.child_id
                if vault.open_fields(f"CHILD#{child.child_id}")["iin"] != an_iin(1000 + n):
                    wrong.append(f"{n} opens as another")
            except Raced:
                continue  # a client sends it again
            except Exception as error:
                wrong.append(repr(error))

    threads = [threading.Thread(target=family) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for step in (announce, seal, whole_pass, lead, stop_claiming, whole_pass):
            before = len(made)
            while len(made) < before + 2 and not wrong:
                over.wait(0.01)
            step()
        # What was in flight has ended before the last pass, as the settling time sees to.
    finally:
        over.set()
        for thread in threads:
            thread.join()
    rotation.begin_anew()
    whole_pass()
    drop()

    assert wrong == []
    assert len(made) >= 12
    assert rotation.wrapped_by() == {"2": 2 * len(made) + _alone(made)}
    for n, child_id in made.items():
        held = store.find_alias(store.iin_digests(an_iin(1000 + n)))
        assert held is not None
        assert held.value.child_id == child_id
    assert set(claims()) == {"2"}


def _alone(made: dict[int, str]) -> int:
    """Return how many persons were registered whose child was not."""
    persons = [row for row in vault.DataKeyRow.scan() if row.pk.startswith("KEY#PERSON#")]
    return len(persons) - len(made)


# --- killed anywhere


def test_a6_a_pass_killed_at_any_call_goes_on_and_ends_the_same(
    tables: TestTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "PARTS", 2)

    def ready() -> None:
        tables.wipe()
        secrets.forget_keyring()
        a_child(registered())
        commit(vault.seal("ORG#1", {"bin": "000000000001", "account": "a"}))
        announce()
        seal()

    start = keyring()
    with faults.watch() as seen:
        ready()
        calls_before = len(seen.calls)
        whole_pass()
        calls = len(seen.calls) - calls_before
    assert calls > 10

    died = 0
    for call in range(1, calls + 1):
        for when in ("before", "after"):
            become(start)
            ready()
            try:
                with faults.crash(**{when: call}):
                    whole_pass()
            except faults.Crash:
                died += 1
            whole_pass()

            assert rotation.turned()
            assert rotation.wrapped_by() == {"2": 3}, (call, when)
            assert claims() == ["1", "1", "2", "2"], (call, when)
            assert sum(part.seen for part in rotation.progress()) == 3
    # Which part a key falls into is chance, and with it whether a pass has one call more or less.
    assert died >= 2 * (calls - 4)


def test_a_part_goes_on_where_it_stopped() -> None:
    for n in range(12):
        commit(vault.seal(f"CHILD#{n}", {"iin": str(n)}))
    announce()
    seal()
    asked: list[int] = []

    def enough() -> bool:
        asked.append(1)
        return True

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rotation, "PAGE", 1)
        for part in range(rotation.PARTS):
            # A page may end at a row of progress; one that is begun there anew would never end.
            turns = itertools.count()
            while not rotation.turn(part, now=NOW, enough=enough).done:
                assert next(turns) < 100

    assert len(asked) >= 12
    assert sum(part.seen for part in rotation.progress()) == 12
    assert rotation.wrapped_by() == {"2": 12}


def test_two_workers_on_one_part_count_once() -> None:
    for n in range(6):
        commit(vault.seal(f"CHILD#{n}", {"iin": str(n)}))
    announce()
    seal()
    barrier = threading.Barrier(2)

    def work(_: int) -> int:
        raced = 0
        barrier.wait()
        for part in range(rotation.PARTS):
            while True:
                try:
                    if rotation.turn(part, now=NOW).done:
                        break
                except Raced:
                    raced += 1
        return raced

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, (0, 1)))

    assert sum(part.seen for part in rotation.progress()) == 6
    assert rotation.wrapped_by() == {"2": 6}


def test_a_ring_that_went_on_during_a_pass_is_noticed() -> None:
    commit(vault.seal("CHILD#1", {"iin": "1"}))
    announce()
    seal()

    real = rotation._handled

    def meanwhile(*given: Any) -> rotation.Progress:
        done = real(*given)
        if ring.step_of(keyring()) is Step.SEALING:
            lead()
        return done

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rotation, "_handled", meanwhile)
        rotation.turn(0, now=NOW)

    assert rotation.progress() == [], "the new step's own pass has not begun"
    assert keyring().leads == "2"


def test_the_salt_of_a_ticket_is_the_same_for_ever_and_another_one_s_is_another() -> None:
    before = secrets.ticket_salt("a" * 20), secrets.ticket_salt("b" * 20)

    become(ring.seal(ring.announce(keyring(), now=REAL), now=REAL, settle=AT_ONCE))

    assert len(before[0]) == 16 and before[0] != before[1]
    assert (secrets.ticket_salt("a" * 20), secrets.ticket_salt("b" * 20)) == before
