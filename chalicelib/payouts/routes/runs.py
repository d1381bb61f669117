"""HTTP of payment runs: proposed, confirmed, and their files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from chalicelib.edge import tables
from chalicelib.edge.routes import Call, File
from chalicelib.kernel.periods import BadMonth, Month, from_stamp
from chalicelib.kernel.refusals import AnotherContent, Unknown
from chalicelib.payouts import actions
from chalicelib.payouts.routes.shapes import MonthText, Named, routes
from chalicelib.payouts.rules import files
from chalicelib.payouts.rules.claims import SecondPerson, SumChanged
from chalicelib.payouts.rules.files import TreasuryMissing
from chalicelib.payouts.rules.payments import (
    ControlSumOff,
    NothingReleased,
    PaymentLine,
    PaymentRun,
    RunUnconfirmed,
    RunUnfinished,
)
from chalicelib.policy.actions import NoPack


class RunAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Propose to put all released claims of an area's month on their way."""

    programme: Named
    area: Named
    month: MonthText


class ConfirmationAsked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Another person confirms over the sum they saw."""

    total_tiyn: Annotated[int, Meta(ge=1)]


class RunFormat(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Annotated[
        Literal["json", "csv", "xlsx", "pain.001"],
        Meta(description="a file holds payees' accounts"),
    ] = "json"


class PaymentSeen(msgspec.Struct, frozen=True):
    """A payee's line as it stands; names and accounts are in the files alone."""

    end_to_end_id: str
    organisation_id: str
    amount_tiyn: int
    claims: tuple[str, ...]
    state: str
    reason: str | None


class RunSeen(msgspec.Struct, frozen=True):
    """A payment run.

    state: proposed, confirmed (being made), made. planned_tiyn: the sum that is confirmed.
    hands: who stands behind it so far, of as many as the amount takes. skipped: payees without a
    line, with the code of the reason.
    """

    run_id: str
    programme: str
    area: str
    month: str
    state: Literal["proposed", "confirmed", "made"]
    planned_tiyn: int
    hands: int
    hands_needed: int
    made_at: str
    execute_on: str | None
    made: bool
    total_tiyn: int
    payments: tuple[PaymentSeen, ...]
    skipped: dict[str, str]


@routes.put(
    "/runs/{run_id}",
    action="payouts/make-run",
    asks=RunAsked,
    answers=RunSeen,
    refuses=(
        Unknown,
        NoPack,
        BadMonth,
        AnotherContent,
        NothingReleased,
        SecondPerson,
        TreasuryMissing,
    ),
)
def put_run(call: Call[RunAsked], run_id: str) -> RunSeen:
    """Propose to pay a month's released claims, one line per payee; nothing is sent yet."""
    asked = call.asked
    actions.make_run(
        run_id,
        programme=asked.programme,
        area=asked.area,
        month=Month.parse(asked.month),
        by=call.actor,
        now=call.now,
    )
    return _run(call, run_id)


@routes.put(
    "/runs/{run_id}/confirmation",
    action="payouts/confirm-run",
    asks=ConfirmationAsked,
    answers=RunSeen,
    refuses=(Unknown, NoPack, SecondPerson, SumChanged, TreasuryMissing),
)
def put_confirmation(call: Call[ConfirmationAsked], run_id: str) -> RunSeen:
    """Confirm a proposed run over its sum, by another person than proposed it; the last one pays.

    The same request goes on where it stopped.
    """
    total = call.asked.total_tiyn
    actions.confirm_run(run_id, total_tiyn=total, by=call.actor, now=call.now)
    return _run(call, run_id)


@routes.get(
    "/runs/{run_id}",
    action="payouts/see-run",
    query=RunFormat,
    answers=RunSeen,
    refuses=(Unknown, NoPack, RunUnconfirmed, RunUnfinished, NothingReleased, ControlSumOff),
)
def get_run(call: Call[None], run_id: str) -> RunSeen | File:
    """Show a payment run, or its files: format=csv, xlsx or pain.001, the same bytes each time."""
    asked: RunFormat = call.query
    if asked.format == "json":
        return _run(call, run_id)
    register = actions.register_of(run_id, by=call.actor)
    name = f"payments-{register.run_id}"
    if asked.format == "pain.001":
        return File(files.pain_001(register), "application/xml", f"{name}.xml")
    headings, rows = files.REGISTER_HEADINGS, files.register_rows(register)
    if asked.format == "csv":
        return File(tables.csv_file(headings, rows), tables.CSV_MEDIA_TYPE, f"{name}.csv")
    content = tables.xlsx_file("payments", headings, rows, made_at=from_stamp(register.made_at))
    return File(content, tables.XLSX_MEDIA_TYPE, f"{name}.xlsx")


def _run(call: Call[Any], run_id: str) -> RunSeen:
    run, lines = actions.see_run(run_id, by=call.actor)
    needed = actions.hands_of_run(run, now=call.now)
    return _shown(run, lines, needed)


def _shown(run: PaymentRun, lines: list[PaymentLine], needed: int) -> RunSeen:
    return RunSeen(
        run_id=run.run_id,
        programme=run.programme,
        area=run.area,
        month=run.month,
        state="made" if run.made else "confirmed" if run.confirmed else "proposed",
        planned_tiyn=run.planned_tiyn,
        hands=len(run.approved),
        hands_needed=needed,
        made_at=run.made_at,
        execute_on=run.execute_on or None,
        made=run.made,
        total_tiyn=run.total_tiyn,
        payments=tuple(
            PaymentSeen(
                line.end_to_end_id,
                line.organisation_id,
                line.amount_tiyn,
                line.claims,
                line.state,
                line.reason,
            )
            for line in lines
        ),
        skipped=run.skipped or {},
    )
