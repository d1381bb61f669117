"""`kezek export …`: tables out of Kezek as CSV or XLSX, saying what they hold and leave out."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from chalicelib.edge.tables import csv_file
from infra.client import Answer, Api
from infra.command import place
from infra.command.handing import Why, hand_out
from infra.command.saying import REFUSED, UNAVAILABLE, CommandFailed, say, say_json

commands = typer.Typer(
    no_args_is_help=True,
    help="Save a table as CSV (or XLSX, by the file's ending). Each export says what it holds "
    "and what it leaves out.",
)
To = Annotated[Path, typer.Argument(help="File to write: .csv or .xlsx", show_default=False)]
Url = Annotated[str | None, typer.Option(help="Address of Kezek; the local one when left out.")]
Token = Annotated[str | None, typer.Option(envvar="KEZEK_TOKEN", help="Token to use.")]
Data = Annotated[Path | None, typer.Option(help="Data folder of the local Kezek.")]
Programme = Annotated[str, typer.Option(help="Programme.")]
Area = Annotated[str, typer.Option(help="Area.")]
# Names under which entries' facts say whose child it is.
_CHILD_FACTS = ("child", "from_child", "into")
Json = Annotated[bool, typer.Option("--json", help="Say what was written for programs.")]


@commands.command("queue")
def export_queue(
    to: To,
    url: Url = None,
    data: Data = None,
    programme: Programme = "preschool",
    area: Area = "taldykorgan",
    as_json: Json = False,
) -> None:
    """The published order of a queue, by public ticket."""
    api = place.public_api(url, data)
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        found = _good(
            api.get("/v1/queue/order", programme=programme, area=area, limit=100, cursor=cursor)
        ).json()
        rows += found["lines"]
        cursor = found.get("cursor")
        if not cursor:
            break
    held = f"the order published at {found.get('as_of')}, {len(rows)} tickets"
    left_out = "persons, statuses, places where categories are shown together, who applied since"
    _write(to, rows, held, left_out, as_json)


@commands.command("register")
def export_register(
    run_id: Annotated[str, typer.Argument(help="Id of the payment run.")],
    to: To,
    url: Url = None,
    token: Token = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """The register of a payment run; the ending .xml gives the pain.001 file for the bank."""
    api = place.api(url, token, data, "finance")
    form = {".csv": "csv", ".xlsx": "xlsx", ".xml": "pain.001"}.get(to.suffix.lower())
    if form is None:
        raise CommandFailed(f"{to}: a register is .csv, .xlsx or .xml", code=2)
    answer = _good(api.get(f"/v1/payouts/runs/{run_id}", format=form))
    to.write_bytes(answer.raw)
    _told(to, None, f"payment run {run_id}", "payments of other runs", as_json)


@commands.command("statements")
def export_statements(
    site_id: Annotated[str, typer.Argument(help="Id of the kindergarten or club.")],
    month: Annotated[str, typer.Argument(help="YYYY-MM.")],
    to: To,
    url: Url = None,
    token: Token = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """The statements of a provider's month, a line per child; raised financing in its columns."""
    api = place.api(url, token, data, "finance")
    form = {".csv": "csv", ".xlsx": "xlsx"}.get(to.suffix.lower())
    if form is None:
        raise CommandFailed(f"{to}: statements are .csv or .xlsx", code=2)
    answer = _good(api.get(f"/v1/billing/sites/{site_id}/months/{month}", format=form))
    to.write_bytes(answer.raw)
    _told(to, None, f"statements of {site_id}, {month}", "names; children go by their id", as_json)


