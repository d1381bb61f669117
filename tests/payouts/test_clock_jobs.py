"""The calendar runs by itself: marks, a watch that finds what did not run, desks that are told."""

from __future__ import annotations

import pytest

import app
from chalicelib.attendance import store as sheets
from chalicelib.billing import jobs as billing_jobs
from chalicelib.edge.texts import text
from chalicelib.payouts import actions, jobs
from chalicelib.payouts.rules import clock
from chalicelib.storage import outbox, ran
from infra.alarms import WATCHED
from infra.local import faults
from infra.local.testing import TestCloud
from infra.template import merge_template
from tests.attendance.builders import at
from tests.promises.money import AREA, DAYS, MARCH, RATE

from .clock_town import LARGE, ClockTown, event


@pytest.fixture
def town(cloud: TestCloud) -> ClockTown:
    made = ClockTown()
    made.begin(cloud)
    made.attend_all()
    return made


def day_of_runs(town: ClockTown, day: str, *but: str) -> None:
    """Let the schedules of a day fire up to the watch, but for some, and do their work."""
    for job in actions.RUNS:
        if job in but:
            continue
        town.cloud.set_clock(at(f"{day} 12:00"))
        app.calendar_runs()[job](event(town.cloud.clock()))
        town.cloud.drain()


def watch(town: ClockTown, day: str) -> int:
    town.cloud.set_clock(at(f"{day} 15:00"))
    found = jobs.run_watch(event(town.cloud.clock()), app.calendar_runs())
    town.cloud.drain()
    return found


def told(desk: str) -> list[str]:
    found = outbox.NOTICES.each(f"NOTICES#{desk}")
    return sorted(kept.value.template.removeprefix("notice:payouts/") for kept in found)


OPERATOR = f"desk:operator:{AREA}"
DEPARTMENT, FINANCE = f"desk:department:{AREA}", f"desk:finance:{AREA}"


# --- runs that did not start --------------------------------------------------------------------


def test_every_run_of_the_calendar_leaves_its_mark(town: ClockTown) -> None:
    day_of_runs(town, "2026-04-02")

    marks = ran.of_day(at("2026-04-02 12:00").date())

    assert set(marks) == set(actions.RUNS)
    assert marks["run_attendance"].asked == 2  # the sites on the List
    assert marks["run_clock"].asked == 2 * 3  # their months
    assert all(mark.at == "2026-04-02T07:00:00.000000Z" for mark in marks.values())


def test_a_day_on_which_all_ran_lacks_nothing(town: ClockTown) -> None:
    day_of_runs(town, "2026-04-02")

    assert watch(town, "2026-04-02") == 0
    assert told(OPERATOR) == []


