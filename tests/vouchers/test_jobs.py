"""Work that commits leave behind: offers and closed sites, twice as harmless as once."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from chalicelib.edge.texts import LANGUAGES, catalogue
from chalicelib.providers.actions import listing
from chalicelib.providers.rules import Reason, SiteState
from chalicelib.storage.outbox import WORK
from chalicelib.storage.rows import OutboxRow
from chalicelib.vouchers import actions, jobs, store
from chalicelib.vouchers.actions import sites
from infra.local import testing
from tests.vouchers.builders import BOT, NOW, OFFICER, OTHER_SITE, SITE, Town, later
from tests.vouchers.clubs import FIGHT, City
from tests.vouchers.test_actions import A, B, close, told, wait

UNTIL = date(2026, 4, 1)
REASON = Reason("fire-safety", "mended, act 15")


def suspend(town: Town) -> None:
    town.set_site(SITE, state=SiteState.SUSPENDED, transition_until=UNTIL)


def test_a_freed_seat_is_offered_by_its_message(town: Town):
    town.group(A, capacity=4), town.group(B, capacity=1)
    leaving, first = town.confirmed(B), town.confirmed(A)
    wait(town, first, B)
    close(town, leaving, None)

    jobs.offer({"group_id": B}, NOW)
    jobs.offer({"group_id": B}, NOW)

    assert town.holders(B) == {first}
    assert told(town, first) == ["offered"]


def test_a_suspension_leaves_no_child_without_a_way(town: Town):
    town.group(A, capacity=4)
    enrolled, reserved = town.enrolled(A), town.confirmed(A)
    suspend(town)

    for _ in range(2):
        jobs.site_closed({"site_id": SITE}, later(days=1))

    assert town.holders(A) == {enrolled}
    assert town.voucher(enrolled).state == "used"
    assert told(town, enrolled).count("site-suspended") == 1
    free = town.voucher(reserved)
    assert (free.state, free.group_id) == ("confirmed", None)
    assert free.contract_by == "2026-03-11T19:00:00.000000Z"  # a whole term from today
    assert told(town, reserved).count("choose-again") == 1


def test_an_offer_of_a_suspended_site_waits_again(town: Town):
    town.group(A, capacity=4, site_id=OTHER_SITE), town.group(B, capacity=1)
    leaving, first = town.confirmed(B), town.confirmed(A)
    wait(town, first, B)
    close(town, leaving, None)
    jobs.offer({"group_id": B}, NOW)
    suspend(town)

    jobs.site_closed({"site_id": SITE}, NOW)

    assert town.holders(B) == set()
    assert [w.state for w in town.voucher(first).waiting] == ["waiting"]
    assert town.waiting(B) == [first]


def test_a_removed_site_keeps_its_children_to_the_end_of_the_transition(town: Town):
    town.group(A, capacity=4), town.group(B, site_id=OTHER_SITE)
    voucher_id = town.enrolled(A)
    child_id = town.voucher(voucher_id).child_id
    town.set_site(SITE, state=SiteState.REMOVED, transition_until=UNTIL)

    jobs.site_closed({"site_id": SITE}, NOW)
    assert town.voucher(voucher_id).state == "used"
    after = datetime(2026, 4, 1, 19, tzinfo=UTC)
    assert actions.site_ends(SITE, by=BOT, now=after)
    actions.site_ends(SITE, by=BOT, now=after)

    voucher = town.voucher(voucher_id)
    assert (voucher.state, voucher.group_id) == ("confirmed", None)
    (enrolment,) = store.list_enrolments(SITE)
    assert enrolment.ends_on == date(2026, 4, 2)
    assert told(town, voucher_id).count("choose-again") == 1
    actions.end_seats(voucher_id, by=BOT, now=datetime(2026, 4, 2, 19, tzinfo=UTC))
    assert actions.enrolment_of_child(child_id, "preschool") is None
    actions.choose(
        voucher_id, B, by=town.parents[voucher_id], now=datetime(2026, 4, 3, 4, tzinfo=UTC)
    )
    now = datetime(2026, 4, 3, 4, tzinfo=UTC)
    town.papers(voucher_id, now=now)
    assert town.sign(voucher_id, starts_on=date(2026, 4, 3), now=now).site_id == OTHER_SITE


def test_many_children_are_told_in_several_messages(town: Town, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sites, "AT_ONCE", 2)
    town.group(A, capacity=6)
    enrolled = [town.enrolled(A) for _ in range(5)]
    suspend(town)

    jobs.site_closed({"site_id": SITE}, NOW)
    for _ in range(2):
        for row in list(OutboxRow.scan(OutboxRow.pk.startswith("WORK#"))):
            work = WORK.kept(row).value
            if work.topic == "vouchers/site-closed":
                jobs.site_closed(work.facts, NOW)

    assert all("site-suspended" in told(town, v) for v in enrolled)


def test_a_site_listed_again_meanwhile_is_left_alone(town: Town):
    town.group(A)
    voucher_id = town.confirmed(A)

    jobs.site_closed({"site_id": SITE}, NOW)

    assert town.holders(A) == {voucher_id}


def test_every_topic_has_its_handler():
    assert set(jobs.WORK) == {
        "vouchers/moved",
        "vouchers/offer",
        "vouchers/suspended",
        "vouchers/removed",
        "vouchers/renewals",
        "vouchers/site-closed",
    }


def test_every_text_stands_in_three_languages():
    ours = {key: texts for key, texts in catalogue().items() if "vouchers/" in key}

    assert len(ours) > 35
    for key, texts in ours.items():
        assert set(texts) == set(LANGUAGES), key


def test_who_waited_through_a_suspension_is_offered_the_place(town: Town):
    town.group(A, capacity=4, site_id=OTHER_SITE), town.group(B, capacity=1)
    leaving, first = town.confirmed(B), town.confirmed(A)
    wait(town, first, B)
    town.set_site(SITE, state=SiteState.SUSPENDED, transition_until=UNTIL)
    close(town, leaving, None)
    jobs.offer({"group_id": B}, NOW)
    assert town.holders(B) == set()

    listing.reinstate_site(SITE, [REASON], act="2-Ө", by=OFFICER, now=NOW)
    for row in list(OutboxRow.scan(OutboxRow.pk.startswith("WORK#site-reinstated"))):
        jobs.offer(WORK.kept(row).value.facts, NOW)

    assert town.holders(B) == {first}


def test_every_night_an_area_that_reserves_money_is_passed_over(cloud: testing.TestCloud):
    city = City()
    first, second = city.enrolled(FIGHT), city.enrolled(FIGHT)
    city.allot(2027, 12, ("sport",))
    night = datetime(2026, 12, 7, 20, 30, tzinfo=UTC)
    cloud.set_clock(night)

    for _ in range(2):
        cloud.fire("run_renewals", night)

    assert city.voucher(first).reserved_to == "2027-12"
    assert city.voucher(second).warned_of == "2026-12"
    assert cloud.dead_letters() == []
