"""Uploads over a real engine: what is stored, what is answered, what is flagged."""

from __future__ import annotations

import pytest

from chalicelib.attendance import actions, rules, store
from chalicelib.kernel.periods import stamp
from infra.local import faults
from infra.local.testing import TestTables
from tests.attendance.builders import (
    HEAD,
    MARCH,
    MORNING,
    SITE,
    at,
    child,
    device_actor,
    enrolment,
    marks_of,
    open_site,
    pair,
    send,
)
from tests.attendance.tablets import Tablet


@pytest.fixture
def tablet(tables: TestTables) -> Tablet:
    open_site()
    made = Tablet()
    pair(made)
    return made


def outcomes(receipt: actions.Receipt) -> list[tuple[int | None, str, str | None]]:
    return [(o.counter, o.outcome, o.code) for o in receipt.outcomes]


def test_a_morning_is_taken_in_and_marked(tablet: Tablet) -> None:
    tablet.sign("2026-03-02T08:05:00+05:00")
    tablet.sign("2026-03-02T08:06:00+05:00", enrolment=enrolment(2))

    receipt = send(tablet, tablet.records)

    assert outcomes(receipt) == [(1, "accepted", None), (2, "accepted", None)]
    assert receipt.head.counter == 2
    assert receipt.head.hash == tablet.prev
    assert receipt.first_gap is None
    assert len(marks_of(1)) == len(marks_of(2)) == 1


def test_one_upload_costs_three_calls_and_one_write_unit_per_mark(tablet: Tablet) -> None:
    send(tablet, [tablet.sign("2026-03-02T08:00:00+05:00")])
    tablet.records.clear()
    tablet.sign("2026-03-02T08:05:00+05:00")
    tablet.sign("2026-03-02T08:06:00+05:00", enrolment=enrolment(2))

    with faults.watch() as seen:
        send(tablet, tablet.records)

    assert seen.operations == {"UpdateItem": 3, "Query": 1, "PutItem": 1}
    units = {operation: units for (operation, _), units in seen.write_units.items()}
    assert units["UpdateItem"] == 3  # the tablet's row, and one per mark
    assert units["PutItem"] <= 2  # the evidence


def test_a_full_month_of_marks_stays_within_one_write_unit(tablet: Tablet) -> None:
    for day in range(2, 28):
        tablet.sign(f"2026-03-{day:02d}T08:05:00+05:00")
        tablet.sign(f"2026-03-{day:02d}T18:05:00+05:00", kind="out")
        now = at(f"2026-03-{day:02d} 19:00")
        with faults.watch() as seen:
            send(tablet, tablet.records[-2:], now=now)
        assert seen.write_units["UpdateItem", "kezek-test-attendance"] == 2
    assert len(marks_of()) == 52


def test_the_same_upload_again_gets_the_same_answer_b6_replay(tablet: Tablet) -> None:
    tablet.sign("2026-03-02T08:05:00+05:00")
    tablet.sign("2026-03-02T08:06:00+05:00", enrolment="enrolment-99")
    first = send(tablet, tablet.records)
    stored = store.find_sheet(SITE, MARCH, child())

    again = send(tablet, list(reversed(tablet.records)), now=at("2026-03-02 10:00"))

    assert again.outcomes == list(reversed(first.outcomes))
    assert (again.head, again.first_gap, again.received_at) == (
        first.head,
        first.first_gap,
        first.received_at,
    )
    assert store.find_sheet(SITE, MARCH, child()) == stored
    assert len(list(store.each_evidence(tablet.device_id))) == 1


def test_records_sent_again_with_new_ones_are_had(tablet: Tablet) -> None:
    tablet.sign("2026-03-02T08:05:00+05:00")
    send(tablet, tablet.records)
    tablet.sign("2026-03-02T18:05:00+05:00", kind="out")

    receipt = send(tablet, tablet.records, now=at("2026-03-02 19:00"))

    assert outcomes(receipt) == [(1, "had", None), (2, "accepted", None)]
    assert all(o.flags == () for o in receipt.outcomes)
    again = send(tablet, tablet.records, now=at("2026-03-02 19:01"))
    assert again == receipt


def test_a_record_twice_in_one_upload_is_had_the_second_time(tablet: Tablet) -> None:
    record = tablet.sign("2026-03-02T08:05:00+05:00")

    receipt = send(tablet, [record, record])

    assert outcomes(receipt) == [(1, "accepted", None), (1, "had", None)]
    assert len(marks_of()) == 1


