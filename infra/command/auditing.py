"""`kezek audit`: a month recomputed from an export, outside Kezek, and held against the ledger."""

from __future__ import annotations

import dataclasses
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.command.saying import REFUSED, USAGE, CommandFailed, note, say, say_json

if TYPE_CHECKING:
    from infra.audit.comparing import Audit

_SHOWN = 10


def audit(
    export: Annotated[
        Path,
        typer.Argument(
            help="Folder with full exports of the tables facts, attendance and money.",
            show_default=False,
        ),
    ],
    month: Annotated[str, typer.Option(help="YYYY-MM.", show_default=False)],
    as_of: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD: the day of the export; the 28th after, if not.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processors to use; all there are.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer for programs.")] = False,
) -> None:
    """Recompute a month from signed marks to money and compare it with statements and ledger.

    Needs DuckDB (infra/audit/requirements.txt) and no running Kezek. Exit code 0: equal to the
    tiyn, and every paid day has a mark; 1: something differs, the first of it is named.
    """
    from chalicelib.kernel.periods import Month
    from chalicelib.kernel.refusals import Refusal

    try:
        of = Month.parse(month)
        today = of.next().first.replace(day=28) if as_of is None else date.fromisoformat(as_of)
    except (Refusal, ValueError) as error:
        raise CommandFailed("months are YYYY-MM, days YYYY-MM-DD", code=USAGE) from error
    try:
        from infra.audit import comparing
        from infra.audit.exports import NotWhole
        from infra.audit.recomputing import CannotPrice
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        hint = "pip install -r infra/audit/requirements.txt"
        raise CommandFailed("DuckDB is not installed here", hint=hint, code=USAGE) from error
    every = threads or os.cpu_count() or 1
    try:
        found = comparing.audit(
            export, of, today=today, threads=every, told=_silent if as_json else note
        )
    except (NotWhole, CannotPrice) as error:
        raise CommandFailed(str(error), code=USAGE) from error
    if as_json:
        say_json({**dataclasses.asdict(found), "good": found.good})
    else:
        for line in lines_of(found):
            say(line)
    if not found.good:
        raise typer.Exit(REFUSED)


def _silent(_: str) -> None:
    return None


def lines_of(found: Audit) -> list[str]:
    """Return what an audit found, as lines for a person."""
    lines = [
        f"{found.month}: {found.sites} providers, {found.children} child-months, "
        f"{found.marks} marks; {found.by_law} child-months judged one by one",
        f"due     {_tenge(found.due_tiyn)}",
        f"stated  {_tenge(found.stated_tiyn)}",
        f"booked  {_tenge(found.booked_tiyn)}",
        f"in {sum(found.seconds.values()):.1f} s: "
        + ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.seconds.items()),
    ]
    lines += _first("child-months differ", found.differing, found.differences)
    lines += _first("paid days without a mark", found.unsigned_days, found.unsigned)
    lines += _first("statements off balance", len(found.off_balance), found.off_balance)
    lines.append("equal to the tiyn" if found.good else "NOT equal")
    return lines


def _first(what: str, count: int, named: list[dict[str, Any]]) -> list[str]:
    if not count:
        return []
    rows = ["  " + ", ".join(f"{name} {value}" for name, value in row.items()) for row in named]
    more = [] if len(rows) <= _SHOWN else [f"  … {len(rows) - _SHOWN} more with --json"]
    return [f"{count} {what}:", *rows[:_SHOWN], *more]


def _tenge(tiyn: int) -> str:
    whole, rest = divmod(abs(tiyn), 100)
    return f"{'-' if tiyn < 0 else ''}{whole:,}.{rest:02d} tenge".replace(",", " ")
