"""The switchboard: every way into Kezek, on one screen."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

# Whatever comes needs it. First and from here: imported deep inside other imports it was measured
# 25 ms slower (urllib3's patterns); why is not proven.
import pynamodb.models  # noqa: F401
from chalice.app import CloudWatchEvent, Cron, DynamoDBEvent, SQSEvent

from chalicelib.edge import about
from chalicelib.edge.application import JOURNAL_STREAM, OUTBOX_STREAM, Kezek

if TYPE_CHECKING:
    from chalicelib.edge import batches

app = Kezek("kezek")

# --- HTTP: /v1/<slice> is chalicelib/<slice>/routes.py, imported when it is first asked for, so
# that a cold start loads one slice and those it stands on, not all of them


def areas() -> frozenset[str]:
    """Return the areas of all rule packs."""
    from chalicelib.policy.actions import list_packs

    return frozenset(pack.area for pack in list_packs())


def tell_areas() -> None:
    """Let access know which areas there are: the packs stand above it."""
    from chalicelib.access import actions as access

    access.areas_are(areas)


app.mount(about.routes)
app.offer("access", then=tell_areas)
app.offer(
    "policy",
    "children",
    "providers",
    "applications",
    "budgets",
    "vouchers",
    "queue",
    "lessons",
    "attendance",
    "ratings",
    "signals",
    "billing",
    "payouts",
    "traces",
    "complaints",
    "notices",
    "rights",
    "record",
    "feed",
)


# --- schedules, in UTC (13:00Z is 18:00 in Almaty): they fire daily, the packs' calendars decide


@app.schedule(Cron("0", "13", "*", "*", "?", "*"))
def run_iteration(event: CloudWatchEvent) -> None:
    """18:00: draft the day's run of every area."""
    from chalicelib.queue import jobs as queue_jobs

    queue_jobs.run_iteration(event)


@app.schedule(Cron("0", "14", "*", "*", "?", "*"))
def run_checkpoint(event: CloudWatchEvent) -> None:
    """19:00: publish every queue's order."""
    from chalicelib.queue import jobs as queue_jobs

    queue_jobs.run_checkpoint(event)


@app.schedule(Cron("0/15", "*", "*", "*", "?", "*"))
def run_deadlines(event: CloudWatchEvent) -> None:
    """Every quarter of an hour: look at what has fallen due."""
    from chalicelib.queue import jobs as queue_jobs

    queue_jobs.run_deadlines(event, deadlines())


@app.schedule(Cron("30", "19", "*", "*", "?", "*"))
def run_turnover(event: CloudWatchEvent) -> None:
    """00:30: let those who stood a year ago move to their new cohort."""
    from chalicelib.applications import jobs as applications_jobs

    applications_jobs.run_turnover(event)


@app.schedule(Cron("30", "20", "*", "*", "?", "*"))
def run_renewals(event: CloudWatchEvent) -> None:
    """01:30: hold money of the next budget year for vouchers whose months run out."""
    from chalicelib.vouchers import jobs as vouchers_jobs

    vouchers_jobs.run_renewals(event)


@app.schedule(Cron("0", "7", "*", "*", "?", "*"))
def run_attendance(event: CloudWatchEvent) -> None:
    """12:00: close months, remind, tell of absences, hand silence to the department."""
    from chalicelib.attendance import jobs as attendance_jobs

    attendance_jobs.remind_and_close(event)


@app.schedule(Cron("0", "23", "*", "*", "?", "*"))
def run_signals(event: CloudWatchEvent) -> None:
    """04:00: have months looked at for what is odd, from their close to the end of the check."""
    from chalicelib.signals import jobs as signals_jobs

    signals_jobs.run_signals(event)


@app.schedule(Cron("0", "1", "*", "*", "?", "*"))
def run_billing(event: CloudWatchEvent) -> None:
    """06:00: hand out the provider-months whose check has begun."""
    from chalicelib.billing import jobs as billing_jobs

    billing_jobs.run_billing(event)