@commands.command("figures")
def export_figures(
    to: To,
    of: Annotated[
        str, typer.Option(help="Which: providers, queue, billing, payouts or budgets.")
    ] = "providers",
    url: Url = None,
    data: Data = None,
    programme: Programme = "preschool",
    area: Area = "taldykorgan",
    month: Annotated[
        str | None, typer.Option(help="YYYY-MM, for billing, payouts and budgets (its year).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Public figures: places, queue by category, units (days, lessons) and sums, budgets."""
    if of not in ("providers", "queue", "billing", "payouts", "budgets"):
        raise CommandFailed(
            f"no figures of {of!r}", hint="providers, queue, billing, payouts, budgets", code=2
        )
    api = place.public_api(url, data)
    if of == "budgets":
        if month is None:
            raise CommandFailed(
                "figures of budgets are of one year", hint="--month 2026-10", code=2
            )
        found = _good(api.get(f"/v1/budgets/{programme}/{area}/{month[:4]}/figures")).json()
        held = f"budgets of {programme}, {area}, {month[:4]}, by direction where there are any"
        _write(to, found["budgets"], held, "vouchers and persons", as_json)
        return
    if of in ("billing", "payouts") and month is None:
        raise CommandFailed(f"figures of {of} are of one month", hint="--month 2026-09", code=2)
    asked = {"programme": programme, "area": area, "month": month, "format": "csv"}
    answer = _good(api.get(f"/v1/{of}/figures", **asked))
    rows = list(csv.DictReader(io.StringIO(answer.raw.decode("utf-8-sig"))))
    left_out = "persons; groups under five are suppressed"
    _write(to, rows, f"public figures of {of}, {area}", left_out, as_json)


@commands.command("journal")
def export_journal(
    to: To,
    stream: Annotated[
        str | None, typer.Option(help="One aggregate, e.g. application/ID; all when left out.")
    ] = None,
    why: Why = "inspection",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """The journal of the local Kezek: what happened, who did it, under which rules."""
    from infra.command import inside

    cloud = place.control(data)
    rows = [
        {
            "at": entry.at,
            "event": entry.event,
            "stream": entry.stream,
            "sequence": entry.sequence,
            "by": entry.by,
            "pack": entry.pack,
            "facts": entry.facts,
        }
        for entry in inside.journal(cloud, stream)
    ]
    # Of one thing: the children its entries name; of everything: all there are.
    named = None if stream is None else _children_in(stream, rows)
    fields = ("everything",) if stream is None else ("record",)
    hand_out(cloud, "export journal", fields, why=why, children=named)
    rows.sort(key=lambda row: (row["at"], row["stream"], row["sequence"]))
    held = f"{len(rows)} entries of {stream or 'every stream'}"
    _write(
        to, rows, held, "names and numbers (they are sealed), row images, signed evidence", as_json
    )


@commands.command("tables")
def export_tables(
    to: Annotated[Path, typer.Argument(help="New folder.", show_default=False)],
    why: Why = "inspection",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """The tables facts, attendance and money as DynamoDB exports them, for `kezek audit`."""
    from infra.audit import exports

    cloud = place.control(data)
    hand_out(cloud, "export tables", ("everything",), why=why, children=None)
    try:
        told = exports.dump(to)
    except exports.NotWhole as error:
        raise CommandFailed(str(error), hint="name a folder that does not exist yet") from error
    held = ", ".join(f"{count} rows of {name}" for name, count in told.items())
    left_out = "names and numbers (they are sealed), the journal, signed evidence"
    _told(to, sum(told.values()), held, left_out, as_json)


def _children_in(stream: str, rows: list[dict[str, Any]]) -> set[str]:
    kind, _, thing = stream.partition("/")
    own = {thing.rpartition("/")[2]} if kind in ("child", "sheet") else set()
    facts = [row["facts"] for row in rows]
    return own | {str(f[name]) for f in facts for name in _CHILD_FACTS if f.get(name)}


def _good(answer: Answer) -> Answer:
    if answer.good:
        return answer
    code = UNAVAILABLE if answer.status >= 500 else REFUSED
    raise CommandFailed(answer.detail or f"Kezek answered {answer.status}", code=code)


def _write(to: Path, rows: list[dict[str, Any]], held: str, left_out: str, as_json: bool) -> None:
    headings = list(dict.fromkeys(name for row in rows for name in row))
    table = [[_cell(row.get(name)) for name in headings] for row in rows]
    if to.suffix.lower() == ".xlsx":
        _write_xlsx(to, headings, table, held, left_out)
    elif to.suffix.lower() == ".csv":
        to.write_bytes(csv_file(headings, table))
    else:
        raise CommandFailed(f"{to}: an export is .csv or .xlsx", code=2)
    _told(to, len(rows), held, left_out, as_json)


def _write_xlsx(
    to: Path, headings: list[str], table: list[list[Any]], held: str, left_out: str
) -> None:
    import xlsxwriter

    # Text stays text: nothing runs, zeros in front stay.
    book = xlsxwriter.Workbook(to, {"strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("data")
    for number, row in enumerate([headings, *table]):
        for place_in_row, cell in enumerate(row):
            if isinstance(cell, int) and not isinstance(cell, bool):
                sheet.write_number(number, place_in_row, cell)
            elif cell is not None:
                sheet.write_string(number, place_in_row, str(cell))
    about = book.add_worksheet("about")
    about.write_string(0, 0, f"Holds: {held}")
    about.write_string(1, 0, f"Leaves out: {left_out}")
    book.close()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        import json

        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return value


def _told(to: Path, rows: int | None, held: str, left_out: str, as_json: bool) -> None:
    if as_json:
        say_json({"file": str(to), "rows": rows, "holds": held, "leaves_out": left_out})
        return
    say(f"{to}: {held}")
    say(f"leaves out: {left_out}")


__all__ = ["Api", "commands"]