def test_a_day_sent_in_any_order_and_split_folds_to_the_same_marks(tablet: Tablet) -> None:
    for minute in range(6):
        tablet.sign(f"2026-03-02T08:0{minute}:00+05:00", enrolment=enrolment(1 + minute % 2))

    second = send(tablet, tablet.records[3:])
    first = send(tablet, tablet.records[:3])

    assert second.first_gap == rules.Gap(1, 3)
    assert second.outcomes[0].flags == ("gap",)
    assert first.first_gap is None
    assert [o.outcome for o in first.outcomes] == ["accepted"] * 3
    assert first.head.counter == 6
    assert len(marks_of(1)) == len(marks_of(2)) == 3
    after = send(tablet, [tablet.sign("2026-03-02T09:00:00+05:00")])
    assert after.outcomes[0].flags == ()


def test_records_that_fill_a_gap_are_found_by_when_they_were_received(tablet: Tablet) -> None:
    for minute in range(5):
        tablet.sign(f"2026-03-02T08:0{minute}:00+05:00")
    send(tablet, tablet.records[:1])
    send(tablet, tablet.records[2:4])
    send(tablet, tablet.records[4:])
    later = at("2026-03-03 10:00")
    send(tablet, tablet.records[1:2], now=later)

    found = store.each_evidence_since(tablet.device_id, stamp(later))

    assert [upload.value.last for upload in found] == [2]


def test_b6_a_gap_is_named_and_listed(tablet: Tablet) -> None:
    for minute in range(5):
        tablet.sign(f"2026-03-02T08:0{minute}:00+05:00")
    send(tablet, tablet.records[:1])

    receipt = send(tablet, [tablet.records[2], tablet.records[4]])

    assert receipt.first_gap == rules.Gap(2, 2)
    assert [o.flags for o in receipt.outcomes] == [("gap",), ("gap",)]
    (seen,) = actions.list_devices(SITE, by=HEAD, now=MORNING)
    assert [(f.kind, f.first, f.last) for f in seen.flags] == [("gap", 2, 2), ("gap", 4, 4)]


def test_b6_a_fork_is_refused_and_the_tablet_flagged(tablet: Tablet) -> None:
    copy = Tablet(seed=tablet.seed)
    send(tablet, [tablet.sign("2026-03-02T08:05:00+05:00")])

    receipt = send(tablet, [copy.sign("2026-03-02T08:07:00+05:00")])

    assert outcomes(receipt) == [(1, "refused", "fork")]
    assert len(marks_of()) == 1
    (seen,) = actions.list_devices(SITE, by=HEAD, now=MORNING)
    assert [f.kind for f in seen.flags] == ["fork"]
    assert send(tablet, copy.records) == receipt


def test_b6_a_copied_key_shows_where_the_two_chains_part(tablet: Tablet) -> None:
    send(tablet, [tablet.sign("2026-03-02T08:05:00+05:00")])
    copy = Tablet(seed=tablet.seed, counter=1, prev=tablet.prev)
    send(tablet, [tablet.sign("2026-03-02T08:06:00+05:00")])
    copy.sign("2026-03-02T08:30:00+05:00")
    copy.sign("2026-03-02T08:31:00+05:00")

    receipt = send(tablet, copy.records)

    assert outcomes(receipt) == [(2, "refused", "fork"), (3, "accepted", None)]
    assert receipt.outcomes[1].flags == ("clone",)
    (seen,) = actions.list_devices(SITE, by=HEAD, now=MORNING)
    assert sorted(f.kind for f in seen.flags) == ["clone", "fork"]


def test_two_records_with_one_counter_in_one_upload_are_both_refused(tablet: Tablet) -> None:
    copy = Tablet(seed=tablet.seed)
    tablet.sign("2026-03-02T08:05:00+05:00")
    copy.sign("2026-03-02T08:06:00+05:00")

    receipt = send(tablet, [*tablet.records, *copy.records])

    assert outcomes(receipt) == [(1, "refused", "fork"), (1, "refused", "fork")]
    assert marks_of() == frozenset()


@pytest.mark.parametrize(
    ("happened", "more", "code"),
    [
        ("2026-03-02T09:04:59+05:00", {}, None),
        ("2026-03-02T09:05:01+05:00", {}, "in-the-future"),
        ("2026-02-20T00:00:00+05:00", {}, None),
        ("2026-02-19T23:59:59+05:00", {}, "too-old"),
        ("2026-03-02T04:00:00Z", {}, None),
        ("2026-03-02T08:00:00+05:00", {"enrolment": "enrolment-99"}, "unknown-enrolment"),
    ],
)
def test_a_record_is_judged_by_its_own_day(
    tablet: Tablet, happened: str, more: dict[str, str], code: str | None
) -> None:
    receipt = send(tablet, [tablet.sign(happened, **more)])

    assert receipt.outcomes[0].code == code
    assert receipt.head.counter == 1


