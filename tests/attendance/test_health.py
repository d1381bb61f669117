"""Tablets' health over a real engine and HTTP: clock, silence, two places, copies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.attendance import actions, jobs, store
from chalicelib.kernel.periods import stamp
from chalicelib.storage import keys, outbox
from infra.local import faults
from infra.local.testing import MORNING, TestCloud, TestTables
from tests.attendance.builders import (
    AREA,
    HEAD,
    ORGANISATION,
    SITE,
    at,
    device_actor,
    open_site,
    pair,
    send,
)
from tests.attendance.tablets import Tablet
from tests.attendance.test_health_rules import FAR, HOME

PREFIX = "/v1/attendance"


@pytest.fixture
def tablet(tables: TestTables) -> Tablet:
    open_site()
    made = Tablet()
    pair(made)
    return made


def upload(tablet: Tablet, minute: int, skew: int = 0, now: Any = MORNING, **ext: Any) -> None:
    """Send one record; the tablet's clock is `skew` seconds off."""
    more = {"ext": ext} if ext else {}
    when = (now + timedelta(minutes=minute - 60)).isoformat(timespec="seconds")
    record = tablet.sign(when.replace("+00:00", "Z"), **more)
    actions.receive(
        [record], by=device_actor(tablet), now=now, sent_at=now + timedelta(seconds=skew)
    )


def state_of(tablet: Tablet) -> store.DeviceState:
    found = store.find_state(tablet.device_id)
    assert found is not None
    return found


def seen_at(now: Any) -> Any:
    (seen,) = actions.list_devices(SITE, by=HEAD, now=now)
    return seen


# --- the clock


def test_the_last_and_the_worst_skew_are_kept(tablet: Tablet) -> None:
    for minute, skew in enumerate((0, 130, -600, 90, 500)):
        upload(tablet, minute, skew)

    state = state_of(tablet)
    assert (state.skew_s, state.skew_worst_s) == (500, 600)
    assert seen_at(MORNING).health.state == "skewed"
    upload(tablet, 9, 3)
    assert (state_of(tablet).skew_s, seen_at(MORNING).health.state) == (3, "ok")
    assert state_of(tablet).skew_worst_s == 600


def test_a_right_clock_costs_no_call(tablet: Tablet) -> None:
    upload(tablet, 0)

    with faults.watch() as seen:
        upload(tablet, 1, 4, app="tablet 2.0", battery=80, place=HOME)
    assert seen.operations == {"UpdateItem": 2, "Query": 1, "PutItem": 1}
    assert seen.write_units["UpdateItem", "kezek-test-attendance"] == 2

    upload(tablet, 2, 400)
    with faults.watch() as seen:
        upload(tablet, 3, 399)
    assert seen.operations == {"UpdateItem": 2, "Query": 1, "PutItem": 1}


def test_a_tablet_tells_its_version_battery_and_place(tablet: Tablet) -> None:
    upload(tablet, 0, app="tablet 2.0", battery=80, place=HOME)
    upload(tablet, 1, battery=79)

    state = state_of(tablet)
    assert (state.app, state.battery) == ("tablet 2.0", 79)
    assert state.place is not None and state.place.startswith("45015 78374 ")


def test_an_old_upload_again_tells_its_clock_only(tablet: Tablet) -> None:
    upload(tablet, 0, battery=80)
    old = tablet.records[-1]
    upload(tablet, 1, battery=20)

    actions.receive(
        [old], by=device_actor(tablet), now=MORNING, sent_at=MORNING + timedelta(seconds=9)
    )

    state = state_of(tablet)
    assert (state.battery, state.skew_s, state.head_counter) == (20, 9, 2)


def test_a_tablet_of_before_says_nothing_and_is_well(tablet: Tablet) -> None:
    send(tablet, [tablet.sign("2026-03-02T08:00:00+05:00")])

    state = state_of(tablet)
    assert (state.skew_s, state.app, state.battery, state.place) == (None, None, None, None)
    assert seen_at(MORNING).health.state == "ok"


# --- two places, copies


def test_two_places_are_flagged_within_an_upload_and_across(tablet: Tablet) -> None:
    upload(tablet, 0, place=HOME)
    upload(tablet, 10, place=FAR)

    seen = seen_at(MORNING)
    assert seen.health.state == "two-places"
    assert [(f.kind, f.first) for f in seen.flags] == [("two-places", 2)]
    actions.receive(tablet.records[1:], by=device_actor(tablet), now=MORNING)
    assert seen_at(MORNING).flags == seen.flags


def test_b6_a_copied_key_is_shown_as_forked(tablet: Tablet) -> None:
    copy = Tablet(seed=tablet.seed)
    send(tablet, [tablet.sign("2026-03-02T08:05:00+05:00")])
    assert seen_at(MORNING).health.state == "ok"

    send(tablet, [copy.sign("2026-03-02T08:07:00+05:00")])

    assert seen_at(MORNING).health.state == "forked"
    actions.revoke(tablet.device_id, site_id=SITE, by=HEAD, now=MORNING)
    assert seen_at(MORNING).health.state == "revoked"