@app.schedule(Cron("0/30", "22-23", "*", "*", "?", "*"))
def run_self_audit(event: CloudWatchEvent) -> None:
    """03:00 to 04:30: hold everything ever stated against what is due, publish the number."""
    from chalicelib.billing import jobs as billing_jobs

    billing_jobs.run_self_audit(event)


@app.schedule(Cron("30", "21", "*", "*", "?", "*"))
def run_ledger(event: CloudWatchEvent) -> None:
    """02:30: read the whole ledger, hold it against itself, keep its trial balance."""
    from chalicelib.budgets import jobs as budgets_jobs

    budgets_jobs.run_ledger(event)


@app.schedule(Cron("0", "2", "*", "*", "?", "*"))
def run_claims(event: CloudWatchEvent) -> None:
    """07:00: make claims of what was posted."""
    from chalicelib.payouts import jobs as payouts_jobs

    payouts_jobs.run_claims(event)


@app.schedule(Cron("0", "4", "*", "*", "?", "*"))
def run_payday(event: CloudWatchEvent) -> None:
    """09:00: on payday and after it, say what is overdue."""
    from chalicelib.payouts import jobs as payouts_jobs

    payouts_jobs.run_payday(event)


@app.schedule(Cron("0", "8", "*", "*", "?", "*"))
def run_clock(event: CloudWatchEvent) -> None:
    """13:00: look at which step every site's month stands."""
    from chalicelib.payouts import jobs as payouts_jobs

    payouts_jobs.run_clock(event)


@app.schedule(Cron("0", "10", "*", "*", "?", "*"))
def run_watch(event: CloudWatchEvent) -> None:
    """15:00: see that the day's runs started and the calendar's steps are complete."""
    from chalicelib.payouts import jobs as payouts_jobs

    payouts_jobs.run_watch(event, calendar_runs())


@app.schedule(Cron("5/15", "*", "*", "*", "?", "*"))
def run_record(event: CloudWatchEvent) -> None:
    """Every quarter of an hour: publish the record, look for entries that its stream lost."""
    from chalicelib.record import jobs as record_jobs

    record_jobs.run_record(event)


@app.schedule(Cron("30", "22", "*", "*", "?", "*"))
def run_vault(event: CloudWatchEvent) -> None:
    """03:30: go on with a rotation of keys, collect sealed fields that nothing refers to."""
    from chalicelib.rotation import jobs as rotation_jobs

    rotation_jobs.run_vault(event)


@app.schedule(Cron("0", "21", "*", "*", "?", "*"))
def run_retention(event: CloudWatchEvent) -> None:
    """02:00: end what is kept no longer, a seventh of the rows a day."""
    from chalicelib.rights import jobs as rights_jobs

    rights_jobs.run_retention(event)


# --- the work queue, the outbox's stream and the journal's


@functools.cache
def deadlines() -> dict[str, Any]:
    """Return topic → what looks at it, of the slices above the queue."""
    from chalicelib.access import jobs as access_jobs
    from chalicelib.attendance import jobs as attendance_jobs
    from chalicelib.complaints import jobs as complaints_jobs
    from chalicelib.payouts import jobs as payouts_jobs
    from chalicelib.rights import jobs as rights_jobs

    return {
        **access_jobs.DEADLINES,
        **attendance_jobs.DEADLINES,
        **payouts_jobs.DEADLINES,
        **complaints_jobs.DEADLINES,
        **rights_jobs.DEADLINES,
    }


@functools.cache
def calendar_runs() -> dict[str, Any]:
    """Return schedule → what makes it up where it did not start, of the month's calendar."""
    from chalicelib.attendance import jobs as attendance_jobs
    from chalicelib.billing import jobs as billing_jobs
    from chalicelib.payouts import jobs as payouts_jobs

    return {
        "run_attendance": attendance_jobs.remind_and_close,
        "run_billing": billing_jobs.run_billing,
        "run_claims": payouts_jobs.run_claims,
        "run_payday": payouts_jobs.run_payday,
        "run_clock": payouts_jobs.run_clock,
    }