@pytest.mark.parametrize(
    ("on", "code"),
    [
        ("2026-02-26", "not-enrolled-that-day"),
        ("2026-02-27", None),
        ("2026-03-02", None),
        ("2026-03-03", "not-enrolled-that-day"),
    ],
)
def test_a_child_is_marked_on_the_days_of_its_enrolment(
    tables: TestTables, on: str, code: str | None
) -> None:
    from datetime import date

    open_site(starts_on=date(2026, 2, 27), ends_on=date(2026, 3, 2))
    tablet = Tablet()
    pair(tablet)

    receipt = send(tablet, [tablet.sign(f"{on}T08:00:00+05:00")], now=at("2026-03-03 12:00"))

    assert receipt.outcomes[0].code == code


def test_one_bad_record_hides_no_other(tablet: Tablet) -> None:
    good = tablet.sign("2026-03-02T08:05:00+05:00")
    tampered = {**tablet.sign("2026-03-02T08:06:00+05:00"), "enrolment": enrolment(2)}
    foreign = Tablet(seed=9).sign("2026-03-02T08:06:00+05:00")

    receipt = send(tablet, [foreign, {"v": 2}, tampered, good, "nonsense"])

    assert outcomes(receipt) == [
        (1, "refused", "another-device"),
        (None, "refused", "malformed"),
        (2, "refused", "bad-signature"),
        (1, "accepted", None),
        (None, "refused", "malformed"),
    ]


def test_nothing_readable_moves_no_head(tablet: Tablet) -> None:
    receipt = send(tablet, [{"v": 2}])

    assert receipt.head.counter == 0
    assert list(store.each_evidence(tablet.device_id)) == []


def test_b5_a_revoked_tablet_is_refused_at_its_next_upload(tablet: Tablet) -> None:
    record = tablet.sign("2026-03-02T08:05:00+05:00")
    actions.revoke(tablet.device_id, site_id=SITE, by=HEAD, now=MORNING)

    with pytest.raises(rules.DeviceRevoked):
        send(tablet, [record])
    with pytest.raises(rules.DeviceRevoked):
        actions.roster_of(by=device_actor(tablet), now=MORNING)
    assert marks_of() == frozenset()


def test_an_unknown_tablet_is_refused(tables: TestTables) -> None:
    tablet = Tablet(seed=5)

    with pytest.raises(rules.NotPaired):
        send(tablet, [tablet.sign("2026-03-02T08:05:00+05:00")])
    with pytest.raises(rules.NotPaired):
        actions.roster_of(by=device_actor(tablet), now=MORNING)


def test_b10_a_tablet_that_floods_is_told_when_to_go_on(tablet: Tablet) -> None:
    flood: list[object] = [{}] * 500
    uploads = 0

    with pytest.raises(rules.TooManyUploads) as refused:
        for _ in range(400):
            send(tablet, flood)
            uploads += 1

    assert uploads == rules.BUCKET_SECONDS // 505
    wait = refused.value.facts["retry_after_s"]
    assert isinstance(wait, int)
    assert 0 < wait <= 505
    from datetime import timedelta

    send(tablet, flood, now=MORNING + timedelta(seconds=wait))


def test_records_too_far_apart_are_refused_whole(tablet: Tablet) -> None:
    first = tablet.sign("2026-03-02T08:05:00+05:00")
    tablet.counter = 1_200
    far = tablet.sign("2026-03-02T08:06:00+05:00")

    with pytest.raises(rules.UploadTooLarge):
        send(tablet, [first, far])
    assert marks_of() == frozenset()


def test_the_evidence_keeps_each_signed_record_as_it_was_sent(tablet: Tablet) -> None:
    import rfc8785

    for minute in range(3):
        tablet.sign(f"2026-03-02T08:0{minute}:00+05:00", ext={"t": [1, "ә", None, True]})
    send(tablet, tablet.records)

    (kept,) = store.each_evidence(tablet.device_id)

    assert list(kept.lines) == [rfc8785.dumps(record) for record in tablet.records]


def test_an_upload_of_five_hundred_fits_in_one_item(tablet: Tablet) -> None:
    for n in range(500):
        tablet.sign(f"2026-03-02T08:{n % 60:02d}:{n // 60:02d}+05:00", adult=f"adult-{n:06d}")

    with faults.watch() as seen:
        receipt = send(tablet, tablet.records)

    assert {o.outcome for o in receipt.outcomes} == {"accepted"}
    assert seen.operations["PutItem"] == 1
    assert seen.write_units["PutItem", "kezek-test-journal"] < 120