@pytest.mark.parametrize("missing", actions.RUNS)
def test_a_run_that_did_not_start_raises_an_alarm_and_is_made_up(
    town: ClockTown, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    day_of_runs(town, "2026-04-01")
    watch(town, "2026-04-01")
    day_of_runs(town, "2026-04-02", missing)
    capsys.readouterr()

    assert watch(town, "2026-04-02") >= 1

    said = capsys.readouterr().out
    assert '"CalendarRunMissing"' in said and '"CalendarWatched"' in said
    found = [kept.value for kept in outbox.NOTICES.each(f"NOTICES#{OPERATOR}")]
    assert [one.facts["job"] for one in found if "job" in one.facts] == [missing]
    assert missing in ran.of_day(at("2026-04-02 12:00").date())
    assert watch(town, "2026-04-02") == 0  # made up, and told once


def test_a_watch_that_missed_days_itself_makes_up_for_them_too(town: ClockTown) -> None:
    day_of_runs(town, "2026-04-01")
    watch(town, "2026-04-01")

    # Nothing ran on the second and the third; on the fourth only the watch did.
    found = actions.missing_runs(at("2026-04-04 15:00"))

    assert [(run.job, run.on.day) for run in found] == [
        (job, day) for day in (2, 3, 4) for job in actions.RUNS
    ]
    watch(town, "2026-04-04")
    for day in ("02", "03", "04"):
        marks = ran.of_day(at(f"2026-04-{day} 12:00").date())
        assert set(actions.RUNS) <= set(marks), day
    # The month was closed in the name of the job, a day late.
    assert sheets.find_site_month(LARGE, MARCH).value.closed_by == "attendance"
    assert watch(town, "2026-04-04") == 0


def test_a_new_installation_lacks_its_first_day_at_most(town: ClockTown) -> None:
    found = actions.missing_runs(at("2026-04-04 15:00"))

    assert {run.on.day for run in found} == {4}


def test_a_run_killed_before_its_mark_is_missing(town: ClockTown) -> None:
    with faults.watch() as seen:
        billing_jobs.run_billing(event(at("2026-04-13 06:00")))
    for number in range(1, len(seen.calls) + 1):
        for row in ran.RAN.each("RAN#2026-04-13"):
            ran.commit([ran.RAN.remove(row)])
        with faults.crash(before=number), pytest.raises(faults.Crash):
            billing_jobs.run_billing(event(at("2026-04-13 06:00")))
        missing = {run.job for run in actions.missing_runs(at("2026-04-13 15:00"))}
        assert "run_billing" in missing, number


# --- steps that are not complete ----------------------------------------------------------------


def test_a_site_whose_message_was_lost_is_found_and_asked_again(
    town: ClockTown, capsys: pytest.CaptureFixture[str]
) -> None:
    """The schedule ran and left its mark, but a site's message never came."""
    day = "2026-04-02"
    town.cloud.set_clock(at(f"{day} 12:00"))
    for job in actions.RUNS[:-1]:
        app.calendar_runs()[job](event(town.cloud.clock()))
    town.cloud.messages.purge(None)
    jobs.run_clock(event(town.cloud.clock()))
    town.cloud.drain()

    assert watch(town, day) == 1

    assert '"CalendarStepIncomplete"' in capsys.readouterr().out
    assert told(OPERATOR) == ["step-incomplete"]
    assert sheets.find_site_month(LARGE, MARCH).value.closed_at is not None
    town.look()
    assert watch(town, day) == 0


def test_a_month_that_nobody_billed_is_billed_and_claimed_by_the_watch(town: ClockTown) -> None:
    town.close(LARGE)
    town.approve_all()
    day = "2026-04-13"
    town.cloud.set_clock(at(f"{day} 12:00"))
    for job in actions.RUNS[:-1]:
        app.calendar_runs()[job](event(town.cloud.clock()))
    town.cloud.messages.purge(None)
    jobs.run_clock(event(town.cloud.clock()))
    town.cloud.drain()
    (lack,) = [one for one in actions.incomplete(at(f"{day} 15:00")) if one.step == "bill"]
    assert (lack.site_ids, lack.month) == ((LARGE,), MARCH)

    watch(town, day)

    assert town.newest(LARGE).amount_tiyn == 6 * RATE
    assert [one.step for one in actions.incomplete(at(f"{day} 15:01"))] == []


def test_a_site_that_nobody_looked_at_is_looked_at(town: ClockTown) -> None:
    assert {one.step for one in actions.incomplete(at("2026-04-02 15:00"))} == {"clock"}

    for job in actions.RUNS:
        ran.mark(job, at=at("2026-04-02 12:00"))
    assert watch(town, "2026-04-02") > 0
    assert actions.incomplete(at("2026-04-02 15:00")) == [
        actions.Incomplete(
            programme="preschool", area=AREA, month=MARCH, step="close", site_ids=(LARGE,)
        )
    ]


def test_a_budget_that_is_short_is_no_fault_of_a_schedule(town: ClockTown) -> None:
    town.allot(1_000, act="act-2")
    town.close(LARGE)
    town.approve_all()
    day_of_runs(town, "2026-04-13")

    assert watch(town, "2026-04-13") == 0
    assert town.steps() == {"fund": 6 * RATE}


def test_a_month_that_nobody_closed_for_weeks_is_closed_by_the_watch(town: ClockTown) -> None:
    """The daily run looks at the month just over; an older one is asked for by its own days."""
    for job in actions.RUNS:
        ran.mark(job, at=at("2026-05-12 12:00"))
    town.cloud.set_clock(at("2026-05-12 12:30"))
    town.look()

    assert watch(town, "2026-05-12") > 0

    assert sheets.find_site_month(LARGE, MARCH).value.closed_by == "attendance"


# --- whose turn it is ---------------------------------------------------------------------------


def test_desks_are_told_on_the_first_and_last_day_and_when_it_is_over(town: ClockTown) -> None:
    town.close(LARGE)
    for n in range(1, 6):
        town.approve(n, LARGE)
    day_of_runs(town, "2026-04-07")
    watch(town, "2026-04-07")
    assert (told(DEPARTMENT), told(FINANCE)) == ([], [])

    for day, more in (("08", 1), ("09", 1), ("10", 2)):
        day_of_runs(town, f"2026-04-{day}")
        for _ in range(2):
            watch(town, f"2026-04-{day}")
        assert told(DEPARTMENT) == ["turn-decide"] * more, day
    day_of_runs(town, "2026-04-11")
    watch(town, "2026-04-11")
    assert told(DEPARTMENT) == ["turn-decide", "turn-decide", "turn-decide-late"]


def test_a_provider_who_does_not_sign_is_reminded_on_the_last_day_and_after(
    town: ClockTown,
) -> None:
    town.close(LARGE)
    town.approve_all()
    for day in range(11, 17):
        day_of_runs(town, f"2026-04-{day}")
        watch(town, f"2026-04-{day}")
        watch(town, f"2026-04-{day}")

    found = [t for t in told("organisation:organisation-0") if t == "claim-still-to-sign"]
    assert len(found) == 2


def test_agreement_release_and_the_bank_have_their_desks(town: ClockTown) -> None:
    town.close(LARGE)
    town.approve_all()
    for day in (11, 12, 13):
        day_of_runs(town, f"2026-04-{day}")
    claim = town.newest(LARGE)
    town.sign(claim)
    day_of_runs(town, "2026-04-14")
    watch(town, "2026-04-14")
    assert told(DEPARTMENT) == ["turn-agree"]

    town.agree(claim)
    day_of_runs(town, "2026-04-15")
    watch(town, "2026-04-15")
    assert told(FINANCE) == ["turn-release"]

    town.release(claim)
    town.pay("payment-run-1")
    day_of_runs(town, "2026-04-17")
    watch(town, "2026-04-17")
    assert told(FINANCE) == ["turn-release", "turn-settle"]


def test_a_desk_reads_what_it_was_told_and_nobody_elses(town: ClockTown) -> None:
    town.close(LARGE)
    day_of_runs(town, "2026-04-08")
    watch(town, "2026-04-08")
    cloud = town.cloud

    mine = cloud.get("/v1/notices", token=town.token("department")).json["notices"]
    far = cloud.get("/v1/notices", token=town.token("department", areas=["astana"])).json
    other = cloud.get("/v1/notices", token=town.token("finance")).json

    assert [one["template"] for one in mine] == ["notice:payouts/turn-decide"]
    assert "390000" in mine[0]["text"] and "10.04.2026" in mine[0]["text"]
    assert far["notices"] == other["notices"] == []


def test_a_desk_with_an_address_is_written_to(
    town: ClockTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "KEZEK_DESKS", '{"operator": {"language": "kk", "contacts": ["operator@example.kz"]}}'
    )
    watch(town, "2026-04-08")

    (first, *_) = [kept.value for kept in outbox.NOTICES.each(f"NOTICES#{OPERATOR}")]

    assert (first.channel, first.sent_at is not None) == ("email", True)


def test_programmes_are_named_in_the_readers_language(town: ClockTown) -> None:
    town.close(LARGE)
    day_of_runs(town, "2026-04-08")
    watch(town, "2026-04-08")

    (notice,) = [kept.value for kept in outbox.NOTICES.each(f"NOTICES#{DEPARTMENT}")]

    says = {text(notice.template, language, notice.facts) for language in ("kk", "ru", "en")}
    assert len({one.split(",")[0] for one in says}) == 3
    assert not any("{" in one or "…" in one for one in says)


# --- the desk that watches ----------------------------------------------------------------------


def test_the_watch_shows_what_ran_and_what_lacks(town: ClockTown) -> None:
    day_of_runs(town, "2026-04-02", "run_attendance")
    town.cloud.set_clock(at("2026-04-02 14:00"))
    query = {"programme": "preschool", "area": AREA}

    said = town.cloud.get("/v1/payouts/clock/watch", query=query, token=town.token("operator"))

    assert said.status == 200, said.text
    ran_at = {run["job"]: run["at"] for run in said.json["runs"]}
    assert ran_at["run_attendance"] is None and ran_at["run_billing"] is not None
    assert said.json["incomplete"] == [
        {"month": "2026-03", "step": "close", "sites": [LARGE]},
    ]


def test_each_no_of_the_watch(town: ClockTown) -> None:
    query = {"programme": "preschool", "area": AREA}
    path, ask = "/v1/payouts/clock/watch", town.cloud.get

    assert ask(path, query=query).status == 401
    assert ask(path, query=query, token=town.token("head")).status == 403
    far = ask(path, query=query, token=town.token("operator", areas=["astana"]))
    assert (far.status, far.code) == (404, "kezek/unknown")
    nowhere = ask(path, query={**query, "programme": "none"}, token=town.token("operator"))
    assert nowhere.code == "policy/no-pack"
    bad = ask(path, query={**query, "on": "soon"}, token=town.token("operator"))
    assert bad.status == 400


# --- what is packed -----------------------------------------------------------------------------


def test_every_run_of_the_calendar_has_an_alarm_for_not_starting_and_one_for_failing() -> None:
    # What the nights do, and terms, are missed in the same way; nobody makes it up by the calendar.
    others = {"run_self_audit", "run_ledger", "run_signals", "run_deadlines"}
    assert {*actions.RUNS, actions.WATCH, *others} == set(WATCHED)
    assert set(app.calendar_runs()) == set(actions.RUNS)
    schedules = {source.name for source in app.app.event_sources}
    assert set(WATCHED) <= schedules
    resources = merge_template("prod")["Resources"]
    alarms = {
        name: one["Properties"]
        for name, one in resources.items()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }

    for job in WATCHED:
        logical = "".join(part.capitalize() for part in job.split("_"))
        absent = alarms[f"{logical}NotStartedAlarm"]
        assert absent["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": logical}}]
        assert (absent["TreatMissingData"], absent["MetricName"]) == ("breaching", "Invocations")
        assert (absent["ComparisonOperator"], absent["Threshold"]) == ("LessThanThreshold", 1)
        assert alarms[f"{logical}FailedAlarm"]["MetricName"] == "Errors"
    for metric in ("CalendarRunMissing", "CalendarStepIncomplete"):
        assert alarms[f"{metric}Alarm"]["MetricName"] == metric
    assert alarms["CalendarWatchedAlarm"]["TreatMissingData"] == "breaching"


def test_what_is_asked_again_is_work_that_somebody_does() -> None:
    steps = ("close", "remind", "hand-over", "bill", "claim", "clock")
    for step in steps:
        one = actions.Incomplete(
            programme="preschool", area=AREA, month=MARCH, step=step, site_ids=(LARGE,)
        )
        for topic, facts in one.again(DAYS[0]):
            assert topic in app.work(), topic
            assert facts["site_id"] == LARGE
    assert set(clock.WHO) == set(clock.STEPS)