@functools.cache
def work() -> dict[str, batches.Handler]:
    """Return topic → what does it; asked by the first message."""
    from chalicelib.applications import jobs as applications_jobs
    from chalicelib.attendance import jobs as attendance_jobs
    from chalicelib.billing import jobs as billing_jobs
    from chalicelib.children import jobs as children_jobs
    from chalicelib.payouts import jobs as payouts_jobs
    from chalicelib.queue import jobs as queue_jobs
    from chalicelib.rights import jobs as rights_jobs
    from chalicelib.rotation import jobs as rotation_jobs
    from chalicelib.signals import jobs as signals_jobs
    from chalicelib.vouchers import jobs as vouchers_jobs

    return {
        "applications/refresh": applications_jobs.refresh,
        "applications/voucher-cancelled": applications_jobs.voucher_cancelled,
        "attendance/daily": attendance_jobs.daily,
        "attendance/remind": attendance_jobs.remind,
        "billing/audit": billing_jobs.audit,
        "billing/bill": billing_jobs.bill,
        "billing/posted": payouts_jobs.calculate,
        "billing/savings": billing_jobs.save,
        "children/looked-at": children_jobs.looked_at,
        "payouts/calculate": payouts_jobs.calculate,
        "payouts/clock": payouts_jobs.look,
        "queue/checkpoint": queue_jobs.checkpoint,
        "queue/commit-run": queue_jobs.commit_run,
        "queue/prove-run": queue_jobs.prove_run,
        "queue/files": queue_jobs.publish_files,
        "queue/deadlines": lambda facts, now: queue_jobs.deadlines(facts, now, deadlines()),
        "queue/tell-moved": queue_jobs.tell_moved,
        "rights/finish-erasure": rights_jobs.finish_erasure,
        "rights/retain": rights_jobs.retain,
        "rotation/turn": rotation_jobs.turn,
        "signals/arrived": signals_jobs.arrived,
        "signals/hold": signals_jobs.hold,
        "signals/month": signals_jobs.month,
        "vouchers/moved": vouchers_jobs.moved,
        "vouchers/offer": vouchers_jobs.offer,
        "vouchers/removed": vouchers_jobs.site_closed,
        "vouchers/renewals": vouchers_jobs.renewals,
        "vouchers/site-closed": vouchers_jobs.site_closed,
        "vouchers/suspended": vouchers_jobs.site_closed,
    }


@app.on_sqs_message(queue="kezek-work", batch_size=10)
def on_work(event: SQSEvent) -> dict[str, Any]:
    """One message, one piece of work; failures go back alone."""
    from chalicelib.edge import batches

    return batches.messages(event, work())


@app.on_dynamodb_record(stream_arn=OUTBOX_STREAM, batch_size=100)
def on_outbox(event: DynamoDBEvent) -> dict[str, Any]:
    """Notices to people, work to the queue."""
    from chalicelib.notices import jobs as notices_jobs

    return notices_jobs.carry_out(event.to_dict())


@app.on_dynamodb_record(stream_arn=JOURNAL_STREAM, batch_size=500)
def on_journal(event: DynamoDBEvent) -> dict[str, Any]:
    """Entries into the public log; uploads that look odd to be judged."""
    from chalicelib.record import jobs as record_jobs
    from chalicelib.signals import jobs as signals_jobs

    records = event.to_dict()
    unread = record_jobs.take_in(records)
    odd = signals_jobs.take_in(records)
    # The stream goes on from the earliest that either could not take.
    return {"batchItemFailures": [*unread["batchItemFailures"], *odd["batchItemFailures"]]}