# --- silence


def notices() -> list[outbox.Notice]:
    pk = keys.notice(f"organisation:{ORGANISATION}", "")[0]
    return [kept.value for kept in outbox.NOTICES.each(pk)]


def test_a_dead_tablet_is_told_of_once_and_again_after_it_lived(tablet: Tablet) -> None:
    upload(tablet, 0)
    assert actions.tell_silent(SITE, now=at("2026-03-02 12:00")) == 0

    assert actions.tell_silent(SITE, now=at("2026-03-03 11:59")) == 0
    assert actions.tell_silent(SITE, now=at("2026-03-03 12:00")) == 1
    assert actions.tell_silent(SITE, now=at("2026-03-03 12:00")) == 0
    assert actions.tell_silent(SITE, now=at("2026-03-05 12:00")) == 0
    (told,) = notices()
    assert told.template == "notice:attendance/tablet-silent"
    assert told.facts["tablet"] == tablet.device_id[:6] and told.facts["since"] == "02.03.2026"
    assert seen_at(at("2026-03-03 12:00")).health.state == "silent"

    upload(tablet, 1, now=at("2026-03-05 09:00"))
    assert seen_at(at("2026-03-05 12:00")).health.state == "ok"
    assert actions.tell_silent(SITE, now=at("2026-03-06 12:00")) == 1


def test_a_weekend_is_no_silence(tablet: Tablet) -> None:
    upload(tablet, 0, now=at("2026-03-06 09:00"))  # a Friday

    # Monday 9 March is off in place of Sunday 8 March.
    for day in ("2026-03-07", "2026-03-08", "2026-03-09"):
        assert actions.tell_silent(SITE, now=at(f"{day} 12:00")) == 0
        assert seen_at(at(f"{day} 12:00")).health.state == "ok"


def test_a_site_without_children_is_not_asked(tables: TestTables) -> None:
    open_site(children_count=0)
    tablet = Tablet()
    pair(tablet)

    assert actions.tell_silent(SITE, now=at("2026-03-10 12:00")) == 0
    assert seen_at(at("2026-03-10 12:00")).health.state == "ok"


def test_a_revoked_tablet_is_not_missed(tablet: Tablet) -> None:
    actions.revoke(tablet.device_id, site_id=SITE, by=HEAD, now=MORNING)

    assert actions.tell_silent(SITE, now=at("2026-03-05 12:00")) == 0


def test_the_daily_work_looks(tablet: Tablet) -> None:
    upload(tablet, 0)

    jobs.daily({"site_id": SITE, "on": "2026-03-03"}, at("2026-03-03 12:00"))

    assert [n.template for n in notices()] == ["notice:attendance/tablet-silent"]


# --- over HTTP


def test_the_list_says_how_each_tablet_fares_in_three_languages(cloud: TestCloud) -> None:
    open_site()
    tablet = Tablet()
    pair(tablet)
    when = (MORNING + timedelta(seconds=200)).isoformat().replace("+00:00", "Z")
    sent = {"records": [tablet.sign("2026-03-02T08:00:00+05:00")], "sent_at": when}
    said = cloud.post(f"{PREFIX}/records", sent, token=tablet.token(MORNING))
    assert said.status == 200, said.text

    words = {}
    for language in ("kk", "ru", "en"):
        for role, claims in (
            ("head", {"organisations": [ORGANISATION]}),
            ("department", {"areas": [AREA]}),
            ("auditor", {}),
        ):
            (shown,) = cloud.get(
                f"{PREFIX}/devices?site_id={SITE}",
                token=cloud.token(role, role, **claims),
                headers={"accept-language": language},
            ).json["items"]
            words[language] = shown["reason"]
            assert (shown["state"], shown["skew_s"], shown["skew_worst_s"]) == ("skewed", 200, 200)
            assert shown["last_seen_at"] == stamp(MORNING)
    assert "200" in words["kk"] and "озып" in words["kk"]
    assert "спешат на 200" in words["ru"] and "200 s ahead" in words["en"]


@pytest.mark.parametrize("sent_at", ["2026-03-02T09:00:00", "soon", 7])
def test_a_naive_clock_is_refused(cloud: TestCloud, sent_at: object) -> None:
    open_site()
    tablet = Tablet()
    pair(tablet)
    sent = {"records": [tablet.sign("2026-03-02T08:00:00+05:00")], "sent_at": sent_at}

    said = cloud.post(f"{PREFIX}/records", sent, token=tablet.token(MORNING))

    assert (said.status, said.code) == (400, "kezek/bad-field")
